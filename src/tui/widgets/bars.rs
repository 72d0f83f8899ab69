//! Bars and gauges made of text.

use super::super::snapshot::Run;
use super::super::theme::Theme;
use super::format;
use faceprobe_core::run::Status;
use faceprobe_core::run::results::ResultRow;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// A bar of `share` (0..=1) of `width` columns, in eighths of a column.
pub fn bar(width: usize, share: f64) -> String {
    let eighths = (share.clamp(0.0, 1.0) * width as f64 * 8.0).round() as usize;
    let mut text = "█".repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        text.push(['▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths % 8 - 1]);
    }
    // A count above 0 is visible, however small.
    if text.is_empty() && share > 0.0 && width > 0 {
        text.push('▏');
    }
    text
}

/// A bar with the rest of its length drawn thin.
pub fn gauge(theme: Theme, width: usize, share: f64, style: Style) -> Vec<Span<'static>> {
    let full = bar(width, share);
    let rest = width.saturating_sub(full.chars().count());
    vec![Span::styled(full, style), Span::styled("░".repeat(rest), theme.rule())]
}

/// One line of a bar chart: name, count, bar.
pub fn counted(name: &str, name_width: usize, count: usize, most: usize, width: usize, style: Style) -> Line<'static> {
    let number = format::thousands(count as u64);
    let room = width.saturating_sub(name_width + 10);
    let share = if most == 0 { 0.0 } else { count as f64 / most as f64 };
    Line::from(vec![
        Span::raw(format!("{} {number:>7}  ", super::fit(name, name_width))),
        Span::styled(bar(room, share), style),
    ])
}

/// One line of a chart of two classes: name, both counts, both bars end to end.
pub fn paired(
    name: &str,
    name_width: usize,
    counts: [usize; 2],
    most: usize,
    width: usize,
    theme: Theme,
) -> Line<'static> {
    let room = width.saturating_sub(name_width + 17);
    let share = |count: usize| if most == 0 { 0.0 } else { count as f64 / most as f64 };
    let first = (share(counts[0]) * room as f64).round() as usize;
    let second = ((share(counts[1]) * room as f64).round() as usize).min(room.saturating_sub(first));
    Line::from(vec![
        Span::raw(super::fit(name, name_width)),
        Span::styled(format!(" {:>7}", format::thousands(counts[0] as u64)), theme.series(0)),
        Span::styled(format!(" {:>7} ", format::thousands(counts[1] as u64)), theme.series(1)),
        Span::styled("█".repeat(first), theme.series(0)),
        Span::styled("▒".repeat(second), theme.series(1)),
    ])
}

/// The sign and style of a status.
pub fn status(theme: Theme, status: Status) -> (&'static str, Style) {
    match status {
        Status::Queued => ("…", theme.dim()),
        Status::Waiting => ("○", theme.busy()),
        Status::Running => ("●", theme.busy()),
        Status::Paused => ("‖", theme.warning()),
        Status::Done => ("✓", theme.good()),
        Status::Failed | Status::Interrupted | Status::Damaged => ("✗", theme.bad()),
        Status::Stopped => ("■", theme.dim()),
    }
}

/// The progress of a run, in up to three lines: its name and stage, a gauge with rate and remaining time, and how it
/// ended.
pub fn activity(theme: Theme, run: &Run, width: usize) -> Vec<Line<'static>> {
    let (sign, style) = status(theme, run.status);
    let mut head = vec![
        Span::styled(format!("{sign} "), style),
        Span::styled(run.id.to_string(), theme.strong()),
        Span::styled(format!("  {}", run.status.name()), style),
    ];
    if let (Some(stage), true) = (&run.facts.stage, run.status.is_live()) {
        head.push(Span::styled(format!("  {stage}"), theme.dim()));
    }
    if let (Some(seconds), false) = (run.seconds, run.status.is_live()) {
        head.push(Span::styled(format!("  {}", format::duration(seconds)), theme.dim()));
    }
    let mut lines = vec![Line::from(head)];
    if let (true, Some(share)) = (run.status.is_live(), run.share()) {
        // Where the phase tells of itself, its line below has the time.
        let left = run.remaining().filter(|_| run.facts.progress.is_none());
        let left = left.map_or_else(String::new, |left| format!(" · {} left", format::duration(left)));
        let percent = format!(" {:>3.0} %", (share * 100.0).floor());
        let room = width.saturating_sub(percent.len() + left.chars().count()).min(60);
        let mut spans = gauge(theme, room, share, theme.busy());
        spans.push(Span::styled(percent, theme.strong()));
        spans.push(Span::styled(left, theme.dim()));
        lines.push(Line::from(spans));
        if let Some(progress) = &run.facts.progress {
            let mut text = format!(
                "{} of {} {}",
                format::thousands(progress.done),
                format::thousands(progress.total),
                progress.unit
            );
            if progress.rate > 0.0 {
                text += &format!(" · {}/s", format::rate(progress.rate));
            }
            if let Some(remaining) = progress.remaining {
                text += &format!(" · {} left", format::duration(remaining));
            }
            lines.push(Line::styled(text, theme.dim()));
        }
    }
    if let (Some(outcome), false) = (&run.facts.outcome, run.status.is_live()) {
        let style = if matches!(run.status, Status::Done | Status::Stopped) { theme.text() } else { theme.bad() };
        // What a training came to is told by its row: journals of earlier versions did not name the metric.
        let told = run.row.as_ref().filter(|_| run.trains() && run.status == Status::Done).map(ResultRow::summary);
        lines.push(Line::styled(told.unwrap_or_else(|| outcome.clone()), style));
    }
    if run.status == Status::Interrupted {
        lines.push(Line::styled(
            format!("The worker was killed or crashed; runs/{}/worker.log may say why.", run.id),
            theme.bad(),
        ));
    }
    lines
}
