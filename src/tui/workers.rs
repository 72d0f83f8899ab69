//! The workers that this process has started: new runs, resumed ones, and runs from the queue.

use faceprobe_core::error::Result;
use faceprobe_core::run::launch::{self, Launched};
use faceprobe_core::run::{JobSpec, RunFolder, RunId, Spec, queue};
use faceprobe_core::workspace::Workspace;

/// The outcome of starting a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// A worker runs it.
    Launched(RunId),
    /// It is queued behind the runs that train now.
    Queued(RunId),
}

/// Workers are children of this process, which therefore has to reap them.
pub struct Workers {
    workspace: Workspace,
    started: Vec<Launched>,
}

impl Workers {
    /// None has been started yet.
    pub fn new(workspace: Workspace) -> Self {
        Self { workspace, started: Vec::new() }
    }

    /// Reaps those that have ended; true when others are still at work.
    pub fn reap(&mut self) -> bool {
        self.started.retain_mut(|launched| !launched.reap());
        !self.started.is_empty()
    }

    /// Starts a run, or queues it where something trains already and it would train too.
    ///
    /// # Errors
    /// When it cannot be written or its worker cannot be started.
    pub fn start(&mut self, job: JobSpec, threads: usize, device: &str) -> Result<Start> {
        let waits = queue::takes_turns(&job) && queue::busy(&self.workspace)?;
        let spec = Spec::new(job, threads, device);
        if waits {
            let run = queue::add(&self.workspace, &spec)?;
            // The one that trained may have ended in between.
            self.start_waiting()?;
            return Ok(Start::Queued(run.id().clone()));
        }
        let launched = launch::launch(&self.workspace, &spec)?;
        let run = launched.run.id().clone();
        self.started.push(launched);
        Ok(Start::Launched(run))
    }

    /// Reaps a worker that was started elsewhere in this process.
    pub fn take(&mut self, launched: Launched) {
        self.started.push(launched);
    }

    /// Starts the oldest queued run, if nothing trains.
    ///
    /// # Errors
    /// When its worker cannot be started.
    pub fn start_waiting(&mut self) -> Result<()> {
        self.started.extend(queue::next(&self.workspace)?);
        Ok(())
    }

    /// Starts a new worker for a run whose worker ended before its work was done.
    ///
    /// # Errors
    /// A run that is done or at work, or that is no more than a series of others.
    pub fn resume(&mut self, run: &RunId) -> Result<()> {
        let folder = RunFolder::find(&self.workspace, run.as_str())?;
        self.started.push(launch::resume(&self.workspace, folder)?);
        Ok(())
    }
}
