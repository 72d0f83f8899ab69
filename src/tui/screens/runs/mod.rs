//! Runs: everything ever started here, with its log and what a person wrote on it.

mod cells;
mod detail;
mod keys;
mod list;
mod remove;

use super::super::effect::Effect;
use super::super::keys::{Action, Context};
use super::super::prompt::{Prompt, Purpose};
use super::super::records::{Change, RecordJob};
use super::super::request::Request;
use super::super::shared::{Hits, Shared, Tone};
use super::super::snapshot::Run;
use super::super::stages::{ScreenId, State as Step, Study};
use super::super::table::{self, Column, Kind, Signs, Table};
use super::super::widgets::format;
use super::{Screen, ScreenInfo};
use detail::Detail;
use faceprobe_core::run::filter::Filter;
use faceprobe_core::run::{JobSpec, RunId, Status};
use ratatui::Frame;
use ratatui::layout::Rect;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What is known of it without its state.
pub static INFO: ScreenInfo =
    ScreenInfo { id: ScreenId::Runs, name: "Runs", keys: keys::ROWS, home: Context::Runs, step };

/// The screen and what it remembers.
pub struct Runs {
    pub table: Table,
    /// A run that is shown alone.
    detail: Option<Detail>,
    /// What was removed in this session, together what was removed at once, the last behind.
    removed: Vec<Vec<RunId>>,
}

impl Default for Runs {
    fn default() -> Self {
        Self { table: Table::new(&TABLE), detail: None, removed: Vec::new() }
    }
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
};

impl Screen for Runs {
    fn info(&self) -> &'static ScreenInfo {
        &INFO
    }

    fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared, hits: &mut Hits) {
        let shown = self.detail.as_ref().and_then(|detail| Some((detail, shared.snapshot.run(&detail.run)?)));
        match shown {
            Some((detail, run)) => detail::draw(frame, area, shared, detail, run),
            None => list::draw(frame, area, &self.table, shared, hits),
        }
    }

    fn act(&mut self, shared: &mut Shared, action: Action) -> Vec<Effect> {
        if table::studies::act(&mut self.table, shared, action) {
            return Vec::new();
        }
        let run = self.table.run(shared);
        match (action, run) {
            (Action::PauseResume, Some(run)) if !run.status.is_live() => return shared.resume(&run),
            (Action::PauseResume, run) => return shared.pause_or_resume(run),
            (Action::Stop, run) => return shared.stop(run),
            (Action::Enter, Some(run)) => {
                if self.detail.take().is_none() {
                    self.detail = Some(Detail::new(run.id.to_string()));
                    return self.wanted(shared);
                }
            }
            (Action::Note, Some(run)) => {
                let text = run.about.label.note.replace('\n', "\\n");
                shared.prompt(Prompt::new(Purpose::Note(run.id.clone()), &text));
            }
            (Action::Rename, Some(run)) => {
                shared.prompt(Prompt::new(Purpose::Title(run.id.clone()), &run.about.label.title));
            }
            (Action::Pin, Some(run)) => {
                let change = Change::Pin(!run.about.label.pinned);
                return vec![RecordJob::Label { run: run.id.clone(), change }.into()];
            }
            (Action::Remove, Some(run)) => remove::ask(shared, &run),
            (Action::Undo, _) => match self.removed.last() {
                Some(runs) => return vec![RecordJob::Restore { runs: runs.clone() }.into()],
                None => {
                    let text =
                        "Nothing was removed in this session; 'faceprobe runs restore' lists what is in the trash.";
                    shared.say(Tone::Plain, text);
                }
            },
            (Action::Jump, Some(run)) => shared.request(Request::to_see(&run)),
            (Action::Compare, _) => shared.request(Request::Compare),
            (action, _) => match &mut self.detail {
                Some(detail) => detail.scroll(action),
                None => return self.table.act(shared, action).unwrap_or_default(),
            },
        }
        Vec::new()
    }

    fn select(&mut self, shared: &mut Shared, line: usize) -> Vec<Effect> {
        self.table.select(shared, line);
        Vec::new()
    }

    fn table(&self) -> Option<&Table> {
        Some(&self.table)
    }

    fn table_mut(&mut self) -> Option<&mut Table> {
        Some(&mut self.table)
    }

    /// Closes what is shown alone, else takes the search, the marks, the filter away.
    fn cancel(&mut self, shared: &mut Shared) {
        if self.detail.take().is_none() {
            self.table.cancel(shared);
        }
    }

    /// Asks for the log of the run that is shown alone, whenever something was added to it.
    fn wanted(&mut self, shared: &mut Shared) -> Vec<Effect> {
        let Some(detail) = &mut self.detail else {
            return Vec::new();
        };
        match shared.snapshot.run(&detail.run) {
            Some(run) => detail.ask(run).into_iter().collect(),
            // It was removed.
            None => {
                self.detail = None;
                Vec::new()
            }
        }
    }

    fn offers(&self, shared: &Shared, action: Action) -> bool {
        match action {
            Action::Undo => !self.removed.is_empty(),
            Action::Note | Action::Rename | Action::Pin | Action::Jump | Action::Remove | Action::Enter => {
                !shared.snapshot.runs.is_empty()
            }
            Action::Compare => !shared.marked.is_empty(),
            // One run alone has no lines.
            action if self.detail.is_some() => self.table.offers(shared, action).is_none(),
            action => self.table.offers(shared, action).unwrap_or(true),
        }
    }

    fn at_work(&self, shared: &Shared) -> Option<Arc<Run>> {
        self.table.run(shared)
    }

    fn histories(&self, _shared: &Shared) -> BTreeSet<String> {
        self.detail.as_ref().map(|detail| detail.run.clone()).into_iter().collect()
    }
}

fn step(study: &Study) -> (Step, String) {
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

impl Runs {
    /// Runs are back: the first is under the cursor.
    pub fn restored(&mut self, shared: &Shared, runs: &[RunId]) {
        for removed in &mut self.removed {
            removed.retain(|run| !runs.contains(run));
        }
        self.removed.retain(|removed| !removed.is_empty());
        if let Some(run) = runs.first() {
            self.table.reveal(shared, run.as_str());
        }
    }

    /// Runs are gone: the cursor goes to a neighbour that is still there.
    pub fn removed(&mut self, shared: &mut Shared, gone: &[RunId]) {
        self.removed.push(gone.to_vec());
        shared.marked.retain(|marked| !gone.iter().any(|run| run.as_str() == marked));
        let lines = self.table.listing(shared);
        let at = lines.cursor(self.table.selected.as_deref());
        let stays = |at: usize| {
            let run = &lines.line(at)?.run;
            (!gone.contains(&run.id)).then(|| run.id.to_string())
        };
        let behind = (at..lines.visible.len()).find_map(stays);
        self.table.selected = behind.or_else(|| (0..at).rev().find_map(stays));
    }

    /// The ends of a log and a journal have come.
    pub fn read(&mut self, run: &RunId, log: Vec<String>, journal: Vec<String>) {
        if let Some(detail) = self.detail.as_mut().filter(|detail| detail.run == run.as_str()) {
            detail.take(log, journal);
        }
    }
}
