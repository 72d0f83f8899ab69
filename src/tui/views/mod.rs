//! What can be looked at from any screen, in the screen's place until it is closed. Each is a folder with a type that owns
//! its state and implements [`View`], and has a line in [`Views`] and its keys in [`KEYS`].

pub mod map;
pub mod study;

use super::effect::Effect;
use super::keys::{Action, Binding, Context};
use super::shared::{Hits, Shared};
use super::snapshot::Run;
use super::studies::Reply;
use crossterm::event::MouseEvent;
use ratatui::Frame;
use ratatui::layout::Rect;
use std::sync::Arc;

/// Which one it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViewId {
    /// The steps of a study's file.
    Study,
    /// The map of features.
    Map,
}

/// Their rows of the key table.
pub static KEYS: [&[Binding]; 2] = [study::KEYS, map::KEYS];

/// A view: its state, and what the program asks of it.
pub trait View {
    /// The part of the key table that holds while it is open.
    fn context(&self) -> Context;
    /// Draws it; the areas that answer the mouse go into `hits`.
    fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared, hits: &mut Hits);
    /// Carries out an action that does not mean the same everywhere.
    fn act(&mut self, shared: &mut Shared, action: Action) -> Vec<Effect>;
    /// A click on a line of its list.
    fn select(&mut self, shared: &mut Shared, line: usize) -> Vec<Effect>;
    /// What it has to ask for when it is opened.
    fn arrive(&mut self, shared: &mut Shared) -> Vec<Effect>;

    /// What it has to ask for when the workspace changed.
    fn wanted(&mut self, _shared: &Shared) -> Vec<Effect> {
        Vec::new()
    }

    /// Whether the footer should offer an action now.
    fn offers(&self, _shared: &Shared, _action: Action) -> bool {
        true
    }

    /// Takes away what it shows on top of itself; false when there was nothing, and it is closed.
    fn cancel(&mut self) -> bool {
        false
    }

    /// The run that pause and stop mean here.
    fn at_work(&self, _shared: &Shared) -> Option<Arc<Run>> {
        None
    }

    /// What the mouse does besides clicks on lists; none leaves it to those.
    fn mouse(&mut self, _shared: &mut Shared, _mouse: MouseEvent) -> Option<Vec<Effect>> {
        None
    }
}

/// All of them with their states, and the one that is open.
#[derive(Default)]
pub struct Views {
    open: Option<ViewId>,
    pub study: study::StudyView,
    pub map: map::MapView,
}

impl Views {
    /// The one that is open.
    pub fn open(&self) -> Option<&dyn View> {
        Some(match self.open? {
            ViewId::Study => &self.study,
            ViewId::Map => &self.map,
        })
    }

    /// The same, to do something with.
    pub fn open_mut(&mut self) -> Option<&mut dyn View> {
        Some(self.get_mut(self.open?))
    }

    fn get_mut(&mut self, view: ViewId) -> &mut dyn View {
        match view {
            ViewId::Study => &mut self.study,
            ViewId::Map => &mut self.map,
        }
    }

    /// Opens one of them.
    pub fn show(&mut self, view: ViewId) -> &mut dyn View {
        self.open = Some(view);
        self.get_mut(view)
    }

    /// Closes the one that is open.
    pub fn close(&mut self) {
        self.open = None;
    }

    /// Takes the steps of a study; what happened meanwhile is asked for where somebody looks.
    pub fn take_study(&mut self, shared: &Shared, reply: Reply) -> Vec<Effect> {
        let effects = self.study.take(shared, reply);
        match self.open {
            Some(ViewId::Study) if effects.is_empty() => self.study.wanted(shared),
            _ => effects,
        }
    }
}
