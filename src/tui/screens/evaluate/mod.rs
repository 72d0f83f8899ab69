//! Evaluate: one model's errors, curves and threshold.

mod keys;
pub mod parts;
mod reliability;
pub mod sheet;
mod thresholds;
mod view;

use super::super::app::{App, Hits, Tone, moved};
use super::super::effect::Effect;
use super::super::jobs::{Job, Threshold};
use super::super::keys::{Action, Binding, Context, name_of};
use super::super::records::RecordJob;
use super::super::stages::{ScreenId, State as Step, Study};
use super::super::views::{self, ViewId, nearest};
use super::{Gesture, Screen, results};
use faceprobe_core::dataset::Split;
use faceprobe_core::evaluation::Criterion;
use faceprobe_core::run::results::ResultRow;
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

/// What the screen remembers.
#[derive(Debug, Default)]
pub struct State {
    /// The run that is evaluated; none means the one that Predict uses, else the best on validation.
    pub selected: Option<String>,
    /// The test split instead of validation.
    pub test: bool,
    /// Which parts are shown where there is no room for all; each layout counts on from its last.
    pub page: usize,
    /// Which of the columns of the data set tells the groups.
    pub column: usize,
    /// The line of the list of mistakes under the cursor.
    pub mistake: usize,
    /// What was asked for last.
    asked: Option<Subject>,
    /// What came of it: the sheet, or why there is none.
    sheet: Option<Result<Arc<Sheet>, String>>,
    figures: Option<Figures>,
    /// What the threshold was set to serve, if it was.
    criterion: Option<Criterion>,
}

impl State {
    /// The scores on the screen.
    pub fn sheet(&self) -> Option<&Sheet> {
        self.sheet.as_ref()?.as_ref().ok().map(|sheet| &**sheet)
    }

    /// The figures at the threshold on the screen.
    pub fn figures(&self) -> Option<&Figures> {
        self.figures.as_ref()
    }
}

/// Evaluate in the table of screens.
pub struct Evaluate;

impl Screen for Evaluate {
    fn id(&self) -> ScreenId {
        ScreenId::Evaluate
    }

    fn name(&self) -> &'static str {
        "Evaluate"
    }

    fn keys(&self) -> &'static [Binding] {
        keys::ROWS
    }

    fn home(&self) -> Context {
        Context::Evaluate
    }

    fn draw(&self, frame: &mut Frame, area: Rect, app: &App, hits: &mut Hits) {
        view::draw(frame, area, app, hits);
    }

    fn act(&self, app: &mut App, action: Action) -> Vec<Effect> {
        act(app, action)
    }

    fn select(&self, app: &mut App, line: usize) -> Vec<Effect> {
        app.evaluate.mistake = line;
        Vec::new()
    }

    fn plot(&self, app: &mut App, gesture: Gesture) -> Vec<Effect> {
        match gesture {
            Gesture::Wheel { closer, .. } => by(app, if closer { FINE } else { -FINE }),
            Gesture::Drag { to, .. } | Gesture::Release { to, .. } => set(app, (to / FINE).round() * FINE, None),
        }
        Vec::new()
    }

    fn arrive(&self, app: &mut App) -> Vec<Effect> {
        arrive(app)
    }

    fn wanted(&self, app: &mut App) -> Vec<Effect> {
        wanted(app)
    }

    fn offers(&self, app: &App, action: Action) -> bool {
        match action {
            Action::ThresholdDown
            | Action::BestAccuracy
            | Action::BestYouden
            | Action::EqualErrors
            | Action::KeepThreshold
            | Action::Picture => app.evaluate.figures().is_some(),
            Action::GroupBy => app.evaluate.sheet().is_some_and(|sheet| sheet.columns().len() > 1),
            Action::Nearest => nearest::has_votes(app) && app.evaluate.figures().is_some(),
            _ => true,
        }
    }

    fn step(&self, study: &Study) -> (Step, String) {
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
            (opened, _) => format!("{opened} test open"),
        };
        (state, detail)
    }
}

/// The models that have scores, newest first.
fn candidates(app: &App) -> Vec<&ResultRow> {
    app.snapshot.trainings().filter_map(|run| run.row.as_ref()).filter(|row| row.has_model()).collect()
}

