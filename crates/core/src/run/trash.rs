//! The trash: removed runs are kept in `runs/.trash` until that folder is deleted, so that a wrong key loses nothing.

use super::{RunFolder, RunId};
use crate::error::{AtPath, Error, Result};
use crate::workspace::Workspace;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder of removed runs.
pub fn folder(workspace: &Workspace) -> PathBuf {
    workspace.runs().join(".trash")
}

/// The removed runs, by kind and number.
///
/// # Errors
/// A folder that cannot be read.
pub fn list(workspace: &Workspace) -> Result<Vec<RunId>> {
    let folder = folder(workspace);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::file(&folder, error)),
    };
    let mut runs: Vec<RunId> =
        entries.flatten().filter_map(|entry| RunId::parse(&entry.file_name().to_string_lossy()).ok()).collect();
    runs.sort_by(|a, b| a.parts().cmp(&b.parts()));
    Ok(runs)
}

/// Moves the folder of a run to the trash, and returns where it is. Its name is not reused, so it can always be restored.
pub(super) fn put(workspace: &Workspace, run: &RunId, path: &Path) -> Result<PathBuf> {
    let folder = folder(workspace);
    fs::create_dir_all(&folder).at(&folder)?;
    let to = folder.join(run.as_str());
    if to.exists() {
        let text = format!("is in the way of removing run {run}; move it elsewhere");
        return Err(Error::file(&to, text));
    }
    fs::rename(path, &to).at(path)?;
    Ok(to)
}

/// Restores the run `name`.
///
/// # Errors
/// No such run in the trash, or its name is taken.
pub fn restore(workspace: &Workspace, name: &str) -> Result<RunFolder> {
    let run = RunId::parse(name)?;
    let from = folder(workspace).join(run.as_str());
    if !from.join("spec.json").is_file() {
        let removed: Vec<String> = list(workspace)?.iter().map(ToString::to_string).collect();
        let hint =
            if removed.is_empty() { "it is empty".to_owned() } else { format!("it holds {}", removed.join(", ")) };
        return Err(Error::failed(format!("There is no run '{run}' in the trash; {hint}.")));
    }
    let to = workspace.runs().join(run.as_str());
    if to.exists() {
        return Err(Error::file(&to, format!("is in the way of bringing run {run} back; move it elsewhere")));
    }
    fs::rename(&from, &to).at(&from)?;
    RunFolder::find(workspace, run.as_str())
}
