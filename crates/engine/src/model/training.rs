//! The training loop of the dense head, the benchmark and fine-tuning.

use super::Schedule;
use super::checkpoint::{Checkpoints, Progress, Restored};
use super::random::{Dropout, epoch_order};
use faceprobe_core::error::{Error, ErrorKind, Result};
use faceprobe_core::monitor::{EpochFigures, Monitor, Update, Validated};
use std::time::Instant;

/// The hyperparameters of the loop.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) epochs: usize,
    pub(super) batch: usize,
    pub(super) learning_rate: f64,
    pub(super) schedule: Schedule,
    pub(super) dropout: f64,
    pub(super) patience: Option<usize>,
    pub(super) seed: u64,
}

/// A model that is trained in batches.
pub(super) trait Learner {
    /// Number of training samples.
    fn samples(&self) -> usize;

    /// Called before an epoch, counted from 1, of `_of`.
    fn begin(&mut self, _epoch: usize, _of: usize) {}

    /// Takes one step on the given training samples, `step` counted from 1.
    fn train_step(&mut self, rows: &[usize], dropout: &mut Dropout, step: u64, rate: f64) -> Result<Figures>;

    /// Evaluates the validation split.
    fn measure(&mut self, stopped: &dyn Fn() -> bool) -> Result<Validated>;

    /// The parameters.
    fn parameters(&self) -> Vec<&[f32]>;

    /// The parameters that [`Learner::measure`] evaluates and that are kept of the best epoch.
    fn measured(&self) -> Vec<&[f32]> {
        self.parameters()
    }

    /// Sets the parameters.
    fn set_parameters(&mut self, parameters: &[Vec<f32>]) -> Result<()>;

    /// The optimizer state.
    fn optimizer_state(&self) -> Vec<&[f32]>;

    /// Sets the optimizer state.
    fn set_optimizer_state(&mut self, state: &[Vec<f32>]) -> Result<()>;
}

/// The figures of a batch, before its step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Figures {
    /// Mean binary cross-entropy.
    pub(super) loss: f64,
    /// Samples classified correctly at probability 0.5.
    pub(super) correct: usize,
}

impl Figures {
    pub(super) fn of(logits: &[f32], positive: &[bool]) -> Self {
        let cases = || logits.iter().zip(positive);
        let loss: f64 = cases().map(|(&logit, &positive)| cross_entropy(f64::from(logit), positive)).sum();
        let correct = cases().filter(|&(&logit, &positive)| (logit >= 0.0) == positive).count();
        Self { loss: loss / logits.len() as f64, correct }
    }
}

/// The result of the loop. The learner has the parameters of the last epoch.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) history: Vec<EpochFigures>,
    pub(super) best_epoch: usize,
    /// The parameters of the best epoch.
    pub(super) best: Vec<Vec<f32>>,
    /// False if epochs are left, because of a session's limit or a stop.
    pub(super) finished: bool,
    /// The user stopped it in the epoch after the last of the history; the learner has the parameters of that moment.
    pub(super) stopped: bool,
}

