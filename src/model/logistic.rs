//! Logistic regression (linfa) on standardised features, its L2 penalty chosen on validation.

use super::data::{LabelledRows, check_finite, check_pair};
use super::network::{Network, Weights, take, to_tensor, torch_error};
use super::random::Dropout;
use super::scaling::Standardisation;
use super::scorer::Scorer;
use super::settings::{Kind, LogisticSettings};
use super::trained::Trained;
use crate::error::{Error, Result};
use crate::evaluation::{accuracy, best_threshold, log_loss};
use crate::monitor::{Monitor, Update};
use linfa::Dataset;
use linfa::traits::Fit;
use linfa_logistic::LogisticRegression;
use ndarray::{Array1, Array2, Axis, ShapeBuilder, arr1};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;
use tch::{TchError, Tensor};

/// How often a waiting thread looks whether it should stop.
const STOP_CHECK: Duration = Duration::from_millis(50);

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

/// What linfa found for one penalty, oriented so that positive logits mean class 1.
struct Solution {
    index: usize,
    weight: Array1<f32>,
    bias: f32,
}

/// Fits one regression per penalty and keeps the one with the highest validation accuracy at 0.5 (of equals the one
/// with the lower validation log loss, then the earlier in the settings).
///
/// The penalty is on the summed loss, as linfa has it: scikit-learn's `C` is `1 / alpha`. linfa cannot be interrupted,
/// so it works on a thread of its own: a stop is answered at once and the thread ends after the penalty at hand.
///
/// # Errors
/// Settings out of range; splits that do not fit together, hold one class or values that are not finite; no penalty
/// for which linfa found a solution; [`crate::error::ErrorKind::Stopped`].
pub fn train_logistic(
    train: &LabelledRows,
    val: &LabelledRows,
    settings: &LogisticSettings,
    monitor: &dyn Monitor,
) -> Result<Trained> {
    settings.check()?;
    check_pair(train, val)?;
    check_finite(train, "training")?;
    check_finite(val, "validation")?;
    let scaling = Standardisation::of(train.x());

    let mut best: Option<Candidate> = None;
    solve_all(train, &scaling, settings, monitor, &mut |solution| {
        let candidate = Candidate::measure(solution, &scaling, val)?;
        monitor.update(Update::Trial {
            index: candidate.index,
            of: settings.alphas.len(),
            setting: format!("alpha {}", settings.alphas[candidate.index]),
            val_accuracy: candidate.val_accuracy,
            val_loss: candidate.val_loss,
        });
        if best.as_ref().is_none_or(|best| candidate.better_than(best)) {
            best = Some(candidate);
        }
        Ok(())
    })?;
    let best =
        best.ok_or_else(|| Error::failed("linfa found no solution for any penalty; try larger ones with --alphas"))?;

    let mut chosen = serde_json::to_value(settings).map_err(|error| Error::failed(error.to_string()))?;
    chosen["alpha"] = settings.alphas[best.index].into();
    let scorer = Scorer::new(Kind::Logistic, &best.weights, train.width())?;
    Ok(Trained {
        kind: Kind::Logistic,
        settings: chosen,
        history: Vec::new(),
        best_epoch: 0,
        epochs_run: 0,
        threshold: best_threshold(&best.val_scores, val.y()),
        train_scores: scorer.scores_f32(train.x())?,
        val_scores: best.val_scores,
        params: train.width() + 1,
        weights: best.weights,
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
    fn measure(solution: Solution, scaling: &Standardisation, val: &LabelledRows) -> Result<Self> {
        let width = solution.weight.len();
        let weight = solution.weight.insert_axis(Axis(0));
        let mut weights = Weights::from([
            ("weight".to_owned(), weight.into_dyn()),
            ("bias".to_owned(), arr1(&[solution.bias]).into_dyn()),
        ]);
        scaling.put_into(&mut weights);
        let val_scores = Scorer::new(Kind::Logistic, &weights, width)?.scores_f32(val.x())?;
        Ok(Self {
            index: solution.index,
            weights,
            val_accuracy: accuracy(&val_scores, val.y(), 0.5),
            val_loss: log_loss(&val_scores, val.y()),
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

/// Runs linfa for every penalty on a thread and hands over each solution as it comes.
fn solve_all(
    train: &LabelledRows,
    scaling: &Standardisation,
    settings: &LogisticSettings,
    monitor: &dyn Monitor,
    found: &mut dyn FnMut(Solution) -> Result<()>,
) -> Result<()> {
    // Column by column in memory: linfa multiplies by the transpose most, and this makes a fit four times faster.
    let mut records = Array2::zeros((train.len(), train.width()).f());
    records.assign(&train.x());
    scaling.apply(&mut records);
    let dataset = Dataset::new(records, Array1::from(train.y().to_vec()));
    let given_up = Arc::new(AtomicBool::new(false));
    let (sender, receiver) = mpsc::channel();
    let worker = {
        let (given_up, settings) = (Arc::clone(&given_up), settings.clone());
        std::thread::Builder::new().name("linfa".into()).spawn(move || {
            for (index, &alpha) in settings.alphas.iter().enumerate() {
                if given_up.load(Ordering::Relaxed) || sender.send(solve(&dataset, index, alpha, &settings)).is_err() {
                    return;
                }
            }
        })
    }
    .map_err(|error| Error::failed(format!("no thread for the logistic regression: {error}")))?;
    loop {
        if monitor.stopped() {
            given_up.store(true, Ordering::Relaxed);
            return Err(Error::stopped());
        }
        match receiver.recv_timeout(STOP_CHECK) {
            Ok(Ok(solution)) => found(solution)?,
            Ok(Err(text)) => monitor.update(Update::Note { text }),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    worker.join().map_err(|_| Error::failed("linfa failed inside the logistic regression; the run's log says where"))
}

fn solve(
    dataset: &Dataset<f32, bool, ndarray::Ix1>,
    index: usize,
    alpha: f64,
    settings: &LogisticSettings,
) -> Result<Solution, String> {
    let fitted = LogisticRegression::<f32>::default()
        .alpha(alpha as f32)
        .max_iterations(settings.max_iterations)
        .gradient_tolerance(1e-4)
        .fit(dataset)
        .map_err(|error| format!("linfa found no solution with alpha {alpha}: {error}"))?;
    // linfa calls the more frequent class positive, whatever its label.
    let sign = if fitted.labels().pos.class { 1.0 } else { -1.0 };
    Ok(Solution { index, weight: fitted.params() * sign, bias: fitted.intercept() * sign })
}
