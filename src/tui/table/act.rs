//! Actions on a table of runs.

use super::column::Column;
use super::{Popup, Table, clone, differences, groups, studies};
use crate::tui::effect::Effect;
use crate::tui::keys::{Action, name_of};
use crate::tui::prompt::{FilterText, Prompt, Purpose};
use crate::tui::shared::{Overlay, Shared, Tone, moved};
use crate::tui::stages::ScreenId;
use ratatui::Frame;
use ratatui::layout::Rect;

/// Carries out an action that is common to all tables; none if it is not one of these.
pub fn act(table: &mut Table, shared: &mut Shared, action: Action) -> Option<Vec<Effect>> {
    if studies::act(table, shared, action) {
        return Some(Vec::new());
    }
    let kind = table.kind;
    match action {
        Action::Search => {
            let from = table.selected.clone();
            let prompt = Prompt::new(Purpose::Search { screen: kind.screen, from }, "");
            shared.overlay = Some(Overlay::Prompt(prompt));
        }
        Action::NextMatch | Action::PreviousMatch => super::search::go(table, shared, action == Action::NextMatch),
        Action::Filter => {
            let text = FilterText { lines: kind.lines, hint: kind.hint };
            let prompt = Prompt::new(Purpose::Filter(kind.screen, text), table.filter_text());
            shared.overlay = Some(Overlay::Prompt(prompt));
        }
        Action::Columns => shared.overlay = Some(Overlay::Table(Popup::Columns(0))),
        Action::Yank => shared.overlay = Some(Overlay::Table(Popup::Yank)),
        Action::Fold => fold(table, shared),
        Action::FoldAll => fold_all(table, shared),
        Action::Flat => {
            (table.studies, table.flat) = match (table.studies, table.flat) {
                (false, false) if studies::any(&shared.snapshot.runs) => (true, false),
                (_, false) => (false, true),
                (_, true) => (false, false),
            };
            table.changed();
            let text = match (table.studies, table.flat) {
                (true, _) => "Groups: studies, sweeps, cross-validations and learning curves.",
                (_, true) => "Groups are off: every run has its line.",
                _ => "Groups: sweeps, cross-validations and learning curves.",
            };
            shared.say(Tone::Plain, text);
        }
        Action::SortNext | Action::SortPrevious => sort(table, shared, action == Action::SortNext),
        Action::Reverse => {
            let (by, descending) = table.sort();
            match by {
                Some(by) => {
                    table.sort = Some((Some(by), !descending));
                    table.changed();
                }
                None => {
                    let key = name_of(kind.screen.context(), Action::SortNext);
                    shared.say(
                        Tone::Plain,
                        format!("The newest are first; {key} sorts by a column, whose order can be reversed."),
                    );
                }
            }
        }
        Action::Mark => mark(table, shared),
        Action::Differences => differences::open(table, shared),
        Action::Clone => clone::clone(table, shared),
        Action::Up | Action::Down | Action::PageUp | Action::PageDown | Action::Top | Action::Bottom => {
            let to = moved(table.cursor(shared), table.listing(shared).visible.len(), action);
            table.select(shared, to);
        }
        _ => return None,
    }
    Some(Vec::new())
}

/// Whether an action common to all tables would have an effect now; none if it is not one of these.
pub fn offers(table: &Table, shared: &Shared, action: Action) -> Option<bool> {
    let lines = || !table.listing(shared).lines.is_empty();
    Some(match action {
        Action::NextMatch | Action::PreviousMatch => !table.search.is_empty(),
        Action::Fold | Action::FoldAll => table.listing(shared).has_groups,
        Action::UsualColumns => !table.columns.is_empty(),
        Action::Flat => table.listing(shared).has_groups || table.flat || studies::any(&shared.snapshot.runs),
        // A filter can have left none.
        Action::Filter => table.listing(shared).all > 0,
        Action::Differences => {
            let group = || table.current(shared).is_some_and(|line| line.group.is_some());
            lines() && (!shared.marked.is_empty() || group())
        }
        Action::Search
        | Action::Columns
        | Action::Yank
        | Action::SortNext
        | Action::SortPrevious
        | Action::Reverse
        | Action::Mark
        | Action::Clone => lines(),
        _ => return None,
    })
}

