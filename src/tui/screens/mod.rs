//! One file per screen: its own state, what its keys do, how it is drawn.

pub mod audit;
pub mod curves;
pub mod data;
pub mod evaluate;
pub mod features;
pub mod predict;
pub mod predict_view;
pub mod probe;
pub mod ranking;
pub mod results;
pub mod runs;
pub mod sheet;
pub mod train;

use super::app::{App, Tone};
use super::effect::Effect;
use super::jobs::Job;
use super::stages::ScreenId;
use std::path::PathBuf;

/// Turns to Predict with a picture of a data set.
pub(super) fn open_picture(app: &mut App, picture: Option<PathBuf>) -> Vec<Effect> {
    let Some(path) = picture else {
        app.say(Tone::Plain, "There is no picture here, or its data set is gone.");
        return Vec::new();
    };
    let job = Job::Open { text: path.display().to_string(), from: PathBuf::from("/") };
    app.follow = None;
    app.screen = ScreenId::Predict;
    vec![job.into()]
}
