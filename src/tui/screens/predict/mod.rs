//! Predict: what its keys do and what it remembers; [`view`] draws it.

mod keys;
pub mod neighbours;
pub mod view;

use super::Screen;
use crate::tui::app::{App, Hits, Overlay, Tone, moved};
use crate::tui::effect::Effect;
use crate::tui::folders::Entry;
use crate::tui::jobs::Job;
use crate::tui::keys::{Action, Binding, Context};
use crate::tui::pictures::Heat;
use crate::tui::predictor::{Ask, PredictorReply};
use crate::tui::stages::{ScreenId, State as Step, Study};
use crate::tui::widgets::form;
use faceprobe_core::predict::{Detect, PassedOver, Prediction};
use ratatui::Frame;
use ratatui::layout::Rect;
use std::path::{Path, PathBuf};
use tui_input::Input;

/// What the screen remembers.
#[derive(Debug)]
pub struct State {
    pub folder: PathBuf,
    /// The folder that is watched for changes.
    watched: Option<PathBuf>,
    /// The folder is being listed again.
    listing: bool,
    /// The run whose model is asked, where another screen named one; none asks the chosen one.
    pub model: Option<String>,
    /// None until the folder was listed.
    pub entries: Option<Vec<Entry>>,
    /// What the folder holds besides, by reason.
    pub others: PassedOver,
    pub selected: usize,
    /// From the first prediction on, moving predicts.
    pub auto: bool,
    /// What the predictor is at.
    pub busy: Option<PathBuf>,
    /// What it is asked next.
    pub next: Option<PathBuf>,
    pub loading: bool,
    pub shown: Option<Prediction>,
    /// What the network is shown; none: as the model was trained.
    pub detect: Option<Detect>,
    /// Answers come with the map of what speaks for them.
    pub why: bool,
    /// The map of what is shown.
    pub heat: Option<Heat>,
    /// This session's predictions, newest last.
    pub history: Vec<Prediction>,
}

/// Predict in the table of screens.
pub struct Predict;

impl Screen for Predict {
    fn id(&self) -> ScreenId {
        ScreenId::Predict
    }

    fn name(&self) -> &'static str {
        "Predict"
    }

    fn keys(&self) -> &'static [Binding] {
        keys::ROWS
    }

    fn home(&self) -> Context {
        Context::Predict
    }

    fn draw(&self, frame: &mut Frame, area: Rect, app: &App, hits: &mut Hits) {
        view::draw(frame, area, app, hits);
    }

    fn act(&self, app: &mut App, action: Action) -> Vec<Effect> {
        act(app, action)
    }

    fn select(&self, app: &mut App, line: usize) -> Vec<Effect> {
        select(app, line)
    }

    fn paste(&self, app: &mut App, text: &str) {
        let mut input = Input::default();
        form::paste(&mut input, text);
        app.overlay = Some(Overlay::Path(input));
    }

    fn arrive(&self, app: &mut App) -> Vec<Effect> {
        arrive(app)
    }

    fn offers(&self, app: &App, action: Action) -> bool {
        match action {
            Action::Why => app.predict.shown.as_ref().is_some_and(|shown| shown.error.is_none()),
            Action::SaveHistory => !app.predict.history.is_empty(),
            _ => true,
        }
    }

    fn step(&self, study: &Study) -> (Step, String) {
        let state = if study.predicted > 0 { Step::Done } else { Step::ToDo };
        (state, study.snapshot.model().map_or_else(|| "no model".to_owned(), |(model, _)| model))
    }
}

/// How many predictions a session remembers.
const REMEMBERED: usize = 500;

impl State {
    /// Starts in `folder`.
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            watched: None,
            listing: false,
            model: None,
            entries: None,
            others: PassedOver::default(),
            selected: 0,
            auto: false,
            busy: None,
            next: None,
            loading: false,
            shown: None,
            detect: None,
            why: false,
            heat: None,
            history: Vec::new(),
        }
    }

    /// The line under the cursor.
    pub fn current(&self) -> Option<&Entry> {
        self.entries.as_ref()?.get(self.selected)
    }
}

