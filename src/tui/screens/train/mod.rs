//! Train: the runs that train a model, with their curves as they grow.

pub mod board;
pub mod curves;
mod keys;
mod large;
mod pointer;
mod ranking;
mod sweep;
mod view;

use super::{Gesture, Screen, ScreenInfo};
use crate::tui::effect::Effect;
use crate::tui::forms::{DATA, FormKind};
use crate::tui::keys::{Action, Context};
use crate::tui::request::Request;
use crate::tui::shared::{Hits, Shared, Tone};
use crate::tui::snapshot::{DataSet, Run};
use crate::tui::stages::{ScreenId, State as Step, Study};
use crate::tui::table::{self, Column, Kind, Signs, Table};
use curves::{ReturnTo, View};
use faceprobe_core::run::filter::Filter;
use faceprobe_core::run::{JobSpec, RunId};
use ratatui::Frame;
use ratatui::layout::Rect;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What is known of it without its state.
pub static INFO: ScreenInfo =
    ScreenInfo { id: ScreenId::Train, name: "Train", keys: keys::ROWS, home: Context::Train, step };

/// The screen and what it remembers.
pub struct Train {
    /// The runs; the newest is shown where none was selected.
    pub table: Table,
    /// How the curves are looked at.
    pub view: View,
}

impl Default for Train {
    fn default() -> Self {
        Self { table: Table::new(&TABLE), view: View::default() }
    }
}

/// The table of the runs that train.
pub static TABLE: Kind = Kind {
    screen: ScreenId::Train,
    lines: "runs",
    lists: |run| run.trains() || table::trains_several(&run.job),
    groups: table::trains_several,
    parse: Filter::parse::<Run>,
    fulfils: |filter, run| filter.matches(run),
    hint: "such as: status=done kind=dense val>0.8, or a word of a name or note",
    usual: &[(Column::Run, 0), (Column::Val, 0), (Column::Status, 1), (Column::Data, 2), (Column::Kind, 20)],
    if_differing: &[Column::Kind, Column::Data],
    settings: 3,
    order: None,
    signs: Signs::Status,
};

impl Screen for Train {
    fn info(&self) -> &'static ScreenInfo {
        &INFO
    }

    fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared, hits: &mut Hits) {
        view::draw(frame, area, self, shared, hits);
    }

    fn act(&mut self, shared: &mut Shared, action: Action) -> Vec<Effect> {
        if table::studies::act(&mut self.table, shared, action) {
            return Vec::new();
        }
        match action {
            Action::New | Action::Sweep | Action::LearningCurve if shared.dataset().is_none() => {
                let text = "There is no prepared data set to train on yet; make one on the Data screen (1).";
                shared.say(Tone::Bad, text);
            }
            Action::New => shared.open_form(FormKind::DENSE),
            Action::Sweep => shared.open_form(FormKind::Sweep),
            Action::LearningCurve => shared.open_form(FormKind::Curve(faceprobe_core::model::Kind::DENSE)),
            Action::Folds => cross_validate(shared),
            Action::Compare => shared.request(Request::Compare),
            Action::PauseResume => return shared.pause_or_resume(self.current(shared)),
            Action::Stop => return shared.stop(self.current(shared)),
            Action::Large => match self.current(shared) {
                Some(run) if has_chart(&run) => self.view.large = true,
                _ => shared.say(Tone::Plain, "There is no chart of this run yet."),
            },
            Action::Parent => self.leave_chart(shared),
            Action::Unmark => shared.marked.clear(),
            _ if self.is_large(shared) && self.act_on_large(shared, action) => {}
            _ => {
                let runs = self.current(shared).map_or_else(Vec::new, |run| curves::shown(shared, &run));
                if !self.view.act(action, &runs) {
                    shared.follow = None;
                    return self.table.act(shared, action).unwrap_or_default();
                }
            }
        }
        Vec::new()
    }

    fn select(&mut self, shared: &mut Shared, line: usize) -> Vec<Effect> {
        match self.is_large(shared) && self.view.table {
            true => self.view.cursor = Some(line + 1),
            false => self.table.select(shared, line),
        }
        Vec::new()
    }

    fn cancel(&mut self, shared: &mut Shared) {
        if self.is_large(shared) {
            self.view.cursor = None;
        } else {
            self.table.cancel(shared);
        }
    }

    fn table(&self) -> Option<&Table> {
        Some(&self.table)
    }

    fn table_mut(&mut self) -> Option<&mut Table> {
        Some(&mut self.table)
    }

    fn context(&self, shared: &Shared) -> Context {
        if self.is_large(shared) { Context::Chart } else { Context::Train }
    }

    fn plot(&mut self, shared: &mut Shared, gesture: Gesture) -> Vec<Effect> {
        pointer::act(self, shared, gesture);
        Vec::new()
    }

    fn show(&mut self, shared: &Shared, run: &RunId) {
        match shared.follow {
            // Who is led sees a sweep or a cross-validation as a whole.
            Some(_) => self.table.selected = Some(run.to_string()),
            None => self.table.reveal(shared, run.as_str()),
        }
    }

    fn launched(&mut self, shared: &mut Shared, run: &RunId) {
        self.show(shared, run);
    }

    fn offers(&self, shared: &Shared, action: Action) -> bool {
        match action {
            Action::Smooth | Action::ZoomIn | Action::LogScale | Action::Curves | Action::EpochTable => {
                self.current(shared).is_some_and(|run| run.has_curves())
            }
            Action::Large => self.current(shared).is_some_and(|run| has_chart(&run)),
            Action::Compare => !shared.marked.is_empty(),
            action => self.table.offers(shared, action).unwrap_or(true),
        }
    }

    fn at_work(&self, shared: &Shared) -> Option<Arc<Run>> {
        self.current(shared)
    }

    fn histories(&self, shared: &Shared) -> BTreeSet<String> {
        let runs = self.current(shared).map_or_else(Vec::new, |run| curves::shown(shared, &run));
        runs.iter().map(|run| run.id.to_string()).collect()
    }
}

