//! The history of a run: its curves, trials and skipped inputs. It is as long as the journal, so it is read only where
//! it is shown.

use super::folder::RunFolder;
use super::follower::{Fold, Follower};
use super::journal::{Entry, Event};
use crate::error::Result;
use crate::monitor::{EpochFigures, Update};

/// A setting that was tried.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    pub setting: String,
    pub val_accuracy: f64,
    pub val_loss: f64,
}

/// Maximum number of skipped inputs and of notes kept; the journal has all.
const KEPT: usize = 200;

/// The history of a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    /// The names of its phases, in order.
    pub stages: Vec<String>,
    /// By number. A resumed run repeats its epochs from the checkpoint on.
    pub epochs: Vec<EpochFigures>,
    pub trials: Vec<Trial>,
    /// `path: reason` of skipped inputs, the first few hundred.
    pub skipped: Vec<String>,
    /// The first few hundred.
    pub notes: Vec<String>,
}

impl History {
    /// Reads the history of a run so far.
    ///
    /// # Errors
    /// A journal that cannot be read.
    pub fn read(run: &RunFolder) -> Result<Self> {
        let mut follower = Follower::new(run.events_path());
        follower.read_to_end()?;
        Ok(follower.into_state())
    }
}

impl Fold for History {
    fn take(&mut self, entry: Entry) {
        let Event::Work(update) = entry.event else { return };
        match update {
            Update::Stage { name } => self.stages.push(name),
            Update::Progress { .. } => {}
            Update::Epoch(figures) => {
                while self.epochs.last().is_some_and(|known| known.epoch >= figures.epoch) {
                    self.epochs.pop();
                }
                self.epochs.push(figures);
            }
            Update::Trial { setting, val_accuracy, val_loss, .. } => {
                self.trials.push(Trial { setting, val_accuracy, val_loss });
            }
            Update::Skipped { path, reason } => {
                if self.skipped.len() < KEPT {
                    self.skipped.push(format!("{path}: {reason}"));
                }
            }
            Update::Note { text } => {
                if self.notes.len() < KEPT {
                    self.notes.push(text);
                }
            }
        }
    }
}
