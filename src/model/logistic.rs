//! Logistic regression (linfa) on standardised features, its L2 penalty chosen on validation.

use super::data::{Examples, check_pair, for_each_block};
use super::network::{Network, Weights, take, to_tensor, torch_error};
use super::random::Dropout;
use super::records::Records;
use super::scaling::Standardisation;
use super::scorer::Scorer;
use super::settings::{Kind, LogisticSettings};
use super::trained::Trained;
use super::training::cross_entropy;
use crate::error::{Error, Result};
use crate::evaluation::{accuracy, best_threshold, log_loss};
use crate::monitor::{Monitor, Update};
use linfa::dataset::Records as _;
use linfa::traits::Fit;
use linfa_logistic::LogisticRegression;
use ndarray::{Array1, ArrayView2, Axis, arr1, s};
use tch::{TchError, Tensor};

/// `logit = w · x + b` on standardised features.
pub(super) struct Linear {
    /// Shape (1, inputs).
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    /// Reads `weight` and `bias`.
    pub(super) fn from_weights(weights: &Weights, inputs: usize) -> Result<Self> {
        let read = |name, shape: &[usize]| to_tensor(take(weights, name, shape)?).map_err(torch_error);
        Ok(Self { weight: read("weight", &[1, inputs])?, bias: read("bias", &[1])? })
    }
}

impl Network for Linear {
    fn logits(&self, input: &Tensor, _: &mut Dropout) -> Result<Tensor, TchError> {
        input.f_linear(&self.weight, Some(&self.bias))?.f_squeeze_dim(1)
    }
}

/// Fits one regression per penalty and keeps the one with the highest validation accuracy at 0.5 (of equals the one
/// with the lower validation log loss, then the earlier in the settings).
///
/// The penalty is on the summed loss, as linfa has it: scikit-learn's `C` is `1 / alpha`. Penalties are solved from the
/// strongest to the weakest, each from the solution of the one before. linfa neither tells of its progress nor stops
/// when asked, so it is given a few iterations at a time.
///
/// # Errors
/// Settings out of range; splits that do not fit together, hold one class or values that are not finite; no penalty
/// for which linfa found a solution; more samples and features than memory can be asked for;
/// [`crate::error::ErrorKind::Stopped`].
pub fn train_logistic<'a>(
    train: impl Into<Examples<'a>>,
    val: impl Into<Examples<'a>>,
    settings: &LogisticSettings,
    monitor: &dyn Monitor,
) -> Result<Trained> {
    settings.check()?;
    let (train, val) = (train.into(), val.into());
    check_pair(&train, &val)?;
    let scaling = Standardisation::of_split(&train, "training", monitor)?;
    for_each_block(val.rows, "validation", monitor, |_, _| Ok(()))?;

    let records = Records::of(&train, &scaling, monitor)?;
    let mut solver = Solver::new(&records, train.positive, settings.max_iterations)?;
    let mut order: Vec<usize> = (0..settings.alphas.len()).collect();
    order.sort_by(|&a, &b| settings.alphas[b].total_cmp(&settings.alphas[a]));
    let mut best: Option<Candidate> = None;
    for index in order {
        let alpha = settings.alphas[index];
        let Some(solution) = solver.solve(alpha, monitor)? else {
            continue;
        };
        let weight = records.weights(&solution.weight, &train, &scaling, monitor)?;
        let candidate = Candidate::measure(index, weight, solution.bias, &scaling, &val, monitor)?;
        monitor.update(Update::Trial {
            index,
            of: settings.alphas.len(),
            setting: format!("alpha {alpha}"),
            val_accuracy: candidate.val_accuracy,
            val_loss: candidate.val_loss,
        });
        if best.as_ref().is_none_or(|best| candidate.better_than(best)) {
            best = Some(candidate);
        }
    }
    let best =
        best.ok_or_else(|| Error::failed("linfa found no solution for any penalty; try larger ones with --alphas"))?;

    let mut chosen = serde_json::to_value(settings).map_err(|error| Error::failed(error.to_string()))?;
    chosen["alpha"] = settings.alphas[best.index].into();
    let width = train.rows.width();
    let scorer = Scorer::new(Kind::Logistic, &best.weights, width)?;
    Ok(Trained {
        kind: Kind::Logistic,
        settings: chosen,
        history: Vec::new(),
        best_epoch: 0,
        epochs_run: 0,
        threshold: best_threshold(&best.val_scores, val.positive),
        train_scores: scorer.scores(train.rows, monitor)?,
        val_scores: best.val_scores,
        params: width + 1,
        weights: best.weights,
        last_weights: None,
    })
}

/// A solution with its figures on the validation split.
struct Candidate {
    index: usize,
    weights: Weights,
    val_scores: Vec<f64>,
    val_accuracy: f64,
    val_loss: f64,
}

impl Candidate {
    fn measure(
        index: usize,
        weight: Array1<f32>,
        bias: f32,
        scaling: &Standardisation,
        val: &Examples,
        monitor: &dyn Monitor,
    ) -> Result<Self> {
        let width = weight.len();
        let weight = weight.insert_axis(Axis(0));
        let mut weights =
            Weights::from([("weight".to_owned(), weight.into_dyn()), ("bias".to_owned(), arr1(&[bias]).into_dyn())]);
        scaling.put_into(&mut weights);
        let val_scores = Scorer::new(Kind::Logistic, &weights, width)?.scores(val.rows, monitor)?;
        Ok(Self {
            index,
            weights,
            val_accuracy: accuracy(&val_scores, val.positive, 0.5),
            val_loss: log_loss(&val_scores, val.positive),
            val_scores,
        })
    }