/// The folder is listed whenever somebody comes here: files come and go.
fn arrive(app: &mut App) -> Vec<Effect> {
    app.predict.model = None;
    list_again(app)
}

/// Something came into a folder or left it.
pub fn changed(app: &mut App, folder: &Path) -> Vec<Effect> {
    if app.predict.folder == folder { list_again(app) } else { Vec::new() }
}

impl App {
    /// Has the folder watched that is shown, and no other.
    pub fn ask_for_folder(&mut self) -> Option<Effect> {
        let wanted = (self.screen == ScreenId::Predict).then(|| self.predict.folder.clone());
        if self.predict.watched == wanted {
            return None;
        }
        self.predict.watched.clone_from(&wanted);
        Some(Effect::Folder(wanted))
    }
}

fn list_again(app: &App) -> Vec<Effect> {
    let select = app.predict.current().map(|entry| entry.path.clone());
    vec![Job::List { folder: app.predict.folder.clone(), select }.into()]
}

/// The model that is asked and its threshold: the one that another screen named, else the one that Predict uses.
fn model(app: &App) -> Option<(String, f64)> {
    let named = app.predict.model.as_deref().and_then(|run| app.snapshot.run(run));
    match named.and_then(|run| run.row.as_ref()) {
        Some(row) => Some((row.run.clone(), row.threshold)),
        None => app.snapshot.model(),
    }
}

/// What a key does here.
fn act(app: &mut App, action: Action) -> Vec<Effect> {
    match action {
        Action::Enter => return enter(app),
        Action::Parent => {
            let from = app.predict.folder.clone();
            return match from.parent() {
                Some(parent) => vec![Job::List { folder: parent.to_owned(), select: Some(from.clone()) }.into()],
                None => Vec::new(),
            };
        }
        Action::SaveHistory if app.predict.history.is_empty() => {
            app.say(Tone::Plain, "There are no predictions to save yet.");
        }
        Action::SaveHistory => return vec![Job::SavePredictions(app.predict.history.clone()).into()],
        Action::Faces => {
            let (next, words) = match app.predict.detect {
                None => (Some(Detect::Detect), "the upright square crop around the face"),
                Some(Detect::Detect) => (Some(Detect::Align), "the face, aligned as in the training data"),
                Some(Detect::Align) => (Some(Detect::None), "the whole image"),
                Some(Detect::None) => (None, "the same kind of crop as in training"),
            };
            app.predict.detect = next;
            app.say(Tone::Plain, format!("Network input: {words}."));
            let shown = app.predict.shown.as_ref().map(|shown| PathBuf::from(&shown.path));
            return shown.map_or_else(Vec::new, |path| ask(app, path));
        }
        Action::Why => {
            app.predict.why = !app.predict.why;
            let shown = app.predict.shown.as_ref().filter(|shown| shown.error.is_none());
            match shown.map(|shown| PathBuf::from(&shown.path)) {
                Some(path) if app.predict.why => return ask(app, path),
                _ if app.predict.why => app.say(Tone::Plain, "Predictions now come with an explanation map."),
                _ => app.predict.heat = None,
            }
        }
        Action::TypePath => app.overlay = Some(Overlay::Path(Input::default())),
        _ => {
            let len = app.predict.entries.as_ref().map_or(0, Vec::len);
            let to = moved(app.predict.selected, len, action);
            if to != app.predict.selected {
                app.predict.selected = to;
                return follow(app);
            }
        }
    }
    Vec::new()
}

/// A click on a line: on the one under the cursor it is like Enter.
fn select(app: &mut App, index: usize) -> Vec<Effect> {
    if app.predict.selected == index {
        return enter(app);
    }
    app.predict.selected = index;
    follow(app)
}

