//! Requests of a screen or a view to the others. It knows none of them: [`super::app::App`] serves them.

use super::snapshot::Run;
use super::stages::{ScreenId, screen_of};
use faceprobe_core::run::{RunId, Status};
use std::path::PathBuf;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Switch to a screen.
    Go(ScreenId),
    /// Switch to the screen that shows a run, with the cursor on it.
    Show { screen: ScreenId, run: RunId },
    /// Evaluate a run.
    Evaluate { run: String },
    /// Show the images of the current data set as a contact sheet.
    Images,
    /// Compare the marked runs.
    Compare,
    /// Show the curves of runs large, until the user returns to `from`.
    Chart { runs: Vec<String>, from: ScreenId },
    /// Predict a picture of a data set with the model of a run, or with the chosen one; none where its file is gone.
    Predict { picture: Option<PathBuf>, model: Option<String> },
}

impl Request {
    /// Show the result of a run.
    pub fn to_see(run: &Run) -> Self {
        match run.trains() && run.status == Status::Done {
            true => Self::Evaluate { run: run.id.to_string() },
            false => Self::Show { screen: screen_of(&run.job), run: run.id.clone() },
        }
    }
}
