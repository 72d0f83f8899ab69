//! A run as a client sees it: what its journal comes to, and whether a worker is on it.

use super::facts::{Facts, Told};
use super::folder::{RunFolder, RunId};
use super::follower::Follower;
use super::queue;
use super::results::ResultRow;
use super::spec::Spec;
use super::summary;
use crate::error::Result;
use crate::slurm::{Placement, Standing};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

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
    /// What it left cannot be read.
    Damaged,
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
            Self::Damaged => "damaged",
        }
    }

    /// Whether a worker is (about to be) on it.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Waiting | Self::Running | Self::Paused)
    }

    /// How a run stands whose worker has told so much, lives or does not, and was waited for so long.
    fn of(told: Told, alive: bool, queued: bool, waited: Duration) -> Self {
        match told {
            Told::Nothing if alive => Self::Waiting,
            Told::Nothing if queued => Self::Queued,
            Told::Nothing if waited >= PATIENCE => Self::Interrupted,
            Told::Nothing => Self::Waiting,
            Told::Running | Told::Paused if !alive => Self::Interrupted,
            Told::Running => Self::Running,
            Told::Paused => Self::Paused,
            Told::Done => Self::Done,
            Told::Failed => Self::Failed,
            Told::Stopped => Self::Stopped,
        }
    }
}

/// A worker takes a moment to start, a dead one for ever.
const PATIENCE: Duration = Duration::from_secs(15);

/// What every list shows of a run. [`RunView::refresh`] brings it up to date. Its curves are a [`super::Story`].
#[derive(Debug)]
pub struct RunView {
    pub folder: RunFolder,
    pub spec: Spec,
    pub status: Status,
    /// The row of the results table, once there is one; or why it cannot be read.
    pub result: Result<Option<ResultRow>>,
    journal: Follower<Facts>,
    /// Up to where the journal is summarised.
    summarised: u64,
    waiting_since: Instant,
    /// Of a run that was placed on a cluster: its tasks, and what its journal and those of its shares come to.
    placed: Option<(Placement, Facts)>,
}

impl RunView {
    /// The run as its journal tells it now.
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
            result: Ok(None),
            summarised: journal.line(),
            journal,
            waiting_since: Instant::now(),
            placed,
        };
        // What the summary knows is new too.
        view.look(true)?;
        Ok(view)
    }

    /// The run's name.
    pub fn id(&self) -> &RunId {
        self.folder.id()
    }

    /// What its journal comes to.
    pub fn facts(&self) -> &Facts {
        self.placed.as_ref().map_or_else(|| self.journal.state(), |(_, facts)| facts)
    }

    /// How its tasks stand, if it was placed on a cluster.
    pub fn standing(&self) -> Option<&Standing> {
        self.placed.as_ref().map(|(placement, _)| placement.standing())
    }

    /// Seconds from start to end, or until now while it is live, or until its worker was last heard of.
    pub fn seconds(&self) -> Option<f64> {
        let facts = self.facts();
        let now = || self.status.is_live().then(|| jiff::Timestamp::now().as_millisecond());
        let end = facts.ended.or_else(now).or(facts.latest)?;
        Some((end - facts.started?).max(0) as f64 / 1000.0)
    }

    /// Reads what is new; true if anything changed.
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
            let changed = self.journal.read_to_end()? || moved || first;
            return self.look_at_tasks(changed);
        }
        // Asked before reading: a worker that ends in between has written its last word by then.
        let alive = self.folder.is_alive();
        let mut changed = self.journal.read_to_end()? || first;
        let queued = self.facts().told == Told::Nothing && queue::is_queued(&self.folder);
        if self.status == Status::Queued && !queued {
            self.waiting_since = Instant::now();
        }
        let status = Status::of(self.facts().told, alive, queued, self.waiting_since.elapsed());
        changed |= std::mem::replace(&mut self.status, status) != status;
        self.settle(changed, alive || queued);
        Ok(changed)
    }

    fn look_at_tasks(&mut self, mut changed: bool) -> Result<bool> {
        if let Some((placement, facts)) = &mut self.placed {
            let status = placement.status(self.journal.state().told);
            changed |= std::mem::replace(&mut self.status, status) != status;
            *facts = placement.facts(self.journal.state());
        }
        self.settle(changed, self.status.is_live() || self.status == Status::Queued);
        Ok(changed)
    }

    /// What follows from a look at a run. One that is not at work may have a result though its journal says nothing of it.
    fn settle(&mut self, changed: bool, at_work: bool) {
        if changed && !at_work {
            self.reload_result();
            self.believe_result();
        }
        if !self.status.is_live() && self.journal.line() >= self.summarised + summary::WORTH {
            summary::keep(&self.folder, &self.journal);
            self.summarised = self.journal.line();
        }
    }

    /// A training writes its result last: with one, and no checkpoint, it is done, whatever became of its journal.
    fn believe_result(&mut self) {
        let of_training = matches!(self.status, Status::Interrupted | Status::Waiting);
        let result = self.result.as_ref().ok().and_then(Option::as_ref);
        if of_training
            && result.is_some_and(|row| row.status == Status::Done)
            && !self.folder.checkpoint_path().exists()
        {
            self.status = Status::Done;
        }
    }

    /// Whether the run is done and its journal does not say so: a part of it is missing.
    pub fn journal_is_short(&self) -> bool {
        self.status == Status::Done && self.facts().told != Told::Done
    }

    /// Reads the result again after something outside the journal (an opened test set) changed it.
    pub fn reload_result(&mut self) {
        self.result = ResultRow::load(&self.folder);
    }
}
