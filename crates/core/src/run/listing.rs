//! All runs of a workspace. One that is damaged hides none of the others.

use super::folder::RunFolder;
use super::view::{RunView, Status};
use crate::error::{Error, Result};
use crate::workspace::Workspace;
use rayon::prelude::*;
use std::fmt;

/// A run of a list.
pub enum Listed {
    Run(Box<RunView>),
    Damaged(Damaged),
}

/// A run of which something that every list shows cannot be read.
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
/// When the folder of the runs cannot be read.
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
