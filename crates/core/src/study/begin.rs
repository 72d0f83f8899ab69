//! Beginning a step of a study: an ordinary run is started, gone on with or followed.

use super::steps::{Action, Step};
use crate::error::{Error, Result};
use crate::report::{ReportOptions, write};
use crate::run::choice::Choice;
use crate::run::launch::{self, Launched, launch};
use crate::run::{JobSpec, RunFolder, RunView, Spec, Status, queue, refit};
use crate::workspace::Workspace;
use jiff::{SignedDuration, Timestamp};

/// A run whose worker has not begun after so long has none.
const PATIENCE: SignedDuration = SignedDuration::from_secs(15);

/// With what workers are started.
#[derive(Debug, Clone, Copy)]
pub struct Hands<'a> {
    pub threads: usize,
    /// `cpu`, `cuda[:N]` or `mps`.
    pub device: &'a str,
    /// Whether a training waits in the queue while another is at work.
    pub queue: bool,
}

/// What came of it.
pub enum StartOutcome {
    /// It needs no worker: there is nothing to do, or it is done now.
    Nothing,
    /// Predict uses this model now.
    Chosen(Choice),
    /// A worker is on this run already.
    Follow(RunFolder),
    Launched(Launched),
    /// It waits for those that train now.
    Queued(RunFolder),
}

/// Begins what is to be done for a step.
///
/// # Errors
/// A step that cannot be done; what keeps a run from being made or its worker from being started.
pub fn begin(workspace: &Workspace, step: &Step, hands: Hands<'_>) -> Result<StartOutcome> {
    let start = |job: JobSpec| -> Result<StartOutcome> {
        let waits = hands.queue && queue::takes_turns(&job) && queue::busy(workspace)?;
        let spec = Spec { step: Some(step.name.clone()), ..Spec::new(job, hands.threads, hands.device) };
        if waits {
            queue::add(workspace, &spec).map(StartOutcome::Queued)
        } else {
            launch(workspace, &spec).map(StartOutcome::Launched)
        }
    };
    match &step.action {
        Action::None | Action::Wait => Ok(StartOutcome::Nothing),
        Action::Refuse(why) => Err(Error::failed(format!("{why}."))),
        Action::Report(report) => {
            let output = workspace.root().join(&report.output);
            let options = ReportOptions { thumbnails: report.thumbnails, ..ReportOptions::default() };
            write(workspace, &output, &options)?;
            Ok(StartOutcome::Nothing)
        }
        Action::Choose { run, settings, scored } => {
            let run = RunFolder::find(workspace, run)?;
            let scored = scored.as_ref().map(|scored| RunFolder::find(workspace, scored)).transpose()?;
            settings.choose(workspace, &run, scored.as_ref()).map(StartOutcome::Chosen)
        }
        Action::Launch(job) => start((**job).clone()),
        Action::Refit(run) => start(refit::job(workspace, run)?),
        Action::Extend(run, job) => {
            let run = RunFolder::find(workspace, run)?;
            let spec = Spec { job: (**job).clone(), ..run.spec()? };
            launch::extend(workspace, run, &spec).map(StartOutcome::Launched)
        }
        Action::Resume(run) => launch::resume(workspace, RunFolder::find(workspace, run)?).map(StartOutcome::Launched),
        Action::Follow(run) => {
            let run = RunFolder::find(workspace, run)?;
            let age = |spec: &Spec| Some(Timestamp::now().duration_since(spec.created.parse().ok()?));
            let is_old = run.spec().ok().and_then(|spec| age(&spec)).is_none_or(|age| age > PATIENCE);
            let waits = RunView::open(run.clone())?.status == Status::Waiting;
            if waits && is_old && !run.is_alive() {
                // Whoever made its folder was killed before there was a worker.
                launch::resume(workspace, run).map(StartOutcome::Launched)
            } else {
                Ok(StartOutcome::Follow(run))
            }
        }
    }
}
