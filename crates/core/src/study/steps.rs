//! The steps of a study, their status, and the action for each.

use super::file::ReportWanted;
use crate::run::JobSpec;
use crate::run::choosing::ChooseSettings;
use serde::Serialize;

/// The status of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    Done,
    /// Running, or waiting for its turn.
    Running,
    ToDo,
    /// To do, although a step with this name was done with other settings.
    Changed,
    /// It failed.
    Failed,
}

impl State {
    /// The name for display.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Running => "running",
            Self::ToDo => "to do",
            Self::Changed => "changed, to do",
            Self::Failed => "failed",
        }
    }
}

/// The action for a step.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Nothing.
    None,
    /// Nothing yet: its inputs are not known.
    Wait,
    Launch(Box<JobSpec>),
    /// Resume a run whose worker has ended.
    Resume(String),
    /// Follow a running run.
    Follow(String),
    /// Extend a finished sweep.
    Extend(String, Box<JobSpec>),
    /// Refit this run on training and validation.
    Refit(String),
    /// Make this run the model that predict uses; with the run that has scored it on another set, where that is asked for.
    Choose {
        run: String,
        settings: Box<ChooseSettings>,
        scored: Option<String>,
    },
    /// Write the report.
    Report(ReportWanted),
    /// It cannot be done, for this reason.
    Refuse(String),
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// `model dense, seed 1`.
    pub name: String,
    /// What it does beyond its name, such as the decisions about images that a set follows.
    pub note: Option<String>,
    /// The indices of the steps that must be done before.
    pub needs: Vec<usize>,
    pub state: State,
    /// The runs that did it or are doing it.
    pub runs: Vec<String>,
    pub seconds: Option<f64>,
    /// Why it failed or cannot be done.
    pub problem: Option<String>,
    pub action: Action,
}

/// All steps of a study, in an order in which they can be done.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    pub steps: Vec<Step>,
    /// The runs of the study's models, for its table.
    pub models: Vec<String>,
    /// Runs and prepared sets that the study does not ask for.
    pub others: Vec<String>,
}

impl Plan {
    /// Whether everything is done.
    pub fn is_done(&self) -> bool {
        self.steps.iter().all(|step| step.state == State::Done)
    }

    /// Whether all prerequisites of a step are done.
    pub fn is_ready(&self, step: &Step) -> bool {
        step.needs.iter().all(|need| self.steps.get(*need).is_some_and(|need| need.state == State::Done))
    }
}