/// Runs the training loop.
///
/// Each epoch visits all training samples once in an order drawn from the seed, in batches of `plan.batch` (the last
/// one may be smaller), with binary cross-entropy on logits, then evaluates the validation split. The best epoch is the
/// one with the highest validation accuracy at 0.5; ties go to the lower validation loss, then to the earlier epoch.
/// With patience p, the training ends after p consecutive epochs without a higher validation accuracy. The same inputs,
/// plan and thread count give the same results.
///
/// With `checkpoints`, it resumes from the last checkpoint, if there is one, with the same result as without the
/// interruption, and writes checkpoints at intervals and at the end of a session. They can also name the epoch to keep,
/// with which the training then ends.
///
/// A stop ends it with the result of the finished epochs.
///
/// # Errors
/// A stop before the first epoch was finished, a loss that is not finite, an error of the learner.
pub(super) fn fit(
    learner: &mut dyn Learner,
    plan: &Plan,
    checkpoints: Option<&Checkpoints>,
    monitor: &dyn Monitor,
) -> Result<Course> {
    let mut progress = match checkpoints.map_or(Ok(Restored::Nothing), |checkpoints| checkpoints.restore(learner))? {
        Restored::Nothing => Progress::default(),
        Restored::Progress(progress) => progress,
        Restored::Unusable(text) => {
            monitor.update(Update::Note { text });
            Progress::default()
        }
    };
    if let Some(last) = progress.history.last() {
        let text = format!("resumed after epoch {} from a checkpoint", last.epoch);
        monitor.update(Update::Note { text });
    }
    // Where the epoch to keep is fixed, the validation split is trained on and evaluates nothing.
    let validates = checkpoints.is_none_or(Checkpoints::validates);
    let planned = checkpoints.map_or(plan.epochs, |checkpoints| checkpoints.planned(plan.epochs));
    let asked_for = checkpoints.and_then(Checkpoints::limit).map_or(planned, |limit| limit.min(planned));
    let mut stopped = false;
    while progress.history.len() < asked_for && !out_of_patience(plan, &progress) {
        let epoch = progress.history.len() + 1;
        let started = Instant::now();
        learner.begin(epoch, planned);
        let trained = train_epoch(learner, plan, epoch, monitor).and_then(|figures| {
            let validated = if validates { Some(learner.measure(&|| monitor.stopped())?) } else { None };
            Ok((figures, validated))
        });
        let ((train_loss, train_accuracy), validated) = match trained {
            Ok(trained) => trained,
            Err(error) if error.kind() == ErrorKind::Stopped && progress.best_epoch > 0 => {
                stopped = true;
                break;
            }
            Err(error) if error.kind() == ErrorKind::Stopped => {
                return Err(Error::stopped_with("Stopped before the first epoch was done, so there is no model."));
            }
            Err(error) => return Err(error),
        };
        if validated.is_some_and(|validated| !validated.loss.is_finite()) {
            return Err(not_a_number(epoch));
        }
        let seconds = started.elapsed().as_secs_f64();
        let figures = EpochFigures { epoch, epochs: planned, train_loss, train_accuracy, validated, seconds };
        if progress.takes(figures) {
            keep(&mut progress.best, learner.measured());
        }
        monitor.update(Update::Epoch(figures));
        if let Some(checkpoints) = checkpoints {
            checkpoints.epoch_ended(learner, &progress)?;
        }
    }
    let finished = progress.history.len() >= planned || out_of_patience(plan, &progress);
    // In the middle of an epoch there is no state to resume from: the last checkpoint stays.
    if let (Some(checkpoints), false, false) = (checkpoints, finished, stopped) {
        checkpoints.write(learner, &progress)?;
    }
    let best_epoch = progress.best_epoch;
    if best_epoch == 0 {
        return Err(Error::usage("--epochs must be at least 1"));
    }
    Ok(Course { history: progress.history, best_epoch, best: progress.best, finished, stopped })
}

fn out_of_patience(plan: &Plan, progress: &Progress) -> bool {
    plan.patience.is_some_and(|patience| progress.history.len() >= progress.last_gain + patience)
        && !progress.history.is_empty()
}

/// Copies values into a buffer that usually has their size already.
fn keep(place: &mut Vec<Vec<f32>>, numbers: Vec<&[f32]>) {
    place.resize(numbers.len(), Vec::new());
    for (place, numbers) in place.iter_mut().zip(numbers) {
        place.clear();
        place.extend_from_slice(numbers);
    }
}

/// One pass over the training split; returns mean loss and accuracy during training.
fn train_epoch(learner: &mut dyn Learner, plan: &Plan, epoch: usize, monitor: &dyn Monitor) -> Result<(f64, f64)> {
    let mut dropout = Dropout::for_epoch(plan.dropout, plan.seed, epoch);
    let (mut loss_sum, mut correct) = (0.0, 0usize);
    let order = epoch_order(plan.seed, epoch, learner.samples());
    let batches = order.len().div_ceil(plan.batch);
    for (batch, rows) in order.chunks(plan.batch).enumerate() {
        if monitor.stopped() {
            return Err(Error::stopped());
        }
        let done = (epoch - 1) * batches + batch;
        let rate = plan.learning_rate * plan.schedule.share(done, batches, plan.epochs);
        let figures = learner.train_step(rows, &mut dropout, done as u64 + 1, rate)?;
        if !figures.loss.is_finite() {
            return Err(not_a_number(epoch));
        }
        loss_sum += figures.loss * rows.len() as f64;
        correct += figures.correct;
    }
    let n = order.len() as f64;
    Ok((loss_sum / n, correct as f64 / n))
}

/// The validation figures of these logits.
pub(super) fn validated(logits: &[f64], positive: &[bool]) -> Validated {
    let n = logits.len() as f64;
    let cases = || logits.iter().zip(positive);
    let loss: f64 = cases().map(|(&logit, &positive)| cross_entropy(logit, positive)).sum();
    let correct = cases().filter(|&(&logit, &positive)| (logit >= 0.0) == positive).count();
    Validated { loss: loss / n, accuracy: correct as f64 / n }
}

/// Binary cross-entropy of one logit, in the numerically stable form.
pub(super) fn cross_entropy(logit: f64, positive: bool) -> f64 {
    let signed = if positive { -logit } else { logit };
    signed.max(0.0) + (-signed.abs()).exp().ln_1p()
}

fn not_a_number(epoch: usize) -> Error {
    Error::failed(format!("the loss is not a number from epoch {epoch} on; lower --learning-rate"))
}
