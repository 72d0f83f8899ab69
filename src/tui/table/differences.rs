//! The settings in which the marked runs differ, and nothing else.

use super::{Popup, Table};
use crate::tui::keys::{Action, Context, name_of};
use crate::tui::shared::{Overlay, Shared, Tone};
use crate::tui::widgets::{self, cut, fit};
use faceprobe_core::run::compare;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

/// The runs, and the part that is scrolled into view.
#[derive(Debug, Clone)]
pub struct View {
    runs: Vec<String>,
    /// The first line and the first run that are shown.
    line: usize,
    run: usize,
}

/// A wider value is cut.
const WIDEST: usize = 32;

/// Opens the list for the marked runs and the one under the cursor, or for the members of the group there.
pub fn open(table: &Table, shared: &mut Shared) {
    let lines = table.listing(shared);
    let mut runs = shared.marked.clone();
    match table.current(shared) {
        Some(line) if line.group.is_some() && runs.is_empty() => {
            let at = lines.visible.get(table.cursor(shared)).copied().unwrap_or(0);
            runs = lines.members(at).map(|line| line.run.id.to_string()).collect();
        }
        Some(line) if runs.len() == 1 && !runs.contains(&line.run.id.to_string()) => runs.push(line.run.id.to_string()),
        _ => {}
    }
    runs.retain(|run| shared.snapshot.run(run).is_some());
    if runs.len() < 2 {
        shared.say(Tone::Plain, "Mark two or more runs with Space to compare their settings.");
        return;
    }
    shared.overlay = Some(Overlay::Table(Popup::Differences(View { runs, line: 0, run: 0 })));
}

/// What a key does.
pub fn act(shared: &mut Shared, mut view: View, action: Action) {
    let last = view.runs.len().saturating_sub(1);
    match action {
        Action::Cancel => return,
        Action::Left => view.run = view.run.saturating_sub(1),
        Action::Right => view.run = (view.run + 1).min(last),
        Action::Up => view.line = view.line.saturating_sub(1),
        Action::Down => view.line += 1,
        Action::PageUp => view.line = view.line.saturating_sub(10),
        Action::PageDown => view.line += 10,
        Action::Top => view.line = 0,
        Action::Bottom => view.line = usize::MAX / 2,
        _ => {}
    }
    let settings = differences(shared, &view).len();
    view.line = view.line.min(settings.saturating_sub(1));
    shared.overlay = Some(Overlay::Table(Popup::Differences(view)));
}

fn differences(shared: &Shared, view: &View) -> Vec<compare::Difference> {
    let jobs: Vec<_> = view.runs.iter().filter_map(|run| shared.snapshot.run(run)).map(|run| &run.job).collect();
    let mut found = compare::differences(&jobs);
    // A setting that a kind of model does not have was not chosen.
    found.sort_by_key(|one| one.values.iter().any(Option::is_none));
    found
}

/// Draws it.
pub fn draw(frame: &mut Frame, area: Rect, shared: &Shared, view: &View) {
    let theme = shared.theme;
    // A run that was removed meanwhile has no settings any more.
    let runs: Vec<&String> = view.runs.iter().filter(|run| shared.snapshot.run(run).is_some()).collect();
    let found = differences(shared, view);
    let names = found.iter().map(|one| one.setting.width()).max().unwrap_or(0).clamp(7, 22);
    let value =
        |one: &compare::Difference, at: usize| one.values.get(at).and_then(Option::as_deref).unwrap_or("–").to_owned();
    let width = |at: usize| {
        let values = found.iter().map(|one| value(one, at).width());
        values.chain([runs[at].width()]).max().unwrap_or(0).min(WIDEST)
    };
    let widths: Vec<usize> = (0..runs.len()).map(width).collect();
    let wanted = names + widths.iter().map(|width| width + 2).sum::<usize>() + 4;
    let title = format!("Settings that differ · {}", widgets::format::count(runs.len(), "run"));
    let columns = (wanted.max(title.width() + 6).max(36) as u16).min(area.width.saturating_sub(2));
    let height = (found.len().max(1) as u16 + 4).min(area.height);
    let inner = widgets::window(frame, area, theme, &title, columns, height);
    let body = usize::from(inner.height.saturating_sub(2));
    let foot = Rect { y: inner.bottom().saturating_sub(1), height: 1.min(inner.height), ..inner };
    let close = name_of(Context::Differences, Action::Cancel);
    if found.is_empty() {
        widgets::text(frame, inner, vec![Line::raw("None: they have the same settings.")], 0);
        frame.render_widget(Line::styled(format!("{close} closes"), theme.dim()), foot);
        return;
    }
    let mut room = usize::from(inner.width).saturating_sub(names);
    let widths: Vec<usize> = widths.into_iter().map(|width| width.min(room.saturating_sub(2))).collect();
    let seen: Vec<usize> = (view.run.min(runs.len().saturating_sub(1))..runs.len())
        .take_while(|at| {
            let fits = widths[*at] + 2 <= room;
            room = room.saturating_sub(widths[*at] + 2);
            fits
        })
        .collect();
    let mut head = vec![Span::styled(fit("setting", names), theme.dim())];
    for at in &seen {
        let style = shared.mark_of(runs[*at]).filter(|at| *at < super::draw::COLOURS);
        let style = style.map_or(theme.strong(), |at| theme.hue(at + 1));
        head.push(Span::styled(format!("  {}", fit(runs[*at], widths[*at])), style));
    }
    let mut lines = vec![Line::from(head)];
    let first = view.line.min(found.len().saturating_sub(body));
    for one in found.iter().skip(first).take(body) {
        let mut spans = vec![Span::styled(fit(&one.setting.replace('_', " "), names), theme.dim())];
        for at in &seen {
            // The first visible run is the reference.
            let other = seen.first().is_some_and(|first| value(one, *first) != value(one, *at));
            let style = if other { theme.strong() } else { theme.text() };
            spans.push(Span::styled(format!("  {}", fit(&value(one, *at), widths[*at])), style));
        }
        lines.push(Line::from(spans));
    }
    frame.render_widget(
        ratatui::widgets::Paragraph::new(lines),
        Rect { height: inner.height.saturating_sub(1), ..inner },
    );
    let mut told = vec![format!("{close} closes")];
    if seen.len() < runs.len() {
        told.push(format!("{} of {} runs, ← → the others", seen.len(), runs.len()));
    }
    if found.len() > body {
        told.push(format!("{} of {} settings, ↑ ↓", body, found.len()));
    }
    frame.render_widget(Line::styled(cut(&told.join(" · "), usize::from(foot.width)), theme.dim()), foot);
}
