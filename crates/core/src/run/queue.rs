//! Trainings that wait for others. One trains at a time; the rest wait in the order in which they were asked for.
//!
//! A run that waits is a folder with its spec and an empty file `queued`. Whoever notices that nothing trains any more
//! starts the oldest: the worker that ends, or a workbench that is opened after one was killed. So the queue outlives
//! both.

use super::folder::RunFolder;
use super::launch::{self, Launched};
use super::spec::{JobSpec, Spec};
use crate::error::{AtPath, Error, Result};
use crate::own_files;
use crate::slurm::place;
use crate::workspace::Workspace;
use std::fs;
use std::time::{Duration, Instant};

const MARK: &str = "queued";
/// How long a worker may take to lock its run.
const START: Duration = Duration::from_secs(5);

/// Whether a run waits for others.
pub fn is_queued(run: &RunFolder) -> bool {
    run.path().join(MARK).exists()
}

/// Whether a job keeps the processors so busy that two at a time would only slow each other.
pub fn takes_turns(job: &JobSpec) -> bool {
    matches!(job, JobSpec::Train { .. } | JobSpec::Sweep { .. })
}

/// Makes a run that waits for those that train now or wait already.
///
/// # Errors
/// When it cannot be written.
pub fn add(workspace: &Workspace, spec: &Spec) -> Result<RunFolder> {
    spec.job.check(workspace, &spec.device)?;
    let run = RunFolder::create(workspace, spec)?;
    let mark = run.path().join(MARK);
    own_files::lock(&mark).at(&mark)?;
    Ok(run)
}

/// Takes the mark away; true if there was one.
pub fn unmark(run: &RunFolder) -> bool {
    fs::remove_file(run.path().join(MARK)).is_ok()
}

/// Takes a run that waits out of the queue, with its folder: nothing was done in it yet.
///
/// # Errors
/// When it does not wait any more.
pub fn remove(run: RunFolder) -> Result<()> {
    // The mark first: from here on nobody starts it.
    if !unmark(&run) {
        return Err(Error::failed(format!("Run {} does not wait any more.", run.id())));
    }
    run.discard()
}

/// Whether a training or a sweep has a worker now.
pub fn busy(workspace: &Workspace) -> Result<bool> {
    let runs = RunFolder::list(workspace)?;
    // What a cluster does leaves the processors here alone.
    let here = |run: &RunFolder| !place::is_placed(run) && run.is_alive();
    Ok(runs.iter().any(|run| here(run) && run.spec().is_ok_and(|spec| takes_turns(&spec.job))))
}

/// Starts the oldest run that waits, if nothing trains.
///
/// # Errors
/// When its worker cannot be started.
pub fn next(workspace: &Workspace) -> Result<Option<Launched>> {
    if !RunFolder::list(workspace)?.iter().any(is_queued) {
        return Ok(None);
    }
    let path = workspace.runs().join(".queue.lock");
    let lock = own_files::lock(&path).at(&path)?;
    // Whoever holds it may have seen a training at work that has ended since, and then starts nothing: nobody would.
    lock.lock().at(&path)?;
    if busy(workspace)? {
        return Ok(None);
    }
    let mut waiting: Vec<(String, RunFolder)> = RunFolder::list(workspace)?
        .into_iter()
        .filter(is_queued)
        .filter_map(|run| Some((run.spec().ok()?.created, run)))
        .collect();
    waiting.sort_by(|a, b| a.0.cmp(&b.0));
    for (_, run) in waiting {
        // Gone when it was taken out meanwhile.
        if !unmark(&run) {
            continue;
        }
        let mut launched = launch::work_on(workspace, run)?;
        // Until its worker shows, the next look would find nothing training and start another.
        let begun = Instant::now();
        while !launched.run.is_alive() && begun.elapsed() < START && !launched.reap() {
            std::thread::sleep(Duration::from_millis(20));
        }
        return Ok(Some(launched));
    }
    Ok(None)
}
