//! What a screen or a view wants of the others. It knows none of them: [`super::app::App`] does it.

use super::snapshot::Run;
use super::stages::{ScreenId, screen_of};
use faceprobe_core::run::{RunId, Status};
use std::path::PathBuf;

/// Something that another screen is wanted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// To turn to a screen.
    Go(ScreenId),
    /// To turn to the screen that shows a run, with the cursor on it.
    Show { screen: ScreenId, run: RunId },
    /// To evaluate a run.
    Evaluate { run: String },
    /// To put the marked runs side by side.
    Compare,
    /// To show the curves of runs large, until somebody goes back to `from`.
    Chart { runs: Vec<String>, from: ScreenId },
    /// To predict a picture of a data set with the model of a run, or with the chosen one; none where its file is gone.
    Predict { picture: Option<PathBuf>, model: Option<String> },
}

impl Request {
    /// To see what a run made.
    pub fn to_see(run: &Run) -> Self {
        match run.trains() && run.status == Status::Done {
            true => Self::Evaluate { run: run.id.to_string() },
            false => Self::Show { screen: screen_of(&run.job), run: run.id.clone() },
        }
    }
}
