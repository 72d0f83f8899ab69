//! The state of the screen, and how events change it. Nothing here reads a file, starts a thread or draws.

mod act;
mod complete;
mod form;
mod news;
mod press;

use super::charts::scale::Scale;
use super::completion;
use super::effect::{Effect, TerminalEffect};
use super::event::Event;
use super::forms::FormKind;
use super::guide;
use super::jobs::Job;
use super::keys::{self, Action, Context, Key};
use super::notices::Notices;
use super::palette;
use super::pictures::Pictures;
use super::prompt::Prompt;
use super::screens::{data, evaluate, features, predict, results, runs, train};
use super::snapshot::Snapshot;
use super::stages::ScreenId;
use super::table;
use super::tasks;
use super::theme::{Palette, Theme};
use super::views;
use super::widgets::confirm::Confirm;
use super::widgets::form::Form;
use super::widgets::help;
use faceprobe_core::run::RunId;
use ratatui::layout::Rect;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use tui_input::Input;

/// How a message is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Good,
    Plain,
    Bad,
}

/// What lies over the screen.
#[derive(Debug, Clone)]
pub enum Overlay {
    Help(help::State),
    Form(Form<FormKind>),
    Path(Input),
    Confirm(Confirm),
    Palette(palette::State),
    Prompt(Prompt),
    /// Something of a table of runs.
    Table(table::Over),
}

/// What a click on an area means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target {
    Screen(ScreenId),
    /// Line `index` of the list of the screen.
    Row(usize),
    /// A chart with this along its bottom.
    Plot(Scale),
    /// The plane of a map.
    Plane,
    /// A key of the footer.
    Key(Action),
}

/// The areas of the last frame that answer the mouse.
pub type Hits = Vec<(Rect, Target)>;

/// The whole state.
pub struct App {
    pub theme: Theme,
    /// The palette, where it was changed on the screen.
    pub themed: Option<Palette>,
    pub snapshot: Arc<Snapshot>,
    /// Whether a snapshot has come: before, an empty workspace is not told from one that was not read yet.
    pub loaded: bool,
    /// Whether the terminal is too small to show what keys would do.
    pub cramped: bool,
    pub screen: ScreenId,
    pub message: Option<(Tone, String)>,
    /// Whether the message is followed by what comes next in the study.
    pub guided: bool,
    pub overlay: Option<Overlay>,
    pub data: data::State,
    pub features: features::State,
    pub train: train::State,
    pub results: results::State,
    pub evaluate: evaluate::State,
    pub predict: predict::State,
    pub pictures: Pictures,
    pub runs: runs::State,
    pub tasks: tasks::State,
    /// The names that may go on from the path that is being typed.
    pub completing: Option<completion::List>,
    /// What lies in the screen's place, and what views remember.
    pub views: views::State,
    /// The runs that were started here.
    pub launched: BTreeSet<RunId>,
    /// A version of the present data set that another terminal has prepared.
    pub newer: Option<String>,
    /// The screens change with the parts of this run until a key says otherwise.
    pub follow: Option<RunId>,
    pub hits: Hits,
    /// The chart on which the mouse button is held, and the column where it was pressed.
    held: Option<(Rect, Scale, u16)>,
    /// What reaches somebody who is away, and whether the terminal is looked at, where it tells.
    pub notices: Notices,
    pub focused: Option<bool>,
    /// What was last typed into each form.
    pub remembered: HashMap<FormKind, BTreeMap<String, String>>,
    /// The settings of runs that tables have shown.
    pub settings: RefCell<table::Known>,
    /// The runs whose stories were last asked for.
    pub stories: BTreeSet<String>,
}

impl App {
    /// The state before anything is known. `start` is a run to show.
    pub fn new(theme: Theme, workspace: PathBuf, start: Option<RunId>) -> Self {
        Self {
            theme,
            themed: None,
            snapshot: Arc::new(Snapshot { workspace: workspace.clone(), ..Snapshot::default() }),
            loaded: false,
            launched: BTreeSet::new(),
            cramped: false,
            screen: ScreenId::Data,
            message: None,
            guided: false,
            overlay: None,
            data: data::State::default(),
            features: features::State::default(),
            train: train::State::default(),
            results: results::State::default(),
            evaluate: evaluate::State::default(),
            predict: predict::State::new(workspace),
            pictures: Pictures::default(),
            runs: runs::State::default(),
            tasks: tasks::State::default(),
            completing: None,
            views: views::State::default(),
            newer: None,
            follow: start,
            hits: Hits::new(),
            held: None,
            notices: Notices::default(),
            focused: None,
            remembered: HashMap::new(),
            settings: RefCell::default(),
            stories: BTreeSet::new(),
        }
    }

