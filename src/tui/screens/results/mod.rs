//! Results: every model side by side; choosing one, opening its test set, comparing some, taking the table elsewhere.

mod comparison;
mod differing;
mod keys;
mod settings;
mod table;

use super::super::app::{App, Hits, Overlay, Tone, moved};
use super::super::effect::Effect;
use super::super::jobs::{Job, Threshold};
use super::super::keys::{Action, Binding, Context};
use super::super::prompt::{FilterText, Prompt, Purpose};
use super::super::stages::{ScreenId, State as Step, Study};
use super::Screen;
use differing::Differing;
use faceprobe_core::dataset::Split;
use faceprobe_core::run::JobSpec;
use faceprobe_core::run::compare::Comparison;
use faceprobe_core::run::filter::Filter;
use faceprobe_core::run::results::{self, Column, ResultRow};
use ratatui::Frame;
use ratatui::layout::Rect;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

pub use comparison::ComparisonView;

/// What the screen remembers.
#[derive(Debug)]
pub struct State {
    /// The run under the cursor; none means the first line.
    pub selected: Option<String>,
    pub column: Column,
    pub descending: bool,
    /// The conditions as they were typed, and as they were last understood.
    pub filter_text: String,
    filter: Filter,
    /// Runs to put side by side, in the order they were marked.
    pub marked: Vec<String>,
    /// Mean and spread by setting instead of one line per run.
    pub by_setting: bool,
    /// The line of the settings table under the cursor.
    setting: usize,
    /// Runs side by side, over the table.
    pub comparison: Option<ComparisonView>,
    /// The settings in which the listed models differ.
    differing: RefCell<Rc<Differing>>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            selected: None,
            column: Column::Val,
            descending: true,
            filter_text: String::new(),
            filter: Filter::default(),
            marked: Vec::new(),
            by_setting: false,
            setting: 0,
            comparison: None,
            differing: RefCell::default(),
        }
    }
}

const FILTER: FilterText =
    FilterText { lines: "models", hint: "such as: kind=dense val>0.8 backbone=vgg; = contains, == is, != not" };

/// Results in the table of screens.
pub struct Results;

impl Screen for Results {
    fn id(&self) -> ScreenId {
        ScreenId::Results
    }

    fn name(&self) -> &'static str {
        "Results"
    }

    fn keys(&self) -> &'static [Binding] {
        keys::ROWS
    }

    fn home(&self) -> Context {
        Context::Results
    }

    fn context(&self, app: &App) -> Context {
        if app.results.comparison.is_some() { Context::Compare } else { Context::Results }
    }

    fn draw(&self, frame: &mut Frame, area: Rect, app: &App, hits: &mut Hits) {
        draw(frame, area, app, hits);
    }

    fn act(&self, app: &mut App, action: Action) -> Vec<Effect> {
        act(app, action)
    }

    fn select(&self, app: &mut App, line: usize) -> Vec<Effect> {
        select(app, line);
        Vec::new()
    }

    fn filter(&self, app: &mut App, text: &str) -> Result<(), String> {
        filter(app, text)
    }

    fn cancel(&self, app: &mut App) {
        cancel(app);
    }

    fn wanted(&self, app: &mut App) -> Vec<Effect> {
        wanted(app)
    }

    fn offers(&self, app: &App, action: Action) -> bool {
        let models = || app.snapshot.trainings().next().is_some();
        match action {
            Action::Ensemble => !app.results.by_setting,
            Action::Choose
            | Action::OpenTest
            | Action::Refit
            | Action::SortNext
            | Action::Reverse
            | Action::Mark
            | Action::Compare => !app.results.by_setting && models(),
            Action::Export | Action::BySetting | Action::Enter => models(),
            Action::Filter => !app.snapshot.runs.is_empty(),
            _ => true,
        }
    }

    fn stories(&self, app: &App) -> BTreeSet<String> {
        let comparison = app.results.comparison.as_ref();
        comparison.map_or_else(BTreeSet::new, |comparison| comparison.runs.iter().cloned().collect())
    }

    fn step(&self, study: &Study) -> (Step, String) {
        let state = study.state(ScreenId::Results, study.best.is_some());
        (state, study.best.map_or_else(|| "no figures".to_owned(), |best| format!("val@τ {best:.3}")))
    }
}

/// The rows that fulfil the filter, in the order shown.
pub fn sorted(app: &App) -> Vec<&ResultRow> {
    let rows = app.snapshot.runs.iter().filter_map(|run| run.row.as_ref());
    let mut rows: Vec<&ResultRow> = rows.filter(|row| app.results.filter.matches(*row)).collect();
    results::sort_refs(&mut rows, app.results.column, app.results.descending);
    rows
}

fn index(app: &App, rows: &[&ResultRow]) -> usize {
    let wanted = app.results.selected.as_deref();
    rows.iter().position(|row| Some(row.run.as_str()) == wanted).unwrap_or(0)
}

