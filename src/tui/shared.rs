//! The state common to screens and views: the snapshot of the workspace, what covers the screen, messages, and requests
//! to other screens. A screen gets this and its own state only.

use super::charts::scale::Scale;
use super::forms::{self, FormKind};
use super::jobs::Job;
use super::keys::Action;
use super::palette;
use super::pictures::Pictures;
use super::prompt::Prompt;
use super::request::Request;
use super::selection::Selection;
use super::snapshot::{DataSet, Snapshot};
use super::stages::ScreenId;
use super::table;
use super::theme::{Palette, Theme};
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

/// The level of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Good,
    Plain,
    Bad,
}

/// What covers the screen.
#[derive(Debug, Clone)]
pub enum Overlay {
    Help(help::State),
    Form(Form<FormKind>),
    Path(Input),
    Confirm(Confirm),
    Palette(palette::State),
    Prompt(Prompt),
    /// Something of a table of runs.
    Table(table::Popup),
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

/// The state that every screen and view can read and change.
pub struct Shared {
    pub theme: Theme,
    /// The palette, where it was changed on the screen.
    pub themed: Option<Palette>,
    pub snapshot: Arc<Snapshot>,
    /// Whether a snapshot has come: before, an empty workspace cannot be told from one that was not read yet.
    pub loaded: bool,
    pub message: Option<(Tone, String)>,
    /// Whether the message is followed by the next step of the study.
    pub guided: bool,
    pub overlay: Option<Overlay>,
    pub pictures: Pictures,
    /// The data set that was chosen; none means the newest.
    pub chosen_set: Option<String>,
    /// A version of the present data set that another terminal has prepared.
    pub newer: Option<String>,
    /// The marked runs, in the order they were marked: their curves are overlaid, their settings and figures compared.
    pub marked: Vec<String>,
    /// The images selected on the map of features.
    pub selection: Option<Selection>,
    /// The runs that were started here.
    pub launched: BTreeSet<RunId>,
    /// The screens follow the phases of this run until a key ends that.
    pub follow: Option<RunId>,
    pub hits: Hits,
    /// What was last typed into each form.
    pub remembered: HashMap<FormKind, BTreeMap<String, String>>,
    /// The settings of runs that tables have shown.
    pub(super) settings: RefCell<table::Known>,
    requests: Vec<Request>,
}

impl Shared {
    /// The state before the first snapshot. `follow` is a run to show.
    pub(super) fn new(theme: Theme, workspace: PathBuf, follow: Option<RunId>) -> Self {
        Self {
            theme,
            themed: None,
            snapshot: Arc::new(Snapshot { workspace, ..Snapshot::default() }),
            loaded: false,
            message: None,
            guided: false,
            overlay: None,
            pictures: Pictures::default(),
            chosen_set: None,
            newer: None,
            marked: Vec::new(),
            selection: None,
            launched: BTreeSet::new(),
            follow,
            hits: Hits::new(),
            remembered: HashMap::new(),
            settings: RefCell::default(),
            requests: Vec::new(),
        }
    }

    /// The data set that new work uses.
    pub fn current_set(&self) -> Option<&DataSet> {
        self.snapshot.dataset(self.chosen_set.as_deref())
    }

    /// Its name.
    pub fn dataset(&self) -> Option<&str> {
        self.current_set().map(|set| set.name.as_str())
    }

    /// Puts a sentence on the message line.
    pub fn say(&mut self, tone: Tone, text: impl Into<String>) {
        self.message = Some((tone, text.into()));
        self.guided = false;
    }

    /// Opens a question; `job` is what yes does.
    pub fn ask(&mut self, title: &str, text: Vec<String>, job: Job) {
        self.overlay = Some(Overlay::Confirm(Confirm { title: title.to_owned(), text, job }));
    }

    /// Opens a form with what was last typed into it.
    pub fn open_form(&mut self, kind: FormKind) {
        let mut form = forms::open(kind, &self.snapshot, self.dataset());
        if let Some(values) = self.remembered.get(&kind) {
            for field in &mut form.fields {
                // Which set is current, the screen says.
                if let Some(value) = values.get(&field.name).filter(|_| field.name != forms::DATA) {
                    field.input = Input::new(value.clone());
                }
            }
        }
        self.overlay = Some(Overlay::Form(form));
    }

    /// Puts a value into a field of the open form.
    pub fn fill(&mut self, name: &str, value: &str) {
        if let Some(Overlay::Form(form)) = &mut self.overlay
            && let Some(field) = form.fields.iter_mut().find(|field| field.name == name)
        {
            field.input = Input::new(value.to_owned());
        }
    }

    /// Opens a line to type into.
    pub fn prompt(&mut self, prompt: Prompt) {
        self.overlay = Some(Overlay::Prompt(prompt));
    }

    /// The position of a run among the marked ones.
    pub fn mark_of(&self, run: &str) -> Option<usize> {
        self.marked.iter().position(|marked| marked == run)
    }

    /// Marks a run or unmarks it.
    pub fn turn_mark(&mut self, run: &str) {
        match self.mark_of(run) {
            Some(at) => drop(self.marked.remove(at)),
            None => self.marked.push(run.to_owned()),
        }
    }

    /// Makes a request to another screen; it is served after the present call returns.
    pub fn request(&mut self, request: Request) {
        self.requests.push(request);
    }

    /// The requests since the last call.
    pub(super) fn requests(&mut self) -> Vec<Request> {
        std::mem::take(&mut self.requests)
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
