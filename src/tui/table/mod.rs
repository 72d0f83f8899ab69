//! The table of runs, the same on Train, Results and Runs: chosen columns, settings that differ, groups that fold,
//! search, marks, and copying or cloning a line.
//!
//! The lines are computed when the runs or the options of the table change, not when they are drawn; drawing takes only
//! the visible lines.

pub mod act;
mod clone;
pub mod column;
pub mod configured;
mod differences;
mod differing;
mod draw;
mod fit;
pub mod groups;
mod keys;
mod listing;
mod picker;
mod remembered;
mod search;
mod settings;
pub mod studies;
pub mod yank;

pub use column::Column;
pub use keys::rows as keys;
pub use listing::Listing;
pub use remembered::{remember, restore};
pub use settings::Known;

use super::effect::Effect;
use super::keys::Action;
use super::shared::{Hits, Shared};
use super::snapshot::Run;
use super::stages::ScreenId;
use faceprobe_core::run::JobSpec;
use faceprobe_core::run::filter::Filter;
use groups::Line;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line as TextLine;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

/// Whether a job trains several models as parts of one work.
pub fn trains_several(job: &JobSpec) -> bool {
    matches!(job, JobSpec::Sweep { .. } | JobSpec::Folds { .. } | JobSpec::LearningCurve { .. })
}

/// The signs in front of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signs {
    /// The status of the run.
    Status,
    /// The status, and a star on pinned runs.
    StatusAndPin,
    /// A star on the model that Predict uses, an exclamation mark on runs made after the test split was opened.
    Choice,
}

/// The definition of a screen's table: its contents and its defaults.
pub struct Kind {
    pub screen: ScreenId,
    /// The noun for its lines.
    pub lines: &'static str,
    pub lists: fn(&Run) -> bool,
    /// The kinds of jobs whose members are grouped beneath them.
    pub groups: fn(&JobSpec) -> bool,
    pub parse: fn(&str) -> Result<Filter, String>,
    pub fulfils: fn(&Filter, &Run) -> bool,
    /// An example of conditions.
    pub hint: &'static str,
    /// The columns that are shown unless hidden, each with its rank: the larger, the sooner it goes when there is no room.
    pub usual: &'static [(Column, u8)],
    /// Which of these are left out where they are the same on all lines.
    pub if_differing: &'static [Column],
    /// The rank of the settings that differ.
    pub settings: u8,
    /// None puts the newest first.
    pub order: Option<Column>,
    pub signs: Signs,
}

/// The table of a screen with the user's options.
pub struct Table {
    kind: &'static Kind,
    /// The run under the cursor; none means the first line.
    pub selected: Option<String>,
    /// The filter as typed, and as last parsed.
    filter_text: String,
    filter: Filter,
    /// What it is ordered by, and whether the largest is on top; none as the screen has it.
    sort: Option<(Option<Column>, bool)>,
    /// Groups that are not as they are by themselves: unfolded, and while a filter is on, folded.
    turned: [BTreeSet<String>; 2],
    /// Whether what a study's file made is a group too.
    studies: bool,
    /// Whether there are no groups.
    flat: bool,
    /// Columns that are shown or hidden whatever is usual.
    columns: BTreeMap<Column, bool>,
    /// The columns that are usual, where a configuration says so.
    configured: Option<configured::Chosen>,
    /// What is looked for; empty while nothing is.
    search: String,
    /// How wide it was drawn last.
    width: Cell<u16>,
    listing: RefCell<Option<Rc<Listing>>>,
}

impl Table {
    /// A table with the default options.
    pub fn new(kind: &'static Kind) -> Self {
        Self {
            kind,
            selected: None,
            filter_text: String::new(),
            filter: Filter::default(),
            sort: None,
            turned: Default::default(),
            studies: false,
            flat: false,
            columns: BTreeMap::new(),
            configured: None,
            search: String::new(),
            width: Cell::default(),
            listing: RefCell::default(),
        }
    }

    /// The parsed filter.
    pub fn filter_text(&self) -> &str {
        &self.filter_text
    }

    /// The search text.
    pub fn search(&self) -> &str {
        &self.search
    }

    /// Marks the lines as out of date.
    fn changed(&mut self) {
        *self.listing.get_mut() = None;
    }

    fn sort(&self) -> (Option<Column>, bool) {
        let order = &self.kind.order;
        let usual = || (order.clone(), order.as_ref().is_some_and(Column::descends));
        self.sort.clone().unwrap_or_else(usual)
    }

