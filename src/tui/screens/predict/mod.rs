//! Predict: what its keys do and what it remembers; [`view`] draws it.

mod keys;
pub mod neighbours;
mod view;

use super::{Screen, ScreenInfo};
use crate::tui::effect::Effect;
use crate::tui::folders::Entry;
use crate::tui::jobs::Job;
use crate::tui::keys::{Action, Context};
use crate::tui::pictures::Heat;
use crate::tui::predictor::{Ask, PredictorReply};
use crate::tui::shared::{Hits, Overlay, Shared, Tone, moved};
use crate::tui::stages::{ScreenId, State as Step, Study};
use crate::tui::widgets::form;
use faceprobe_core::predict::{Detect, Prediction};
use ratatui::Frame;
use ratatui::layout::Rect;
use std::path::{Path, PathBuf};
use tui_input::Input;

/// What is known of it without its state.
pub static INFO: ScreenInfo =
    ScreenInfo { id: ScreenId::Predict, name: "Predict", keys: keys::ROWS, home: Context::Predict, step };

/// The screen and what it remembers.
#[derive(Debug)]
pub struct Predict {
    pub folder: PathBuf,
    /// The folder that is watched for changes.
    watched: Option<PathBuf>,
    /// The folder is being listed again.
    listing: bool,
    /// The run whose model is asked, where another screen named one; none asks the chosen one.
    pub model: Option<String>,
    /// None until the folder was listed.
    pub entries: Option<Vec<Entry>>,
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

impl Screen for Predict {
    fn info(&self) -> &'static ScreenInfo {
        &INFO
    }

    fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared, hits: &mut Hits) {
        view::draw(frame, area, self, shared, hits);
    }

    fn act(&mut self, shared: &mut Shared, action: Action) -> Vec<Effect> {
        match action {
            Action::Enter => return self.enter(shared),
            Action::Parent => {
                let from = self.folder.clone();
                return match from.parent() {
                    Some(parent) => vec![Job::List { folder: parent.to_owned(), select: Some(from.clone()) }.into()],
                    None => Vec::new(),
                };
            }
            Action::SaveHistory if self.history.is_empty() => {
                shared.say(Tone::Plain, "There are no predictions to save yet.");
            }
            Action::SaveHistory => return vec![Job::SavePredictions(self.history.clone()).into()],
            Action::Faces => {
                let (next, words) = match self.detect {
                    None => (Some(Detect::Detect), "the upright square crop around the face"),
                    Some(Detect::Detect) => (Some(Detect::Align), "the face, aligned as in the training data"),
                    Some(Detect::Align) => (Some(Detect::None), "the whole image"),
                    Some(Detect::None) => (None, "the same kind of crop as in training"),
                };
                self.detect = next;
                shared.say(Tone::Plain, format!("Network input: {words}."));
                let shown = self.shown.as_ref().map(|shown| PathBuf::from(&shown.path));
                return shown.map_or_else(Vec::new, |path| self.ask(shared, path));
            }
            Action::Why => {
                self.why = !self.why;
                let shown = self.shown.as_ref().filter(|shown| shown.error.is_none());
                match shown.map(|shown| PathBuf::from(&shown.path)) {
                    Some(path) if self.why => return self.ask(shared, path),
                    _ if self.why => shared.say(Tone::Plain, "Predictions now come with an explanation map."),
                    _ => self.heat = None,
                }
            }
            Action::TypePath => shared.overlay = Some(Overlay::Path(Input::default())),
            _ => {
                let len = self.entries.as_ref().map_or(0, Vec::len);
                let to = moved(self.selected, len, action);
                if to != self.selected {
                    self.selected = to;
                    return self.follow(shared);
                }
            }
        }
        Vec::new()
    }

    /// A click on the line under the cursor is like Enter.
    fn select(&mut self, shared: &mut Shared, line: usize) -> Vec<Effect> {
        if self.selected == line {
            return self.enter(shared);
        }
        self.selected = line;
        self.follow(shared)
    }

    fn paste(&mut self, shared: &mut Shared, text: &str) {
        let mut input = Input::default();
        form::paste(&mut input, text);
        shared.overlay = Some(Overlay::Path(input));
    }

    /// The folder is listed whenever somebody comes here: files come and go.
    fn arrive(&mut self, _shared: &mut Shared) -> Vec<Effect> {
        self.model = None;
        self.list_again()
    }

    fn offers(&self, _shared: &Shared, action: Action) -> bool {
        match action {
            Action::Why => self.shown.as_ref().is_some_and(|shown| shown.error.is_none()),
            Action::SaveHistory => !self.history.is_empty(),
            _ => true,
        }
    }
}

fn step(study: &Study) -> (Step, String) {
    let state = if study.predicted > 0 { Step::Done } else { Step::ToDo };
    (state, study.snapshot.model().map_or_else(|| "no model".to_owned(), |(model, _)| model))
}

/// How many predictions a session remembers.
const REMEMBERED: usize = 500;

impl Predict {
    /// Starts in `folder`.
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            watched: None,
            listing: false,
            model: None,
            entries: None,
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

