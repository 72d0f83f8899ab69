//! Lists all runs of a workspace. A damaged run does not hide the others.

use super::folder::RunFolder;
use super::view::{RunView, Status};
use crate::error::{Error, Result};
use crate::workspace::Workspace;
use rayon::prelude::*;
use std::fmt;

/// An entry of the list.
pub enum Listed {
    Run(Box<RunView>),
    Damaged(Damaged),
}

/// A run whose basic data cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damaged {
    pub folder: RunFolder,
    /// What cannot be read, and what to do about it.
    pub problem: Error,
}

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}: {}", self.folder.id(), Status::Damaged.name(), self.problem)
    }
}

/// All runs, by kind and number.
///
/// # Errors
/// If the folder of the runs cannot be read.
pub fn all(workspace: &Workspace) -> Result<Vec<Listed>> {
    let folders = RunFolder::list(workspace)?;
    Ok(folders
        .into_par_iter()
        .map(|folder| match RunView::open(folder.clone()) {
            Ok(view) => Listed::Run(Box::new(view)),
            Err(problem) => Listed::Damaged(Damaged { folder, problem }),
        })
        .collect())
}
