//! A lock for one `faceprobe study run` per workspace.

use crate::error::{AtPath, Error, Result};
use crate::workspace::Workspace;
use std::fs::{self, File, OpenOptions, TryLockError};

/// Held while the steps of a study are run; released on drop.
///
/// # Errors
/// If another process holds it; a folder of runs that cannot be written.
pub fn lock(workspace: &Workspace) -> Result<File> {
    let runs = workspace.runs();
    fs::create_dir_all(&runs).at(&runs)?;
    let path = runs.join(".study.lock");
    let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&path).at(&path)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Error::failed(
            "Another 'faceprobe study run' is at work in this workspace; wait for its end, or follow its runs with \
             'faceprobe runs attach RUN'.",
        )),
        // A file system without locks.
        Err(TryLockError::Error(_)) => Ok(lock),
    }
}
