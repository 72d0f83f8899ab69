//! The queue of trainings. One trains at a time; the others wait in the order of their creation.
//!
//! A waiting run is a folder with its spec and an empty file `queued`. The oldest is started by the next process that
//! notices that nothing trains: a worker that ends, or a workbench that is opened after a kill. So the queue survives
//! both.

use super::folder::RunFolder;
use super::launch::{self, Launched};
use super::spec::{JobSpec, Spec};
use crate::claim::Claim;
use crate::error::{AtPath, Error, Result};
use crate::own_files;
use crate::slurm::place;
use crate::workspace::Workspace;
use std::fs;
use std::time::{Duration, Instant};

const MARK: &str = "queued";
/// Time that a new worker may take to claim its run.
const START: Duration = Duration::from_secs(5);

/// Whether a run waits in the queue.
pub fn is_queued(run: &RunFolder) -> bool {
    run.path().join(MARK).exists()
}

/// Whether a job uses all processors, so that two at a time would only slow each other.
pub fn takes_turns(job: &JobSpec) -> bool {
    matches!(job, JobSpec::Train { .. } | JobSpec::Sweep { .. })
}

/// Creates a run that waits for the present and the waiting trainings.
///
/// # Errors
/// If it cannot be written.
pub fn add(workspace: &Workspace, spec: &Spec) -> Result<RunFolder> {
    spec.job.check(workspace, &spec.device)?;
    let run = RunFolder::create(workspace, spec)?;
    let mark = run.path().join(MARK);
    own_files::lock(&mark).at(&mark)?;
    Ok(run)
}

/// Removes the mark; true if there was one.
pub fn unmark(run: &RunFolder) -> bool {
    fs::remove_file(run.path().join(MARK)).is_ok()
}

/// Removes a waiting run, with its folder, which holds no work yet.
///
/// # Errors
/// If it no longer waits.
pub fn remove(run: RunFolder) -> Result<()> {
    // The mark first: from here on no process starts it.
    if !unmark(&run) {
        return Err(Error::failed(format!("Run {} does not wait any more.", run.id())));
    }
    run.discard()
}

/// Whether a training or a sweep has a worker on this machine now.
pub fn busy(workspace: &Workspace) -> Result<bool> {
    let runs = RunFolder::list(workspace)?;
    // Work on a cluster, or on another machine that sees the workspace, does not use the processors of this one.
    let here = |run: &RunFolder| !place::is_placed(run) && run.worker().is_some_and(|worker| worker.here);
    Ok(runs.iter().any(|run| here(run) && run.spec().is_ok_and(|spec| takes_turns(&spec.job))))
}

/// Starts the oldest waiting run, if nothing trains.
///
/// # Errors
/// If its worker cannot be started.
pub fn next(workspace: &Workspace) -> Result<Option<Launched>> {
    if !RunFolder::list(workspace)?.iter().any(is_queued) {
        return Ok(None);
    }
    // The holder of the claim may have seen a training that has ended since, and then starts nothing; so wait for it.
    let _claim = Claim::wait(&workspace.runs().join(".queue.claim"), || true)?;
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
        // The run may have been removed meanwhile.
        if !unmark(&run) {
            continue;
        }
        let mut launched = launch::work_on(workspace, run)?;
        // Until its worker has claimed the run, the next check would find nothing training and start another.
        let begun = Instant::now();
        while !launched.run.is_alive() && begun.elapsed() < START && !launched.reap() {
            std::thread::sleep(Duration::from_millis(20));
        }
        return Ok(Some(launched));
    }
    Ok(None)
}
