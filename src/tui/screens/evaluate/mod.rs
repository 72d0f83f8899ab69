//! Evaluate: one model's errors, curves and threshold.

mod keys;
mod nearest;
pub mod parts;
mod reliability;
pub mod sheet;
mod thresholds;
mod view;

use super::super::effect::Effect;
use super::super::jobs::{Job, Threshold};
use super::super::keys::{Action, Context, name_of};
use super::super::predictor::PredictorReply;
use super::super::records::RecordJob;
use super::super::request::Request;
use super::super::shared::{Hits, Shared, Tone, moved};
use super::super::stages::{ScreenId, State as Step, Study};
use super::results::ask_to_open_test;
use super::{Gesture, Screen, ScreenInfo};
use faceprobe_core::dataset::Split;
use faceprobe_core::evaluation::Criterion;
use faceprobe_core::model::Kind;
use faceprobe_core::run::results::ResultRow;
use nearest::Nearest;
use ratatui::Frame;
use ratatui::layout::Rect;
use sheet::{Figures, Sheet};
use std::path::PathBuf;
use std::sync::Arc;

/// Whose scores are shown, and which state of them: an opened test set or a run made anew are others.
#[derive(Debug, Clone, PartialEq)]
struct Subject {
    run: String,
    split: Split,
    threshold: f64,
    created: String,
}

/// What is known of it without its state.
pub static INFO: ScreenInfo =
    ScreenInfo { id: ScreenId::Evaluate, name: "Evaluate", keys: keys::ROWS, home: Context::Evaluate, step };

/// The screen and what it remembers.
#[derive(Debug, Default)]
pub struct Evaluate {
    /// The run that is evaluated; none means the one that Predict uses, else the best on validation.
    pub selected: Option<String>,
    /// The test split instead of validation.
    pub test: bool,
    /// Which parts are shown where there is no room for all; each layout counts on from its last.
    pub page: usize,
    /// The index of the column that defines the groups.
    pub column: usize,
    /// The line of the list of mistakes under the cursor.
    pub mistake: usize,
    /// The last request.
    asked: Option<Subject>,
    /// Its answer: the sheet, or why there is none.
    sheet: Option<Result<Arc<Sheet>, String>>,
    figures: Option<Figures>,
    /// The criterion that the threshold was set by, if any.
    criterion: Option<Criterion>,
    /// A mistake with the training images that voted, covering the rest.
    nearest: Option<Nearest>,
}

impl Evaluate {
    /// The scores on the screen.
    pub fn sheet(&self) -> Option<&Sheet> {
        self.sheet.as_ref()?.as_ref().ok().map(|sheet| &**sheet)
    }

    /// The figures at the threshold on the screen.
    pub fn figures(&self) -> Option<&Figures> {
        self.figures.as_ref()
    }
}

impl Screen for Evaluate {
    fn info(&self) -> &'static ScreenInfo {
        &INFO
    }

    fn context(&self, _shared: &Shared) -> Context {
        if self.nearest.is_some() { Context::Nearest } else { Context::Evaluate }
    }

    fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared, hits: &mut Hits) {
        match &self.nearest {
            Some(nearest) => nearest.draw(frame, area, shared),
            None => view::draw(frame, area, self, shared, hits),
        }
    }

    fn act(&mut self, shared: &mut Shared, action: Action) -> Vec<Effect> {
        match &self.nearest {
            Some(_) => self.act_on_nearest(shared, action),
            None => self.act_on_scores(shared, action),
        }
    }

    fn select(&mut self, _shared: &mut Shared, line: usize) -> Vec<Effect> {
        self.mistake = line;
        Vec::new()
    }

    fn plot(&mut self, _shared: &mut Shared, gesture: Gesture) -> Vec<Effect> {
        match gesture {
            Gesture::Wheel { closer, .. } => self.by(if closer { FINE } else { -FINE }),
            Gesture::Drag { to, .. } | Gesture::Release { to, .. } => self.set((to / FINE).round() * FINE, None),
        }
        Vec::new()
    }

    fn cancel(&mut self, _shared: &mut Shared) {
        self.nearest = None;
    }

    /// What could not be read before may be readable now.
    fn arrive(&mut self, shared: &mut Shared) -> Vec<Effect> {
        if matches!(self.sheet, Some(Err(_))) {
            self.asked = None;
        }
        self.wanted(shared)
    }

    fn leave(&mut self) {
        self.nearest = None;
    }

    /// Asks for the scores to be shown, unless they were asked for already.
    fn wanted(&mut self, shared: &mut Shared) -> Vec<Effect> {
        let Some(row) = self.shown(shared) else {
            return Vec::new();
        };
        let split = if self.test && row.test_accuracy.is_some() { Split::Test } else { Split::Val };
        let subject = Subject { run: row.run.clone(), split, threshold: row.threshold, created: row.created.clone() };
        if self.asked.as_ref() == Some(&subject) {
            return Vec::new();
        }
        let job = RecordJob::Score { run: subject.run.clone(), split };
        self.test = split == Split::Test;
        self.asked = Some(subject);
        self.sheet = None;
        self.figures = None;
        vec![job.into()]
    }

    fn offers(&self, shared: &Shared, action: Action) -> bool {
        if self.nearest.is_some() {
            return true;
        }
        match action {
            Action::ThresholdDown
            | Action::BestAccuracy
            | Action::BestYouden
            | Action::EqualErrors
            | Action::KeepThreshold
            | Action::Picture => self.figures.is_some(),
            Action::Selected => shared.selection.is_some(),
            Action::GroupBy => self.sheet().is_some_and(|sheet| sheet.columns().len() > 1),
            Action::Nearest => self.has_votes(shared) && self.figures.is_some(),
            _ => true,
        }
    }
}

