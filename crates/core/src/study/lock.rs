//! A claim for one `faceprobe study run` per workspace.

use crate::claim::{Claim, Taken};
use crate::error::{AtPath, Error, Result};
use crate::workspace::Workspace;
use std::fs;

/// Held while the steps of a study are run; given up on drop.
///
/// # Errors
/// If another process holds it; a folder of runs that cannot be written.
pub fn lock(workspace: &Workspace) -> Result<Claim> {
    let runs = workspace.runs();
    fs::create_dir_all(&runs).at(&runs)?;
    match Claim::take(&runs.join(".study.claim"))? {
        Taken::Ours(claim) => Ok(claim),
        Taken::Held(holder) => Err(Error::failed(format!(
            "Another 'faceprobe study run' is at work in this workspace{}; wait for its end, or follow its runs with \
             'faceprobe runs attach RUN'.",
            holder.place()
        ))),
    }
}
