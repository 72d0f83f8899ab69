//! What an event leads to. Each variant is for one receiver and holds what only that one understands, so nothing can be
//! given to the wrong one.

use super::audits::AuditJob;
use super::jobs::Job;
use super::predictor::Ask;
use super::records::RecordJob;
use super::studies;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Something to be done outside the state of the screen.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// For the event loop itself.
    Terminal(TerminalEffect),
    /// For the thread that works on the workspace.
    Job(Job),
    /// For the predictor.
    Predict(Ask),
    /// For the clipboard of the terminal.
    Copy(String),
    /// For the thread that reads studies.
    Study(studies::Ask),
    /// For the watcher: to read what these runs told, for as long as it is shown.
    Histories(BTreeSet<String>),
    /// For the watcher: the folder to tell of when something in it changes, or none.
    Folder(Option<PathBuf>),
}

/// What happens to the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TerminalEffect {
    /// Tells somebody who is not at the screen.
    Notice(String),
    Suspend,
    Redraw,
    Quit,
}

impl From<TerminalEffect> for Effect {
    fn from(effect: TerminalEffect) -> Self {
        Self::Terminal(effect)
    }
}

impl From<Job> for Effect {
    fn from(job: Job) -> Self {
        Self::Job(job)
    }
}

impl From<RecordJob> for Effect {
    fn from(job: RecordJob) -> Self {
        Self::Job(job.into())
    }
}

impl From<AuditJob> for Effect {
    fn from(job: AuditJob) -> Self {
        Self::Job(job.into())
    }
}
