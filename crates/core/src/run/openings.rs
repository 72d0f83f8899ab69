//! The record of test openings: which run saw which test split, and when.
//!
//! Whoever opens a test set and then goes on choosing has chosen on the test set. The workbench does not forbid it;
//! it remembers, and says so beside every model made later on the same data.

use crate::error::{AtPath, Error, Result};
use crate::workspace::Workspace;
use serde::{Deserialize, Serialize};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

/// One opening of a test split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Opening {
    /// RFC 3339, UTC.
    pub at: String,
    pub run: String,
    pub dataset: String,
    /// SHA-256 of the manifest whose test split was opened.
    pub manifest_sha256: String,
    pub test_accuracy: f64,
}

fn path(workspace: &Workspace) -> PathBuf {
    workspace.runs().join("test-openings.jsonl")
}

/// Adds an opening to the record. Removing runs does not take it away.
pub fn record(workspace: &Workspace, opening: &Opening) -> Result<()> {
    let path = path(workspace);
    let mut line = serde_json::to_vec(opening).at(&path)?;
    line.push(b'\n');
    fs::create_dir_all(workspace.runs()).at(&path)?;
    let mut file = OpenOptions::new().create(true).append(true).open(&path).at(&path)?;
    file.write_all(&line).at(&path)?;
    file.sync_all().at(&path)
}

/// All openings, oldest first.
pub fn load(workspace: &Workspace) -> Result<Vec<Opening>> {
    let path = path(workspace);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::file(&path, error)),
    }
}

/// How many times the test split of `manifest_sha256` had been opened when something was made at `created`.
pub fn before(openings: &[Opening], manifest_sha256: &str, created: &str) -> usize {
    let moment = |text: &str| text.parse::<jiff::Timestamp>().ok();
    let Some(created) = moment(created) else {
        return 0;
    };
    openings
        .iter()
        .filter(|opening| opening.manifest_sha256 == manifest_sha256)
        .filter(|opening| moment(&opening.at).is_some_and(|at| at < created))
        .count()
}