    /// Whether the members of a group are folded away. Series of different works lie open, and while a filter is on
    /// everything that fulfils it is seen.
    fn folds(&self, line: &Line) -> bool {
        let filtered = !self.filter.is_empty();
        let usually = !filtered && !matches!(line.run.job, JobSpec::Demo { .. });
        usually != self.turned[usize::from(filtered)].contains(line.run.id.as_str())
    }

    fn turn(&mut self, run: &str) {
        let turned = &mut self.turned[usize::from(!self.filter.is_empty())];
        if !turned.remove(run) {
            turned.insert(run.to_owned());
        }
        self.changed();
    }

    fn set_filter(&mut self, filter: Filter, text: &str) {
        self.filter = filter;
        self.filter_text = text.trim().to_owned();
        self.turned[1].clear();
        self.changed();
    }

    /// Its lines.
    pub fn listing(&self, shared: &Shared) -> Rc<Listing> {
        let known = self.listing.borrow().clone();
        if let Some(known) = known.filter(|known| known.is_of(&shared.snapshot)) {
            return known;
        }
        let made = Rc::new(Listing::make(shared, self));
        self.listing.replace(Some(Rc::clone(&made)));
        made
    }

    /// The visible line under the cursor.
    pub fn cursor(&self, shared: &Shared) -> usize {
        self.listing(shared).cursor(self.selected.as_deref())
    }

    /// The run under the cursor, or the one whose group is.
    pub fn current(&self, shared: &Shared) -> Option<Line> {
        self.listing(shared).line(self.cursor(shared)).cloned()
    }

    /// The same without what it is in.
    pub fn run(&self, shared: &Shared) -> Option<Arc<Run>> {
        self.current(shared).map(|line| line.run)
    }

    /// Puts the cursor on a line.
    pub fn select(&mut self, shared: &Shared, index: usize) {
        let id = self.listing(shared).line(index).map(|line| line.run.id.to_string());
        self.selected = id.or(self.selected.take());
    }

    /// Puts the cursor on a run, and unfolds its groups.
    pub fn reveal(&mut self, shared: &Shared, run: &str) {
        let lines = self.listing(shared);
        self.selected = Some(run.to_owned());
        let Some(at) = lines.place(run) else { return };
        for above in groups::above(&lines.lines, at) {
            let line = &lines.lines[above];
            if self.folds(line) {
                self.turn(line.run.id.as_str());
            }
        }
    }

    /// Carries out an action that is common to all tables; none if it is not one of these.
    pub fn act(&mut self, shared: &mut Shared, action: Action) -> Option<Vec<Effect>> {
        act::act(self, shared, action)
    }

    /// Whether such an action would have an effect now; none if it is not one of these.
    pub fn offers(&self, shared: &Shared, action: Action) -> Option<bool> {
        act::offers(self, shared, action)
    }

    /// Draws it into an area; its lines answer the mouse.
    pub fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared, hits: &mut Hits) {
        draw::draw(frame, area, self, shared, hits);
    }

    /// The title of its frame: the order, what all lines have in common, the filter, the search.
    pub fn title(&self, shared: &Shared, name: &'static str, width: u16) -> TextLine<'static> {
        draw::title(self, shared, name, width)
    }

    /// Changes the search text; searches from where the cursor was when the search began.
    ///
    /// # Errors
    /// A sentence when no line contains it.
    pub fn search_for(&mut self, shared: &Shared, text: &str, from: Option<&str>) -> Result<(), String> {
        search::typed(self, shared, text, from)
    }

    /// Shows only the lines that match the filter.
    ///
    /// # Errors
    /// A sentence when the filter cannot be parsed.
    pub fn filter(&mut self, text: &str) -> Result<(), String> {
        let filter = (self.kind.parse)(text)?;
        self.set_filter(filter, text);
        Ok(())
    }

    /// Clears, one after the other: the search, the marks, the filter.
    pub fn cancel(&mut self, shared: &mut Shared) {
        if !self.search.is_empty() {
            self.search.clear();
        } else if !shared.marked.is_empty() {
            shared.marked.clear();
        } else if !self.filter_text.is_empty() {
            self.set_filter(Filter::default(), "");
        }
    }

    /// Ends a search; the cursor returns to where it was.
    pub fn search_ends(&mut self, from: Option<String>) {
        self.search.clear();
        self.selected = from;
    }
}

/// What covers a table.
#[derive(Debug, Clone)]
pub enum Popup {
    /// The columns, with the line under the cursor.
    Columns(usize),
    /// The list of what can be copied.
    Yank,
    /// The settings in which runs differ, with the first visible line and run.
    Differences(differences::View),
}
