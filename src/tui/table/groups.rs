//! Runs as lines: what a sweep, a cross-validation, a learning curve or a study has trained stands beneath it.

use super::column::{Column, Key};
use super::{studies, trains_several};
use crate::tui::snapshot::Run;
use crate::tui::widgets::format;
use faceprobe_core::run::JobSpec;
use faceprobe_core::run::results::{ResultRow, Spread};
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The accuracies of a group's members.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Figure {
    None,
    Mean(Spread),
}

/// The members of a sweep, a cross-validation, a learning curve, a study or a demo.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// How many are listed.
    pub members: usize,
    /// Over the finished ones.
    pub train: Figure,
    pub val: Figure,
    pub test: Figure,
    /// The best of them on validation.
    pub best: Option<f64>,
}

/// A run on a line, or a group with its members beneath it.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub run: Arc<Run>,
    /// The nesting depth.
    pub depth: usize,
    pub group: Option<Group>,
}

impl Line {
    /// The aggregate accuracy of the group.
    pub fn figure(&self, column: &Column) -> Figure {
        match (&self.group, column) {
            (Some(group), Column::Train) => group.train,
            (Some(group), Column::Val) => group.val,
            (Some(group), Column::Test) => group.test,
            _ => Figure::None,
        }
    }

    /// What a group is called, as long, as short, and bare; of a run its name.
    pub fn names(&self) -> Vec<String> {
        let Some(group) = &self.group else { return vec![super::column::name(&self.run)] };
        let bare = self.run.id.to_string();
        let short = format!("{bare} ({})", group.members);
        let what = match self.run.job {
            JobSpec::Sweep { .. } => "head",
            JobSpec::Folds { .. } => "fold",
            _ => "run",
        };
        let members = format::count(group.members, what);
        let long = match (group.val, group.best, &self.run.job) {
            (Figure::Mean(_), Some(best), JobSpec::Sweep { .. }) => {
                format!("{bare}  mean of {members}, best {best:.3}")
            }
            (Figure::Mean(_), ..) => format!("{bare}  mean of {members}"),
            _ => format!("{bare}  {members}"),
        };
        vec![long, short, bare]
    }
}

/// How lines are ordered.
pub struct Order<'a> {
    /// None puts the newest first.
    pub column: Option<&'a Column>,
    pub descending: bool,
    /// Whether pinned runs come first, outside of their groups.
    pub pinned_first: bool,
    /// The value of the setting that is the column.
    pub setting: &'a dyn Fn(&Run) -> Option<String>,
}

/// A run among the lines, before they are ordered.
#[derive(Default)]
struct Node {
    listed: bool,
    members: Vec<usize>,
}

/// The lines of the runs at the places `listed`, everything unfolded. `is_group` says whose parts stand beneath it, whether
/// it is listed itself or not.
pub fn arrange(runs: &[Arc<Run>], listed: &[usize], is_group: impl Fn(&JobSpec) -> bool, order: &Order) -> Vec<Line> {
    let groups = runs.iter().enumerate().filter(|(_, run)| is_group(&run.job));
    let groups: HashMap<&str, usize> = groups.map(|(at, run)| (run.id.as_str(), at)).collect();
    let parent = |at: usize| {
        let run = &runs[at];
        let found = *groups.get(studies::parent(run)?)?;
        // Whatever specs say: what came later is no parent, so nothing is a part of itself.
        (found < at && !(order.pinned_first && run.about.label.pinned)).then_some(found)
    };
    let mut nodes: BTreeMap<usize, Node> = BTreeMap::new();
    let mut roots = Vec::new();
    for &at in listed {
        let (mut child, mut new) = (at, !nodes.contains_key(&at));
        nodes.entry(at).or_default().listed = true;
        while new {
            let Some(above) = parent(child) else {
                roots.push(child);
                break;
            };
            new = !nodes.contains_key(&above);
            nodes.entry(above).or_default().members.push(child);
            child = above;
        }
    }
    let mut lines = Vec::with_capacity(nodes.len());
    let tree = Tree { runs, nodes: &nodes, order };
    tree.put(roots, 0, &mut lines);
    lines
}

struct Tree<'a> {
    runs: &'a [Arc<Run>],
    nodes: &'a BTreeMap<usize, Node>,
    order: &'a Order<'a>,
}

