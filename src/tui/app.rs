//! The state of the screen, and how events change it. Nothing here reads a file, starts a thread or draws.

use super::commands;
use super::event::Event;
use super::forms::{self, FormKind};
use super::jobs::{Effect, JobReply};
use super::keys::{self, Action, Context, Key};
use super::palette;
use super::pictures::Pictures;
use super::prompt::{self, Prompt};
use super::records;
use super::screens::{audit, data, evaluate, features, predict, results, runs, sheet, train};
use super::snapshot::Snapshot;
use super::stages::{ScreenId, screen_of};
use super::theme::{Palette, Theme};
use super::widgets::confirm::Confirm;
use super::widgets::form::{self, Form};
use crate::run::{JobSpec, RunId, Status, control};
use crossterm::event::{KeyEvent, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};
use std::collections::HashMap;
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
    Help { scroll: usize },
    Form(Form<FormKind>),
    Path(Input),
    Confirm(Confirm),
    Palette(palette::State),
    Prompt(Prompt),
}

/// What a click on an area means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Screen(ScreenId),
    /// Line `index` of the list of the screen.
    Row(usize),
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
    pub screen: ScreenId,
    pub message: Option<(Tone, String)>,
    pub overlay: Option<Overlay>,
    pub data: data::State,
    pub features: features::State,
    pub train: train::State,
    pub results: results::State,
    pub evaluate: evaluate::State,
    pub predict: predict::State,
    pub pictures: Pictures,
    pub runs: runs::State,
    /// The screens change with the parts of this run until a key says otherwise.
    pub follow: Option<RunId>,
    pub hits: Hits,
    /// What was last typed into each form.
    pub remembered: HashMap<FormKind, Vec<String>>,
}

impl App {
    /// The state before anything is known. `start` is a run to show.
    pub fn new(theme: Theme, workspace: PathBuf, start: Option<RunId>) -> Self {
        Self {
            theme,
            themed: None,
            snapshot: Arc::new(Snapshot { workspace: workspace.clone(), ..Snapshot::default() }),
            loaded: false,
            screen: ScreenId::Data,
            message: None,
            overlay: None,
            data: data::State::default(),
            features: features::State::default(),
            train: train::State::default(),
            results: results::State::default(),
            evaluate: evaluate::State::default(),
            predict: predict::State::new(workspace),
            pictures: Pictures::default(),
            runs: runs::State::default(),
            follow: start,
            hits: Hits::new(),
            remembered: HashMap::new(),
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
            Some(Overlay::Help { .. }) => Context::Help,
            Some(Overlay::Form(_)) => Context::Form,
            Some(Overlay::Path(_)) => Context::Path,
            Some(Overlay::Confirm(_)) => Context::Confirm,
            Some(Overlay::Palette(_)) => Context::Palette,
            Some(Overlay::Prompt(_)) => Context::Prompt,
        }
    }

    /// The part of the key table that holds on the screen, whatever lies over it.
    pub fn beneath(&self) -> Context {
        match self.screen {
            ScreenId::Results => self.results.context(),
            ScreenId::Data => self.data.context(),
            screen => screen.context(),
        }
    }

