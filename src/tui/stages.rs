//! The steps of the study, and how far each is.

use super::keys::Context;
use super::snapshot::{DataSet, Run, Snapshot};
use super::widgets::format;
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

    /// The heading.
    pub fn name(self) -> &'static str {
        match self {
            Self::Data => "Data",
            Self::Features => "Features",
            Self::Train => "Train",
            Self::Results => "Results",
            Self::Evaluate => "Evaluate",
            Self::Predict => "Predict",
            Self::Runs => "Runs",
        }
    }

    /// The part of the key table that holds here.
    pub fn context(self) -> Context {
        match self {
            Self::Data => Context::Data,
            Self::Features => Context::Features,
            Self::Train => Context::Train,
            Self::Results => Context::Results,
            Self::Evaluate => Context::Evaluate,
            Self::Predict => Context::Predict,
            Self::Runs => Context::Runs,
        }
    }

    /// Its place among [`ScreenId::ALL`].
    pub fn index(self) -> usize {
        Self::ALL.iter().position(|screen| *screen == self).unwrap_or(0)
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
            Self::Running => "running",
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
        JobSpec::Extract { .. } | JobSpec::Probe { .. } => ScreenId::Features,
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

/// The steps as `snapshot` tells them, for the current data set; `predicted` is how many images this session
/// has predicted.
pub fn stages(snapshot: &Snapshot, dataset: Option<&str>, predicted: usize) -> Vec<Stage> {
    let current = snapshot.dataset(dataset);
    let state = |screen: ScreenId, done: bool| match state_of(snapshot, screen, done) {
        State::Done if is_stale(snapshot, current, screen) => State::Stale,
        state => state,
    };
    let images: usize = snapshot.stores.iter().filter(|store| store.backbone != "pixels").map(|store| store.rows).sum();
    let done: Vec<&Arc<Run>> = snapshot.runs.iter().filter(|run| run.trains() && run.status == Status::Done).collect();
    let opened = done.iter().filter(|run| run.row.as_ref().is_some_and(|row| row.test_accuracy.is_some())).count();
    let best = done.iter().filter_map(|run| run.row.as_ref()?.val_accuracy).max_by(f64::total_cmp);
    let training = snapshot.live().filter(|run| run.trains()).count();
    vec![
        Stage {
            screen: ScreenId::Data,
            state: state(ScreenId::Data, current.is_some()),
            detail: current.map_or_else(|| "no data set".to_owned(), |set| set.name.clone()),
        },
        Stage {
            screen: ScreenId::Features,
            state: state(ScreenId::Features, images > 0),
            detail: if images > 0 {
                format!("{} rows", format::thousands(images as u64))
            } else {
                "none cached".into()
            },
        },
        Stage {
            screen: ScreenId::Train,
            state: state(ScreenId::Train, !done.is_empty()),
            detail: match (training, done.len()) {
                (0, 0) => "no models".into(),
                (0, 1) => "1 model".into(),
                (0, models) => format!("{models} models"),
                (live, models) => format!("{live} live, {models} done"),
            },
        },
        Stage {
            screen: ScreenId::Results,
            state: state(ScreenId::Results, opened > 0),
            detail: best.map_or_else(|| "no figures".to_owned(), |best| format!("best val {best:.3}")),
        },
        Stage {
            screen: ScreenId::Evaluate,
            state: match best {
                None => State::ToDo,
                Some(_) if is_stale(snapshot, current, ScreenId::Evaluate) => State::Stale,
                Some(_) => State::Done,
            },
            detail: match (opened, done.len()) {
                (_, 0) => "no scores".into(),
                (0, _) => "test closed".into(),
                (opened, _) => format!("{opened} test open"),
            },
        },
        Stage {
            screen: ScreenId::Predict,
            state: if predicted > 0 { State::Done } else { State::ToDo },
            detail: snapshot.model().map_or_else(|| "no model".to_owned(), |(model, _)| model),
        },
        Stage {
            screen: ScreenId::Runs,
            state: match (snapshot.live().next(), snapshot.runs.is_empty()) {
                (Some(_), _) => State::Running,
                (None, true) => State::ToDo,
                (None, false) => State::Done,
            },
            detail: match snapshot.runs.len() {
                0 => "none yet".into(),
                1 => "1 run".into(),
                count => format!("{} runs", format::thousands(count as u64)),
            },
        },
    ]
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
