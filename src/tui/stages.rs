//! The steps of the study, and how far each is.

use super::keys::Context;
use super::screens::{SCREENS, ScreenInfo};
use super::snapshot::{DataSet, Run, Snapshot};
use faceprobe_core::run::{JobSpec, Status};
use std::sync::Arc;

/// The screens, in the order of the study.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScreenId {
    Data,
    Features,
    Train,
    Results,
    Evaluate,
    Predict,
    /// Not a step of the study: everything ever started, with its log and notes.
    Runs,
}

impl ScreenId {
    /// All of them, as the number keys reach them.
    pub const ALL: [Self; 7] =
        [Self::Data, Self::Features, Self::Train, Self::Results, Self::Evaluate, Self::Predict, Self::Runs];

    /// What is known of it without its state.
    pub fn info(self) -> &'static ScreenInfo {
        SCREENS[self.index()]
    }

    /// The heading.
    pub fn name(self) -> &'static str {
        self.info().name
    }

    /// The part of the key table that holds here while nothing lies over the screen.
    pub fn context(self) -> Context {
        self.info().home
    }

    /// Its place in [`SCREENS`].
    pub fn index(self) -> usize {
        self as usize
    }
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nobody has looked yet.
    Unread,
    ToDo,
    Running,
    Done,
    /// Done, but on a data set that was prepared anew since.
    Stale,
    Failed,
}

impl State {
    /// The word beside the step.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unread => "",
            Self::ToDo => "to do",
            Self::Running => "live",
            Self::Done => "done",
            Self::Stale => "stale",
            Self::Failed => "failed",
        }
    }
}

/// A step with its state and a few words about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    pub screen: ScreenId,
    pub state: State,
    pub detail: String,
}

/// Which screen shows what a run does. A demo is shown where its parts are.
pub fn screen_of(job: &JobSpec) -> ScreenId {
    match job {
        JobSpec::Sample(_) | JobSpec::Prepare(_) | JobSpec::Audit { .. } | JobSpec::Demo { .. } => ScreenId::Data,
        JobSpec::Extract { .. } | JobSpec::Probe { .. } | JobSpec::Map { .. } => ScreenId::Features,
        JobSpec::Sweep { .. } | JobSpec::Folds { .. } | JobSpec::LearningCurve { .. } | JobSpec::Train { .. } => {
            ScreenId::Train
        }
        JobSpec::OpenTest { .. } | JobSpec::Evaluate { .. } => ScreenId::Results,
    }
}

/// The steps before anything is known of them.
pub fn unread() -> Vec<Stage> {
    let unread = |screen| Stage { screen, state: State::Unread, detail: String::new() };
    ScreenId::ALL.into_iter().map(unread).collect()
}

/// What the steps tell of: the workspace as it is, for the current data set.
pub struct Study<'a> {
    pub snapshot: &'a Snapshot,
    pub current: Option<&'a DataSet>,
    /// The trainings that are done.
    pub done: Vec<&'a Arc<Run>>,
    /// How many of them have opened their test split.
    pub opened: usize,
    /// The best validation accuracy among them.
    pub best: Option<f64>,
    /// How many images this session has predicted.
    pub predicted: usize,
}

impl<'a> Study<'a> {
    fn of(snapshot: &'a Snapshot, dataset: Option<&str>, predicted: usize) -> Self {
        let done: Vec<&Arc<Run>> =
            snapshot.runs.iter().filter(|run| run.trains() && run.status == Status::Done).collect();
        let opened = done.iter().filter(|run| run.row.as_ref().is_some_and(|row| row.test_accuracy.is_some())).count();
        let best = done.iter().filter_map(|run| run.row.as_ref()?.val_accuracy).max_by(f64::total_cmp);
        Self { snapshot, current: snapshot.dataset(dataset), done, opened, best, predicted }
    }

    /// How far a screen's work is; `done` says whether there is something to show for it.
    pub fn state(&self, screen: ScreenId, done: bool) -> State {
        match state_of(self.snapshot, screen, done) {
            State::Done if self.is_stale(screen) => State::Stale,
            state => state,
        }
    }

    /// Whether all that the screen shows was made before the current data set was prepared anew.
    pub fn is_stale(&self, screen: ScreenId) -> bool {
        is_stale(self.snapshot, self.current, screen)
    }
}

/// The steps as `snapshot` tells them, for the current data set; `predicted` is how many images this session
/// has predicted.
pub fn stages(snapshot: &Snapshot, dataset: Option<&str>, predicted: usize) -> Vec<Stage> {
    let study = Study::of(snapshot, dataset, predicted);
    let stage = |screen: &ScreenInfo| {
        let (state, detail) = (screen.step)(&study);
        Stage { screen: screen.id, state, detail }
    };
    SCREENS.into_iter().map(stage).collect()
}

/// Whether what the screen shows was made of the current data set before it was prepared anew, all of it.
fn is_stale(snapshot: &Snapshot, current: Option<&DataSet>, screen: ScreenId) -> bool {
    let Some(set) = current else {
        return false;
    };
    let own = snapshot.runs.iter().filter(|run| run.job.dataset() == Some(&set.name));
    match (screen, &set.report) {
        (ScreenId::Train | ScreenId::Results | ScreenId::Evaluate, Ok(report)) => {
            let rows = own.filter(|run| run.trains() && run.status == Status::Done).filter_map(|run| run.row.as_ref());
            let mut rows = rows.peekable();
            rows.peek().is_some() && rows.all(|row| row.manifest_sha256 != report.manifest_sha256)
        }
        (ScreenId::Features, _) => {
            // Rows go by the content of images, so a new split may well find all of its own; until somebody has looked,
            // nobody knows. Trainings extract what is missing too.
            let written = set.written.and_then(|at| jiff::Timestamp::try_from(at).ok());
            let looked = |run: &Arc<Run>| !run.makes_data() && !matches!(run.job, JobSpec::Demo { .. });
            let before = |run: &Arc<Run>| {
                let made = run.created.parse::<jiff::Timestamp>().ok();
                made.zip(written).is_some_and(|(made, written)| made < written)
            };
            let mut looked = own.filter(|run| looked(run)).peekable();
            looked.peek().is_some() && looked.all(before)
        }
        _ => false,
    }
}

fn state_of(snapshot: &Snapshot, screen: ScreenId, done: bool) -> State {
    let mine = |run: &&Arc<Run>| screen_of(&run.job) == screen && !matches!(run.job, JobSpec::Demo { .. });
    if snapshot.live().any(|run| mine(&run)) {
        return State::Running;
    }
    // How a model does on a data set from elsewhere is no step of the study, so that it failed is told where it is listed.
    let step = |run: &&Arc<Run>| mine(run) && !matches!(run.job, JobSpec::Evaluate { .. });
    let last = snapshot.runs.iter().rev().find(step);
    let failed = last.is_some_and(|run| matches!(run.status, Status::Failed | Status::Interrupted));
    match (done, failed) {
        (true, _) => State::Done,
        (false, true) => State::Failed,
        (false, false) => State::ToDo,
    }
}
