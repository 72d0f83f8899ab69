//! Results: the table of all models; choosing one, opening its test split, comparing some, exporting the table.

mod commands;
mod comparison;
mod keys;
mod models;
mod settings;

use super::super::effect::Effect;
use super::super::kept::Kept;
use super::super::keys::{self as keys_table, Action, Context};
use super::super::prompt::{Prompt, Purpose};
use super::super::shared::{Hits, Shared, Tone, moved};
use super::super::stages::{ScreenId, State as Step, Study};
use super::super::table::{self, Column, Kind, Signs, Table};
use super::{Screen, ScreenInfo};
use faceprobe_core::dataset::Split;
use faceprobe_core::run::Status;
use faceprobe_core::run::compare::Comparison;
use faceprobe_core::run::filter::Filter;
use faceprobe_core::run::results::{Leak, ResultRow, SettingRow, leaks};
use ratatui::Frame;
use ratatui::layout::Rect;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

pub use commands::ask_to_open_test;
pub use comparison::ComparisonView;

/// What is known of it without its state.
pub static INFO: ScreenInfo =
    ScreenInfo { id: ScreenId::Results, name: "Results", keys: keys::ROWS, home: Context::Results, step };

/// The screen and what it remembers.
pub struct Results {
    pub table: Table,
    /// Mean and spread by setting instead of one line per run.
    by_setting: bool,
    /// The line of the settings table under the cursor.
    setting: usize,
    /// The comparison, if one is open.
    pub comparison: Option<ComparisonView>,
    /// The finished models by setting, and the leak of each with a random split.
    settings: Kept<Vec<SettingRow>>,
    leaks: Kept<HashMap<String, Leak>>,
}

impl Default for Results {
    fn default() -> Self {
        Self {
            table: Table::new(&TABLE),
            by_setting: false,
            setting: 0,
            comparison: None,
            settings: Kept::default(),
            leaks: Kept::default(),
        }
    }
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
};

