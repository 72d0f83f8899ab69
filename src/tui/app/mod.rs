//! The state of the workbench, and how events change it. Nothing here reads a file, starts a thread or draws.

mod act;
mod complete;
mod form;
mod news;
mod press;
mod requests;

use super::charts::scale::Scale;
use super::completion;
use super::effect::{Effect, TerminalEffect};
use super::event::Event;
use super::guide;
use super::keys::{self, Action, Context, Key};
use super::notices::Notices;
use super::screens::{Screen, Screens};
use super::shared::{Overlay, Shared, Tone};
use super::stages::ScreenId;
use super::table;
use super::tasks;
use super::theme::Theme;
use super::views::Views;
use faceprobe_core::run::RunId;
use ratatui::layout::Rect;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The whole state.
pub struct App {
    pub shared: Shared,
    /// The screen that is shown, and the state of all of them.
    pub screen: ScreenId,
    pub screens: Screens,
    /// The views that can cover the screen.
    pub views: Views,
    pub tasks: tasks::State,
    /// Whether the terminal is too small to show what keys would do.
    pub cramped: bool,
    /// Notifications for a person who is away, and whether the terminal has the focus, where it reports that.
    pub notices: Notices,
    focused: Option<bool>,
    /// The names that may go on from the path that is being typed.
    completing: Option<completion::List>,
    /// The chart on which the mouse button is held, and the column where it was pressed.
    held: Option<(Rect, Scale, u16)>,
    /// The runs whose histories were last asked for.
    histories: BTreeSet<String>,
}

impl App {
    /// The state before the first snapshot. `start` is a run to show.
    pub fn new(theme: Theme, workspace: PathBuf, start: Option<RunId>) -> Self {
        Self {
            screens: Screens::new(workspace.clone()),
            shared: Shared::new(theme, workspace, start),
            screen: ScreenId::Data,
            views: Views::default(),
            tasks: tasks::State::default(),
            cramped: false,
            notices: Notices::default(),
            focused: None,
            completing: None,
            held: None,
            histories: BTreeSet::new(),
        }
    }

    /// What the first screen needs that is not in a snapshot.
    pub fn begin(&mut self) -> Vec<Effect> {
        self.arrive()
    }

    /// The context of the key table that holds now.
    pub fn context(&self) -> Context {
        match &self.shared.overlay {
            None => self.beneath(),
            Some(Overlay::Help(_)) => Context::Help,
            Some(Overlay::Form(_)) => Context::Form,
            Some(Overlay::Path(_)) => Context::Path,
            Some(Overlay::Confirm(_)) => Context::Confirm,
            Some(Overlay::Palette(_)) => Context::Palette,
            Some(Overlay::Prompt(_)) => Context::Prompt,
            Some(Overlay::Table(table::Popup::Columns(_))) => Context::Columns,
            Some(Overlay::Table(table::Popup::Yank)) => Context::Yank,
            Some(Overlay::Table(table::Popup::Differences(_))) => Context::Differences,
        }
    }

    /// Whether a search is on in the table of the screen, and the table is visible.
    pub fn searches(&self) -> bool {
        let table = self.screens.get(self.screen).table().filter(|_| self.shared.overlay.is_none());
        table.is_some_and(|table| !table.search().is_empty()) && self.offers(Action::NextMatch)
    }

    /// The context of the key table that holds on the screen, whatever covers it.
    pub fn beneath(&self) -> Context {
        match self.views.open() {
            Some(view) => view.context(),
            None => self.screens.get(self.screen).context(&self.shared),
        }
    }

    /// Calls `f` on the present screen, then serves the requests it made.
    fn on_screen(&mut self, what: impl FnOnce(&mut dyn Screen, &mut Shared) -> Vec<Effect>) -> Vec<Effect> {
        let effects = what(self.screens.get_mut(self.screen), &mut self.shared);
        self.and_requests(effects)
    }

    /// Handles an event; returns the effects to be carried out by others.
    pub fn update(&mut self, event: Event) -> Vec<Effect> {
        match event {
            // Keys do nothing on a screen that is too small to be drawn.
            Event::Key(key) if self.cramped => match keys::action(Context::Global, Key::of(&key)) {
                Some(action @ (Action::Quit | Action::Suspend)) => self.act(action),
                _ => Vec::new(),
            },
            Event::Paste(_) | Event::Mouse(_) if self.cramped => Vec::new(),
            Event::Key(key) => self.key(&key),
            Event::Paste(text) => self.paste(&text),
            Event::Mouse(mouse) => self.mouse(mouse),
            Event::Snapshot(snapshot) => self.take(snapshot),
            Event::Job(reply) => self.job(reply),
            Event::FolderChanged(folder) => self.screens.predict.changed(&folder),
            Event::Predictor(reply) => match self.screens.evaluate.told(reply) {
                Some(reply) => self.screens.predict.reply(&mut self.shared, reply),
                None => Vec::new(),
            },
            Event::Study(reply) => self.views.take_study(&self.shared, reply),
            Event::Graphics(picker) => {
                self.shared.pictures.can(picker.protocol_type());
                Vec::new()
            }
            Event::Picture(picture) => {
                self.shared.pictures.take(*picture);
                Vec::new()
            }
            Event::Suspend => vec![TerminalEffect::Suspend.into()],
            Event::Continue => {
                self.shared.pictures.forget();
                vec![TerminalEffect::Redraw.into()]
            }
            Event::Focus(focused) => {
                self.focused = Some(focused);
                Vec::new()
            }
            // The next frame finds the new size by itself.
            Event::Resize => Vec::new(),
            Event::Ending(_) | Event::Lost => vec![TerminalEffect::Quit.into()],
        }
    }

    /// The message, with what comes next where that belongs to it.
    pub fn told(&self) -> Option<(Tone, String)> {
        let (tone, text) = self.shared.message.clone()?;
        Some(match guide::next(&self.shared, self.screen).filter(|_| self.shared.guided) {
            Some(next) => (tone, format!("{}. {next}", text.trim_end_matches('.'))),
            None => (tone, text),
        })
    }

    /// The request for the histories that the screen shows, when they are others than before.
    pub fn ask_for_histories(&mut self) -> Option<Effect> {
        let wanted = self.screens.get(self.screen).histories(&self.shared);
        if wanted == self.histories {
            return None;
        }
        self.histories.clone_from(&wanted);
        Some(Effect::Histories(wanted))
    }

    /// Has the folder on the screen watched, and no other.
    pub fn ask_for_folder(&mut self) -> Option<Effect> {
        let shown = self.screen == ScreenId::Predict;
        self.screens.predict.watch(shown)
    }
}
