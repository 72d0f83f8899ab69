//! How Data is drawn: the list of sets, and the account of the one under the cursor.

use super::{Data, audit, index, work};
use crate::tui::keys::{Action, Context, name_of};
use crate::tui::shared::{Hits, Shared, Target};
use crate::tui::snapshot::{DataSet, Run};
use crate::tui::theme::Theme;
use crate::tui::widgets::{self, NARROW, bars, fit, format, offset, panel};
use faceprobe_core::dataset::PrepareReport;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use std::sync::Arc;

/// Draws the screen.
pub fn draw(frame: &mut Frame, area: Rect, data: &Data, shared: &Shared, hits: &mut Hits) {
    let theme = shared.theme;
    let sets = &shared.snapshot.datasets;
    let mut rest = area;
    let put_away = |run: &&Arc<Run>| Some(run.id.as_str()) == data.dismissed.as_deref();
    // Over the findings, only what is at work now is worth their room.
    let seen = |run: &&Arc<Run>| !put_away(run) && (run.status.is_live() || !data.audit.open);
    if let Some(run) = work(&shared.snapshot).filter(seen) {
        let title = if run.status.is_live() { "At work" } else { "Last attempt (Esc closes)" };
        let block = panel(theme, title, area.width);
        let inside = usize::from(block.inner(area).width);
        let lines = bars::activity(theme, run, inside);
        let rows: usize = lines.iter().map(|line| line.width().div_ceil(inside.max(1)).max(1)).sum();
        let height = rows as u16 + (area.height - block.inner(area).height);
        let [top, below] =
            area.layout(&Layout::vertical([Constraint::Length(height.min(area.height / 2)), Constraint::Min(0)]));
        let inner = block.inner(top);
        frame.render_widget(block, top);
        widgets::text(frame, inner, lines, 0);
        rest = below;
    }
    if data.audit.open {
        audit::draw(frame, rest, &data.audit, shared, hits);
        return;
    }
    rest = audit::draw_work(frame, rest, &data.audit, shared);
    let Some(current) = shared.current_set() else {
        draw_welcome(frame, rest, theme);
        return;
    };
    if data.sheet.open {
        data.sheet.draw(frame, rest, shared, hits);
        return;
    }
    if area.width < NARROW {
        let place = format!("{} ({} of {})", current.name, index(shared) + 1, sets.len());
        let mut lines = vec![Line::styled(place, theme.strong())];
        lines.extend(account(theme, current, usize::from(rest.width)));
        scrolled(frame, rest, data, shared, lines);
        return;
    }
    let list_width = if area.width >= 110 { 28 } else { 20 };
    let [left, right] = rest.layout(&Layout::horizontal([Constraint::Length(list_width), Constraint::Min(0)]));
    let block = panel(theme, "Prepared sets", area.width);
    let inner = block.inner(left);
    frame.render_widget(block, left);
    let selected = index(shared);
    let first = offset(selected, sets.len(), usize::from(inner.height));
    for (row, (at, set)) in sets.iter().enumerate().skip(first).take(usize::from(inner.height)).enumerate() {
        let line = Rect { y: inner.y + row as u16, height: 1, ..inner };
        let style = if at == selected { theme.selected() } else { theme.text() };
        frame.render_widget(Span::styled(fit(&set.name, usize::from(inner.width)), style), line);
        hits.push((line, Target::Row(at)));
    }
    let block = panel(theme, current.name.clone(), area.width);
    let inner = block.inner(right);
    frame.render_widget(block, right);
    let width = usize::from(inner.width);
    match &current.report {
        Ok(report) if width >= 96 => {
            let [top, below] =
                inner.layout(&Layout::vertical([Constraint::Length(summary_rows(report, width)), Constraint::Min(0)]));
            widgets::text(frame, top, summary(theme, report), 0);
            let [one, gap_two] = below.layout(&Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]));
            let two = Rect { x: gap_two.x + 3, width: gap_two.width.saturating_sub(3), ..gap_two };
            scrolled(frame, one, data, shared, raw(theme, report, usize::from(one.width)));
            scrolled(frame, two, data, shared, kept(theme, report, usize::from(two.width)));
        }
        _ => scrolled(frame, inner, data, shared, account(theme, current, width)),
    }
}

fn draw_welcome(frame: &mut Frame, area: Rect, theme: Theme) {
    let key = |action| Span::styled(name_of(Context::Data, action), theme.accent());
    let lines = vec![
        Line::default(),
        Line::styled("No data yet.", theme.strong()),
        Line::default(),
        Line::from(vec![
            "Press ".into(),
            key(Action::Demo),
            " for the demo: the whole study in about a minute,".into(),
        ]),
        Line::raw("on synthetic drawings of faces."),
        Line::default(),
        Line::from(vec!["Press ".into(), key(Action::New), " to prepare your own photographs: Adience,".into()]),
        Line::raw("FairFace, UTKFace, CelebA, LFW, a folder per class, or a CSV file."),
        Line::default(),
        Line::from(vec!["Press ".into(), key(Action::FetchData), " to fetch photographs: portraits of members".into()]),
        Line::raw("of the US Congress (public domain), or Adience."),
        Line::default(),
        Line::styled("? shows all keys. Runs continue when you quit.", theme.dim()),
    ];
    let block = panel(theme, "Welcome", area.width);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    widgets::text(frame, inner, lines, 0);
}

