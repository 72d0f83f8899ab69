//! How long work reports what it does and learns that it should stop.
//!
//! The engine (data preparation, extraction, training) speaks only to a [`Monitor`]. The worker process writes what
//! it hears into the run's journal; tests collect it; nothing below knows who listens.

use serde::{Deserialize, Serialize};

/// How a model stands on the validation split after an epoch, dropout off.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Validated {
    /// Mean binary cross-entropy.
    #[serde(rename = "val_loss")]
    pub loss: f64,
    /// Share of the samples told right at threshold 0.5, in 0..=1.
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
    /// Share of the training samples told right at threshold 0.5, in 0..=1.
    pub train_accuracy: f64,
    /// None for a model that learns from the validation split too.
    #[serde(flatten)]
    pub validated: Option<Validated>,
    /// Wall time of the epoch, validation included.
    pub seconds: f64,
}

/// One thing that long work has to say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Update {
    /// A new phase begins, such as `decode` or `train`.
    Stage { name: String },
    /// How far the phase is. `rate` is units per second over the last seconds; `remaining` is in seconds.
    Progress { done: u64, total: u64, unit: String, rate: f64, remaining: Option<f64> },
    /// An epoch ended.
    Epoch(EpochFigures),
    /// One of several settings was tried (a penalty of the logistic regression, a head of a sweep).
    Trial { index: usize, of: usize, setting: String, val_accuracy: f64, val_loss: f64 },
    /// One input was left out, and why; the work goes on.
    Skipped { path: String, reason: String },
    /// Something worth reading in the log.
    Note { text: String },
}

/// Hears updates and answers whether to go on. Shared by the threads of the work.
pub trait Monitor: Sync {
    /// Takes one update. Must be cheap and must not fail: a full disk is not the engine's business.
    fn update(&self, update: Update);

    /// Waits while the work is paused; then true if it should stop at the next safe point.
    fn stopped(&self) -> bool;
}

/// A monitor for what has to be brought to its end, as the scores of a model that a stop has left: it waits while the work
/// is paused, and does not stop.
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

/// A monitor that listens to nothing and never stops.
pub struct Silent;

impl Monitor for Silent {
    fn update(&self, _: Update) {}

    fn stopped(&self) -> bool {
        false
    }
}
