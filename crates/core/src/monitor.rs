//! Progress and cancellation of long work.
//!
//! The engine (data preparation, extraction, training) reports only to a [`Monitor`]. The worker writes updates to the
//! run's journal, tests collect them; the code that reports does not depend on the receiver.

use serde::{Deserialize, Serialize};

/// The figures on the validation split after an epoch, dropout off.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Validated {
    /// Mean binary cross-entropy.
    #[serde(rename = "val_loss")]
    pub loss: f64,
    /// Accuracy at threshold 0.5, in 0..=1.
    #[serde(rename = "val_accuracy")]
    pub accuracy: f64,
}

/// The figures of one training epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EpochFigures {
    /// Counted from 1.
    pub epoch: usize,
    /// How many epochs are planned.
    pub epochs: usize,
    /// Mean binary cross-entropy over the training batches of this epoch (dropout active).
    pub train_loss: f64,
    /// Training accuracy at threshold 0.5, in 0..=1.
    pub train_accuracy: f64,
    /// None for a model trained on the validation split too.
    #[serde(flatten)]
    pub validated: Option<Validated>,
    /// Wall time of the epoch, validation included.
    pub seconds: f64,
}

/// An update about long work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Update {
    /// A new phase begins, such as `decode` or `train`.
    Stage { name: String },
    /// Progress of the phase. `rate` is in units per second over the last seconds; `remaining` is in seconds.
    Progress { done: u64, total: u64, unit: String, rate: f64, remaining: Option<f64> },
    /// An epoch ended.
    Epoch(EpochFigures),
    /// One of several settings was tried (a penalty of the logistic regression, a head of a sweep).
    Trial { index: usize, of: usize, setting: String, val_accuracy: f64, val_loss: f64 },
    /// One input was skipped, and why; the work continues.
    Skipped { path: String, reason: String },
    /// A note for the log.
    Note { text: String },
}

/// Receives updates and says whether to continue. Shared by the threads of the work.
pub trait Monitor: Sync {
    /// Takes one update. Must be cheap and must not fail: a full disk is the receiver's problem.
    fn update(&self, update: Update);

    /// Blocks while the work is paused; then returns true if it should stop at the next safe point.
    fn stopped(&self) -> bool;
}

/// A monitor for work that must be completed, such as the scores of a model after a stop: it blocks while the work is
/// paused, and never stops.
pub struct ToTheEnd<'a>(pub &'a dyn Monitor);

impl Monitor for ToTheEnd<'_> {
    fn update(&self, update: Update) {
        self.0.update(update);
    }

    fn stopped(&self) -> bool {
        self.0.stopped();
        false
    }
}

/// A monitor that ignores updates and never stops.
pub struct Silent;

impl Monitor for Silent {
    fn update(&self, _: Update) {}

    fn stopped(&self) -> bool {
        false
    }
}