/// Folds or unfolds the group under the cursor, or the one that the line is in.
pub(super) fn fold(table: &mut Table, shared: &mut Shared) {
    let lines = table.listing(shared);
    let Some(at) = lines.visible.get(table.cursor(shared)).copied() else { return };
    let group = match lines.lines[at].group {
        Some(_) => Some(at),
        None => groups::above(&lines.lines, at).first().copied(),
    };
    let Some(group) = group else {
        shared.say(Tone::Plain, format!("{} is in no group.", lines.lines[at].run.id));
        return;
    };
    let run = lines.lines[group].run.id.to_string();
    table.turn(&run);
    table.selected = Some(run);
}

/// Unfolds all groups, or folds all where none is folded.
fn fold_all(table: &mut Table, shared: &Shared) {
    let lines = table.listing(shared);
    let groups: Vec<_> = lines.lines.iter().filter(|line| line.group.is_some()).collect();
    let folded: Vec<bool> = groups.iter().map(|line| table.folds(line)).collect();
    let unfold = folded.iter().any(|folded| *folded);
    for (line, folded) in groups.iter().zip(folded) {
        if folded == unfold {
            table.turn(line.run.id.as_str());
        }
    }
}

/// Sorts by the next column, or the one before; tables that show the newest first have that order among them.
fn sort(table: &mut Table, shared: &Shared, forward: bool) {
    let lines = table.listing(shared);
    let shown = lines.columns.iter().filter(|column| column.rank.is_some());
    let mut orders: Vec<Option<Column>> = shown.map(|column| Some(column.column.clone())).collect();
    if table.kind.order.is_none() {
        orders.insert(0, None);
    }
    let (by, _) = table.sort();
    let now = orders.iter().position(|order| *order == by).unwrap_or(0);
    let step = if forward { 1 } else { orders.len().saturating_sub(1) };
    let Some(next) = orders.get((now + step) % orders.len().max(1)).cloned() else { return };
    let descending = next.as_ref().is_some_and(Column::descends);
    table.sort = Some((next, descending));
    table.changed();
}

/// Marks the run under the cursor or takes its mark away, and goes to the next line, but where the run's curves are being
/// looked at; a group stands for its members.
fn mark(table: &mut Table, shared: &mut Shared) {
    let lines = table.listing(shared);
    let index = table.cursor(shared);
    let Some(at) = lines.visible.get(index).copied() else { return };
    let members: Vec<String> = lines.members(at).map(|line| line.run.id.to_string()).collect();
    let all = members.iter().all(|run| shared.marked.contains(run));
    for run in members {
        if all == shared.marked.contains(&run) {
            shared.turn_mark(&run);
        }
    }
    if table.kind.screen != ScreenId::Train {
        table.select(shared, moved(index, lines.visible.len(), Action::Down));
    }
}

/// What a key does to what covers a table.
pub fn act_over(table: &mut Table, shared: &mut Shared, over: Popup, action: Action) -> Vec<Effect> {
    match over {
        Popup::Columns(at) => super::picker::act(table, shared, at, action),
        Popup::Yank => return super::yank::act(table, shared, action),
        Popup::Differences(view) => differences::act(shared, view, action),
    }
    Vec::new()
}

/// Draws what covers a table.
pub fn draw_over(frame: &mut Frame, area: Rect, table: &Table, shared: &Shared, over: &Popup) {
    match over {
        Popup::Columns(at) => super::picker::draw(frame, area, table, shared, *at),
        Popup::Yank => super::yank::draw(frame, area, table, shared),
        Popup::Differences(view) => differences::draw(frame, area, shared, view),
    }
}
