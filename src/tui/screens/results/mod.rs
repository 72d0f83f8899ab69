//! Results: every model side by side; choosing one, opening its test set, comparing some, taking the table elsewhere.

mod comparison;
mod keys;
mod models;
mod settings;

use super::super::app::{App, Hits, Overlay, Tone, moved};
use super::super::effect::Effect;
use super::super::jobs::{Job, Threshold};
use super::super::keys::{self as keys_table, Action, Binding, Context};
use super::super::prompt::{Prompt, Purpose};
use super::super::stages::{ScreenId, State as Step, Study};
use super::super::table::{self, Column, Kind, Signs, Table};
use super::Screen;
use faceprobe_core::dataset::Split;
use faceprobe_core::run::compare::Comparison;
use faceprobe_core::run::filter::Filter;
use faceprobe_core::run::results::ResultRow;
use faceprobe_core::run::{JobSpec, RunId};
use ratatui::Frame;
use ratatui::layout::Rect;
use std::collections::BTreeSet;
use std::sync::Arc;

pub use comparison::ComparisonView;

/// What the screen remembers.
#[derive(Debug, Default)]
pub struct State {
    /// The run under the cursor; none means the first line.
    pub selected: Option<String>,
    pub table: Table,
    /// Mean and spread by setting instead of one line per run.
    pub by_setting: bool,
    /// The line of the settings table under the cursor.
    setting: usize,
    /// Runs side by side, over the table.
    pub comparison: Option<ComparisonView>,
}

