//! Runs that are parts of others: the heads of a sweep, the folds of a cross-validation, the steps of a demo.

use super::folder::RunFolder;
use super::spec::JobSpec;
use crate::error::Result;
use crate::workspace::Workspace;

/// The runs that are parts of this one, with their jobs.
pub fn parts(workspace: &Workspace, run: &RunFolder) -> Result<Vec<(JobSpec, RunFolder)>> {
    let own = run.id().to_string();
    let mut parts = Vec::new();
    for run in RunFolder::list(workspace)? {
        // A folder with an unreadable spec is not a part of this run.
        if let Ok(spec) = run.spec()
            && spec.parent.as_deref() == Some(own.as_str())
        {
            parts.push((spec.job, run));
        }
    }
    Ok(parts)
}