impl Tree<'_> {
    fn members(&self, at: usize) -> &[usize] {
        self.nodes.get(&at).map_or(&[], |node| &node.members)
    }

    /// The runs beneath one that are listed, and have no members of their own.
    fn leaves(&self, at: usize, found: &mut Vec<usize>) {
        for &member in self.members(at) {
            if self.members(member).is_empty() {
                found.push(member);
            } else {
                self.leaves(member, found);
            }
        }
    }

    fn group(&self, at: usize) -> Option<Group> {
        if self.members(at).is_empty() {
            return None;
        }
        let mut leaves = Vec::new();
        self.leaves(at, &mut leaves);
        let rows: Vec<&ResultRow> = leaves.iter().filter_map(|leaf| self.runs[*leaf].row.as_ref()).collect();
        // Works of different kinds have no mean.
        let averaged = trains_several(&self.runs[at].job);
        let of = |tell: fn(&ResultRow) -> Option<f64>| {
            let values: Vec<f64> = rows.iter().filter(|row| row.has_model()).filter_map(|row| tell(row)).collect();
            Spread::of(&values).filter(|_| averaged).map_or(Figure::None, Figure::Mean)
        };
        let best = rows.iter().filter(|row| row.has_model()).filter_map(|row| row.val_accuracy).reduce(f64::max);
        Some(Group {
            members: leaves.len(),
            train: of(|row| row.train_accuracy),
            val: of(|row| row.val_accuracy),
            test: of(|row| row.test_accuracy),
            best,
        })
    }

    /// A group stands where its best member would; folds, which are one model, where their mean is.
    fn key(&self, at: usize, column: &Column) -> Key {
        let run = &self.runs[at];
        let own = |at: usize| {
            let run = &self.runs[at];
            Key::of(run, column, (self.order.setting)(run).as_deref())
        };
        let mut leaves = Vec::new();
        self.leaves(at, &mut leaves);
        if leaves.is_empty() || !(column.is_accuracy() || matches!(column, Column::Setting(_))) {
            return own(at);
        }
        if let (true, JobSpec::Folds { .. }, Some(group)) = (column.is_accuracy(), &run.job, self.group(at)) {
            let line = Line { run: Arc::clone(run), depth: 0, group: Some(group) };
            if let Figure::Mean(spread) = line.figure(column) {
                return Key::Number(Some(spread.mean));
            }
        }
        let keys = leaves.into_iter().map(own);
        keys.min_by(|a, b| a.order(b, self.order.descending)).unwrap_or(Key::Number(None))
    }

    fn put(&self, places: Vec<usize>, depth: usize, lines: &mut Vec<Line>) {
        let pinned = |at: usize| self.order.pinned_first && self.runs[at].about.label.pinned;
        let key = |at: usize| self.order.column.map(|column| self.key(at, column));
        let mut keyed: Vec<(bool, Option<Key>, usize)> =
            places.into_iter().map(|at| (pinned(at), key(at), at)).collect();
        keyed.sort_by(|a, b| {
            let figures = match (&a.1, &b.1) {
                (Some(a), Some(b)) => a.order(b, self.order.descending),
                _ => b.2.cmp(&a.2),
            };
            b.0.cmp(&a.0).then(figures).then(match self.order.column {
                Some(_) => a.2.cmp(&b.2),
                None => Ordering::Equal,
            })
        });
        for (_, _, at) in keyed {
            lines.push(Line { run: Arc::clone(&self.runs[at]), depth, group: self.group(at) });
            self.put(self.members(at).to_vec(), depth + 1, lines);
        }
    }
}

/// The places of the lines that are not folded away.
pub fn visible(lines: &[Line], folded: impl Fn(&Line) -> bool) -> Vec<usize> {
    let mut shown = Vec::with_capacity(lines.len());
    let mut hidden_below = usize::MAX;
    for (at, line) in lines.iter().enumerate() {
        if line.depth > hidden_below {
            continue;
        }
        hidden_below = if line.group.is_some() && folded(line) { line.depth } else { usize::MAX };
        shown.push(at);
    }
    shown
}

/// The lines that a line stands beneath, the nearest first.
pub fn above(lines: &[Line], at: usize) -> Vec<usize> {
    let mut depth = lines.get(at).map_or(0, |line| line.depth);
    let mut found = Vec::new();
    for place in (0..at).rev() {
        if lines[place].depth < depth {
            depth = lines[place].depth;
            found.push(place);
        }
    }
    found
}

#[cfg(test)]
#[path = "groups_tests.rs"]
mod tests;