/// The state of this step of the study.
fn step(study: &Study) -> (Step, String) {
    let state = match study.best {
        None => Step::ToDo,
        Some(_) if study.is_stale(ScreenId::Evaluate) => Step::Stale,
        // Done is what somebody looked at and decided: a test that was opened, or a model that was chosen.
        Some(_) if study.opened == 0 && study.snapshot.choice.is_none() => Step::ToDo,
        Some(_) => Step::Done,
    };
    let detail = match (study.opened, study.done.len()) {
        (_, 0) => "no scores".into(),
        (0, _) => "test closed".into(),
        (1, _) => "1 test open".to_owned(),
        (opened, _) => format!("{opened} tests open"),
    };
    (state, detail)
}

/// The models that have scores, newest first.
fn candidates(shared: &Shared) -> Vec<&ResultRow> {
    shared.snapshot.trainings().filter_map(|run| run.row.as_ref()).filter(|row| row.has_model()).collect()
}

/// One press of an arrow, and one of Ctrl with an arrow.
const FINE: f64 = 0.002;
const COARSE: f64 = 0.02;

impl Evaluate {
    /// The model that is evaluated, and its position in the list of models with scores.
    fn current<'a>(&self, shared: &'a Shared) -> Option<(usize, usize, &'a ResultRow)> {
        let rows = candidates(shared);
        let find = |name: &str| rows.iter().position(|row| row.run == name);
        let at = self
            .selected
            .as_deref()
            .and_then(find)
            .or_else(|| shared.snapshot.model().and_then(|(run, _)| find(&run)))
            .unwrap_or(0);
        rows.get(at).map(|row| (at, rows.len(), *row))
    }

    /// The model that is evaluated.
    fn shown<'a>(&self, shared: &'a Shared) -> Option<&'a ResultRow> {
        self.current(shared).map(|(_, _, row)| row)
    }

    /// Turns to a run.
    pub fn turn_to(&mut self, run: &str) {
        self.selected = Some(run.to_owned());
        self.mistake = 0;
    }

    /// Scores have come.
    pub fn scored(&mut self, shared: &Shared, run: &str, split: Split, outcome: Result<Arc<Sheet>, String>) {
        if !self.asked.as_ref().is_some_and(|asked| asked.run == run && asked.split == split) {
            return;
        }
        if let Ok(sheet) = &outcome {
            // Where Predict uses this very model, its threshold is the one in force.
            let chosen = shared.snapshot.choice.as_ref().filter(|choice| choice.run == run);
            let threshold = chosen.map_or(sheet.scored.threshold, |choice| choice.threshold);
            self.criterion = match chosen {
                Some(choice) => choice.criterion.as_deref().and_then(|criterion| criterion.parse().ok()),
                // What a training ends with.
                None => Some(Criterion::Accuracy),
            };
            self.figures = Some(Figures::at(sheet, threshold, self.column));
        }
        self.mistake = 0;
        self.sheet = Some(outcome);
    }

    /// The mistakes that are listed, the worst first: all, or those among the images selected on the map.
    pub fn mistakes(&self, shared: &Shared) -> Vec<usize> {
        let (Some(sheet), Some(figures)) = (self.sheet(), self.figures()) else { return Vec::new() };
        let images = &sheet.scored.images;
        let listed = |at: &usize| shared.filter().is_none_or(|of| images.get(*at).is_some_and(|image| of.has(image)));
        figures.mistakes.iter().copied().filter(listed).collect()
    }

    /// The picture of the mistake under the cursor, for the preview.
    fn picture(&self, shared: &Shared) -> Option<PathBuf> {
        let sheet = self.sheet()?;
        let at = *self.mistakes(shared).get(self.mistake)?;
        sheet.scored.file(sheet.scored.images.get(at)?)
    }

    /// What the image of the mistake under the cursor is.
    fn truth(&self, shared: &Shared) -> Option<&str> {
        let scored = &self.sheet()?.scored;
        let at = *self.mistakes(shared).get(self.mistake)?;
        scored.classes.get(usize::from(*scored.positive.get(at)?)).map(String::as_str)
    }

    /// What a key does to the scores.
    fn act_on_scores(&mut self, shared: &mut Shared, action: Action) -> Vec<Effect> {
        match action {
            Action::ThresholdDown => self.by(-FINE),
            Action::ThresholdUp => self.by(FINE),
            Action::ThresholdFarDown => self.by(-COARSE),
            Action::ThresholdFarUp => self.by(COARSE),
            Action::BestAccuracy => self.jump(shared, Criterion::Accuracy),
            Action::BestYouden => self.jump(shared, Criterion::Youden),
            Action::EqualErrors => self.jump(shared, Criterion::EqualError),
            Action::OwnThreshold => {
                if let Some(own) = self.sheet().map(|sheet| sheet.scored.threshold) {
                    self.set(own, Some(Criterion::Accuracy));
                }
            }
            Action::KeepThreshold => return self.keep(shared),
            Action::NextModel | Action::PreviousModel => {
                if let Some((at, count, _)) = self.current(shared) {
                    let step = if action == Action::NextModel { 1 } else { count - 1 };
                    let run = candidates(shared)[(at + step) % count].run.clone();
                    self.turn_to(&run);
                    return self.wanted(shared);
                }
            }
            Action::OtherSplit => return self.other_split(shared),
            Action::Pane => self.page = self.page.wrapping_add(1),
            Action::GroupBy => self.group_by(shared),
            Action::Nearest if self.has_votes(shared) => {
                // Whoever looks around by hand is no longer led.
                shared.follow = None;
                return self.ask_nearest(shared);
            }
            Action::Nearest => {
                shared.say(Tone::Plain, "Only a model of nearest neighbours (knn) has training images that voted.");
            }
            Action::Picture => {
                let model = self.shown(shared).map(|row| row.run.clone());
                shared.request(Request::Predict { picture: self.picture(shared), model });
            }
            Action::Selected => {
                shared.turn_filter();
                self.mistake = 0;
            }
            _ => drop(self.travel(shared, action)),
        }
        Vec::new()
    }

    /// Moves the cursor over the mistakes; true if it is on another one.
    fn travel(&mut self, shared: &Shared, action: Action) -> bool {
        let count = self.mistakes(shared).len();
        let before = self.mistake;
        self.mistake = moved(before, count, action);
        before != self.mistake
    }

    /// What a key does while a mistake is shown with the training images that voted.
    fn act_on_nearest(&mut self, shared: &mut Shared, action: Action) -> Vec<Effect> {
        match action {
            Action::Picture => {
                let asked = self.nearest.take().map(|nearest| (nearest.path, nearest.run));
                let (picture, model) = asked.unzip();
                shared.request(Request::Predict { picture, model });
                Vec::new()
            }
            _ if self.travel(shared, action) => self.ask_nearest(shared),
            _ => Vec::new(),
        }
    }

    /// Whether the model votes.
    fn has_votes(&self, shared: &Shared) -> bool {
        self.shown(shared).is_some_and(|row| row.kind == Kind::KNN)
    }

    /// Asks the model about the mistake under the cursor.
    fn ask_nearest(&mut self, shared: &mut Shared) -> Vec<Effect> {
        let truth = self.truth(shared).unwrap_or_default().to_owned();
        let asked = self.shown(shared).zip(self.picture(shared)).map(|(row, path)| Nearest::ask(row, path, truth));
        let (nearest, effect) = asked.unzip();
        self.nearest = nearest;
        if self.nearest.is_none() {
            shared.say(Tone::Plain, "There is no picture here, or its data set is gone.");
        }
        effect.into_iter().collect()
    }

    /// Takes the predictor's answer, if it is about the mistake shown here; else returns it.
    pub fn told(&mut self, reply: PredictorReply) -> Option<PredictorReply> {
        match &mut self.nearest {
            Some(nearest) => nearest.take(reply),
            None => Some(reply),
        }
    }

    fn set(&mut self, threshold: f64, criterion: Option<Criterion>) {
        let Some(Ok(sheet)) = &self.sheet else {
            return;
        };
        let figures = Figures::at(sheet, threshold.clamp(0.0, 1.0), self.column);
        self.mistake = self.mistake.min(figures.mistakes.len().saturating_sub(1));
        self.criterion = criterion;
        self.figures = Some(figures);
    }

    /// Switches to the next column of the data set.
    fn group_by(&mut self, shared: &mut Shared) {
        let (Some(Ok(sheet)), Some(figures)) = (&self.sheet, &self.figures) else { return };
        match sheet.columns().len() {
            0 | 1 => {
                shared.say(Tone::Plain, "The data set has no other column to group these images by.");
            }
            count => {
                self.column = (self.column.min(count - 1) + 1) % count;
                self.figures = Some(Figures::at(sheet, figures.threshold, self.column));
            }
        }
    }

    fn by(&mut self, step: f64) {
        if let Some(now) = self.figures().map(|figures| figures.threshold) {
            // On the grid of the steps, so that many small steps and one back end where they began.
            let to = ((now + step) / FINE).round() * FINE;
            self.set(to, None);
        }
    }

    /// A threshold that serves the test set best would be one chosen on it.
    fn refuse_on_test(&self, shared: &mut Shared) -> bool {
        if self.test {
            let key = name_of(Context::Evaluate, Action::OtherSplit);
            let text =
                format!("A threshold is chosen on validation, never on the test set; {key} goes back to validation.");
            shared.say(Tone::Bad, text);
        }
        self.test
    }

    fn jump(&mut self, shared: &mut Shared, criterion: Criterion) {
        if self.refuse_on_test(shared) {
            return;
        }
        match self.sheet().map(|sheet| sheet.jump(criterion)) {
            Some(Some(threshold)) => self.set(threshold, Some(criterion)),
            Some(None) => {
                shared.say(Tone::Plain, "A class is missing among these images, so there is no such threshold.");
            }
            None => {}
        }
    }

    fn keep(&self, shared: &mut Shared) -> Vec<Effect> {
        if self.refuse_on_test(shared) {
            return Vec::new();
        }
        let (Some(figures), Some(row)) = (self.figures(), self.shown(shared)) else {
            return Vec::new();
        };
        let served = self.criterion.filter(|criterion| sheet::JUMPS.contains(criterion));
        let threshold = served.map_or(Threshold::Set(figures.threshold), Threshold::Best);
        let job = Job::Choose { run: row.run.clone(), threshold };
        vec![job.into()]
    }

    fn other_split(&mut self, shared: &mut Shared) -> Vec<Effect> {
        if self.test {
            self.test = false;
            return self.wanted(shared);
        }
        match self.shown(shared).cloned() {
            Some(row) if row.test_accuracy.is_some() => {
                self.test = true;
                return self.wanted(shared);
            }
            Some(row) => ask_to_open_test(shared, &row),
            None => {}
        }
        Vec::new()
    }

    /// The name of the criterion that the threshold was set by.
    fn served(&self) -> &'static str {
        match self.criterion {
            Some(Criterion::Accuracy) => "best accuracy",
            Some(Criterion::Youden) => "Youden's J",
            Some(Criterion::EqualError) => "equal errors",
            Some(Criterion::Precision(_) | Criterion::Recall(_)) => "as chosen",
            None => "set by hand",
        }
    }
}