    /// What the first screen needs that is not in a snapshot.
    pub fn begin(&mut self) -> Vec<Effect> {
        self.arrive()
    }

    /// The name of the data set that new work is done on.
    pub fn dataset(&self) -> Option<&str> {
        self.snapshot.dataset(self.data.selected.as_deref()).map(|set| set.name.as_str())
    }

    /// The part of the key table that holds now.
    pub fn context(&self) -> Context {
        match &self.overlay {
            None => self.beneath(),
            Some(Overlay::Help(_)) => Context::Help,
            Some(Overlay::Form(_)) => Context::Form,
            Some(Overlay::Path(_)) => Context::Path,
            Some(Overlay::Confirm(_)) => Context::Confirm,
            Some(Overlay::Palette(_)) => Context::Palette,
            Some(Overlay::Prompt(_)) => Context::Prompt,
            Some(Overlay::Table(table::Over::Columns(_))) => Context::Columns,
            Some(Overlay::Table(table::Over::Yank)) => Context::Yank,
            Some(Overlay::Table(table::Over::Differences(_))) => Context::Differences,
        }
    }

    /// Whether something is looked for in the table of the screen, and the table is what is seen.
    pub fn searches(&self) -> bool {
        let table = table::of(self.screen).filter(|_| self.overlay.is_none());
        table.is_some_and(|kind| !(kind.state)(self).0.search().is_empty()) && self.offers(Action::NextMatch)
    }

    /// The part of the key table that holds on the screen, whatever lies over it.
    pub fn beneath(&self) -> Context {
        match self.views.open {
            Some(view) => view.view().context(self),
            None => self.screen.screen().context(self),
        }
    }

    /// Takes an event in; what is to be done outside comes back.
    pub fn update(&mut self, event: Event) -> Vec<Effect> {
        match event {
            // What cannot be seen cannot be meant.
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
            Event::FolderChanged(folder) => predict::changed(self, &folder),
            Event::Predictor(reply) => match views::nearest::take(self, reply) {
                Some(reply) => predict::reply(self, reply),
                None => Vec::new(),
            },
            Event::Study(reply) => views::study::take(self, reply),
            Event::Graphics(picker) => {
                self.pictures.can(picker.protocol_type());
                Vec::new()
            }
            Event::Picture(picture) => {
                self.pictures.take(*picture);
                Vec::new()
            }
            Event::Suspend => vec![TerminalEffect::Suspend.into()],
            Event::Continue => {
                self.pictures.forget();
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

    /// Puts a sentence on the message line.
    pub fn say(&mut self, tone: Tone, text: impl Into<String>) {
        self.message = Some((tone, text.into()));
        self.guided = false;
    }

    /// The message, with what comes next where that belongs to it.
    pub fn told(&self) -> Option<(Tone, String)> {
        let (tone, text) = self.message.clone()?;
        Some(match guide::next(self).filter(|_| self.guided) {
            Some(next) => (tone, format!("{}. {next}", text.trim_end_matches('.'))),
            None => (tone, text),
        })
    }

    /// Opens a question; `job` is what yes does.
    pub fn ask(&mut self, title: &str, text: Vec<String>, job: Job) {
        self.overlay = Some(Overlay::Confirm(Confirm { title: title.to_owned(), text, job }));
    }
}

/// The index after a movement in a list of `len` lines.
pub fn moved(index: usize, len: usize, action: Action) -> usize {
    let last = len.saturating_sub(1);
    match action {
        Action::Up => index.saturating_sub(1),
        Action::Down => (index + 1).min(last),
        Action::PageUp => index.saturating_sub(10),
        Action::PageDown => (index + 10).min(last),
        Action::Top => 0,
        Action::Bottom => last,
        _ => index.min(last),
    }
}
