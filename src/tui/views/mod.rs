//! What can be looked at from any screen, in the screen's place until it is closed. Each has a folder with its state,
//! keys and drawing, and a line in [`VIEWS`].

pub mod map;
pub mod nearest;
pub mod study;

use super::app::{App, Hits};
use super::effect::Effect;
use super::keys::{Action, Binding, Context};
use super::snapshot::Run;
use crossterm::event::MouseEvent;
use ratatui::Frame;
use ratatui::layout::Rect;
use std::sync::Arc;

/// Which one it is: its place in [`VIEWS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViewId {
    /// The steps of a study's file.
    Study,
    /// The map of features.
    Map,
    /// The training images that an answer comes from.
    Nearest,
}

impl ViewId {
    /// The view itself.
    pub fn view(self) -> &'static dyn View {
        VIEWS[self as usize]
    }
}

/// All of them.
pub static VIEWS: [&dyn View; 3] = [&study::StudyView, &map::MapView, &nearest::NearestView];

/// What they remember.
#[derive(Debug, Default)]
pub struct State {
    /// The one that is open.
    pub open: Option<ViewId>,
    pub study: study::State,
    pub map: map::State,
    pub nearest: nearest::State,
}

/// What the program asks of a view. Its state is a field of [`State`].
pub trait View: Sync {
    /// Its rows of the key table.
    fn keys(&self) -> &'static [Binding];
    /// The part of the key table that holds while it is open.
    fn context(&self, app: &App) -> Context;
    /// Draws it; the areas that answer the mouse go into `hits`.
    fn draw(&self, frame: &mut Frame, area: Rect, app: &App, hits: &mut Hits);
    /// Carries out an action that does not mean the same everywhere.
    fn act(&self, app: &mut App, action: Action) -> Vec<Effect>;
    /// A click on a line of its list.
    fn select(&self, app: &mut App, line: usize) -> Vec<Effect>;
    /// What it has to ask for when it is opened.
    fn arrive(&self, app: &mut App) -> Vec<Effect>;

    /// What it has to ask for when the workspace changed.
    fn wanted(&self, _app: &mut App) -> Vec<Effect> {
        Vec::new()
    }

    /// Whether the footer should offer an action now.
    fn offers(&self, _app: &App, _action: Action) -> bool {
        true
    }

    /// Takes away what it shows on top of itself; false when there was nothing, and it is closed.
    fn cancel(&self, _app: &mut App) -> bool {
        false
    }

    /// The run that pause and stop mean here.
    fn at_work(&self, _app: &App) -> Option<Arc<Run>> {
        None
    }

    /// What the mouse does besides clicks on lists; none leaves it to those.
    fn mouse(&self, _app: &mut App, _mouse: MouseEvent) -> Option<Vec<Effect>> {
        None
    }
}

/// Opens a view over the present screen.
pub fn open(app: &mut App, view: ViewId) -> Vec<Effect> {
    // Whoever looks around by hand is no longer led.
    app.follow = None;
    app.views.open = Some(view);
    view.view().arrive(app)
}