/// The model that is evaluated, and its place among those that could be.
fn current(app: &App) -> Option<(usize, usize, &ResultRow)> {
    let rows = candidates(app);
    let find = |name: &str| rows.iter().position(|row| row.run == name);
    let at = app
        .evaluate
        .selected
        .as_deref()
        .and_then(find)
        .or_else(|| app.snapshot.model().and_then(|(run, _)| find(&run)))
        .unwrap_or(0);
    rows.get(at).map(|row| (at, rows.len(), *row))
}

/// The model that is evaluated.
pub fn shown(app: &App) -> Option<&ResultRow> {
    current(app).map(|(_, _, row)| row)
}

/// Turns to a run.
fn show(app: &mut App, run: &str) {
    app.evaluate.selected = Some(run.to_owned());
    app.evaluate.mistake = 0;
}

/// What could not be read before may be readable now.
fn arrive(app: &mut App) -> Vec<Effect> {
    if matches!(app.evaluate.sheet, Some(Err(_))) {
        app.evaluate.asked = None;
    }
    wanted(app)
}

/// Asks for the scores to be shown, unless they were asked for already.
fn wanted(app: &mut App) -> Vec<Effect> {
    let Some((_, _, row)) = current(app) else {
        return Vec::new();
    };
    let split = if app.evaluate.test && row.test_accuracy.is_some() { Split::Test } else { Split::Val };
    let subject = Subject { run: row.run.clone(), split, threshold: row.threshold, created: row.created.clone() };
    if app.evaluate.asked.as_ref() == Some(&subject) {
        return Vec::new();
    }
    let job = RecordJob::Score { run: subject.run.clone(), split };
    app.evaluate.test = split == Split::Test;
    app.evaluate.asked = Some(subject);
    app.evaluate.sheet = None;
    app.evaluate.figures = None;
    vec![job.into()]
}

/// Scores have come.
pub fn scored(app: &mut App, run: &str, split: Split, outcome: Result<Arc<Sheet>, String>) {
    let state = &mut app.evaluate;
    if !state.asked.as_ref().is_some_and(|asked| asked.run == run && asked.split == split) {
        return;
    }
    if let Ok(sheet) = &outcome {
        // Where Predict uses this very model, its threshold is the one in force.
        let chosen = app.snapshot.choice.as_ref().filter(|choice| choice.run == run);
        let threshold = chosen.map_or(sheet.scored.threshold, |choice| choice.threshold);
        state.criterion = match chosen {
            Some(choice) => choice.criterion.as_deref().and_then(|criterion| criterion.parse().ok()),
            // What a training ends with.
            None => Some(Criterion::Accuracy),
        };
        state.figures = Some(Figures::at(sheet, threshold, state.column));
    }
    state.mistake = 0;
    state.sheet = Some(outcome);
}

/// The picture of the mistake under the cursor: what a preview beside the list would show.
pub fn picture(app: &App) -> Option<PathBuf> {
    let sheet = app.evaluate.sheet()?;
    let at = *app.evaluate.figures()?.mistakes.get(app.evaluate.mistake)?;
    sheet.scored.file(sheet.scored.images.get(at)?)
}

/// What the image of the mistake under the cursor is.
pub fn truth(app: &App) -> Option<&str> {
    let scored = &app.evaluate.sheet()?.scored;
    let at = *app.evaluate.figures()?.mistakes.get(app.evaluate.mistake)?;
    scored.classes.get(usize::from(*scored.positive.get(at)?)).map(String::as_str)
}

/// One press of an arrow, and one of Ctrl with an arrow.
const FINE: f64 = 0.002;
const COARSE: f64 = 0.02;

/// What a key does here.
fn act(app: &mut App, action: Action) -> Vec<Effect> {
    match action {
        Action::ThresholdDown => by(app, -FINE),
        Action::ThresholdUp => by(app, FINE),
        Action::ThresholdFarDown => by(app, -COARSE),
        Action::ThresholdFarUp => by(app, COARSE),
        Action::BestAccuracy => jump(app, Criterion::Accuracy),
        Action::BestYouden => jump(app, Criterion::Youden),
        Action::EqualErrors => jump(app, Criterion::EqualError),
        Action::OwnThreshold => {
            if let Some(own) = app.evaluate.sheet().map(|sheet| sheet.scored.threshold) {
                set(app, own, Some(Criterion::Accuracy));
            }
        }
        Action::KeepThreshold => return keep(app),
        Action::NextModel | Action::PreviousModel => {
            if let Some((at, count, _)) = current(app) {
                let step = if action == Action::NextModel { 1 } else { count - 1 };
                let run = candidates(app)[(at + step) % count].run.clone();
                show(app, &run);
                return wanted(app);
            }
        }
        Action::OtherSplit => return other_split(app),
        Action::Pane => app.evaluate.page = app.evaluate.page.wrapping_add(1),
        Action::GroupBy => group_by(app),
        Action::Nearest if nearest::has_votes(app) => return views::open(app, ViewId::Nearest),
        Action::Nearest => {
            app.say(Tone::Plain, "Only a model of nearest neighbours (knn) has training images that voted.");
        }
        Action::Picture => {
            let model = current(app).map(|(_, _, row)| row.run.clone());
            return super::open_picture(app, picture(app), model);
        }
        _ => {
            let count = app.evaluate.figures().map_or(0, |figures| figures.mistakes.len());
            app.evaluate.mistake = moved(app.evaluate.mistake, count, action);
        }
    }
    Vec::new()
}

