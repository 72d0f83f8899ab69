//! A run as a client sees it: the journal folded into one state.

use super::folder::{RunFolder, RunId};
use super::journal::{Entry, Event, JournalReader, Life};
use super::queue;
use super::results::ResultRow;
use super::spec::Spec;
use crate::error::Result;
use crate::monitor::{EpochFigures, Update};
use serde::{Deserialize, Serialize};

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It waits for other trainings to end.
    Queued,
    /// The folder is there, the worker has not begun.
    Waiting,
    Running,
    Paused,
    Done,
    Failed,
    /// Ended at the user's word.
    Stopped,
    /// The worker vanished without a word (killed, power lost).
    Interrupted,
}

impl Status {
    /// As `results --json` writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::Interrupted => "interrupted",
        }
    }

    /// Whether a worker is (about to be) on it.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Waiting | Self::Running | Self::Paused)
    }
}

/// How far the present phase is.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    pub done: u64,
    pub total: u64,
    pub unit: String,
    /// Units per second.
    pub rate: f64,
    /// Seconds to go.
    pub remaining: Option<f64>,
}

/// One tried setting.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    pub setting: String,
    pub val_accuracy: f64,
    pub val_loss: f64,
}

/// At most this many skipped inputs and notes are kept; the journal has them all.
const KEPT: usize = 200;

/// Everything a client shows of a run. [`RunView::refresh`] brings it up to date.
#[derive(Debug)]
pub struct RunView {
    pub folder: RunFolder,
    pub spec: Spec,
    pub status: Status,
    pub stage: Option<String>,
    pub progress: Option<Progress>,
    pub epochs: Vec<EpochFigures>,
    pub trials: Vec<Trial>,
    /// `path: reason` of inputs left out, the first few hundred.
    pub skipped: Vec<String>,
    pub skipped_count: usize,
    pub notes: Vec<String>,
    /// What came of it, or what went wrong.
    pub outcome: Option<String>,
    /// Milliseconds since 1970.
    pub started: Option<i64>,
    pub ended: Option<i64>,
    /// The row of the results table, once there is one.
    pub result: Option<ResultRow>,
    reader: JournalReader,
    waiting_since: std::time::Instant,
}

impl RunView {
    /// The run as its journal tells it now.
    pub fn open(folder: RunFolder) -> Result<Self> {
        let spec = folder.spec()?;
        let reader = JournalReader::new(folder.events_path());
        let mut view = Self {
            folder,
            spec,
            status: Status::Waiting,
            stage: None,
            progress: None,
            epochs: Vec::new(),
            trials: Vec::new(),
            skipped: Vec::new(),
            skipped_count: 0,
            notes: Vec::new(),
            outcome: None,
            started: None,
            ended: None,
            result: None,
            reader,
            waiting_since: std::time::Instant::now(),
        };
        view.refresh()?;
        Ok(view)
    }

    /// The run's name.
    pub fn id(&self) -> &RunId {
        self.folder.id()
    }

    /// Seconds from start to end, or until now while it is live.
    pub fn seconds(&self) -> Option<f64> {
        let started = self.started?;
        let end = self.ended.unwrap_or_else(|| jiff::Timestamp::now().as_millisecond());
        Some((end - started) as f64 / 1000.0)
    }

    /// Reads what is new; true if anything changed.
    pub fn refresh(&mut self) -> Result<bool> {
        // Asked before reading: a worker that ends in between has written its last word by then.
        let alive = self.folder.is_alive();
        let entries = self.reader.read_new()?;
        let mut changed = !entries.is_empty();
        for entry in entries {
            self.take(entry);
        }
        let before = self.status;
        match self.status {
            Status::Waiting if !alive && queue::is_queued(&self.folder) => self.status = Status::Queued,
            Status::Queued if !queue::is_queued(&self.folder) => {
                self.status = Status::Waiting;
                self.waiting_since = std::time::Instant::now();
            }
            Status::Running | Status::Paused if !alive => self.status = Status::Interrupted,
            // A worker takes a moment to start, a dead one for ever.
            Status::Waiting if !alive && self.waiting_since.elapsed().as_secs() >= 15 => {
                self.status = Status::Interrupted
            }
            _ => {}
        }
        changed |= self.status != before;
        if changed && !self.status.is_live() || self.result.is_none() && self.status == Status::Done {
            self.result = ResultRow::load(&self.folder)?;
        }
        Ok(changed)
    }

    /// Reads the result again after something outside the journal (an opened test set) changed it.
    pub fn reload_result(&mut self) -> Result<()> {
        self.result = ResultRow::load(&self.folder)?;
        Ok(())
    }

    fn take(&mut self, entry: Entry) {
        match entry.event {
            Event::Life(life) => self.take_life(life, entry.at),
            Event::Work(update) => self.take_update(update),
        }
    }

    fn take_life(&mut self, life: Life, at: i64) {
        match life {
            Life::Started { .. } => {
                // A run that was resumed tells its curves again from where it went on.
                self.status = Status::Running;
                self.started.get_or_insert(at);
                self.ended = None;
                self.outcome = None;
            }
            Life::Paused => self.status = Status::Paused,
            Life::Resumed => self.status = Status::Running,
            Life::Finished { summary, .. } => self.end(Status::Done, Some(summary), at),
            Life::Failed { error, .. } => self.end(Status::Failed, Some(error), at),
            Life::Stopped { .. } => self.end(Status::Stopped, None, at),
        }
    }

    fn end(&mut self, status: Status, outcome: Option<String>, at: i64) {
        self.status = status;
        self.outcome = outcome;
        self.ended = Some(at);
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
                self.epochs.retain(|known| known.epoch < figures.epoch);
                self.epochs.push(figures);
            }
            Update::Trial { setting, val_accuracy, val_loss, .. } => {
                self.trials.push(Trial { setting, val_accuracy, val_loss });
            }
            Update::Skipped { path, reason } => {
                self.skipped_count += 1;
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
