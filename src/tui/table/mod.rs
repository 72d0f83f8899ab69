//! The table of runs, the same on Train, Results and Runs: columns that are chosen, settings that differ, groups that fold,
//! search, marks, and what is copied or cloned from a line.
//!
//! What the lines are is worked out when the runs or the way they are looked at change, not when they are drawn; drawing
//! takes only the lines that are seen.

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

pub use act::offers;
pub use column::Column;
pub use draw::{draw, title};
pub use keys::rows as keys;
pub use listing::Listing;
pub use remembered::{remember, restore};
pub use search::typed as search;
pub use settings::Known;

use super::app::App;
use super::snapshot::Run;
use super::stages::ScreenId;
use faceprobe_core::run::JobSpec;
use faceprobe_core::run::filter::Filter;
use groups::Line;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

/// Whether a job trains several models as parts of one work.
pub fn trains_several(job: &JobSpec) -> bool {
    matches!(job, JobSpec::Sweep { .. } | JobSpec::Folds { .. } | JobSpec::LearningCurve { .. })
}

/// Which signs stand in front of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signs {
    /// How the run stands.
    Status,
    /// How it stands, and a star on what is pinned.
    StatusAndPin,
    /// A star on the model that Predict uses, an exclamation mark on what was made after the test split was opened.
    Choice,
}

/// The table of a screen: what it lists and shows as long as nobody says otherwise.
pub struct Kind {
    pub screen: ScreenId,
    /// What its lines are called.
    pub lines: &'static str,
    pub lists: fn(&Run) -> bool,
    /// Whose parts stand beneath it.
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
    pub state: fn(&App) -> (&Table, &Option<String>),
    pub state_mut: fn(&mut App) -> (&mut Table, &mut Option<String>),
}

/// How a table is looked at.
#[derive(Debug, Default)]
pub struct Table {
    /// The conditions as they were typed, and as they were last understood.
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
    /// The conditions that its lines fulfil.
    pub fn filter_text(&self) -> &str {
        &self.filter_text
    }

    /// What is looked for.
    pub fn search(&self) -> &str {
        &self.search
    }

    /// The lines are to be worked out anew.
    fn changed(&mut self) {
        *self.listing.get_mut() = None;
    }

    fn sort(&self, kind: &Kind) -> (Option<Column>, bool) {
        let usual = || (kind.order.clone(), kind.order.as_ref().is_some_and(Column::descends));
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
}

/// The lines of a screen's table, as they are now.
pub fn listing(app: &App, kind: &Kind) -> Rc<Listing> {
    let (table, _) = (kind.state)(app);
    let known = table.listing.borrow().clone();
    if let Some(known) = known.filter(|known| known.is_of(&app.snapshot)) {
        return known;
    }
    let made = Rc::new(Listing::make(app, kind, table));
    table.listing.replace(Some(Rc::clone(&made)));
    made
}

/// The line under the cursor, among those that are seen.
pub fn cursor(app: &App, kind: &Kind) -> usize {
    let (_, selected) = (kind.state)(app);
    listing(app, kind).cursor(selected.as_deref())
}

/// The run under the cursor, or the one whose parts are.
pub fn current(app: &App, kind: &Kind) -> Option<Line> {
    listing(app, kind).line(cursor(app, kind)).cloned()
}

/// The same without what it is in.
pub fn run(app: &App, kind: &Kind) -> Option<Arc<Run>> {
    current(app, kind).map(|line| line.run)
}

/// Puts the cursor on a line.
pub fn select(app: &mut App, kind: &Kind, index: usize) {
    let id = listing(app, kind).line(index).map(|line| line.run.id.to_string());
    let (_, selected) = (kind.state_mut)(app);
    *selected = id.or(selected.take());
}

/// Puts the cursor on a run, and unfolds what it is in.
pub fn reveal(app: &mut App, kind: &Kind, run: &str) {
    let lines = listing(app, kind);
    let (table, selected) = (kind.state_mut)(app);
    *selected = Some(run.to_owned());
    let Some(at) = lines.place(run) else { return };
    for above in groups::above(&lines.lines, at) {
        let line = &lines.lines[above];
        if table.folds(line) {
            table.turn(line.run.id.as_str());
        }
    }
}

/// Shows only the lines that fulfil conditions; a sentence when they are not understood.
pub fn filter(app: &mut App, kind: &Kind, text: &str) -> Result<(), String> {
    let filter = (kind.parse)(text)?;
    (kind.state_mut)(app).0.set_filter(filter, text);
    Ok(())
}

/// Takes away, one after the other: the search, the marks, the filter; true if there was something to take away.
pub fn cancel(app: &mut App, kind: &Kind) -> bool {
    let marked = !app.marked().is_empty();
    let (table, _) = (kind.state_mut)(app);
    if !table.search.is_empty() {
        table.search.clear();
    } else if marked {
        app.train.view.marked.clear();
    } else if !table.filter_text.is_empty() {
        table.set_filter(Filter::default(), "");
    } else {
        return false;
    }
    true
}

/// A search is given up: the cursor is where it was.
pub fn search_ends(app: &mut App, kind: &Kind, from: Option<String>) -> Result<(), String> {
    let (table, selected) = (kind.state_mut)(app);
    table.search.clear();
    *selected = from;
    Ok(())
}

/// What lies over a table.
#[derive(Debug, Clone)]
pub enum Over {
    /// The columns, with the line under the cursor.
    Columns(usize),
    /// What can be copied.
    Yank,
    /// The settings in which runs differ, with the first line and the first run that are shown.
    Differences(differences::View),
}

/// The table of a screen, if it has one.
pub fn of(screen: ScreenId) -> Option<&'static Kind> {
    screen.screen().table()
}

impl App {
    /// The runs that are marked, in the order they were: their curves are laid over each other, their settings and
    /// figures compared.
    pub fn marked(&self) -> &[String] {
        &self.train.view.marked
    }

    /// Marks a run or takes its mark away.
    pub fn turn_mark(&mut self, run: &str) {
        let marked = &mut self.train.view.marked;
        match marked.iter().position(|marked| marked == run) {
            Some(at) => drop(marked.remove(at)),
            None => marked.push(run.to_owned()),
        }
    }
}
