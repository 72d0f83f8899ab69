//! The status of a run for clients: the state of its journal, and whether it has a worker.

use super::facts::{Facts, LastEvent};
use super::folder::{RunFolder, RunId};
use super::follower::Follower;
use super::queue;
use super::results::ResultRow;
use super::spec::Spec;
use super::summary;
use crate::error::Result;
use crate::slurm::{Placement, TaskCounts};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// The status of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It waits for other trainings to end.
    Queued,
    /// The folder exists, the worker has not started.
    Waiting,
    Running,
    Paused,
    Done,
    Failed,
    /// Stopped by the user.
    Stopped,
    /// The worker disappeared without a final event (killed, power lost).
    Interrupted,
    /// Its files cannot be read.
    Damaged,
}

impl Status {
    /// The name in `results --json`.
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
            Self::Damaged => "damaged",
        }
    }

    /// Whether it has a worker, or will have one.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Waiting | Self::Running | Self::Paused)
    }

    /// The status that follows from the worker's last event, whether it is alive, and how long it was waited for.
    fn of(told: LastEvent, alive: bool, queued: bool, waited: Duration) -> Self {
        match told {
            LastEvent::Nothing if alive => Self::Waiting,
            LastEvent::Nothing if queued => Self::Queued,
            LastEvent::Nothing if waited >= PATIENCE => Self::Interrupted,
            LastEvent::Nothing => Self::Waiting,
            LastEvent::Running | LastEvent::Paused if !alive => Self::Interrupted,
            LastEvent::Running => Self::Running,
            LastEvent::Paused => Self::Paused,
            LastEvent::Done => Self::Done,
            LastEvent::Failed => Self::Failed,
            LastEvent::Stopped => Self::Stopped,
        }
    }
}

/// A worker takes a moment to start; a dead one never does.
const PATIENCE: Duration = Duration::from_secs(15);

/// A run as lists show it. [`RunView::refresh`] updates it. Its curves are in a [`super::Story`].
#[derive(Debug)]
pub struct RunView {
    pub folder: RunFolder,
    pub spec: Spec,
    pub status: Status,
    /// The status by journal and worker alone; the result may say more.
    told: Status,
    /// The row of the results table, once there is one; or why it cannot be read.
    pub result: Result<Option<ResultRow>>,
    journal: Follower<Facts>,
    /// Offset up to which the journal is summarised.
    summarised: u64,
    waiting_since: Instant,
    /// For a run placed on a cluster: its tasks, and the state of its journals.
    placed: Option<(Placement, Facts)>,
}

impl RunView {
    /// The present state of the run.
    ///
    /// # Errors
    /// A spec or a journal that cannot be read.
    pub fn open(folder: RunFolder) -> Result<Self> {
        let spec = folder.spec()?;
        let journal = summary::follower(&folder);
        let placed = Placement::of(&folder)?.map(|placement| (placement, Facts::default()));
        let mut view = Self {
            folder,
            spec,
            status: Status::Waiting,
            told: Status::Waiting,
            result: Ok(None),
            summarised: journal.line(),
            journal,
            waiting_since: Instant::now(),
            placed,
        };
        // The content of the summary counts as new too.
        view.look(true)?;
        Ok(view)
    }

    /// The run's name.
    pub fn id(&self) -> &RunId {
        self.folder.id()
    }

    /// The state of its journal.
    pub fn facts(&self) -> &Facts {
        self.placed.as_ref().map_or_else(|| self.journal.state(), |(_, facts)| facts)
    }

    /// The status of its tasks, if it was placed on a cluster.
    pub fn standing(&self) -> Option<&TaskCounts> {
        self.placed.as_ref().map(|(placement, _)| placement.standing())
    }

    /// Seconds from start to end; if unfinished, until now or until the last event of a dead worker.
    pub fn seconds(&self) -> Option<f64> {
        let facts = self.facts();
        let now = || self.status.is_live().then(|| jiff::Timestamp::now().as_millisecond());
        let end = facts.ended.or_else(now).or(facts.latest)?;
        Some((end - facts.started?).max(0) as f64 / 1000.0)
    }

    /// Reads new entries; true if anything changed.
    ///
    /// # Errors
    /// A journal that cannot be read.
    pub fn refresh(&mut self) -> Result<bool> {
        self.look(false)
    }

    fn look(&mut self, first: bool) -> Result<bool> {
        if let Some((placement, _)) = &mut self.placed {
            // Asked before reading, as of a worker.
            let moved = placement.look()?;
            let news = self.journal.read_to_end()? || moved || first;
            return Ok(self.look_at_tasks(news));
        }
        // Asked before reading: a worker that ends in between has written its last word by then.
        let alive = self.folder.is_alive();
        let news = self.journal.read_to_end()? || first;
        let queued = self.facts().told == LastEvent::Nothing && queue::is_queued(&self.folder);
        if self.status == Status::Queued && !queued {
            self.waiting_since = Instant::now();
        }
        let status = Status::of(self.facts().told, alive, queued, self.waiting_since.elapsed());
        Ok(self.settle(status, news, alive || queued))
    }

    fn look_at_tasks(&mut self, news: bool) -> bool {
        let mut status = self.told;
        if let Some((placement, facts)) = &mut self.placed {
            status = placement.status(self.journal.state().told);
            *facts = placement.facts(self.journal.state());
        }
        self.settle(status, news, status.is_live() || status == Status::Queued)
    }

    /// What follows from a look at a run, whose status by journal and worker is `told`; true if anything changed. One that
    /// is not at work may have a result though its journal says nothing of it.
    fn settle(&mut self, told: Status, news: bool, at_work: bool) -> bool {
        let mut changed = std::mem::replace(&mut self.told, told) != told || news;
        if changed && !at_work {
            self.reload_result();
        }
        let status = if !at_work && self.result_says_done(told) { Status::Done } else { told };
        changed |= std::mem::replace(&mut self.status, status) != status;
        if !self.status.is_live() && self.journal.line() >= self.summarised + summary::WORTH {
            summary::keep(&self.folder, &self.journal);
            self.summarised = self.journal.line();
        }
        changed
    }

    /// A training writes its result last: with one, and no checkpoint, it is done, whatever became of its journal.
    fn result_says_done(&self, told: Status) -> bool {
        let result = self.result.as_ref().ok().and_then(Option::as_ref);
        matches!(told, Status::Interrupted | Status::Waiting)
            && result.is_some_and(|row| row.status == Status::Done)
            && !self.folder.checkpoint_path().exists()
    }

    /// Whether the run is done but its journal is incomplete.
    pub fn journal_is_short(&self) -> bool {
        self.status == Status::Done && self.facts().told != LastEvent::Done
    }

    /// Reads the result again after something outside the journal (an opened test set) changed it.
    pub fn reload_result(&mut self) {
        self.result = ResultRow::load(&self.folder);
    }
}
