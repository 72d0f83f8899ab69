//! Logistic regression (linfa) on standardised features, its L2 penalty chosen on validation.

use crate::backbone::Pool;
use crate::features::StoreIdentity;
use crate::model::blas::remembering;
use crate::model::data::{Examples, check_pair, for_each_block};
use crate::model::kind::ModelKind;
use crate::model::network::{Network, Weights, take, to_tensor, torch_error};
use crate::model::random::Dropout;
use crate::model::records::Records;
use crate::model::rows::{Prepared, TrainingRows};
use crate::model::scaling::Standardisation;
use crate::model::scorer::Scorer;
use crate::model::trained::Trained;
use crate::model::training::cross_entropy;
use crate::model::{Checkpoints, ModelSpec};
use crate::model::{Kind, LogisticSettings};
use faceprobe_core::dataset::thousands;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::evaluation::Calibration;
use faceprobe_core::evaluation::{accuracy, best_threshold, log_loss};
use faceprobe_core::monitor::{Monitor, Update};
use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_logistic::LogisticRegression;
use ndarray::{Array1, ArrayView2, Axis, CowArray, Ix2, arr1, s};
use tch::{TchError, Tensor};

/// `logit = w · x + b` on standardised features.
pub(in crate::model) struct Linear {
    /// Shape (1, inputs).
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    /// Reads `weight` and `bias`.
    pub(in crate::model) fn from_weights(weights: &Weights, inputs: usize) -> Result<Self> {
        let read = |name, shape: &[usize]| to_tensor(take(weights, name, shape)?).map_err(torch_error);
        Ok(Self { weight: read("weight", &[1, inputs])?, bias: read("bias", &[1])? })
    }
}

impl Network for Linear {
    fn logits(&self, input: &Tensor, _: &mut Dropout) -> Result<Tensor, TchError> {
        input.f_linear(&self.weight, Some(&self.bias))?.f_squeeze_dim(1)
    }
}

/// Implements logistic regression.
pub(in crate::model) struct Logistic;

/// Its registry entry.
pub(in crate::model) const TRAINING: &dyn ModelKind = &Logistic;

impl ModelKind for Logistic {
    fn train<'a>(
        &self,
        spec: &ModelSpec,
        rows: &'a Prepared<'_>,
        _: &Checkpoints,
        monitor: &dyn Monitor,
    ) -> Result<(Trained, TrainingRows<'a>)> {
        let (train, val) = rows.features(monitor)?;
        let trained = train_logistic(train.examples()?, val.examples()?, spec.settings()?, monitor)?;
        Ok((trained, TrainingRows::of(train, val)))
    }

    fn scorer(&self, weights: &Weights, input: &StoreIdentity) -> Result<Scorer> {
        Scorer::of_features(Linear::from_weights(weights, input.width)?, weights, input.width)
    }

    fn calibrate(&self, scores: &[f64], positive: &[bool]) -> Option<Calibration> {
        Calibration::platt(scores, positive)
    }

    fn is_explained_exactly(&self, pool: Option<Pool>) -> bool {
        pool == Some(Pool::Avg)
    }
}

