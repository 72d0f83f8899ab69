//! What a table lists: its lines, which of them are folded away, its columns with their widths.

use super::column::{self, Column};
use super::differing::{self, Settings};
use super::groups::{self, Figure, Line, Order};
use super::{Table, studies, trains_several};
use crate::tui::shared::Shared;
use crate::tui::snapshot::{Run, Snapshot};
use faceprobe_core::run::JobSpec;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::{Arc, Weak};
use unicode_width::UnicodeWidthStr;

/// A wider value of a setting is cut.
const WIDEST: usize = 16;

/// A column that the table can have.
#[derive(Debug, Clone, PartialEq)]
pub struct Offered {
    pub column: Column,
    /// The width of its widest cell, with and without room for intervals.
    pub width: usize,
    pub narrow: usize,
    /// Its priority where there is no room for all; none where it is hidden.
    pub rank: Option<u8>,
}

/// The lines of a table and its columns.
#[derive(Debug)]
pub struct Listing {
    snapshot: Weak<Snapshot>,
    /// Everything unfolded.
    pub lines: Vec<Line>,
    /// The places of the lines that are not folded away.
    pub visible: Vec<usize>,
    places: HashMap<String, usize>,
    /// How many runs there are without the filter, and how many fulfil it.
    pub all: usize,
    pub fulfil: usize,
    pub columns: Vec<Offered>,
    /// The settings of models in which the lines differ, the most varied first.
    pub settings: Vec<String>,
    known: HashMap<String, Rc<Settings>>,
    /// What all the models have in common, in a few words.
    pub common: Vec<String>,
    pub has_groups: bool,
}

impl Listing {
    /// Works it out.
    pub fn make(shared: &Shared, table: &Table) -> Self {
        let kind = table.kind;
        let snapshot = &shared.snapshot;
        let with_study = (table.studies && !table.flat).then(|| studies::with_study(&snapshot.runs));
        let runs = with_study.as_ref().unwrap_or(&snapshot.runs);
        let is_run = |at: &usize| !studies::is_study(&runs[*at]) && (kind.lists)(&runs[*at]);
        let all: Vec<usize> = (0..runs.len()).filter(is_run).collect();
        let listed: Vec<usize> = all.iter().copied().filter(|at| (kind.fulfils)(&table.filter, &runs[*at])).collect();
        let mut cache = shared.settings.borrow_mut();
        let models = listed.iter().map(|at| &runs[*at]).filter(|run| run.trains());
        let known: HashMap<String, Rc<Settings>> = models.map(|run| (run.id.to_string(), cache.of(run))).collect();
        cache.forget(snapshot);
        drop(cache);
        let (by, descending) = table.sort();
        let setting = |run: &Run| match &by {
            Some(Column::Setting(name)) => known.get(run.id.as_str())?.get(name).cloned(),
            _ => None,
        };
        let pinned_first = kind.signs == super::Signs::StatusAndPin;
        let order = Order { column: by.as_ref(), descending, pinned_first, setting: &setting };
        let is_study = |job: &JobSpec| table.studies && matches!(job, JobSpec::Demo { .. });
        let is_group = |job: &JobSpec| !table.flat && ((kind.groups)(job) || is_study(job));
        let lines = groups::arrange(runs, &listed, is_group, &order);
        let places = lines.iter().enumerate().map(|(at, line)| (line.run.id.to_string(), at)).collect();
        let models: Vec<Rc<Settings>> = known.values().map(Rc::clone).collect();
        let settings = differing::differing(&models).into_iter().map(|(name, _)| name).collect();
        let mut listing = Self {
            snapshot: Arc::downgrade(snapshot),
            visible: groups::visible(&lines, |line| table.folds(line)),
            has_groups: lines.iter().any(|line| line.group.is_some()),
            lines,
            places,
            all: all.len(),
            fulfil: listed.len(),
            columns: Vec::new(),
            settings,
            known,
            common: Vec::new(),
        };
        listing.columns = listing.offered(table, by.as_ref());
        listing.common = listing.common();
        listing
    }