fn set(app: &mut App, threshold: f64, criterion: Option<Criterion>) {
    let state = &mut app.evaluate;
    let Some(Ok(sheet)) = &state.sheet else {
        return;
    };
    let figures = Figures::at(sheet, threshold.clamp(0.0, 1.0), state.column);
    state.mistake = state.mistake.min(figures.mistakes.len().saturating_sub(1));
    state.criterion = criterion;
    state.figures = Some(figures);
}

/// Turns to the next column of the data set.
fn group_by(app: &mut App) {
    let state = &mut app.evaluate;
    let (Some(Ok(sheet)), Some(figures)) = (&state.sheet, &state.figures) else { return };
    match sheet.columns().len() {
        0 | 1 => app.say(Tone::Plain, "The data set has no other column that tells groups of these images apart."),
        count => {
            state.column = (state.column.min(count - 1) + 1) % count;
            state.figures = Some(Figures::at(sheet, figures.threshold, state.column));
        }
    }
}

fn by(app: &mut App, step: f64) {
    if let Some(now) = app.evaluate.figures().map(|figures| figures.threshold) {
        // On the grid of the steps, so that many small ones and one back end where they began.
        let to = ((now + step) / FINE).round() * FINE;
        set(app, to, None);
    }
}

/// A threshold that serves the test set best would be one chosen on it.
fn refuse_on_test(app: &mut App) -> bool {
    if app.evaluate.test {
        let key = name_of(Context::Evaluate, Action::OtherSplit);
        let text =
            format!("A threshold is chosen on validation, never on the test set; {key} goes back to validation.");
        app.say(Tone::Bad, text);
    }
    app.evaluate.test
}

fn jump(app: &mut App, criterion: Criterion) {
    if refuse_on_test(app) {
        return;
    }
    match app.evaluate.sheet().map(|sheet| sheet.jump(criterion)) {
        Some(Some(threshold)) => set(app, threshold, Some(criterion)),
        Some(None) => app.say(Tone::Plain, "A class is missing among these images, so there is no such threshold."),
        None => {}
    }
}

fn keep(app: &mut App) -> Vec<Effect> {
    if refuse_on_test(app) {
        return Vec::new();
    }
    let (Some(figures), Some((_, _, row))) = (app.evaluate.figures(), current(app)) else {
        return Vec::new();
    };
    let served = app.evaluate.criterion.filter(|criterion| sheet::JUMPS.contains(criterion));
    let threshold = served.map_or(Threshold::Set(figures.threshold), Threshold::Best);
    let job = Job::Choose { run: row.run.clone(), threshold };
    vec![job.into()]
}

fn other_split(app: &mut App) -> Vec<Effect> {
    if app.evaluate.test {
        app.evaluate.test = false;
        return wanted(app);
    }
    match current(app).map(|(_, _, row)| row.clone()) {
        Some(row) if row.test_accuracy.is_some() => {
            app.evaluate.test = true;
            wanted(app)
        }
        Some(row) => results::open_test(app, Some(&row)),
        None => Vec::new(),
    }
}

/// What the screen calls the criterion that the threshold serves.
fn served(app: &App) -> &'static str {
    match app.evaluate.criterion {
        Some(Criterion::Accuracy) => "best accuracy",
        Some(Criterion::Youden) => "Youden's J",
        Some(Criterion::EqualError) => "equal errors",
        Some(Criterion::Precision(_) | Criterion::Recall(_)) => "as chosen",
        None => "set by hand",
    }
}

/// Turns to a run's evaluation from another screen.
pub fn open(app: &mut App, run: &str) -> Vec<Effect> {
    show(app, run);
    app.go(ScreenId::Evaluate.index())
}