/// Fits one regression per penalty and keeps the one with the highest validation accuracy at 0.5 (ties: lower
/// validation log loss, then the order of the settings).
///
/// The penalty applies to the summed loss, as in linfa: scikit-learn's `C` is `1 / alpha`. Penalties are solved from
/// the strongest to the weakest, each starting from the previous solution. linfa has no callback for progress and stop
/// requests, so it runs a few iterations at a time.
///
/// # Errors
/// Settings out of range; splits that do not fit together, have one class or non-finite values; no penalty for which
/// linfa found a solution; more samples and features than fit in memory; [`faceprobe_core::error::ErrorKind::Stopped`].
pub fn train_logistic<'a>(
    train: impl Into<Examples<'a>>,
    val: impl Into<Examples<'a>>,
    settings: &LogisticSettings,
    monitor: &dyn Monitor,
) -> Result<Trained> {
    faceprobe_settings::check(settings)?;
    let (train, val) = (train.into(), val.into());
    check_pair(&train, &val)?;
    let scaling = Standardisation::of_split(&train, "training", monitor)?;
    for_each_block(val.rows, "validation", monitor, |_, _| Ok(()))?;

    let records = Records::of(&train, &scaling, monitor)?;
    let mut solver = Solver::new(&records, train.positive, settings.max_iterations);
    let mut order: Vec<usize> = (0..settings.alphas.len()).collect();
    order.sort_by(|&a, &b| settings.alphas[b].total_cmp(&settings.alphas[a]));
    let mut best: Option<Candidate> = None;
    for index in order {
        let alpha = settings.alphas[index];
        let Some(solution) = solver.solve(alpha, monitor)? else {
            continue;
        };
        let weight = records.weights(&solution.weight, &train, &scaling, monitor)?;
        let candidate = Candidate::measure(index, weight, solution.bias as f32, &scaling, &val, monitor)?;
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
    let scorer = Scorer::of_features(Linear::from_weights(&best.weights, width)?, &best.weights, width)?;
    Ok(Trained {
        kind: Kind::LOGISTIC,
        settings: chosen,
        history: Vec::new(),
        best_epoch: 0,
        finished: true,
        stopped: false,
        epochs_run: 0,
        threshold: best_threshold(&best.val_scores, val.positive),
        train_scores: scorer.scores(train.rows, monitor)?,
        val_scores: best.val_scores,
        params: width + 1,
        weights: best.weights,
        last_weights: None,
    })
}

/// A solution with its validation figures.
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
        let val_scores =
            Scorer::of_features(Linear::from_weights(&weights, width)?, &weights, width)?.scores(val.rows, monitor)?;
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

/// Runs linfa on some records, penalty after penalty.
///
/// Most iterations run in f32. But the loss is a sum over all samples, and its resolution in f32 leaves coefficients
/// some thousandths from the optimum; so the last iterations, which are few, run in f64.
struct Solver<'a> {
    records: &'a Records,
    /// The records in f64, once they are needed.
    precise: Option<CowArray<'a, f64, Ix2>>,
    targets: Array1<bool>,
    max_iterations: u64,
    /// linfa's parameters of the last solution, the intercept last, in linfa's orientation.
    params: Array1<f64>,
}

/// A solution on the records, oriented so that positive logits mean class 1.
struct Solution {
    weight: Array1<f64>,
    bias: f64,
}

/// The quality of a solution.
#[derive(Clone, Copy)]
struct Quality {
    /// The penalised summed loss.
    loss: f64,
    /// The maximum norm of its gradient.
    steepest: f64,
}

/// Values that linfa processes per call, about a second's work (twice for each point it tries). Each call discards the
/// curvature estimate, so calls must not have too few iterations.
const NUMBERS_AT_ONCE: usize = 8 << 30;

/// The fewest iterations per call.
const FEWEST_AT_ONCE: usize = 100;

/// Tolerance of the gradient norm of the mean loss in f32; it is often not reached, and then a failed line search ends
/// the phase.
const NEAR_OPTIMUM: f64 = 1e-4;

/// Gradient norm of the mean loss at which a solution is optimal.
const AT_OPTIMUM: f64 = 5e-5;

/// A solution counts as converged with a gradient of the mean loss below this: scikit-learn's default `tol`.
const CONVERGED: f64 = 1e-4;

impl<'a> Solver<'a> {
    fn new(records: &'a Records, positive: &[bool], max_iterations: u64) -> Self {
        let params = Array1::zeros(records.rows().ncols() + 1);
        Self { records, precise: None, targets: Array1::from(positive.to_vec()), max_iterations, params }
    }