    /// Takes an event in; what is to be done outside comes back.
    pub fn update(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::Key(key) => self.key(&key),
            Event::Paste(text) => self.paste(&text),
            Event::Mouse(mouse) => self.mouse(mouse),
            Event::Snapshot(snapshot) => self.take(snapshot),
            Event::Job(reply) => self.job(reply),
            Event::Predictor(reply) => predict::reply(self, reply),
            Event::Graphics(picker) => {
                self.pictures.can(picker.protocol_type());
                Vec::new()
            }
            Event::Picture(picture) => {
                self.pictures.take(*picture);
                Vec::new()
            }
            Event::Suspend => vec![Effect::Suspend],
            Event::Continue => {
                self.pictures.forget();
                vec![Effect::Redraw]
            }
            // The next frame finds the new size by itself.
            Event::Resize => Vec::new(),
            Event::Ending(_) | Event::Lost => vec![Effect::Quit],
        }
    }

    fn key(&mut self, key: &KeyEvent) -> Vec<Effect> {
        let action = keys::action(self.context(), Key::of(key));
        match (&mut self.overlay, action) {
            (Some(Overlay::Form(form)), None) => form.press(key),
            (Some(Overlay::Form(form)), Some(Action::Left | Action::Right))
                if form.fields.get(form.focus).is_some_and(|field| field.choices.is_empty()) =>
            {
                form.press(key);
            }
            (Some(Overlay::Path(input)), None) => {
                if let Some(request) = form::request(key) {
                    input.handle(request);
                }
            }
            (Some(Overlay::Palette(state)), None) => {
                if let Some(request) = form::request(key) {
                    state.input.handle(request);
                    state.selected = 0;
                }
            }
            (Some(Overlay::Prompt(open)), None) => {
                open.press(key);
                prompt::changed(self);
            }
            (_, Some(action)) => return self.act(action),
            (_, None) => {}
        }
        self.form_changed();
        Vec::new()
    }

    /// Carries out an action of the key table in the present context.
    pub fn act(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::Quit => return vec![Effect::Quit],
            Action::Suspend | Action::Redraw => {
                self.pictures.forget();
                return vec![if action == Action::Suspend { Effect::Suspend } else { Effect::Redraw }];
            }
            _ => {}
        }
        match self.overlay {
            None => self.act_on_screen(action),
            Some(Overlay::Help { ref mut scroll }) => {
                match action {
                    Action::Up => *scroll = scroll.saturating_sub(1),
                    Action::Down => *scroll += 1,
                    Action::PageUp => *scroll = scroll.saturating_sub(10),
                    Action::PageDown => *scroll += 10,
                    Action::Top => *scroll = 0,
                    Action::Bottom => *scroll = keys::TABLE.len(),
                    _ => self.overlay = None,
                }
                Vec::new()
            }
            Some(Overlay::Confirm(_)) => match (action, self.overlay.take()) {
                (Action::Accept, Some(Overlay::Confirm(confirm))) => vec![confirm.effect],
                _ => Vec::new(),
            },
            Some(Overlay::Path(_)) => match (action, self.overlay.take()) {
                (Action::Accept, Some(Overlay::Path(input))) if !input.value().trim().is_empty() => {
                    vec![Effect::Open { text: input.value().to_owned(), from: self.predict.folder.clone() }]
                }
                _ => Vec::new(),
            },
            Some(Overlay::Form(_)) => self.act_on_form(action),
            Some(Overlay::Palette(_)) => self.act_on_palette(action),
            Some(Overlay::Prompt(_)) => prompt::act(self, action),
        }
    }

    fn act_on_palette(&mut self, action: Action) -> Vec<Effect> {
        let Some(Overlay::Palette(state)) = self.overlay.take() else {
            return Vec::new();
        };
        let found = palette::found(self, state.input.value());
        match action {
            Action::Up | Action::Down => {
                let selected = moved(state.selected, found.len(), action);
                self.overlay = Some(Overlay::Palette(palette::State { selected, ..state }));
            }
            Action::Accept => {
                if let Some(command) = found.get(state.selected) {
                    let mut effects = command.screen.map_or_else(Vec::new, |screen| self.go(screen.index()));
                    effects.extend(self.act(command.binding.action));
                    return effects;
                }
            }
            _ => {}
        }
        Vec::new()
    }

    fn act_on_form(&mut self, action: Action) -> Vec<Effect> {
        let dataset = self.dataset().map(str::to_owned);
        let Some(Overlay::Form(form)) = &mut self.overlay else {
            return Vec::new();
        };
        match action {
            Action::Up => form.go(false),
            Action::Down => form.go(true),
            Action::Left | Action::Right => {
                if let Some(field) = form.fields.get_mut(form.focus) {
                    field.turn(action == Action::Right);
                }
                self.form_changed();
            }
            Action::Accept => {
                if let Some(job) = forms::submit(form, dataset.as_deref()) {
                    self.close_form();
                    return vec![Effect::Launch(Box::new(job))];
                }
            }
            _ => self.close_form(),
        }
        Vec::new()
    }

    /// Opens a form with what was last typed into it.
    pub fn open_form(&mut self, kind: FormKind) {
        let mut form = forms::open(kind, &self.snapshot, self.dataset());
        if let Some(values) = self.remembered.get(&kind) {
            for (field, value) in form.fields.iter_mut().zip(values) {
                field.input = Input::new(value.clone());
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

    fn close_form(&mut self) {
        if let Some(Overlay::Form(form)) = self.overlay.take() {
            let values = form.fields.iter().map(|field| field.input.value().to_owned()).collect();
            self.remembered.insert(form.kind, values);
        }
    }

    /// Another kind of model has other fields.
    fn form_changed(&mut self) {
        let Some(Overlay::Form(form)) = &self.overlay else {
            return;
        };
        if form.kind == FormKind::Prepare {
            return;
        }
        if let Some(kind) = FormKind::training(form.value("model")).filter(|kind| *kind != form.kind) {
            // The form that is left keeps its values under its own kind of model.
            let left = form.kind;
            self.close_form();
            let name = match left {
                FormKind::Logistic => "logistic",
                FormKind::Benchmark => "benchmark",
                FormKind::Finetune => "finetune",
                _ => "dense",
            };
            if let Some(model) = self.remembered.get_mut(&left).and_then(|values| values.first_mut()) {
                *model = name.to_owned();
            }
            self.open_form(kind);
            if let Some(Overlay::Form(form)) = &mut self.overlay {
                form.focus = 0;
            }
        }
    }

    fn act_on_screen(&mut self, action: Action) -> Vec<Effect> {
        self.message = None;
        let at = self.screen.index();
        let count = ScreenId::ALL.len();
        match action {
            Action::Palette => self.overlay = Some(Overlay::Palette(palette::State::default())),
            Action::Theme => {
                self.theme.palette = self.theme.palette.next();
                self.themed = Some(self.theme.palette);
                self.say(Tone::Plain, format!("The theme is {} now.", self.theme.palette.name()));
            }
            Action::Help => self.overlay = Some(Overlay::Help { scroll: 0 }),
            Action::Go(index) => return self.go(index),
            Action::NextScreen => return self.go((at + 1) % count),
            Action::PreviousScreen => return self.go((at + count - 1) % count),
            Action::Cancel => self.cancel(),
            _ => {
                return match self.screen {
                    ScreenId::Data => data::act(self, action),
                    ScreenId::Features => features::act(self, action),
                    ScreenId::Train => train::act(self, action),
                    ScreenId::Results => results::act(self, action),
                    ScreenId::Evaluate => evaluate::act(self, action),
                    ScreenId::Predict => predict::act(self, action),
                    ScreenId::Runs => runs::act(self, action),
                };
            }
        }
        Vec::new()
    }

    /// Takes away what the screen shows on top of itself.
    fn cancel(&mut self) {
        match self.screen {
            ScreenId::Results => results::cancel(self),
            ScreenId::Runs => runs::cancel(self),
            _ => data::dismiss(self),
        }
    }

    pub(super) fn go(&mut self, index: usize) -> Vec<Effect> {
        // Whoever looks around by hand is no longer led.
        self.follow = None;
        if let Some(screen) = ScreenId::ALL.get(index) {
            self.screen = *screen;
        }
        self.arrive()
    }

    fn arrive(&mut self) -> Vec<Effect> {
        match self.screen {
            ScreenId::Predict => predict::arrive(self),
            ScreenId::Data => data::arrive(self),
            ScreenId::Evaluate => evaluate::arrive(self),
            _ => self.wanted(),
        }
    }

    /// What the screen still has to ask of the files of runs.
    pub(super) fn wanted(&mut self) -> Vec<Effect> {
        match self.screen {
            ScreenId::Results => results::wanted(self),
            ScreenId::Evaluate => evaluate::wanted(self),
            ScreenId::Runs => runs::wanted(self),
            _ => Vec::new(),
        }
    }

    fn paste(&mut self, text: &str) -> Vec<Effect> {
        match &mut self.overlay {
            Some(Overlay::Form(form)) => form.paste(text),
            Some(Overlay::Path(input)) => form::paste(input, text),
            Some(Overlay::Palette(state)) => form::paste(&mut state.input, text),
            Some(Overlay::Prompt(open)) => {
                form::paste(&mut open.input, text);
                prompt::changed(self);
            }
            None if self.screen == ScreenId::Predict => {
                let mut input = Input::default();
                form::paste(&mut input, text);
                self.overlay = Some(Overlay::Path(input));
            }
            _ => {}
        }
        Vec::new()
    }

    fn mouse(&mut self, mouse: MouseEvent) -> Vec<Effect> {
        match mouse.kind {
            MouseEventKind::ScrollUp => self.wheel(Action::Up),
            MouseEventKind::ScrollDown => self.wheel(Action::Down),
            MouseEventKind::Down(MouseButton::Left) if self.overlay.is_none() => {
                let at = Position::new(mouse.column, mouse.row);
                let target = self.hits.iter().find(|(area, _)| area.contains(at)).map(|(_, target)| *target);
                match target {
                    Some(Target::Screen(screen)) => self.go(screen.index()),
                    Some(Target::Row(index)) => self.select_row(index),
                    None => Vec::new(),
                }
            }
            _ => Vec::new(),
        }
    }

    fn wheel(&mut self, action: Action) -> Vec<Effect> {
        match self.overlay {
            None | Some(Overlay::Help { .. } | Overlay::Form(_) | Overlay::Palette(_)) => self.act(action),
            _ => Vec::new(),
        }
    }

    fn select_row(&mut self, index: usize) -> Vec<Effect> {
        match self.screen {
            ScreenId::Data => data::select(self, index),
            ScreenId::Features => self.features.selected = index,
            ScreenId::Train => train::select(self, index),
            ScreenId::Results => results::select(self, index),
            ScreenId::Evaluate => evaluate::select(self, index),
            ScreenId::Predict => return predict::select(self, index),
            ScreenId::Runs => runs::select(self, index),
        }
        Vec::new()
    }

    /// Takes the newest state of the workspace, and says what ended since the last.
    fn take(&mut self, snapshot: Arc<Snapshot>) -> Vec<Effect> {
        let before = std::mem::replace(&mut self.snapshot, snapshot);
        let first = !std::mem::replace(&mut self.loaded, true);
        let now = Arc::clone(&self.snapshot);
        if !first {
            // One that waited may begin and end between two looks.
            let open = |status: Status| status.is_live() || status == Status::Queued;
            for run in &now.runs {
                let was = before.run(run.id.as_str()).map(|run| run.status);
                if was.is_some_and(open) && !open(run.status) {
                    self.message = Some(commands::ended(run));
                }
            }
        }
        if let Some(problem) = &now.problem
            && before.problem.as_ref() != Some(problem)
        {
            self.message = Some((Tone::Bad, problem.clone()));
        }
        let mut effects = self.lead(&now);
        effects.extend(self.wanted());
        effects
    }

    /// Shows the screen where the followed run is at work.
    fn lead(&mut self, now: &Snapshot) -> Vec<Effect> {
        let Some(led) = self.follow.clone() else {
            return Vec::new();
        };
        if self.overlay.is_some() {
            return Vec::new();
        }
        let Some(parent) = now.run(led.as_str()) else {
            return Vec::new();
        };
        let part = now.live().rev().find(|run| run.parent.as_deref() == Some(led.as_str()));
        let was = self.screen;
        if let Some(run) = part {
            self.screen = screen_of(&run.job);
            if run.trains() {
                self.train.selected = Some(run.id.to_string());
            }
        } else if !parent.status.is_live() {
            self.follow = None;
            self.screen = match (&parent.job, parent.status) {
                (JobSpec::Demo { .. } | JobSpec::Train { .. }, Status::Done) => ScreenId::Results,
                (job, _) => screen_of(job),
            };
        } else if !matches!(parent.job, JobSpec::Demo { .. }) {
            self.screen = screen_of(&parent.job);
            if parent.trains() {
                self.train.selected = Some(led.to_string());
            }
        }
        if was == self.screen { Vec::new() } else { self.arrive() }
    }

    fn job(&mut self, reply: JobReply) -> Vec<Effect> {
        match reply {
            JobReply::Launched { run } => {
                self.say(Tone::Good, format!("{run} was started; it goes on if you leave."));
                match self.screen {
                    ScreenId::Train => self.train.selected = Some(run.to_string()),
                    ScreenId::Data => self.follow = Some(run).filter(|run| run.as_str().starts_with("demo")),
                    _ => {}
                }
            }
            JobReply::Told { run, command } => {
                let text = match command {
                    control::Command::Pause => format!("{run} will pause at the next safe point."),
                    control::Command::Resume => format!("{run} goes on."),
                    control::Command::Stop => {
                        format!("{run} will stop at the next safe point; what is finished is kept.")
                    }
                };
                self.say(Tone::Plain, text);
            }
            JobReply::Chosen(choice) => {
                self.say(
                    Tone::Good,
                    format!("Predict now uses {} with threshold {:.3}.", choice.run, choice.threshold),
                );
            }
            JobReply::Listed { folder, entries, select, predict } => {
                return predict::listed(self, folder, entries, select, predict);
            }
            JobReply::Queued { run } => {
                self.say(Tone::Good, format!("{run} waits until nothing else trains; then it starts by itself."));
                self.train.selected = Some(run.to_string());
            }
            JobReply::Resumed { run } => self.say(Tone::Good, format!("{run} goes on from where it was.")),
            JobReply::Unqueued { run } => self.say(Tone::Plain, format!("{run} is out of the queue.")),
            JobReply::Images { dataset, images } => sheet::listed(self, &dataset, images),
            JobReply::Remembered => {}
            JobReply::Saved(path) => self.say(Tone::Good, format!("Saved in {}.", path.display())),
            JobReply::Record(reply) => return records::take(self, *reply),
            JobReply::Audit(reply) => return audit::take(self, *reply),
            JobReply::Failed(sentence) => self.say(Tone::Bad, sentence),
        }
        Vec::new()
    }

    /// Puts a sentence on the message line.
    pub fn say(&mut self, tone: Tone, text: impl Into<String>) {
        self.message = Some((tone, text.into()));
    }

    /// Opens a question.
    pub fn ask(&mut self, title: &str, text: Vec<String>, effect: Effect) {
        self.overlay = Some(Overlay::Confirm(Confirm { title: title.to_owned(), text, effect }));
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
