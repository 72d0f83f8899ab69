//! A sweep on Train: its heads by validation accuracy, those at work included.

use crate::tui::shared::Shared;
use crate::tui::snapshot::Run;
use crate::tui::table::Table;
use crate::tui::widgets::{NARROW, bars, fit, format, panel};
use faceprobe_core::run::JobSpec;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use std::sync::Arc;
use unicode_width::UnicodeWidthStr;

/// The validation accuracy of a head at its threshold, or before it has one, the best at 0.5 so far.
#[derive(Clone, Copy)]
enum Figure {
    AtThreshold(f64),
    AtHalf(f64),
}

impl Figure {
    fn of(run: &Run) -> Option<Self> {
        let finished = run.row.as_ref().filter(|row| row.has_model()).and_then(|row| row.val_accuracy);
        let so_far = run.facts.best.map(|best| Self::AtHalf(best.accuracy));
        finished.map(Self::AtThreshold).or(so_far)
    }

    fn value(self) -> f64 {
        match self {
            Self::AtThreshold(value) | Self::AtHalf(value) => value,
        }
    }

    /// As the column is of figures at the threshold, the others say what they are.
    fn told(self) -> String {
        match self {
            Self::AtThreshold(value) => format!("{value:.3}     "),
            Self::AtHalf(value) => format!("{value:.3} @0.5"),
        }
    }
}

/// The best validation accuracy a head has reached so far.
pub fn best(run: &Run) -> Option<f64> {
    Figure::of(run).map(Figure::value)
}

/// The heads of a sweep, the folds of a cross-validation or the runs of a learning curve, the best on validation first,
/// those without a figure last.
pub fn heads(shared: &Shared, sweep: &Run) -> Vec<Arc<Run>> {
    let mut heads: Vec<Arc<Run>> = shared
        .snapshot
        .runs
        .iter()
        .filter(|run| run.parent.as_deref() == Some(sweep.id.as_str()) && run.trains())
        .cloned()
        .collect();
    heads.sort_by(|a, b| best(b).unwrap_or(-1.0).total_cmp(&best(a).unwrap_or(-1.0)));
    heads
}

/// Draws the ranking of a sweep.
pub fn draw(frame: &mut Frame, area: Rect, table: &Table, shared: &Shared, sweep: &Run) {
    let theme = shared.theme;
    let heads = heads(shared, sweep);
    let live = heads.iter().filter(|run| run.status.is_live() && run.has_curves()).count();
    let inner = if area.width < NARROW / 2 || frame.area().width < NARROW {
        area
    } else {
        let what = match sweep.job {
            JobSpec::Sweep { .. } => "head",
            JobSpec::Folds { .. } => "fold",
            _ => "run",
        };
        let at_work = if live > 0 { format!(", {live} running") } else { String::new() };
        let title = format!("Ranking by val@τ · {}{at_work}", format::count(heads.len(), what));
        let block = panel(theme, title, NARROW);
        let inner = block.inner(area);
        frame.render_widget(block, area);
        inner
    };
    let width = usize::from(inner.width);
    let names = heads.iter().map(|run| run.id.as_str().width()).max().unwrap_or(0).max(4);
    let bars_fit = inner.width >= NARROW;
    // Where there is little room, the settings matter more.
    let longest = heads.iter().map(|run| describe(table, shared, sweep, run).width()).max().unwrap_or(0);
    let epochs = width >= 50 && (bars_fit || longest + names + 25 <= width);
    let (head, setting) = match bars_fit {
        true => (names.max(12), width.saturating_sub(names.max(12) + 38).clamp(10, 70)),
        false => (names, width.saturating_sub(names + if epochs { 25 } else { 19 })),
    };
    let top = heads.iter().filter_map(|run| best(run)).max_by(f64::total_cmp).unwrap_or(0.0);
    let low = heads.iter().filter_map(|run| best(run)).min_by(f64::total_cmp).unwrap_or(0.0);
    let count = |text: &str| if epochs { format!(" {text:>5} ") } else { " ".to_owned() };
    let mut lines = vec![Line::styled(
        format!("      {} {}{} {:<10}", fit("run", head), fit("setting", setting), count("epoch"), "val@τ"),
        theme.dim(),
    )];
    for (place, run) in heads.iter().take(usize::from(inner.height).saturating_sub(1)).enumerate() {
        let (sign, style) = bars::status(theme, run.status);
        let figure = Figure::of(run);
        let text = if place == 0 && figure.is_some() { theme.strong() } else { theme.text() };
        let epoch = run.facts.last_epoch.map_or_else(String::new, |epoch| epoch.epoch.to_string());
        let room = if bars_fit { width.saturating_sub(setting + head + 28).min(20) } else { 0 };
        // From the worst to the best, since the figures lie close together.
        let share = figure.map_or(0.0, |figure| 0.1 + 0.9 * (figure.value() - low) / (top - low).max(1e-9));
        lines.push(Line::from(vec![
            Span::styled(format!("{:>3} ", place + 1), theme.dim()),
            Span::styled(sign, style),
            Span::styled(
                format!(" {} {}", fit(run.id.as_str(), head), fit(&describe(table, shared, sweep, run), setting)),
                text,
            ),
            Span::styled(
                format!("{} {}", count(&epoch), figure.map_or_else(|| "–         ".to_owned(), Figure::told)),
                text,
            ),
            Span::styled(format!("  {}", bars::bar(room, if figure.is_some() { share } else { 0.0 })), theme.hue(0)),
        ]));
    }
    if heads.is_empty() {
        lines = vec![Line::styled("Its runs appear once the features are extracted.", theme.dim())];
    }
    frame.render_widget(ratatui::widgets::Paragraph::new(lines), inner);
}

/// What tells a run from the others: the settings in which they differ, or all that is said of it where none does.
fn describe(table: &Table, shared: &Shared, sweep: &Run, run: &Run) -> String {
    let JobSpec::Train { model, dataset, .. } = &run.job else { return String::new() };
    if matches!(sweep.job, JobSpec::Folds { .. }) {
        return format!("on {dataset}");
    }
    let lines = table.listing(shared);
    let (whole, part) = (lines.place(sweep.id.as_str()), lines.place(run.id.as_str()));
    let differing = whole.zip(part).map(|(whole, part)| {
        let names = lines.settings.iter().filter(|name| lines.setting(whole, name).is_none());
        let told = names.filter_map(|name| Some(format!("{} {}", name.replace('_', " "), lines.setting(part, name)?)));
        told.collect::<Vec<_>>().join(", ")
    });
    match differing {
        Some(differing) if !differing.is_empty() => differing,
        _ => format!("{} · seed {}", model.describe(), model.seed()),
    }
}