    /// The solution for one penalty; none, with a note, where linfa finds none.
    fn solve(&mut self, alpha: f64, monitor: &dyn Monitor) -> Result<Option<Solution>> {
        let rows = self.records.rows();
        let samples = rows.nrows() as f64;
        let mut params = self.params.clone();
        let mut sign = None;
        let mut standing = Quality { loss: f64::INFINITY, steepest: f64::INFINITY };
        let mut done = 0;
        let mut precise = false;
        let lower = self.records.factor().is_some();
        // Half, for a triangular matrix.
        let numbers = if lower { rows.len() } else { 2 * rows.len() };
        let at_once = (NUMBERS_AT_ONCE / numbers.max(1)).max(FEWEST_AT_ONCE) as u64;
        while done < self.max_iterations {
            if monitor.stopped() {
                return Err(Error::stopped());
            }
            let now = at_once.min(self.max_iterations - done);
            let tolerance = samples * if precise { AT_OPTIMUM } else { NEAR_OPTIMUM };
            let task = Task { targets: &self.targets, alpha, iterations: now, tolerance, lower };
            let fitted = if precise {
                let made = || self.records.factor().map_or_else(|| rows.mapv(f64::from).into(), CowArray::from);
                fit_f64(self.precise.get_or_insert_with(made).view(), &params, &task)
            } else {
                fit_f32(rows, &params, &task)
            };
            done += now;
            match fitted {
                Ok((found, orientation)) => {
                    params = found;
                    sign = Some(orientation);
                }
                // At the optimum, or at the precision of f32, its line search finds no descent and returns an error.
                Err(_) if sign.is_some() && !precise => precise = true,
                Err(_) if sign.is_some() => break,
                Err(text) => {
                    let text = format!("linfa found no solution with alpha {alpha}: {text}");
                    monitor.update(Update::Note { text });
                    return Ok(None);
                }
            }
            let before = standing.loss;
            standing = self.standing(&params, sign.unwrap_or(1.0), alpha);
            monitor.update(Update::Progress {
                done,
                total: self.max_iterations,
                unit: format!("iterations with alpha {alpha}, loss {:.6}", standing.loss / samples),
                rate: 0.0,
                remaining: None,
            });
            let gained = before - standing.loss;
            match precise {
                false if standing.steepest <= CONVERGED * samples || gained <= 1e-6 * standing.loss => precise = true,
                true if standing.steepest <= AT_OPTIMUM * samples || gained <= 1e-12 * standing.loss => break,
                _ => {}
            }
        }
        if standing.steepest > CONVERGED * samples {
            let text = format!("alpha {alpha}: did not converge in {} iterations", thousands(done as usize));
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

    fn standing(&self, params: &Array1<f64>, sign: f64, alpha: f64) -> Quality {
        let (weight, bias) = (params.slice(s![..-1]), params[params.len() - 1]);
        let logits = match &self.precise {
            Some(rows) => rows.dot(&weight),
            None => self.records.rows().dot(&weight.mapv(|value| value as f32)).mapv(f64::from),
        };
        let mut loss = 0.5 * alpha * weight.dot(&weight);
        let mut residual = Array1::<f64>::zeros(logits.len());
        for ((residual, &logit), &positive) in residual.iter_mut().zip(&logits).zip(&self.targets) {
            let logit = (logit + bias) * sign;
            loss += cross_entropy(logit, positive);
            *residual = (1.0 / (1.0 + (-logit).exp()) - f64::from(u8::from(positive))) * sign;
        }
        let mut gradient = match &self.precise {
            Some(rows) => rows.t().dot(&residual),
            None => self.records.rows().t().dot(&residual.mapv(|value| value as f32)).mapv(f64::from),
        };
        gradient.scaled_add(alpha, &weight);
        let steepest = gradient.iter().chain([&residual.sum()]).fold(0.0f64, |most, value| value.abs().max(most));
        Quality { loss, steepest }
    }
}

/// The arguments of a call of linfa.
struct Task<'a> {
    targets: &'a Array1<bool>,
    alpha: f64,
    iterations: u64,
    /// Tolerance of the gradient of the summed loss.
    tolerance: f64,
    /// Whether the rows are lower triangular.
    lower: bool,
}

// Two functions for f32 and f64: linfa's float bound is private, so a generic one is impossible.
macro_rules! fit {
    ($name:ident, $number:ty) => {
        /// Runs some iterations from `params` on; returns the new parameters, and 1 if linfa's positive class is class
        /// 1, else -1.
        fn $name(rows: ArrayView2<$number>, params: &Array1<f64>, task: &Task) -> Result<(Array1<f64>, f64), String> {
            let dataset = DatasetBase::new(rows, task.targets.clone());
            let settings = LogisticRegression::<$number>::default()
                .alpha(task.alpha as $number)
                .max_iterations(task.iterations)
                .gradient_tolerance(task.tolerance as $number)
                .initial_params(params.mapv(|value| value as $number));
            let fitted = remembering(rows.to_slice().unwrap_or_default(), task.lower, || settings.fit(&dataset))
                .map_err(|error| error.to_string())?;
            let found = fitted.params().iter().chain([&fitted.intercept()]).map(|&value| f64::from(value)).collect();
            // linfa calls the more frequent class positive, whatever its label.
            Ok((found, if fitted.labels().pos.class { 1.0 } else { -1.0 }))
        }
    };
}

fit!(fit_f32, f32);
fit!(fit_f64, f64);