    fn better_than(&self, other: &Self) -> bool {
        self.val_accuracy
            .total_cmp(&other.val_accuracy)
            .then_with(|| other.val_loss.total_cmp(&self.val_loss))
            .then_with(|| other.index.cmp(&self.index))
            .is_gt()
    }
}

/// linfa on some records, penalty after penalty.
struct Solver<'a> {
    dataset: Dataset<'a>,
    max_iterations: u64,
    /// linfa's parameters of the last solution, the intercept last; oriented as linfa orients them.
    params: Array1<f32>,
}

type Dataset<'a> = linfa::DatasetBase<ArrayView2<'a, f32>, Array1<bool>>;

/// A solution on the records, oriented so that positive logits mean class 1.
struct Solution {
    weight: Array1<f32>,
    bias: f32,
}

/// Iterations that linfa makes before it is looked at again. Each time it forgets the curvature it has learned, so
/// they must not be few; this many take about a second on the largest records of the study.
const ITERATIONS_AT_ONCE: u64 = 50;

/// A gradient of the summed loss with no component larger than this, per sample, is at the optimum.
const AT_OPTIMUM: f32 = 1e-6;

/// A solution counts as converged with a gradient of the mean loss below this: scikit-learn's default `tol`.
const CONVERGED: f32 = 1e-4;

impl<'a> Solver<'a> {
    fn new(records: &'a Records, positive: &[bool], max_iterations: u64) -> Result<Self> {
        let rows = records.rows();
        let params = Array1::zeros(rows.ncols() + 1);
        Ok(Self { dataset: Dataset::new(rows, Array1::from(positive.to_vec())), max_iterations, params })
    }

    /// The solution for one penalty; none, with a note, where linfa finds none.
    fn solve(&mut self, alpha: f64, monitor: &dyn Monitor) -> Result<Option<Solution>> {
        let mut params = self.params.clone();
        let mut sign = None;
        let mut steepest = f32::INFINITY;
        let mut loss = f64::INFINITY;
        let mut done = 0;
        while done < self.max_iterations {
            if monitor.stopped() {
                return Err(Error::stopped());
            }
            let now = ITERATIONS_AT_ONCE.min(self.max_iterations - done);
            let fitted = LogisticRegression::<f32>::default()
                .alpha(alpha as f32)
                .max_iterations(now)
                .gradient_tolerance(AT_OPTIMUM * self.dataset.nsamples() as f32)
                .initial_params(params.clone())
                .fit(&self.dataset);
            done += now;
            let fitted = match fitted {
                Ok(fitted) => fitted,
                // At the optimum its line search finds no way down, which it calls an error.
                Err(_) if sign.is_some() => break,
                Err(error) => {
                    let text = format!("linfa found no solution with alpha {alpha}: {error}");
                    monitor.update(Update::Note { text });
                    return Ok(None);
                }
            };
            params.slice_mut(s![..-1]).assign(fitted.params());
            params[fitted.params().len()] = fitted.intercept();
            // linfa calls the more frequent class positive, whatever its label.
            let orientation = if fitted.labels().pos.class { 1.0 } else { -1.0 };
            sign = Some(orientation);
            let before = loss;
            (loss, steepest) = self.loss_and_steepness(&params, orientation, alpha);
            monitor.update(Update::Progress {
                done,
                total: self.max_iterations,
                unit: format!("iterations with alpha {alpha}, loss {:.5}", loss / self.dataset.nsamples() as f64),
                rate: 0.0,
                remaining: None,
            });
            // The second: what is left is below what f32 can tell apart.
            if steepest <= AT_OPTIMUM * self.dataset.nsamples() as f32 || before - loss <= 1e-7 * loss {
                break;
            }
        }
        if steepest > CONVERGED * self.dataset.nsamples() as f32 {
            let text = format!("alpha {alpha}: not yet at the optimum after {done} iterations (--max-iterations)");
            monitor.update(Update::Note { text });
        }
        let Some(sign) = sign else {
            return Ok(None);
        };
        let weight = params.slice(s![..-1]).mapv(|value| value * sign);
        let bias = params[params.len() - 1] * sign;
        if weight.iter().chain([&bias]).any(|value| !value.is_finite()) {
            monitor.update(Update::Note { text: format!("linfa's solution with alpha {alpha} is not finite") });
            return Ok(None);
        }
        self.params = params;
        Ok(Some(Solution { weight, bias }))
    }

    /// The penalised summed loss, and the largest component of its gradient.
    fn loss_and_steepness(&self, params: &Array1<f32>, sign: f32, alpha: f64) -> (f64, f32) {
        let (weight, bias) = (params.slice(s![..-1]), params[params.len() - 1]);
        let logits = self.dataset.records().dot(&weight) + bias;
        let targets = self.dataset.targets();
        let mut loss = 0.5 * alpha * weight.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>();
        let mut residual = Array1::<f32>::zeros(logits.len());
        for ((residual, &logit), &positive) in residual.iter_mut().zip(&logits).zip(targets) {
            let logit = f64::from(logit * sign);
            loss += cross_entropy(logit, positive);
            *residual = (1.0 / (1.0 + (-logit).exp()) - f64::from(u8::from(positive))) as f32 * sign;
        }
        let gradient = self.dataset.records().t().dot(&residual) + weight.mapv(|value| value * alpha as f32);
        (loss, gradient.iter().chain([&residual.sum()]).fold(0.0, |largest, value| value.abs().max(largest)))
    }
}
