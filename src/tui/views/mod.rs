//! Views that can be opened from any screen and replace it until they are closed. Each is a folder with a type that
//! owns its state and implements [`View`], and has a line in [`Views`] and its keys in [`KEYS`].

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

/// A view's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViewId {
    /// The steps of a study's file.
    Study,
    /// The map of features.
    Map,
}

/// Their rows of the key table.
pub static KEYS: [&[Binding]; 2] = [study::KEYS, map::KEYS];

/// A view: its state, and what the program calls on it.
pub trait View {
    /// The context of the key table that holds while it is open.
    fn context(&self) -> Context;
    /// Draws it; the areas that answer the mouse go into `hits`.
    fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared, hits: &mut Hits);
    /// Carries out an action that is particular to the view.
    fn act(&mut self, shared: &mut Shared, action: Action) -> Vec<Effect>;
    /// A click on a line of its list.
    fn select(&mut self, shared: &mut Shared, line: usize) -> Vec<Effect>;
    /// Asks for what it needs when it is opened.
    fn arrive(&mut self, shared: &mut Shared) -> Vec<Effect>;

    /// Asks for what it needs when the workspace changed.
    fn wanted(&mut self, _shared: &Shared) -> Vec<Effect> {
        Vec::new()
    }

    /// Whether the footer should offer an action now.
    fn offers(&self, _shared: &Shared, _action: Action) -> bool {
        true
    }

    /// Closes what covers the view; false when there was nothing, and the view is closed.
    fn cancel(&mut self, _shared: &mut Shared) -> bool {
        false
    }

    /// The run that pause and stop act on here.
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