impl Screen for Results {
    fn info(&self) -> &'static ScreenInfo {
        &INFO
    }

    fn context(&self, _shared: &Shared) -> Context {
        if self.comparison.is_some() { Context::Compare } else { Context::Results }
    }

    fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared, hits: &mut Hits) {
        match &self.comparison {
            Some(shown) => comparison::draw(frame, area, shared, shown, hits),
            None if self.by_setting => settings::draw(frame, area, self, shared, hits),
            None => models::draw(frame, area, self, shared, hits),
        }
    }

    fn act(&mut self, shared: &mut Shared, action: Action) -> Vec<Effect> {
        if let Some(comparison) = &mut self.comparison {
            if action == Action::Parent {
                self.comparison = None;
                return Vec::new();
            }
            return comparison.act(shared, action);
        }
        match action {
            Action::BySetting => self.by_setting = !self.by_setting,
            Action::Export => {
                let name = if self.by_setting { "settings.csv" } else { "results.csv" };
                shared.prompt(Prompt::new(Purpose::Export, name));
            }
            Action::Enter if self.by_setting => self.runs_of_setting(shared),
            _ if self.by_setting && is_of_runs(action) => {
                let key = keys_table::name_of(Context::Results, Action::BySetting);
                shared.say(Tone::Plain, format!("These lines are settings; {key} shows the runs."));
            }
            _ if self.by_setting && action != Action::Filter => {
                self.setting = moved(self.setting, settings::rows(self, shared).len(), action);
            }
            Action::Enter if shared.marked.len() > 1 => return self.compare(shared),
            Action::Enter if self.table.current(shared).is_some_and(|line| line.group.is_some()) => {
                return self.table.act(shared, Action::Fold).unwrap_or_default();
            }
            Action::Enter => self.evaluate(shared),
            Action::Ensemble => commands::ensemble(shared),
            Action::Compare => return self.compare(shared),
            Action::Choose | Action::OpenTest | Action::Refit => match (self.under_cursor(shared), action) {
                (None, _) => {
                    shared.say(Tone::Plain, "This line is a group; put the cursor on one of its models.");
                }
                (Some(row), Action::OpenTest) => ask_to_open_test(shared, &row),
                (Some(row), Action::Choose) => return commands::choose(shared, row),
                (Some(row), _) => commands::refit(shared, row),
            },
            _ => return self.table.act(shared, action).unwrap_or_default(),
        }
        Vec::new()
    }

    fn select(&mut self, shared: &mut Shared, line: usize) -> Vec<Effect> {
        if let Some(comparison) = &mut self.comparison {
            comparison.line = line;
        } else if self.by_setting {
            self.setting = line;
        } else {
            self.table.select(shared, line);
        }
        Vec::new()
    }

    fn table(&self) -> Option<&Table> {
        Some(&self.table)
    }

    fn table_mut(&mut self) -> Option<&mut Table> {
        Some(&mut self.table)
    }

    /// Closes, one after the other: the comparison, the search, the marks, the filter.
    fn cancel(&mut self, shared: &mut Shared) {
        if self.comparison.take().is_none() {
            self.table.cancel(shared);
        }
    }

    /// Asks for the scores of a comparison, unless they were asked for already.
    fn wanted(&mut self, shared: &mut Shared) -> Vec<Effect> {
        // A run that was removed leaves the marks, and ends a comparison it was in.
        let snapshot = Arc::clone(&shared.snapshot);
        let is_gone = |run: &String| snapshot.run(run).is_none();
        // Before the first snapshot it is unknown which runs there are.
        if shared.loaded {
            shared.marked.retain(|run| !is_gone(run));
        }
        if self.comparison.as_ref().is_some_and(|comparison| comparison.runs.iter().any(is_gone)) {
            self.comparison = None;
        }
        self.comparison.as_mut().and_then(ComparisonView::ask).into_iter().collect()
    }

    fn offers(&self, shared: &Shared, action: Action) -> bool {
        let models = || shared.snapshot.trainings().next().is_some();
        let model = || self.under_cursor(shared).is_some();
        match action {
            Action::NextMatch | Action::PreviousMatch if self.comparison.is_some() => false,
            Action::Export | Action::BySetting => models(),
            Action::Enter if self.by_setting => models(),
            Action::Enter => self.table.current(shared).is_some(),
            Action::Filter => self.table.offers(shared, action) == Some(true),
            // A line of the other table is a setting, not a run.
            _ if self.by_setting => !is_of_runs(action),
            Action::Choose | Action::OpenTest | Action::Refit => model(),
            Action::Compare => models(),
            action => self.table.offers(shared, action).unwrap_or(true),
        }
    }

    fn histories(&self, _shared: &Shared) -> BTreeSet<String> {
        let comparison = self.comparison.as_ref();
        comparison.map_or_else(BTreeSet::new, |comparison| comparison.runs.iter().cloned().collect())
    }
}

fn step(study: &Study) -> (Step, String) {
    let state = study.state(ScreenId::Results, study.best.is_some());
    (state, study.best.map_or_else(|| "no figures".to_owned(), |best| format!("val@τ {best:.3}")))
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

impl Results {
    /// The rows that match the filter, in the order shown, folded ones too.
    fn sorted(&self, shared: &Shared) -> Vec<ResultRow> {
        self.table.listing(shared).runs().filter_map(|run| run.row.clone()).collect()
    }

    /// What recognising people from training adds to a model's accuracy, where the same setting was trained with subjects
    /// kept together too.
    fn leak(&self, shared: &Shared, row: &ResultRow) -> Option<Leak> {
        let runs = shared.snapshot.runs.iter().filter(|run| run.status == Status::Done && run.row.is_some());
        self.leaks.of(runs, |runs| leaks(runs.iter().filter_map(|run| run.row.as_ref()))).get(&row.run).cloned()
    }

    /// The row of the model under the cursor; none on a group.
    fn under_cursor(&self, shared: &Shared) -> Option<ResultRow> {
        self.table.current(shared).filter(|line| line.group.is_none())?.run.row.clone()
    }

    /// The run under the cursor, or the first, if it has a model.
    pub fn with_model(&self, shared: &Shared) -> Option<String> {
        let rows = self.sorted(shared);
        let selected = rows.iter().find(|row| Some(row.run.as_str()) == self.table.selected.as_deref());
        selected.or(rows.first()).filter(|row| row.has_model()).map(|row| row.run.clone())
    }

    /// Takes the scores of a comparison.
    pub fn compared(&mut self, runs: &[String], split: Split, outcome: Result<Arc<Comparison>, String>) {
        if let Some(comparison) = &mut self.comparison {
            comparison.take(runs, split, outcome);
        }
    }
}
