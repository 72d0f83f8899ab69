//! The state of a run without its curves: its size does not depend on the length of the journal.

use super::follower::Fold;
use super::journal::{Entry, Event, LifecycleEvent};
use crate::monitor::{EpochFigures, Update};
use serde::{Deserialize, Serialize};

/// Progress of the present phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    pub done: u64,
    pub total: u64,
    pub unit: String,
    /// Units per second.
    pub rate: f64,
    /// Remaining seconds.
    pub remaining: Option<f64>,
}

/// The last lifecycle event of the worker. The journal does not tell whether it is still alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LastEvent {
    /// It has not started.
    #[default]
    Nothing,
    Running,
    Paused,
    Done,
    Failed,
    Stopped,
}

/// The epoch with the highest validation accuracy; ties go to the earliest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Best {
    pub epoch: usize,
    /// At threshold 0.5, in 0..=1.
    pub accuracy: f64,
}

/// A journal folded into one state.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Facts {
    pub told: LastEvent,
    pub stage: Option<String>,
    pub progress: Option<Progress>,
    pub last_epoch: Option<EpochFigures>,
    /// Number of epochs since the training began, including repeated ones after a resume.
    pub best: Option<Best>,
    /// Number of settings tried.
    pub trials: usize,
    /// Number of skipped inputs.
    pub skipped: usize,
    pub last_note: Option<String>,
    /// The result, or the error.
    pub outcome: Option<String>,
    /// Milliseconds since 1970.
    pub started: Option<i64>,
    pub ended: Option<i64>,
    /// The time of the latest entry.
    pub latest: Option<i64>,
}

impl Fold for Facts {
    fn take(&mut self, entry: Entry) {
        // A clock that was set back must not reduce the elapsed time.
        self.latest = self.latest.max(Some(entry.at));
        match entry.event {
            Event::Lifecycle(life) => self.take_life(life, entry.at),
            Event::Work(update) => self.take_update(update),
        }
    }
}

impl Facts {
    fn take_life(&mut self, life: LifecycleEvent, at: i64) {
        match life {
            LifecycleEvent::Started { .. } => {
                self.told = LastEvent::Running;
                self.started.get_or_insert(at);
                self.ended = None;
                self.outcome = None;
            }
            LifecycleEvent::Paused => self.told = LastEvent::Paused,
            LifecycleEvent::Resumed => self.told = LastEvent::Running,
            LifecycleEvent::Finished { summary, .. } => self.end(LastEvent::Done, Some(summary), at),
            LifecycleEvent::Failed { error, .. } => self.end(LastEvent::Failed, Some(error), at),
            LifecycleEvent::Stopped { summary, .. } => self.end(LastEvent::Stopped, summary, at),
        }
    }

    fn end(&mut self, told: LastEvent, outcome: Option<String>, at: i64) {
        self.told = told;
        self.outcome = outcome;
        self.ended = self.latest.max(Some(at));
    }

    fn take_update(&mut self, update: Update) {
        match update {
            Update::Stage { name } => {
                self.stage = Some(name);
                self.progress = None;
            }
            Update::Progress { done, total, unit, rate, remaining } => {
                self.progress = Some(Progress { done, total, unit, rate, remaining });
            }
            Update::Epoch(figures) => {
                if figures.epoch == 1 {
                    self.best = None;
                }
                if let Some(accuracy) = figures.validated.map(|validated| validated.accuracy)
                    && self.best.is_none_or(|best| accuracy > best.accuracy)
                {
                    self.best = Some(Best { epoch: figures.epoch, accuracy });
                }
                self.last_epoch = Some(figures);
            }
            Update::Trial { .. } => self.trials += 1,
            Update::Skipped { .. } => self.skipped += 1,
            Update::Note { text } => self.last_note = Some(text),
        }
    }
}
