//! Starts the worker process of a run.

use super::folder::RunFolder;
use super::spec::Spec;
use crate::error::{AtPath, Error, Result};
use crate::workspace::Workspace;
use std::fs::OpenOptions;
use std::process::{Child, Command, Stdio};

/// A worker that was just started. Dropping it leaves the worker at work.
pub struct Launched {
    pub run: RunFolder,
    child: Child,
}

impl Launched {
    /// Clears up after the worker once it has ended; true when it has.
    pub fn reap(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

/// Makes the run's folder and starts a worker on it. The worker leaves this session by itself (`setsid`), and its
/// output goes to the run's log.
pub fn launch(workspace: &Workspace, spec: &Spec) -> Result<Launched> {
    let run = RunFolder::create(workspace, spec)?;
    let program = std::env::current_exe().map_err(|error| {
        Error::failed(format!("The program's own file cannot be found ({error}); start it by its full path."))
    })?;
    let log_path = run.log_path();
    let log = OpenOptions::new().create(true).append(true).open(&log_path).at(&log_path)?;
    let log_too = log.try_clone().at(&log_path)?;
    let child = Command::new(&program)
        .arg("--workspace")
        .arg(workspace.root())
        .arg("worker")
        .arg(run.id().as_str())
        // Threads that wait for each other's piece of an operation give the processor up instead of spinning. On a
        // busy machine, where one of them is off the processor, spinning made training ten times slower.
        .env("OMP_WAIT_POLICY", "PASSIVE")
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(log_too)
        .spawn()
        .at(&program)?;
    Ok(Launched { run, child })
}