/// The table of models.
pub static TABLE: Kind = Kind {
    screen: ScreenId::Results,
    lines: "models",
    lists: |run| run.row.is_some(),
    groups: table::trains_several,
    parse: Filter::parse::<ResultRow>,
    fulfils: |filter, run| run.row.as_ref().is_some_and(|row| filter.matches(row)),
    hint: "such as: kind=dense val>0.8 backbone=vgg; = contains, == is, != not",
    usual: &[
        (Column::Run, 0),
        (Column::Val, 0),
        (Column::Test, 1),
        (Column::Data, 2),
        (Column::Status, 5),
        (Column::Kind, 4),
        (Column::Train, 7),
        (Column::Backbone, 6),
        (Column::Took, 20),
        (Column::Params, 21),
        (Column::Threshold, 22),
        (Column::Epochs, 23),
    ],
    if_differing: &[Column::Kind, Column::Backbone, Column::Data],
    settings: 3,
    order: Some(Column::Val),
    signs: Signs::Choice,
    state: |app| (&app.results.table, &app.results.selected),
    state_mut: |app| (&mut app.results.table, &mut app.results.selected),
};

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
        table::filter(app, &TABLE, text)
    }

    fn table(&self) -> Option<&'static Kind> {
        Some(&TABLE)
    }

    fn show(&self, app: &mut App, run: &RunId) {
        table::reveal(app, &TABLE, run.as_str());
    }

    fn cancel(&self, app: &mut App) {
        cancel(app);
    }

    fn wanted(&self, app: &mut App) -> Vec<Effect> {
        wanted(app)
    }

    fn offers(&self, app: &App, action: Action) -> bool {
        let models = || app.snapshot.trainings().next().is_some();
        let model = || under_cursor(app).is_some();
        match action {
            Action::NextMatch | Action::PreviousMatch if app.results.comparison.is_some() => false,
            Action::Export | Action::BySetting => models(),
            Action::Enter if app.results.by_setting => models(),
            Action::Enter => table::current(app, &TABLE).is_some(),
            Action::Filter => table::offers(app, &TABLE, action) == Some(true),
            // A line of the other table is a setting, not a run.
            _ if app.results.by_setting => !is_of_runs(action),
            Action::Choose | Action::OpenTest | Action::Refit => model(),
            Action::Compare => models(),
            action => table::offers(app, &TABLE, action).unwrap_or(true),
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

/// Whether an action is about the line of a run.
fn is_of_runs(action: Action) -> bool {
    use Action::*;
    matches!(
        action,
        Choose
            | OpenTest
            | Refit
            | Ensemble
            | Compare
            | Mark
            | SortNext
            | SortPrevious
            | Reverse
            | Search
            | NextMatch
            | PreviousMatch
            | Columns
            | Fold
            | FoldAll
            | Flat
            | Differences
            | Clone
            | Yank
    )
}

/// The rows that fulfil the filter, in the order shown, those that are folded away too.
pub fn sorted(app: &App) -> Vec<ResultRow> {
    table::listing(app, &TABLE).runs().filter_map(|run| run.row.clone()).collect()
}

/// Puts the cursor on line `index`.
fn select(app: &mut App, index: usize) {
    if let Some(comparison) = &mut app.results.comparison {
        comparison.line = index;
    } else if app.results.by_setting {
        app.results.setting = index;
    } else {
        table::select(app, &TABLE, index);
    }
}

/// Takes away, one after the other: the comparison, the search, the marks, the filter.
fn cancel(app: &mut App) {
    if app.results.comparison.take().is_none() {
        table::cancel(app, &TABLE);
    }
}

/// What a key does here.
fn act(app: &mut App, action: Action) -> Vec<Effect> {
    if app.results.comparison.is_some() {
        return comparison::act(app, action);
    }
    match action {
        Action::BySetting => app.results.by_setting = !app.results.by_setting,
        Action::Export => {
            let name = if app.results.by_setting { "settings.csv" } else { "results.csv" };
            app.overlay = Some(Overlay::Prompt(Prompt::new(Purpose::Export, name)));
        }
        Action::Enter if app.results.by_setting => runs_of_setting(app),
        _ if app.results.by_setting && is_of_runs(action) => {
            let key = keys_table::name_of(Context::Results, Action::BySetting);
            app.say(Tone::Plain, format!("These lines are settings; {key} shows the runs."));
        }
        _ if app.results.by_setting && action != Action::Filter => {
            app.results.setting = moved(app.results.setting, settings::rows(app).len(), action);
        }
        Action::Enter if app.marked().len() > 1 => return compare(app),
        Action::Enter if table::current(app, &TABLE).is_some_and(|line| line.group.is_some()) => {
            return table::act::act(app, &TABLE, Action::Fold).unwrap_or_default();
        }
        Action::Enter => return evaluate(app),
        Action::Ensemble => ensemble(app),
        Action::Compare => return compare(app),
        Action::Choose | Action::OpenTest | Action::Refit => match (under_cursor(app), action) {
            (None, _) => {
                app.say(Tone::Plain, "This line is a group; put the cursor on one of its models.");
            }
            (row, Action::OpenTest) => return open_test(app, row.as_ref()),
            (_, Action::Choose) => return choose(app),
            _ => refit(app),
        },
        _ => return table::act::act(app, &TABLE, action).unwrap_or_default(),
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
    match table::filter(app, &TABLE, &text) {
        Ok(()) => app.results.by_setting = false,
        Err(problem) => app.say(Tone::Plain, problem),
    }
}

/// The row of the model under the cursor; none on a group.
fn under_cursor(app: &App) -> Option<ResultRow> {
    table::current(app, &TABLE).filter(|line| line.group.is_none())?.run.row.clone()
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

/// Puts the marked runs side by side; with one marked, it and the one under the cursor.
pub fn compare(app: &mut App) -> Vec<Effect> {
    let mut runs = app.marked().to_vec();
    if let (1, Some(row)) = (runs.len(), under_cursor(app))
        && !runs.contains(&row.run)
    {
        runs.push(row.run);
    }
    let done = |run: &String| app.snapshot.run(run).and_then(|run| run.row.as_ref()).is_some_and(ResultRow::has_model);
    if let Some(run) = runs.iter().find(|run| !done(run)) {
        let trains = app.snapshot.run(run).is_some_and(|run| run.trains());
        let what = if trains { "is not done" } else { "trains no model" };
        let text = format!("{run} {what}; only finished models are put side by side.");
        app.say(Tone::Plain, text);
        return Vec::new();
    }
    if runs.len() < 2 {
        app.say(Tone::Plain, "Mark two models or more with Space; they are put side by side then.");
        return Vec::new();
    }
    if runs.len() > comparison::MOST {
        let text = format!(
            "{} models side by side are as many as can be read, and {} are marked; {} shows in which settings they differ.",
            comparison::MOST,
            runs.len(),
            keys_table::name_of(Context::Results, Action::Differences)
        );
        app.say(Tone::Plain, text);
        return Vec::new();
    }
    app.results.comparison = Some(ComparisonView::new(runs));
    wanted(app)
}

/// Asks for the scores of a comparison, unless they were asked for already.
fn wanted(app: &mut App) -> Vec<Effect> {
    // A run that was removed leaves the marks, and ends a comparison it was in.
    let snapshot = Arc::clone(&app.snapshot);
    // Before the workspace was read nobody knows which runs there are.
    if app.loaded {
        app.train.view.marked.retain(|run| snapshot.run(run).is_some());
    }
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
    let runs = app.marked().to_vec();
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
        None => models::draw(frame, area, app, hits),
    }
}