    /// Something came into a folder or left it.
    pub fn changed(&self, folder: &Path) -> Vec<Effect> {
        if self.folder == folder { self.list_again() } else { Vec::new() }
    }

    /// Has the folder watched that is shown, and no other.
    pub fn watch(&mut self, shown: bool) -> Option<Effect> {
        let wanted = shown.then(|| self.folder.clone());
        if self.watched == wanted {
            return None;
        }
        self.watched.clone_from(&wanted);
        Some(Effect::Folder(wanted))
    }

    fn list_again(&self) -> Vec<Effect> {
        let select = self.current().map(|entry| entry.path.clone());
        vec![Job::List { folder: self.folder.clone(), select }.into()]
    }

    /// The model that is asked and its threshold: the one that another screen named, else the one that Predict uses.
    fn model(&self, shared: &Shared) -> Option<(String, f64)> {
        let named = self.model.as_deref().and_then(|run| shared.snapshot.run(run));
        match named.and_then(|run| run.row.as_ref()) {
            Some(row) => Some((row.run.clone(), row.threshold)),
            None => shared.snapshot.model(),
        }
    }

    fn follow(&mut self, shared: &mut Shared) -> Vec<Effect> {
        match self.current().filter(|entry| entry.image && self.auto).map(|entry| entry.path.clone()) {
            Some(path) => self.ask(shared, path),
            None => Vec::new(),
        }
    }

    fn enter(&mut self, shared: &mut Shared) -> Vec<Effect> {
        match self.current().cloned() {
            Some(entry) if entry.folder => vec![Job::List { folder: entry.path, select: None }.into()],
            Some(entry) => {
                self.auto = true;
                self.ask(shared, entry.path)
            }
            None => Vec::new(),
        }
    }

    /// Asks for a prediction; while one is on its way only the newest wish is kept.
    fn ask(&mut self, shared: &mut Shared, path: PathBuf) -> Vec<Effect> {
        let Some((model, threshold)) = self.model(shared) else {
            shared.say(Tone::Bad, "There is no trained model yet; press 3 to train one, or 1 and then d for the demo.");
            return Vec::new();
        };
        if self.busy.is_some() {
            self.next = Some(path);
            return Vec::new();
        }
        self.busy = Some(path.clone());
        let named = self.model.is_some();
        vec![Effect::Predict(Ask { path, model, named, threshold, detect: self.detect, explain: self.why })]
    }

    /// Takes what the predictor says.
    pub fn reply(&mut self, shared: &mut Shared, reply: PredictorReply) -> Vec<Effect> {
        let mut effects = Vec::new();
        match reply {
            PredictorReply::Loading => {
                self.loading = true;
                return Vec::new();
            }
            PredictorReply::Ready { .. } => {
                self.loading = false;
                return Vec::new();
            }
            PredictorReply::Prediction(prediction) => {
                if self.why && prediction.error.is_none() {
                    shared.say(Tone::Plain, format!("{} has no explanation maps.", prediction.model));
                }
                self.heat = None;
                let gone = prediction.error.is_some() && !self.listing;
                self.take(*prediction);
                // Perhaps the file is gone; then it leaves the list.
                if gone {
                    self.listing = true;
                    effects = self.list_again();
                }
            }
            PredictorReply::Explanation(explanation) => {
                let explanation = *explanation;
                self.heat = self.why.then(|| Heat::new(explanation.map, explanation.placement));
                self.take(explanation.prediction);
            }
            PredictorReply::Failed(sentence) => {
                self.next = None;
                shared.say(Tone::Bad, sentence);
            }
        }
        self.loading = false;
        self.busy = None;
        if let Some(path) = self.next.take() {
            effects.extend(self.ask(shared, path));
        }
        effects
    }

    /// Shows and remembers an answer; one that only comes again with its map takes the place of itself.
    fn take(&mut self, prediction: Prediction) {
        let history = &mut self.history;
        if history.last().is_some_and(|last| last.path == prediction.path && last.model == prediction.model) {
            history.pop();
        }
        history.push(prediction.clone());
        if history.len() > REMEMBERED {
            history.remove(0);
        }
        self.shown = Some(prediction);
    }

    /// Takes the listing of a folder.
    pub fn listed(
        &mut self,
        shared: &mut Shared,
        folder: PathBuf,
        entries: Vec<Entry>,
        select: Option<PathBuf>,
        predict: bool,
    ) -> Vec<Effect> {
        let found = select.and_then(|path| entries.iter().position(|entry| entry.path == path));
        self.listing = false;
        // Where the file under the cursor is gone, the cursor stays in its place.
        let same = self.folder == folder;
        let stays = if same { self.selected.min(entries.len().saturating_sub(1)) } else { 0 };
        self.folder = folder;
        self.entries = Some(entries);
        self.selected = found.unwrap_or(stays);
        match predict {
            true => self.enter(shared),
            // In another folder, what is under the cursor is predicted as if somebody had moved there.
            false if !same => self.follow(shared),
            false => Vec::new(),
        }
    }
}
