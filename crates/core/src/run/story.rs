//! What a run tells step by step: its curves, what it tried, what it left out. As long as its journal, so it is read
//! only where it is shown.

use super::folder::RunFolder;
use super::follower::{Fold, Follower};
use super::journal::{Entry, Event};
use crate::error::Result;
use crate::monitor::{EpochFigures, Update};

/// One tried setting.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    pub setting: String,
    pub val_accuracy: f64,
    pub val_loss: f64,
}

/// At most this many skipped inputs and notes are kept; the journal has them all.
const KEPT: usize = 200;

/// The steps of a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Story {
    /// The names of its phases, in their order.
    pub stages: Vec<String>,
    /// By number. A run that was resumed tells its epochs again from where it went on.
    pub epochs: Vec<EpochFigures>,
    pub trials: Vec<Trial>,
    /// `path: reason` of inputs left out, the first few hundred.
    pub skipped: Vec<String>,
    /// The first few hundred.
    pub notes: Vec<String>,
}

impl Story {
    /// The story of a run as far as it has come.
    ///
    /// # Errors
    /// A journal that cannot be read.
    pub fn read(run: &RunFolder) -> Result<Self> {
        let mut follower = Follower::new(run.events_path());
        follower.read_to_end()?;
        Ok(follower.into_state())
    }
}

impl Fold for Story {
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