fn step(study: &Study) -> (Step, String) {
    let training = study.snapshot.live().filter(|run| run.trains()).count();
    let detail = match (training, study.done.len()) {
        (0, 0) => "no models".into(),
        (0, 1) => "1 model".into(),
        (0, models) => format!("{models} models"),
        (live, models) => format!("{live} live, {models} done"),
    };
    (study.state(ScreenId::Train, !study.done.is_empty()), detail)
}

/// Opens the form of a training on all folds of a cross-validation; where there is none, the form that prepares one.
fn cross_validate(shared: &mut Shared) {
    let of =
        |set: &DataSet| set.report.as_ref().ok().and_then(|report| report.fold.as_ref()).map(|fold| fold.of.clone());
    let current = shared.current_set().and_then(of);
    let Some(name) = current.or_else(|| shared.snapshot.datasets.iter().find_map(of)) else {
        shared.open_form(FormKind::Prepare);
        shared.fill("split", "folds");
        let text = "No data set is divided into folds yet; this form prepares one, then cross-validate it.";
        shared.say(Tone::Plain, text);
        return;
    };
    shared.open_form(FormKind::DENSE);
    shared.fill(DATA, &name);
}

fn is_sweep(run: &Run) -> bool {
    matches!(run.job, JobSpec::Sweep { .. })
}

fn has_chart(run: &Run) -> bool {
    run.has_curves() || is_sweep(run)
}

impl Train {
    /// The run that is shown.
    fn current(&self, shared: &Shared) -> Option<Arc<Run>> {
        self.table.run(shared)
    }

    /// Whether the charts have the screen for themselves.
    fn is_large(&self, shared: &Shared) -> bool {
        self.view.large && self.current(shared).is_some_and(|run| has_chart(&run))
    }

    /// Leaves the large chart, for where it was opened.
    fn leave_chart(&mut self, shared: &mut Shared) {
        self.view.large = false;
        if let Some(ReturnTo { screen, marked, selected }) = self.view.back.take() {
            shared.marked = marked;
            self.table.selected = selected;
            shared.request(Request::Go(screen));
        }
    }

    /// What keys mean over the large chart only; false for what they mean on the screen too.
    fn act_on_large(&mut self, shared: &Shared, action: Action) -> bool {
        let Some(run) = self.current(shared) else { return false };
        if is_sweep(&run) {
            return sweep::act(&mut self.view, shared, &run, action);
        }
        let action = match action {
            Action::Up if self.view.table => Action::CursorLeft,
            Action::Down if self.view.table => Action::CursorRight,
            action => action,
        };
        let runs = curves::shown(shared, &run);
        self.view.act(action, &runs)
    }

    /// Shows the curves of runs large, until somebody goes back to `from`.
    pub fn open_chart(&mut self, shared: &mut Shared, runs: Vec<String>, from: ScreenId) {
        let mut runs = runs.into_iter();
        let Some(first) = runs.next() else { return };
        let selected = self.table.selected.replace(first);
        let marked = std::mem::replace(&mut shared.marked, runs.collect());
        let back = Some(ReturnTo { screen: from, marked, selected });
        self.view =
            View { large: true, table: false, cursor: None, range: None, back, ..std::mem::take(&mut self.view) };
    }
}
