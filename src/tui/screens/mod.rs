//! The screens. Each is a folder with a type that owns the screen's state and implements [`Screen`], and has a line in
//! [`SCREENS`] and in [`Screens`]. [`Shared`] is the state common to all of them; what one wants of another is a
//! [`super::request::Request`].

pub mod data;
pub mod evaluate;
pub mod features;
pub mod predict;
pub mod results;
pub mod runs;
pub mod train;

use super::effect::Effect;
use super::keys::{Action, Binding, Context};
use super::shared::{Hits, Shared};
use super::snapshot::Run;
use super::stages::{ScreenId, State, Study};
use super::table::{Kind, Table};
use faceprobe_core::run::RunId;
use ratatui::Frame;
use ratatui::layout::Rect;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// Mouse events over a chart; positions are values along x.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Gesture {
    /// The wheel, away from the user or towards.
    Wheel { at: f64, closer: bool },
    /// The button is held from one position to another.
    Drag { from: f64, to: f64 },
    /// It was released; `wide` where the two ends are far enough apart to be a selection.
    Release { from: f64, to: f64, wide: bool },
}

/// The constant part of a screen.
pub struct ScreenInfo {
    pub id: ScreenId,
    /// The heading.
    pub name: &'static str,
    /// Its rows of the key table: what its keys do, what the footer, the help and the palette say of them.
    pub keys: &'static [Binding],
    /// The context of the key table while nothing covers the screen.
    pub home: Context,
    /// The state of this step of the study, and a few words about it.
    pub step: fn(&Study) -> (State, String),
}

/// A screen: its state, and what the program calls on it.
pub trait Screen {
    /// What is known of it without its state.
    fn info(&self) -> &'static ScreenInfo;
    /// Draws it; the areas that answer the mouse go into `hits`.
    fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared, hits: &mut Hits);
    /// Carries out an action that is particular to the screen.
    fn act(&mut self, shared: &mut Shared, action: Action) -> Vec<Effect>;
    /// A click on a line of its list.
    fn select(&mut self, shared: &mut Shared, line: usize) -> Vec<Effect>;

    /// The context of the key table that holds now.
    fn context(&self, _shared: &Shared) -> Context {
        self.info().home
    }

    /// Whether the footer should offer an action now: actions without effect are left to the help.
    fn offers(&self, _shared: &Shared, _action: Action) -> bool {
        true
    }

    /// What the mouse does over a chart.
    fn plot(&mut self, _shared: &mut Shared, _gesture: Gesture) -> Vec<Effect> {
        Vec::new()
    }

    /// Closes what covers the screen.
    fn cancel(&mut self, _shared: &mut Shared) {}

    /// Asks for what it needs when it is shown.
    fn arrive(&mut self, shared: &mut Shared) -> Vec<Effect> {
        self.wanted(shared)
    }

    /// Another screen is shown.
    fn leave(&mut self) {}

    /// The files of runs it still has to ask for.
    fn wanted(&mut self, _shared: &mut Shared) -> Vec<Effect> {
        Vec::new()
    }

    /// The run that pause and stop act on here.
    fn at_work(&self, _shared: &Shared) -> Option<Arc<Run>> {
        None
    }

    /// The runs whose histories it shows: curves, trials and images left out are read for these only.
    fn histories(&self, _shared: &Shared) -> BTreeSet<String> {
        BTreeSet::new()
    }

    /// Its table of runs.
    fn table(&self) -> Option<&Table> {
        None
    }

    /// The same, mutable: to change how it is shown.
    fn table_mut(&mut self) -> Option<&mut Table> {
        None
    }

    /// Takes text that was pasted while nothing is open.
    fn paste(&mut self, _shared: &mut Shared, _text: &str) {}

    /// Puts the cursor on a run.
    fn show(&mut self, shared: &Shared, run: &RunId) {
        if let Some(table) = self.table_mut() {
            table.reveal(shared, run.as_str());
        }
    }

    /// A run was started from here.
    fn launched(&mut self, _shared: &mut Shared, _run: &RunId) {}
}

/// The screens in the order of the study, as the number keys reach them.
pub static SCREENS: [&ScreenInfo; 7] =
    [&data::INFO, &features::INFO, &train::INFO, &results::INFO, &evaluate::INFO, &predict::INFO, &runs::INFO];

/// The tables of runs.
pub static TABLES: [&Kind; 3] = [&train::TABLE, &results::TABLE, &runs::TABLE];

/// All of them with their states.
pub struct Screens {
    pub data: data::Data,
    pub features: features::Features,
    pub train: train::Train,
    pub results: results::Results,
    pub evaluate: evaluate::Evaluate,
    pub predict: predict::Predict,
    pub runs: runs::Runs,
}

impl Screens {
    /// As they are at first; Predict begins in `folder`.
    pub fn new(folder: PathBuf) -> Self {
        Self {
            data: data::Data::default(),
            features: features::Features::default(),
            train: train::Train::default(),
            results: results::Results::default(),
            evaluate: evaluate::Evaluate::default(),
            predict: predict::Predict::new(folder),
            runs: runs::Runs::default(),
        }
    }

    /// One of them.
    pub fn get(&self, id: ScreenId) -> &dyn Screen {
        match id {
            ScreenId::Data => &self.data,
            ScreenId::Features => &self.features,
            ScreenId::Train => &self.train,
            ScreenId::Results => &self.results,
            ScreenId::Evaluate => &self.evaluate,
            ScreenId::Predict => &self.predict,
            ScreenId::Runs => &self.runs,
        }
    }

    /// One of them, to do something with.
    pub fn get_mut(&mut self, id: ScreenId) -> &mut dyn Screen {
        match id {
            ScreenId::Data => &mut self.data,
            ScreenId::Features => &mut self.features,
            ScreenId::Train => &mut self.train,
            ScreenId::Results => &mut self.results,
            ScreenId::Evaluate => &mut self.evaluate,
            ScreenId::Predict => &mut self.predict,
            ScreenId::Runs => &mut self.runs,
        }
    }
}