/// Lines of the account, scrolled, with a sign when there are more below.
fn scrolled(frame: &mut Frame, area: Rect, data: &Data, shared: &Shared, lines: Vec<Line<'static>>) {
    let width = usize::from(area.width).max(1);
    let rows: usize = lines.iter().map(|line| line.width().div_ceil(width).max(1)).sum();
    let most = rows.saturating_sub(usize::from(area.height));
    let scroll = usize::from(data.scroll).min(most);
    widgets::text(frame, area, lines, scroll as u16);
    if scroll < most && area.height > 2 {
        let hint = Line::styled(" PgDn ▼", shared.theme.accent()).right_aligned();
        let place =
            Rect { x: area.right().saturating_sub(7), y: area.bottom() - 1, width: 7.min(area.width), height: 1 };
        frame.render_widget(hint, place);
    }
}

/// How far the account can usefully be scrolled.
pub fn most_scroll(shared: &Shared) -> u16 {
    shared.current_set().map_or(0, |set| account(shared.theme, set, usize::from(NARROW)).len() as u16)
}

fn account(theme: Theme, set: &DataSet, width: usize) -> Vec<Line<'static>> {
    match &set.report {
        Ok(report) => {
            let mut lines = summary(theme, report);
            lines.extend(raw(theme, report, width));
            lines.push(Line::default());
            lines.extend(kept(theme, report, width));
            lines
        }
        Err(error) => vec![Line::styled(error.clone(), theme.bad())],
    }
}

fn summary(theme: Theme, report: &PrepareReport) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if report.synthetic {
        lines.push(Line::styled("SYNTHETIC: drawings by this program, not photographs", theme.warning()));
    }
    for warning in &report.warnings {
        lines.push(Line::styled(format!("! {warning}"), theme.warning()));
    }
    for source in &report.sources {
        lines.push(Line::styled(source.clone(), theme.dim()));
    }
    let count = |number: usize| format::thousands(number as u64);
    let mut text = format!("{} rows · {} images found", count(report.rows), count(report.images_present));
    if let Some(subjects) = report.subjects {
        text += &format!(" · {} subjects", count(subjects));
    }
    text += &format!(" · seed {}", report.seed);
    lines.push(Line::raw(text));
    lines.push(Line::default());
    lines
}

fn summary_rows(report: &PrepareReport, width: usize) -> u16 {
    let rows = |text: &String| (text.chars().count() + 2).div_ceil(width.max(1));
    let long: usize = report.warnings.iter().chain(&report.sources).map(rows).sum();
    (long + 2 + usize::from(report.synthetic)) as u16
}

/// The labels as they were found, and what was left out.
fn raw(theme: Theme, report: &PrepareReport, width: usize) -> Vec<Line<'static>> {
    let mut lines = vec![Line::styled("Labels in the source", theme.strong())];
    let most = report.raw_labels.values().copied().max().unwrap_or(0);
    let mut labels: Vec<_> = report.raw_labels.iter().collect();
    labels.sort_by(|a, b| b.1.cmp(a.1));
    let names = labels.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).clamp(7, 14);
    for (name, count) in labels.iter().take(8) {
        lines.push(bars::counted(name, names, **count, most, width, theme.busy()));
    }
    lines.push(Line::default());
    lines.push(Line::styled("Left out", theme.strong()));
    if report.dropped.iter().all(|dropped| dropped.count == 0) {
        lines.push(Line::styled("nothing", theme.dim()));
    }
    for dropped in report.dropped.iter().filter(|dropped| dropped.count > 0) {
        lines.push(Line::from(vec![
            Span::styled(format!("{:>7}  ", format::thousands(dropped.count as u64)), theme.strong()),
            Span::raw(dropped.explanation.clone()),
        ]));
        if let Some(example) = dropped.examples.first() {
            let example = widgets::cut_front(example, width.saturating_sub(17));
            lines.push(Line::styled(format!("         such as {example}"), theme.dim()));
        }
    }
    if report.repeated_keys > 0 {
        lines.push(Line::from(vec![
            Span::styled(format!("{:>7}  ", format::thousands(report.repeated_keys as u64)), theme.strong()),
            Span::raw("repeated keys among the rows"),
        ]));
    }
    lines
}

/// What is usable, the splits, ages and folds.
fn kept(theme: Theme, report: &PrepareReport, width: usize) -> Vec<Line<'static>> {
    let [a, b] = &report.classes;
    let heading = |text: &str| {
        Line::from(vec![
            Span::styled(fit(text, 12), theme.strong()),
            Span::styled(format!(" {:>7}", widgets::cut(a, 7)), theme.series(0)),
            Span::styled(format!(" {:>7}", widgets::cut(b, 7)), theme.series(1)),
        ])
    };
    let most = |sums: &mut dyn Iterator<Item = usize>| sums.max().unwrap_or(0);
    let total = report.usable.iter().sum::<usize>();
    let mut lines =
        vec![heading("Usable"), bars::paired("all", 12, report.usable, total, width, theme), Line::default()];
    lines.push(heading("Splits"));
    let largest = most(&mut report.splits.iter().map(|split| split.per_class.iter().sum()));
    for split in &report.splits {
        lines.push(bars::paired(&split.split, 12, split.per_class, largest, width, theme));
    }
    for (title, groups) in [("Ages", &report.ages), ("Folds", &report.folds)] {
        if groups.is_empty() {
            continue;
        }
        lines.push(Line::default());
        lines.push(heading(title));
        let largest = most(&mut groups.values().map(|counts| counts.iter().sum()));
        let mut groups: Vec<_> = groups.iter().collect();
        groups.sort_by_key(|(name, _)| first_number(name));
        for (name, counts) in groups {
            lines.push(bars::paired(name, 12, *counts, largest, width, theme));
        }
    }
    lines
}

/// Orders `(8, 12)` before `(15, 20)`.
fn first_number(name: &str) -> u64 {
    let digits: String = name.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(u64::MAX)
}
