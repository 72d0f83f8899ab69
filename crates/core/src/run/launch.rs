//! Starts the worker process of a run.

use super::folder::RunFolder;
use super::queue;
use super::score_file::ScoreFile;
use super::spec::{JobSpec, Spec};
use super::view::{RunView, Status};
use crate::dataset::Split;
use crate::error::{AtPath, Error, Result};
use crate::model::SavedModel;
use crate::own_files;
use crate::slurm::{place, submit};
use crate::worker;
use crate::workspace::Workspace;
use std::process::{Child, Command, Stdio};

/// A worker that was just started. Dropping it leaves the worker running.
pub struct Launched {
    pub run: RunFolder,
    /// None for a run on a cluster.
    child: Option<Child>,
}

impl Launched {
    /// A run on a cluster.
    pub fn placed(run: RunFolder) -> Self {
        Self { run, child: None }
    }

    /// Reaps the worker process if it has ended; returns whether it has.
    pub fn reap(&mut self) -> bool {
        self.child.as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None)))
    }
}

/// Creates the run's folder and starts a worker on it. The worker leaves this session by itself (`setsid`), and its
/// output goes to the run's log.
pub fn launch(workspace: &Workspace, spec: &Spec) -> Result<Launched> {
    spec.job.check(workspace, &spec.device)?;
    work_on(workspace, RunFolder::create(workspace, spec)?)
}

/// Starts a worker on a run whose worker has ended before it was done. A training resumes from its last checkpoint, an
/// extraction after its last part.
///
/// # Errors
/// A run that is done or running, or that is only a series of other runs.
pub fn resume(workspace: &Workspace, run: RunFolder) -> Result<Launched> {
    let id = run.id().clone();
    let placed = place::is_placed(&run);
    if !placed {
        settle(&run)?;
    }
    let view = RunView::open(run.clone())?;
    if view.status == Status::Done && !is_damaged(&view) {
        return Err(Error::failed(format!("Run {id} is done; there is nothing left to go on with.")));
    }
    if matches!(view.spec.job, JobSpec::Demo { .. }) {
        return Err(Error::failed(
            "A demo is a series of runs and is not gone on with; 'faceprobe demo' makes what is missing.",
        ));
    }
    if placed {
        submit::again(&run)?;
        return Ok(Launched { run, child: None });
    }
    // A resumed run does not wait in the queue.
    queue::unmark(&run);
    work_on(workspace, run)
}

/// Refuses a run that a worker is on. Of one that a worker on another machine may have left behind, waits until that is
/// known, and removes its claim.
fn settle(run: &RunFolder) -> Result<()> {
    let id = run.id();
    match run.worker() {
        Some(worker) if worker.here => {
            Err(Error::failed(format!("Run {id} is at work already; 'faceprobe runs attach {id}' follows it.")))
        }
        Some(_) => run.lock().map(drop),
        None => Ok(()),
    }
}

/// Whether a training has finished but its files are unusable.
fn is_damaged(view: &RunView) -> bool {
    let JobSpec::Train { refit, .. } = &view.spec.job else {
        return false;
    };
    let run = &view.folder;
    let Ok(model) = SavedModel::load(&run.model_path()) else {
        return true;
    };
    // A refit has no validation scores.
    let scores = run.scores_path(Split::Val);
    view.result.is_err() || (refit.is_none() && ScoreFile::read(&scores, &model.info.classes).is_err())
}

/// Extends a finished run's work, and starts a worker.
///
/// # Errors
/// If a worker is on it.
pub fn extend(workspace: &Workspace, run: RunFolder, spec: &Spec) -> Result<Launched> {
    if run.is_alive() {
        let id = run.id();
        return Err(Error::failed(format!(
            "Run {id} is at work; wait for its end or stop it first with 'faceprobe runs stop {id}'."
        )));
    }
    if place::is_placed(&run) {
        return Err(Error::usage(format!(
            "Run {} was placed on a cluster and cannot be given more to do; start another in its stead.",
            run.id()
        )));
    }
    run.set_spec(spec)?;
    work_on(workspace, run)
}

pub fn work_on(workspace: &Workspace, run: RunFolder) -> Result<Launched> {
    let program = worker::program()?;
    let log_path = run.log_path();
    let log = own_files::append(&log_path).at(&log_path)?;
    let log_too = log.try_clone().at(&log_path)?;
    let child = Command::new(&program)
        .arg("run")
        .arg(workspace.root())
        .arg(run.id().as_str())
        // OpenMP threads that wait for each other yield instead of spinning. On a busy machine, where one of them is
        // not scheduled, spinning made training ten times slower.
        .env("OMP_WAIT_POLICY", "PASSIVE")
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(log_too)
        .spawn()
        .at(&program)?;
    Ok(Launched { run, child: Some(child) })
}