/// Puts the cursor on line `index`.
fn select(app: &mut App, index: usize) {
    if let Some(comparison) = &mut app.results.comparison {
        comparison.line = index;
    } else if app.results.by_setting {
        app.results.setting = index;
    } else {
        app.results.selected = sorted(app).get(index).map(|row| row.run.clone());
    }
}

/// Shows only the rows that fulfil conditions; a sentence when they are not understood.
fn filter(app: &mut App, text: &str) -> Result<(), String> {
    let filter = Filter::parse::<ResultRow>(text)?;
    app.results.filter = filter;
    app.results.filter_text = text.trim().to_owned();
    Ok(())
}

/// Takes away, one after the other: the comparison, the marks, the filter.
fn cancel(app: &mut App) {
    let state = &mut app.results;
    if state.comparison.take().is_some() {
        return;
    }
    if !state.marked.is_empty() {
        state.marked.clear();
    } else {
        state.filter = Filter::default();
        state.filter_text.clear();
    }
}

/// What a key does here.
fn act(app: &mut App, action: Action) -> Vec<Effect> {
    if app.results.comparison.is_some() {
        return comparison::act(app, action);
    }
    match action {
        Action::SortNext | Action::SortPrevious | Action::Reverse if app.results.by_setting => {}
        Action::SortNext | Action::SortPrevious => {
            let columns = Column::ALL;
            let now = columns.iter().position(|column| *column == app.results.column).unwrap_or(0);
            let step = if action == Action::SortNext { 1 } else { columns.len() - 1 };
            app.results.column = columns[(now + step) % columns.len()];
            app.results.descending = app.results.column.descends();
        }
        Action::Reverse => app.results.descending = !app.results.descending,
        Action::Filter => {
            let prompt = Prompt::new(Purpose::Filter(ScreenId::Results, FILTER), &app.results.filter_text);
            app.overlay = Some(Overlay::Prompt(prompt));
        }
        Action::BySetting => app.results.by_setting = !app.results.by_setting,
        Action::Export => {
            let name = if app.results.by_setting { "settings.csv" } else { "results.csv" };
            app.overlay = Some(Overlay::Prompt(Prompt::new(Purpose::Export, name)));
        }
        Action::Enter if app.results.by_setting => runs_of_setting(app),
        _ if app.results.by_setting => {
            app.results.setting = moved(app.results.setting, settings::rows(app).len(), action);
        }
        Action::Choose => return choose(app),
        Action::OpenTest => {
            let row = under_cursor(app);
            return open_test(app, row.as_ref());
        }
        Action::Refit => refit(app),
        Action::Ensemble => ensemble(app),
        Action::Mark => mark(app),
        Action::Compare => return compare(app),
        Action::Enter if app.results.marked.len() > 1 => return compare(app),
        Action::Enter => return evaluate(app),
        _ => {
            let rows = sorted(app);
            let to = moved(index(app, &rows), rows.len(), action);
            select(app, to);
        }
    }
    Vec::new()
}

/// From a setting to the models that have it.
fn runs_of_setting(app: &mut App) {
    let rows = settings::rows(app);
    let Some(row) = rows.get(app.results.setting.min(rows.len().saturating_sub(1))) else {
        return;
    };
    let mut text = format!("kind=={} settings==\"{}\" data==\"{}\"", row.kind.name(), row.settings, row.dataset);
    for (name, value) in [("backbone", &row.backbone), ("tap", &row.tap), ("pool", &row.pool)] {
        if let Some(value) = value {
            text += &format!(" {name}==\"{value}\"");
        }
    }
    // Names that hold a quote cannot be typed into a filter; the table stays as it is then.
    match filter(app, &text) {
        Ok(()) => app.results.by_setting = false,
        Err(problem) => app.say(Tone::Plain, problem),
    }
}

fn under_cursor(app: &App) -> Option<ResultRow> {
    let rows = sorted(app);
    rows.get(index(app, &rows)).map(|row| (*row).clone())
}

fn choose(app: &mut App) -> Vec<Effect> {
    match under_cursor(app) {
        Some(row) if row.has_model() => {
            return vec![Job::Choose { run: row.run, threshold: Threshold::Trained }.into()];
        }
        Some(row) => {
            app.say(Tone::Plain, format!("{} is {}; only a finished model can be used.", row.run, row.status.name()));
        }
        None => {}
    }
    Vec::new()
}

fn evaluate(app: &mut App) -> Vec<Effect> {
    match under_cursor(app) {
        Some(row) if row.has_model() => return super::evaluate::open(app, &row.run),
        Some(row) => {
            app.say(Tone::Plain, format!("{} is {}; it has scores when it is done.", row.run, row.status.name()));
        }
        None => {}
    }
    Vec::new()
}

