//! The steps of a study, how each stands, and what is to be done for it.

use super::file::ReportWanted;
use crate::run::JobSpec;
use crate::run::choosing::ChooseSettings;
use serde::Serialize;

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    Done,
    /// A worker is on it, or it waits for its turn.
    Running,
    ToDo,
    /// To do, though a step of this name was done before: the file asks for something else now.
    Changed,
    /// It was tried, and did not work.
    Failed,
}

impl State {
    /// As people read it.
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

/// What is to be done for a step.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Nothing.
    None,
    /// Nothing yet: what it is made of is not known.
    Wait,
    Launch(Box<JobSpec>),
    /// Go on with a run whose worker has ended.
    Resume(String),
    /// A worker is on this run.
    Follow(String),
    /// Give a sweep that has ended more to do.
    Extend(String, Box<JobSpec>),
    /// Train this run's model anew on validation too.
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
    /// The steps that must be done before, by their places.
    pub needs: Vec<usize>,
    pub state: State,
    /// The runs that did it or are at it.
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
    /// The runs whose models are the study's, for its table.
    pub models: Vec<String>,
    /// Runs and prepared sets that the study does not ask for.
    pub others: Vec<String>,
}

impl Plan {
    /// Whether nothing is left to do.
    pub fn is_done(&self) -> bool {
        self.steps.iter().all(|step| step.state == State::Done)
    }

    /// Whether all that a step needs is done.
    pub fn is_ready(&self, step: &Step) -> bool {
        step.needs.iter().all(|need| self.steps.get(*need).is_some_and(|need| need.state == State::Done))
    }
}
