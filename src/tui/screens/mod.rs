//! The screens. Each has a folder with its state, keys, commands and drawing, and a line in [`SCREENS`]; whoever wants
//! something of the present screen asks it through [`Screen`].

pub mod data;
pub mod evaluate;
pub mod features;
pub mod predict;
pub mod results;
pub mod runs;
pub mod train;

use super::app::{App, Hits, Tone};
use super::effect::Effect;
use super::jobs::Job;
use super::keys::{Action, Binding, Context};
use super::snapshot::Run;
use super::stages::{ScreenId, State, Study};
use super::table::Kind;
use faceprobe_core::run::RunId;
use ratatui::Frame;
use ratatui::layout::Rect;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// What the mouse does over a chart; places are values along x.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Gesture {
    /// The wheel, away from the user or towards.
    Wheel { at: f64, closer: bool },
    /// The button is held from one place to another.
    Drag { from: f64, to: f64 },
    /// It was let go; `wide` where the two are far enough apart to be meant.
    Release { from: f64, to: f64, wide: bool },
}

/// What the program asks of a screen. Its state is a field of [`App`], of a type that the screen's folder defines.
pub trait Screen: Sync {
    /// Which one it is.
    fn id(&self) -> ScreenId;
    /// The heading.
    fn name(&self) -> &'static str;
    /// Its rows of the key table: what its keys do, what the footer, the help and the palette say of them.
    fn keys(&self) -> &'static [Binding];
    /// The part of the key table that holds while nothing lies over the screen.
    fn home(&self) -> Context;
    /// Draws it; the areas that answer the mouse go into `hits`.
    fn draw(&self, frame: &mut Frame, area: Rect, app: &App, hits: &mut Hits);
    /// Carries out an action that does not mean the same everywhere.
    fn act(&self, app: &mut App, action: Action) -> Vec<Effect>;
    /// A click on a line of its list.
    fn select(&self, app: &mut App, line: usize) -> Vec<Effect>;
    /// How far this step of the study is, and a few words about it.
    fn step(&self, study: &Study) -> (State, String);

    /// The part of the key table that holds now.
    fn context(&self, _app: &App) -> Context {
        self.home()
    }

    /// Whether the footer should offer an action now: what would do nothing is left to the help.
    fn offers(&self, _app: &App, _action: Action) -> bool {
        true
    }

    /// What the mouse does over a chart.
    fn plot(&self, _app: &mut App, _gesture: Gesture) -> Vec<Effect> {
        Vec::new()
    }

    /// Takes away what the screen shows on top of itself.
    fn cancel(&self, _app: &mut App) {}

    /// What it has to ask for when somebody comes to it.
    fn arrive(&self, app: &mut App) -> Vec<Effect> {
        self.wanted(app)
    }

    /// What it still has to ask of the files of runs.
    fn wanted(&self, _app: &mut App) -> Vec<Effect> {
        Vec::new()
    }

    /// The run that pause and stop mean here.
    fn at_work(&self, _app: &App) -> Option<Arc<Run>> {
        None
    }

    /// The runs whose stories it shows: curves, trials and what was left out are read for these only.
    fn stories(&self, _app: &App) -> BTreeSet<String> {
        BTreeSet::new()
    }

    /// Shows only lines that fulfil conditions.
    ///
    /// # Errors
    /// A sentence when they are not understood.
    fn filter(&self, _app: &mut App, _text: &str) -> Result<(), String> {
        Ok(())
    }

    /// Its table of runs.
    fn table(&self) -> Option<&'static Kind> {
        None
    }

    /// Takes text that was pasted while nothing is open.
    fn paste(&self, _app: &mut App, _text: &str) {}

    /// Puts the cursor on a run.
    fn show(&self, _app: &mut App, _run: &RunId) {}

    /// A run was started from here.
    fn launched(&self, _app: &mut App, _run: &RunId) {}
}

/// The screens in the order of the study, as the number keys reach them.
pub static SCREENS: [&dyn Screen; 7] = [
    &data::Data,
    &features::Features,
    &train::Train,
    &results::Results,
    &evaluate::Evaluate,
    &predict::Predict,
    &runs::Runs,
];

/// Turns to Predict with a picture of a data set, to be predicted with the model of a run, or with the chosen one.
pub(super) fn open_picture(app: &mut App, picture: Option<PathBuf>, model: Option<String>) -> Vec<Effect> {
    let Some(path) = picture else {
        app.say(Tone::Plain, "There is no image here, or its data set is gone.");
        return Vec::new();
    };
    let job = Job::Open { text: path.display().to_string(), from: PathBuf::from("/") };
    app.follow = None;
    app.screen = ScreenId::Predict;
    // The chosen model answers with the chosen threshold, any other with the one that it was trained to.
    let chosen = app.snapshot.choice.as_ref().map(|choice| choice.run.as_str());
    app.predict.model = model.filter(|run| chosen != Some(run.as_str()));
    vec![job.into()]
}