fn follow(app: &mut App) -> Vec<Effect> {
    match app.predict.current().filter(|entry| entry.image && app.predict.auto).map(|entry| entry.path.clone()) {
        Some(path) => ask(app, path),
        None => Vec::new(),
    }
}

fn enter(app: &mut App) -> Vec<Effect> {
    match app.predict.current().cloned() {
        Some(entry) if entry.folder => vec![Job::List { folder: entry.path, select: None }.into()],
        Some(entry) => {
            app.predict.auto = true;
            ask(app, entry.path)
        }
        None => Vec::new(),
    }
}

/// Asks for a prediction; while one is on its way only the newest wish is kept.
fn ask(app: &mut App, path: PathBuf) -> Vec<Effect> {
    let Some((model, threshold)) = model(app) else {
        app.say(Tone::Bad, "There is no trained model yet; press 3 to train one, or 1 and then d for the demo.");
        return Vec::new();
    };
    if app.predict.busy.is_some() {
        app.predict.next = Some(path);
        return Vec::new();
    }
    app.predict.busy = Some(path.clone());
    let named = app.predict.model.is_some();
    vec![Effect::Predict(Ask { path, model, named, threshold, detect: app.predict.detect, explain: app.predict.why })]
}

/// Takes what the predictor says.
pub fn reply(app: &mut App, reply: PredictorReply) -> Vec<Effect> {
    let mut effects = Vec::new();
    match reply {
        PredictorReply::Loading => {
            app.predict.loading = true;
            return Vec::new();
        }
        PredictorReply::Ready { .. } => {
            app.predict.loading = false;
            return Vec::new();
        }
        PredictorReply::Prediction(prediction) => {
            if app.predict.why && prediction.error.is_none() {
                app.say(Tone::Plain, format!("{} has no explanation maps.", prediction.model));
            }
            app.predict.heat = None;
            let gone = prediction.error.is_some() && !app.predict.listing;
            take(app, *prediction);
            // Perhaps the file is gone; then it leaves the list.
            if gone {
                app.predict.listing = true;
                effects = list_again(app);
            }
        }
        PredictorReply::Explanation(explanation) => {
            let explanation = *explanation;
            app.predict.heat = app.predict.why.then(|| Heat::new(explanation.map, explanation.placement));
            take(app, explanation.prediction);
        }
        PredictorReply::Failed(sentence) => {
            app.predict.next = None;
            app.say(Tone::Bad, sentence);
        }
    }
    app.predict.loading = false;
    app.predict.busy = None;
    if let Some(path) = app.predict.next.take() {
        effects.extend(ask(app, path));
    }
    effects
}

/// Shows and remembers an answer; one that only comes again with its map takes the place of itself.
fn take(app: &mut App, prediction: Prediction) {
    let history = &mut app.predict.history;
    if history.last().is_some_and(|last| last.path == prediction.path && last.model == prediction.model) {
        history.pop();
    }
    history.push(prediction.clone());
    if history.len() > REMEMBERED {
        history.remove(0);
    }
    app.predict.shown = Some(prediction);
}

/// Takes the listing of a folder.
pub fn listed(
    app: &mut App,
    folder: PathBuf,
    entries: Vec<Entry>,
    select: Option<PathBuf>,
    predict: bool,
) -> Vec<Effect> {
    let found = select.and_then(|path| entries.iter().position(|entry| entry.path == path));
    app.predict.listing = false;
    // Where the file under the cursor is gone, the cursor stays in its place.
    let same = app.predict.folder == folder;
    let stays = if same { app.predict.selected.min(entries.len().saturating_sub(1)) } else { 0 };
    app.predict.folder = folder;
    app.predict.entries = Some(entries);
    app.predict.selected = found.unwrap_or(stays);
    match predict {
        true => enter(app),
        // In another folder, what is under the cursor is predicted as if somebody had moved there.
        false if !same => follow(app),
        false => Vec::new(),
    }
}