    /// Whether it was computed from this snapshot.
    pub fn is_of(&self, snapshot: &Arc<Snapshot>) -> bool {
        self.snapshot.upgrade().is_some_and(|made_of| Arc::ptr_eq(&made_of, snapshot))
    }

    /// A line among those that are seen.
    pub fn line(&self, index: usize) -> Option<&Line> {
        self.lines.get(*self.visible.get(index)?)
    }

    /// The line of a run among all.
    pub fn place(&self, run: &str) -> Option<usize> {
        self.places.get(run).copied()
    }

    /// Where the cursor is among the lines that are seen: on the run, or on the group that it is folded into; on the first
    /// line where there is no such run.
    pub fn cursor(&self, selected: Option<&str>) -> usize {
        let Some(at) = selected.and_then(|run| self.place(run)) else { return 0 };
        self.visible.partition_point(|seen| *seen <= at).saturating_sub(1)
    }

    /// The runs, members of groups that are folded away too, without the groups themselves.
    pub fn runs(&self) -> impl Iterator<Item = &Arc<Run>> + Clone {
        self.lines.iter().filter(|line| line.group.is_none()).map(|line| &line.run)
    }

    /// The value of a setting on a line: that of the run, or the one that all members of the group have.
    pub fn setting(&self, at: usize, name: &str) -> Option<&str> {
        let line = self.lines.get(at)?;
        if line.group.is_none() {
            return self.value(line, name);
        }
        let several = matches!(line.run.job, JobSpec::Demo { .. });
        if several && self.members(at).any(|member| self.value(member, name).is_none()) {
            return None;
        }
        differing::shared(self.members(at).filter_map(|member| self.value(member, name)))
    }

    fn value(&self, line: &Line, name: &str) -> Option<&str> {
        self.known.get(line.run.id.as_str())?.get(name).map(String::as_str)
    }

    /// The runs beneath a group, or the run itself.
    pub fn members(&self, at: usize) -> impl Iterator<Item = &Line> {
        let depth = self.lines.get(at).map_or(0, |line| line.depth);
        let beneath = self.lines.iter().skip(at + 1).take_while(move |line| line.depth > depth);
        let own = self.lines.get(at).filter(|line| line.group.is_none());
        own.into_iter().chain(beneath.filter(|line| line.group.is_none()))
    }

    /// The text of a cell.
    pub fn cell(&self, at: usize, column: &Column, roomy: bool) -> String {
        let Some(line) = self.lines.get(at) else { return String::new() };
        match (column, line.figure(column)) {
            (Column::Setting(name), _) => match self.setting(at, name) {
                Some(value) => value.to_owned(),
                None if self.members(at).any(|member| self.value(member, name).is_some()) => "…".to_owned(),
                None => "–".to_owned(),
            },
            (Column::Kind, _) if studies::is_study(&line.run) => studies::STUDY.to_owned(),
            (Column::Data | Column::Backbone, _) if studies::is_study(&line.run) => {
                let cells: Vec<String> = self.members(at).map(|line| column::cell(&line.run, column, roomy)).collect();
                differing::shared(cells.iter().map(String::as_str)).unwrap_or("–").to_owned()
            }
            (_, Figure::Mean(mean)) if roomy => column::spread(mean.mean, mean.deviation),
            (_, Figure::Mean(mean)) => format!("{:.3}", mean.mean),
            (Column::Test, Figure::None) if line.group.is_some() => "–".to_owned(),
            (_, Figure::None) => column::cell(&line.run, column, roomy),
        }
    }