/// Marks the run under the cursor or takes its mark away, and goes to the next line.
fn mark(app: &mut App) {
    let Some(row) = under_cursor(app) else {
        return;
    };
    let marked = &mut app.results.marked;
    match marked.iter().position(|run| *run == row.run) {
        Some(at) => drop(marked.remove(at)),
        None if marked.len() == comparison::MOST => {
            app.say(Tone::Plain, format!("{} models side by side are as many as can be read.", comparison::MOST));
            return;
        }
        None => marked.push(row.run),
    }
    let rows = sorted(app);
    let to = moved(index(app, &rows), rows.len(), Action::Down);
    select(app, to);
}

/// Puts the marked runs side by side; with one marked, it and the one under the cursor.
fn compare(app: &mut App) -> Vec<Effect> {
    let mut runs = app.results.marked.clone();
    if let (1, Some(row)) = (runs.len(), under_cursor(app))
        && !runs.contains(&row.run)
    {
        runs.push(row.run);
    }
    let done = |run: &String| app.snapshot.run(run).and_then(|run| run.row.as_ref()).is_some_and(ResultRow::has_model);
    if let Some(run) = runs.iter().find(|run| !done(run)) {
        let text = format!("{run} is not done; only finished models are put side by side.");
        app.say(Tone::Plain, text);
        return Vec::new();
    }
    if runs.len() < 2 {
        app.say(Tone::Plain, "Mark two models or more with Space; they are put side by side then.");
        return Vec::new();
    }
    app.results.comparison = Some(ComparisonView::new(runs));
    wanted(app)
}

/// Asks for the scores of a comparison, unless they were asked for already.
fn wanted(app: &mut App) -> Vec<Effect> {
    // A run that was removed leaves the marks, and ends a comparison it was in.
    let snapshot = Arc::clone(&app.snapshot);
    app.results.marked.retain(|run| snapshot.run(run).is_some());
    if app
        .results
        .comparison
        .as_ref()
        .is_some_and(|comparison| comparison.runs.iter().any(|run| snapshot.run(run).is_none()))
    {
        app.results.comparison = None;
    }
    app.results.comparison.as_mut().and_then(ComparisonView::ask).into_iter().collect()
}

/// A comparison has come.
pub fn compared(app: &mut App, runs: &[String], split: Split, outcome: Result<Arc<Comparison>, String>) {
    if let Some(comparison) = &mut app.results.comparison {
        comparison.take(runs, split, outcome);
    }
}

/// Asks whether to open the test set of a run.
pub fn open_test(app: &mut App, row: Option<&ResultRow>) -> Vec<Effect> {
    match row {
        None => {}
        Some(row) if row.test_accuracy.is_some() => {
            app.say(Tone::Plain, format!("The test set is open for {} already.", row.run));
        }
        Some(row) if !row.has_model() => {
            app.say(Tone::Plain, format!("{} is {}; its test set opens when it is done.", row.run, row.status.name()));
        }
        Some(row) => {
            let text = vec![
                format!("Scores {} once on the test split of {}.", row.run, row.dataset),
                "The figure is honest only if you stop choosing now. The opening is recorded, and every model made on \
                 this data after it is marked."
                    .to_owned(),
            ];
            let job = Job::Launch(Box::new(JobSpec::OpenTest { run: row.run.clone() }));
            app.ask("Open the test set?", text, job);
        }
    }
    Vec::new()
}

/// Asks whether to make one model of the marked ones.
fn ensemble(app: &mut App) {
    let runs = app.results.marked.clone();
    if runs.len() < 2 {
        app.say(Tone::Plain, "Mark two fine-tuned runs or more with Space; they become one model then.");
        return;
    }
    let text = vec![
        format!("Makes one model of {}: the mean of their logits.", runs.join(", ")),
        "Nothing is trained; the threshold is chosen on validation. It takes as long as all of them to predict."
            .to_owned(),
    ];
    app.ask("Make an ensemble?", text, Job::Ensemble { runs });
}

/// Asks whether to train the model under the cursor anew on validation too.
fn refit(app: &mut App) {
    match under_cursor(app) {
        None => {}
        Some(ResultRow { run, refit: Some(first), .. }) => {
            app.say(Tone::Plain, format!("{run} is {first} trained anew on validation already."));
        }
        Some(row) if !row.has_model() => {
            let text = format!("{} is {}; it can be trained anew when it is done.", row.run, row.status.name());
            app.say(Tone::Plain, text);
        }
        Some(row) => {
            let text = vec![
                format!("Trains {} anew on the training and the validation split of {}.", row.run, row.dataset),
                "What validation chose for it stays: epochs or penalty, threshold, calibration. The new model has no \
                 validation accuracy; only its test split can tell how good it is."
                    .to_owned(),
            ];
            app.ask("Train on validation too?", text, Job::Refit { run: row.run });
        }
    }
}

/// Draws the screen.
fn draw(frame: &mut Frame, area: Rect, app: &App, hits: &mut Hits) {
    match &app.results.comparison {
        Some(shown) => comparison::draw(frame, area, app, shown, hits),
        None if app.results.by_setting => settings::draw(frame, area, app, hits),
        None => table::draw(frame, area, app, hits),
    }
}
