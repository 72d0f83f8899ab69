//! What keys do to a table.

use super::column::Column;
use super::{Kind, Over, clone, current, cursor, differences, groups, listing, select, studies};
use crate::tui::app::{App, Overlay, Tone, moved};
use crate::tui::effect::Effect;
use crate::tui::keys::{Action, Context, name_of};
use crate::tui::prompt::{FilterText, Prompt, Purpose};
use crate::tui::stages::ScreenId;

/// Carries out an action that means the same on all tables; none if it is none of these.
pub fn act(app: &mut App, kind: &'static Kind, action: Action) -> Option<Vec<Effect>> {
    if studies::act(app, kind, action) {
        return Some(Vec::new());
    }
    match action {
        Action::Search => {
            let from = (kind.state)(app).1.clone();
            let prompt = Prompt::new(Purpose::Search { screen: kind.screen, from }, "");
            app.overlay = Some(Overlay::Prompt(prompt));
        }
        Action::NextMatch | Action::PreviousMatch => super::search::go(app, kind, action == Action::NextMatch),
        Action::Filter => {
            let text = FilterText { lines: kind.lines, hint: kind.hint };
            let prompt = Prompt::new(Purpose::Filter(kind.screen, text), (kind.state)(app).0.filter_text());
            app.overlay = Some(Overlay::Prompt(prompt));
        }
        Action::Columns => app.overlay = Some(Overlay::Table(Over::Columns(0))),
        Action::Yank => app.overlay = Some(Overlay::Table(Over::Yank)),
        Action::Fold => fold(app, kind),
        Action::FoldAll => fold_all(app, kind),
        Action::Flat => {
            let has_studies = studies::any(&app.snapshot.runs);
            let (table, _) = (kind.state_mut)(app);
            (table.studies, table.flat) = match (table.studies, table.flat) {
                (false, false) if has_studies => (true, false),
                (_, false) => (false, true),
                (_, true) => (false, false),
            };
            table.changed();
            let text = match (table.studies, table.flat) {
                (true, _) => "Groups: studies, sweeps, cross-validations and learning curves.",
                (_, true) => "Groups are off: every run has its line.",
                _ => "Groups: sweeps, cross-validations and learning curves.",
            };
            app.say(Tone::Plain, text);
        }
        Action::SortNext | Action::SortPrevious => sort(app, kind, action == Action::SortNext),
        Action::Reverse => {
            let (table, _) = (kind.state_mut)(app);
            let (by, descending) = table.sort(kind);
            match by {
                Some(by) => {
                    table.sort = Some((Some(by), !descending));
                    table.changed();
                }
                None => {
                    let key = name_of(context(kind), Action::SortNext);
                    app.say(
                        Tone::Plain,
                        format!("The newest are first; {key} sorts by a column, which can be turned."),
                    );
                }
            }
        }
        Action::Mark => mark(app, kind),
        Action::Differences => differences::open(app, kind),
        Action::Clone => clone::clone(app, kind),
        Action::Up | Action::Down | Action::PageUp | Action::PageDown | Action::Top | Action::Bottom => {
            let to = moved(cursor(app, kind), listing(app, kind).visible.len(), action);
            select(app, kind, to);
        }
        _ => return None,
    }
    Some(Vec::new())
}

/// The part of the key table that a table's screen has.
fn context(kind: &Kind) -> Context {
    kind.screen.context()
}

/// Whether an action that means the same on all tables would have an effect now; none if it is none of these.
pub fn offers(app: &App, kind: &Kind, action: Action) -> Option<bool> {
    let lines = || !listing(app, kind).lines.is_empty();
    Some(match action {
        Action::NextMatch | Action::PreviousMatch => !(kind.state)(app).0.search.is_empty(),
        Action::Fold | Action::FoldAll => listing(app, kind).has_groups,
        Action::UsualColumns => !(kind.state)(app).0.columns.is_empty(),
        Action::Flat => listing(app, kind).has_groups || (kind.state)(app).0.flat || studies::any(&app.snapshot.runs),
        // A filter can have left none.
        Action::Filter => listing(app, kind).all > 0,
        Action::Differences => {
            let group = || current(app, kind).is_some_and(|line| line.group.is_some());
            lines() && (!app.marked().is_empty() || group())
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
pub(super) fn fold(app: &mut App, kind: &Kind) {
    let lines = listing(app, kind);
    let Some(at) = lines.visible.get(cursor(app, kind)).copied() else { return };
    let group = match lines.lines[at].group {
        Some(_) => Some(at),
        None => groups::above(&lines.lines, at).first().copied(),
    };
    let Some(group) = group else {
        app.say(Tone::Plain, format!("{} is in no group.", lines.lines[at].run.id));
        return;
    };
    let run = lines.lines[group].run.id.to_string();
    let (table, selected) = (kind.state_mut)(app);
    table.turn(&run);
    *selected = Some(run);
}

/// Unfolds all groups, or folds all where none is folded.
fn fold_all(app: &mut App, kind: &Kind) {
    let lines = listing(app, kind);
    let (table, _) = (kind.state_mut)(app);
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
fn sort(app: &mut App, kind: &Kind, forward: bool) {
    let lines = listing(app, kind);
    let shown = lines.columns.iter().filter(|column| column.rank.is_some());
    let mut orders: Vec<Option<Column>> = shown.map(|column| Some(column.column.clone())).collect();
    if kind.order.is_none() {
        orders.insert(0, None);
    }
    let (table, _) = (kind.state_mut)(app);
    let (by, _) = table.sort(kind);
    let now = orders.iter().position(|order| *order == by).unwrap_or(0);
    let step = if forward { 1 } else { orders.len().saturating_sub(1) };
    let Some(next) = orders.get((now + step) % orders.len().max(1)).cloned() else { return };
    let descending = next.as_ref().is_some_and(Column::descends);
    table.sort = Some((next, descending));
    table.changed();
}

/// Marks the run under the cursor or takes its mark away, and goes to the next line, but where the run's curves are being
/// looked at; a group stands for its members.
fn mark(app: &mut App, kind: &Kind) {
    let lines = listing(app, kind);
    let index = cursor(app, kind);
    let Some(at) = lines.visible.get(index).copied() else { return };
    let members: Vec<String> = lines.members(at).map(|line| line.run.id.to_string()).collect();
    let all = members.iter().all(|run| app.marked().contains(run));
    for run in members {
        if all == app.marked().contains(&run) {
            app.turn_mark(&run);
        }
    }
    if kind.screen != ScreenId::Train {
        select(app, kind, moved(index, lines.visible.len(), Action::Down));
    }
}

/// What a key does to what lies over a table.
pub fn act_over(app: &mut App, over: Over, action: Action) -> Vec<Effect> {
    let Some(kind) = super::of(app.screen) else { return Vec::new() };
    match over {
        Over::Columns(at) => super::picker::act(app, kind, at, action),
        Over::Yank => return super::yank::act(app, kind, action),
        Over::Differences(view) => differences::act(app, view, action),
    }
    Vec::new()
}

/// Draws what lies over a table.
pub fn draw_over(frame: &mut ratatui::Frame, area: ratatui::layout::Rect, app: &App, over: &Over) {
    let Some(kind) = super::of(app.screen) else { return };
    match over {
        Over::Columns(at) => super::picker::draw(frame, area, app, kind, *at),
        Over::Yank => super::yank::draw(frame, area, app, kind),
        Over::Differences(view) => differences::draw(frame, area, app, view),
    }
}