    fn offered(&self, table: &Table, by: Option<&Column>) -> Vec<Offered> {
        let kind = table.kind;
        let settings = self.settings.iter().map(|name| Column::Setting(name.clone()));
        let mut columns = vec![Column::Run];
        columns.extend(settings);
        // What was chosen stays to be chosen, though it does not differ now.
        let configured = table.configured.as_ref();
        let chosen = table.columns.keys().filter(|column| matches!(column, Column::Setting(_)));
        let chosen = chosen.chain(configured.into_iter().flat_map(|configured| configured.settings()));
        let chosen: BTreeSet<Column> = chosen.filter(|column| !columns.contains(column)).cloned().collect();
        columns.extend(chosen);
        columns.extend(Column::ALL.into_iter().filter(|column| *column != Column::Run));
        let rank = |column: &Column| {
            let usual = match configured {
                Some(_) if *column == Column::Run => Some(0),
                Some(configured) => configured.rank(column),
                None => kind.usual.iter().find(|(usual, _)| usual == column).map(|(_, rank)| *rank),
            };
            let same = configured.is_none() && kind.if_differing.contains(column) && !self.differ(column);
            let at = self.settings.iter().position(|name| *column == Column::Setting(name.clone()));
            // Seeds and what is varied least go first.
            let setting = at.and_then(|at| match configured {
                Some(configured) => configured.settings_rank(at),
                None => Some(kind.settings.saturating_add(2 * at as u8)),
            });
            match table.columns.get(column) {
                Some(false) if *column != Column::Run => None,
                Some(true) => Some(usual.unwrap_or(1).min(1)),
                _ if by == Some(column) => Some(usual.unwrap_or(1).min(1)),
                _ if same => None,
                _ => usual.or(setting),
            }
        };
        let offer = |column: Column| {
            let title = column.title().width() + usize::from(by == Some(&column));
            let widest = |roomy: bool| {
                let cells = (0..self.lines.len()).map(|at| match column {
                    Column::Run => self.indent(at) + self.names_width(at, roomy),
                    _ => self.cell(at, &column, roomy).width(),
                });
                let widest = cells.max().unwrap_or(0);
                let most = if matches!(column, Column::Setting(_) | Column::Note) { WIDEST } else { usize::MAX };
                widest.max(title).min(most.max(title))
            };
            let rank = rank(&column);
            // What is hidden is not measured.
            let (width, narrow) = match (&column, rank) {
                (_, None) => (0, 0),
                // Only figures and names have a short form.
                (column, _) if column.is_accuracy() || *column == Column::Run => (widest(true), widest(false)),
                _ => {
                    let width = widest(true);
                    (width, width)
                }
            };
            Offered { column, width, narrow, rank }
        };
        columns.into_iter().map(offer).collect()
    }

    /// Columns in front of a name: the indentation of its groups, and the sign of a group.
    pub fn indent(&self, at: usize) -> usize {
        let Some(line) = self.lines.get(at) else { return 0 };
        2 * line.depth + if line.group.is_some() { 2 } else { 0 }
    }

    /// How wide the name is, with the title; without `whole` no more than must be seen of it.
    fn names_width(&self, at: usize, whole: bool) -> usize {
        let Some(line) = self.lines.get(at) else { return 0 };
        match (whole, line.group.is_some()) {
            (true, _) => line.names().first().map_or(0, |name| name.width()),
            (false, true) => line.names().get(1).map_or(0, |name| name.width()),
            (false, false) => line.run.id.as_str().width(),
        }
    }

    fn differ(&self, column: &Column) -> bool {
        // A cross-validation is on the whole of which its members see a fold each.
        let whole = |line: &&Line| *column == Column::Data && trains_several(&line.run.job);
        let lines = self.lines.iter().filter(|line| line.group.is_none() || whole(line));
        let mut cells = lines.map(|line| column::cell(&line.run, column, false));
        let first = cells.next();
        cells.any(|cell| Some(&cell) != first.as_ref())
    }

    /// Kind, network and data where all lines have the same.
    fn common(&self) -> Vec<String> {
        let of = |column: Column| {
            let first = self.runs().next()?;
            let value = column::cell(first, &column, false);
            (value != "–" && self.fulfil > 1 && !self.differ(&column)).then_some(value)
        };
        [Column::Kind, Column::Backbone, Column::Data].into_iter().filter_map(of).collect()
    }
}
