//! Runs: everything ever started here, with its log and what a person wrote on it.

mod detail;
mod keys;
mod list;
mod remove;

pub use remove::{removed, restored};

use super::super::app::{App, Hits, Overlay, Tone};
use super::super::effect::Effect;
use super::super::keys::{Action, Binding, Context};
use super::super::prompt::{Prompt, Purpose};
use super::super::records::{Change, RecordJob};
use super::super::snapshot::Run;
use super::super::stages::{ScreenId, State as Step, Study, screen_of};
use super::super::table::{self, Column, Kind, Signs, Table};
use super::super::widgets::format;
use super::Screen;
use detail::Detail;
use faceprobe_core::run::filter::{Cell, Filter, Row};
use faceprobe_core::run::{JobSpec, RunId, Status};
use ratatui::Frame;
use ratatui::layout::Rect;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What the screen remembers.
#[derive(Debug, Default)]
pub struct State {
    /// The run under the cursor; none means the first line.
    pub selected: Option<String>,
    pub table: Table,
    /// A run that is shown alone.
    detail: Option<Detail>,
    /// What was removed in this session, together what was removed at once, the last behind.
    removed: Vec<Vec<RunId>>,
}

/// The table of everything that was started.
pub static TABLE: Kind = Kind {
    screen: ScreenId::Runs,
    lines: "runs",
    lists: |_| true,
    groups: |job| table::trains_several(job) || matches!(job, JobSpec::Demo { .. }),
    parse: Filter::parse::<Run>,
    fulfils: |filter, run| filter.matches(run),
    hint: "such as: status=done kind=dense took>60, or a word of a name or note",
    usual: &[
        (Column::Run, 0),
        (Column::Status, 1),
        (Column::Val, 3),
        (Column::Took, 2),
        (Column::Size, 6),
        (Column::Started, 4),
        (Column::Data, 5),
    ],
    if_differing: &[],
    settings: 8,
    order: None,
    signs: Signs::StatusAndPin,
    state: |app| (&app.runs.table, &app.runs.selected),
    state_mut: |app| (&mut app.runs.table, &mut app.runs.selected),
};

/// Runs in the table of screens.
pub struct Runs;

impl Screen for Runs {
    fn id(&self) -> ScreenId {
        ScreenId::Runs
    }

    fn name(&self) -> &'static str {
        "Runs"
    }

    fn keys(&self) -> &'static [Binding] {
        keys::ROWS
    }

    fn home(&self) -> Context {
        Context::Runs
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
        match action {
            Action::Undo => !app.runs.removed.is_empty(),
            Action::Note | Action::Rename | Action::Pin | Action::Jump | Action::Remove | Action::Enter => {
                !app.snapshot.runs.is_empty()
            }
            Action::Compare => !app.marked().is_empty(),
            // One run alone has no lines.
            action if app.runs.detail.is_some() => table::offers(app, &TABLE, action).is_none(),
            action => table::offers(app, &TABLE, action).unwrap_or(true),
        }
    }

    fn at_work(&self, app: &App) -> Option<Arc<Run>> {
        current(app)
    }

    fn stories(&self, app: &App) -> BTreeSet<String> {
        app.runs.detail.as_ref().map(|detail| detail.run.clone()).into_iter().collect()
    }

    fn step(&self, study: &Study) -> (Step, String) {
        let runs = &study.snapshot.runs;
        let state = match (study.snapshot.live().next(), runs.is_empty()) {
            (Some(_), _) => Step::Running,
            (None, true) => Step::ToDo,
            // A list is nothing that is done.
            (None, false) => Step::Unread,
        };
        let failed = runs.iter().filter(|run| matches!(run.status, Status::Failed | Status::Interrupted)).count();
        let detail = match (runs.len(), failed) {
            (0, _) => "none yet".into(),
            (count, 0) => format::count(count, "run"),
            (count, failed) => format!("{failed} of {count} failed"),
        };
        (state, detail)
    }
}

impl Row for Run {
    const COLUMNS: &'static [&'static str] = &[
        "run", "kind", "status", "data", "title", "note", "outcome", "parent", "backbone", "settings", "took", "size",
        "pinned", "started", "val", "test", "seed",
    ];

    fn cell(&self, column: &str) -> Cell {
        let label = &self.about.label;
        match column {
            "run" => Cell::text(Some(self.id.as_str())),
            "kind" => Cell::text(Some(self.job.kind_name())),
            "status" => Cell::text(Some(self.status.name())),
            "data" => Cell::text(self.job.dataset()),
            "title" => Cell::text(Some(&label.title)),
            "note" => Cell::text(Some(&label.note)),
            "outcome" => Cell::text(self.facts.outcome.as_deref()),
            "parent" => Cell::text(self.parent.as_deref()),
            "pinned" => Cell::text(Some(if label.pinned { "yes" } else { "no" })),
            "started" => Cell::text(Some(&self.created)),
            "backbone" => Cell::text(table::column::backbone(self)),
            "settings" => Cell::text(self.row.as_ref().map(|row| row.settings.as_str())),
            "val" => Cell::Number(self.row.as_ref().and_then(|row| row.val_accuracy)),
            "test" => Cell::Number(self.row.as_ref().and_then(|row| row.test_accuracy)),
            "seed" => Cell::Number(self.row.as_ref().map(|row| row.seed as f64)),
            "took" => Cell::Number(self.seconds),
            // In the unit the screen shows for most of them.
            "size" => Cell::Number(Some(self.about.bytes as f64 / 1_048_576.0)),
            _ => Cell::Number(None),
        }
    }
}

/// The run under the cursor.
fn current(app: &App) -> Option<Arc<Run>> {
    table::run(app, &TABLE)
}

/// Puts the cursor on line `index`.
fn select(app: &mut App, index: usize) {
    table::select(app, &TABLE, index);
}

/// Closes what is shown alone, else takes the search, the marks, the filter away.
fn cancel(app: &mut App) {
    if app.runs.detail.take().is_none() {
        table::cancel(app, &TABLE);
    }
}

/// What a key does here.
fn act(app: &mut App, action: Action) -> Vec<Effect> {
    if table::studies::act(app, &TABLE, action) {
        return Vec::new();
    }
    let run = current(app);
    match (action, run) {
        (Action::PauseResume, Some(run)) if !run.status.is_live() => return app.resume(&run),
        (Action::PauseResume, _) => return app.pause_or_resume(),
        (Action::Stop, _) => return app.stop(),
        (Action::Enter, Some(run)) => {
            if app.runs.detail.take().is_none() {
                app.runs.detail = Some(Detail::new(run.id.to_string()));
                return wanted(app);
            }
        }
        (Action::Note, Some(run)) => {
            let text = run.about.label.note.replace('\n', "\\n");
            app.overlay = Some(Overlay::Prompt(Prompt::new(Purpose::Note(run.id.clone()), &text)));
        }
        (Action::Rename, Some(run)) => {
            let prompt = Prompt::new(Purpose::Title(run.id.clone()), &run.about.label.title);
            app.overlay = Some(Overlay::Prompt(prompt));
        }
        (Action::Pin, Some(run)) => {
            let change = Change::Pin(!run.about.label.pinned);
            return vec![RecordJob::Label { run: run.id.clone(), change }.into()];
        }
        (Action::Remove, Some(run)) => remove::ask(app, &run),
        (Action::Undo, _) => match app.runs.removed.last() {
            Some(runs) => return vec![RecordJob::Restore { runs: runs.clone() }.into()],
            None => {
                let text = "Nothing was removed in this session; 'faceprobe runs restore' lists what is in the trash.";
                app.say(Tone::Plain, text);
            }
        },
        (Action::Jump, Some(run)) => return jump(app, &run),
        (Action::Compare, _) => {
            let mut effects = app.go(ScreenId::Results.index());
            effects.extend(super::results::compare(app));
            return effects;
        }
        (action, _) => match &mut app.runs.detail {
            Some(detail) => detail.scroll(action),
            None => return table::act::act(app, &TABLE, action).unwrap_or_default(),
        },
    }
    Vec::new()
}

/// To the screen that shows what the run made.
fn jump(app: &mut App, run: &Run) -> Vec<Effect> {
    if run.trains() && run.status == Status::Done {
        return super::evaluate::open(app, run.id.as_str());
    }
    let screen = screen_of(&run.job);
    screen.screen().show(app, &run.id);
    app.go(screen.index())
}

/// Asks for the log of the run that is shown alone, whenever something was added to it.
fn wanted(app: &mut App) -> Vec<Effect> {
    let snapshot = Arc::clone(&app.snapshot);
    let Some(detail) = &mut app.runs.detail else {
        return Vec::new();
    };
    match snapshot.run(&detail.run) {
        Some(run) => detail.ask(run).into_iter().collect(),
        // It was removed.
        None => {
            app.runs.detail = None;
            Vec::new()
        }
    }
}

/// The ends of a log and a journal have come.
pub fn read(app: &mut App, run: &RunId, log: Vec<String>, journal: Vec<String>) {
    if let Some(detail) = app.runs.detail.as_mut().filter(|detail| detail.run == run.as_str()) {
        detail.take(log, journal);
    }
}

/// Draws the screen.
fn draw(frame: &mut Frame, area: Rect, app: &App, hits: &mut Hits) {
    let shown = app.runs.detail.as_ref().and_then(|detail| Some((detail, app.snapshot.run(&detail.run)?)));
    match shown {
        Some((detail, run)) => detail::draw(frame, area, app, detail, run),
        None => list::draw(frame, area, app, hits),
    }
}
