//! The table of all models: columns as they fit, marks, and what a person should know about the line under the cursor.

use super::super::super::keys::{self, Action, Context};
use super::super::super::shared::{Hits, Shared};
use super::super::super::table::{
    self, column,
    groups::{Figure, Line as RunLine},
};
use super::super::super::widgets::{self, NARROW, format, panel};
use super::Results;
use faceprobe_core::run::JobSpec;
use faceprobe_core::run::result_text::remarks;
use faceprobe_core::run::results::{Leak, ResultRow};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;

/// Draws the table and what belongs to its line.
pub fn draw(frame: &mut Frame, area: Rect, results: &Results, shared: &Shared, hits: &mut Hits) {
    let (theme, table) = (shared.theme, &results.table);
    let lines = table.listing(shared);
    let title = table.title(shared, "Models", area.width);
    let current = table.current(shared);
    let notes = match &current {
        Some(line) if line.group.is_some() => of_group(shared, line),
        Some(line) => {
            line.run.row.as_ref().map(|row| explain(shared, row, results.leak(shared, row))).unwrap_or_default()
        }
        None => Vec::new(),
    };
    let wide = usize::from(area.width).saturating_sub(4).max(1);
    let note_rows: usize = notes.iter().map(|line| line.width().div_ceil(wide).max(1)).sum();
    let note_rows = (note_rows as u16 + if area.width < NARROW { 0 } else { 2 }).min(if area.height < 14 {
        area.height / 3
    } else {
        area.height / 2
    });
    let [above, below] = area.layout(&Layout::vertical([Constraint::Min(3), Constraint::Length(note_rows)]));
    let block = panel(theme, title, area.width);
    let inner = block.inner(above);
    frame.render_widget(block, above);
    let Some(current) = current else {
        let lines = if lines.all == 0 {
            vec![
                Line::styled("No models yet.", theme.strong()),
                Line::default(),
                Line::raw("Press 3 to train one, or 1 and then d for the demo."),
            ]
        } else {
            let text = format!("None of {} models matches '{}'; Esc shows all.", lines.all, table.filter_text());
            vec![Line::raw(text)]
        };
        widgets::text(frame, inner, lines, 0);
        return;
    };
    table.draw(frame, inner, shared, hits);
    let block = panel(theme, current.run.id.to_string(), area.width);
    let inner = block.inner(below);
    frame.render_widget(block, below);
    widgets::text(frame, inner, notes, 0);
}

/// What a person should know about a group.
fn of_group(shared: &Shared, line: &RunLine) -> Vec<Line<'static>> {
    let theme = shared.theme;
    let Some(group) = &line.group else { return Vec::new() };
    let what = match line.run.job {
        JobSpec::Sweep { .. } => "The heads of a sweep",
        JobSpec::Folds { .. } => "The folds of a cross-validation",
        JobSpec::LearningCurve { .. } => "The runs of a learning curve",
        _ if table::studies::is_study(&line.run) => "What a study's file made",
        _ => "The parts of a demo",
    };
    let figure = match group.val {
        Figure::Mean(mean) => {
            let spread = column::spread(mean.mean, mean.deviation);
            let counted = format::count(mean.count, "finished model");
            format!("val@τ {spread}: mean and standard deviation over {counted}")
        }
        Figure::None if group.best.is_some() => "of several kinds".to_owned(),
        Figure::None => "none is finished yet".to_owned(),
    };
    let best = group.best.filter(|_| !matches!(line.run.job, JobSpec::Folds { .. }));
    let best = best.map_or_else(String::new, |best| format!(" · best {best:.3}"));
    let data = line.run.job.dataset().filter(|_| table::trains_several(&line.run.job));
    let data = data.map_or_else(String::new, |data| format!(" on {data}"));
    let key = keys::name_of(Context::Results, Action::Fold);
    vec![
        Line::raw(format!("{what}{data}: {}, {figure}{best}.", format::count(group.members, "model"))),
        Line::styled(format!("Enter or {key} folds and unfolds it."), theme.dim()),
    ]
}

/// What a person should know about the selected row.
fn explain(shared: &Shared, row: &ResultRow, leak: Option<Leak>) -> Vec<Line<'static>> {
    let theme = shared.theme;
    let mut about = format!("{} · on {} · seed {}", row.settings, row.dataset, row.seed);
    if let Some(best) = row.best_epoch {
        about += &format!(" · kept epoch {best}");
    }
    if let Some(first) = &row.refit {
        about += &format!(" · with what validation chose for {first}");
    }
    let label = shared.snapshot.run(&row.run).map(|run| &run.about.label);
    let title = label.map(|label| label.title.as_str()).filter(|title| !title.is_empty());
    let mut lines: Vec<Line> = title.map(|title| Line::styled(title.to_owned(), theme.strong())).into_iter().collect();
    lines.push(Line::raw(about));
    if let Some(choice) = shared.snapshot.choice.as_ref().filter(|choice| choice.run == row.run) {
        let kept = match choice.threshold.to_bits() == row.threshold.to_bits() {
            true => String::new(),
            false => format!(", kept on Evaluate; τ was {:.3} at the end of training", row.threshold),
        };
        let text = format!("★ Predict uses this model with threshold {:.3}{kept}.", choice.threshold);
        lines.push(Line::styled(text, theme.good()));
    } else if shared.snapshot.choice.is_none() && shared.snapshot.model().is_some_and(|(run, _)| run == row.run) {
        let key = keys::name_of(Context::Results, Action::Choose);
        lines.push(Line::styled(
            format!("Predict uses this model, the best on validation, until you choose one ({key})."),
            theme.dim(),
        ));
    }
    if let Some(leak) = leak {
        let figure = |value: Option<f64>, leak: Option<f64>| match (value, leak) {
            (Some(value), Some(leak)) => format!("{value:.3} ({:+.3})", -leak),
            _ => "not opened".to_owned(),
        };
        lines.push(Line::raw(format!(
            "Split by subject ({}): validation {}, test {}.",
            leak.dataset,
            figure(leak.val_accuracy, leak.val_leak),
            figure(leak.test_accuracy, leak.test_leak)
        )));
    }
    if row.after_test_openings > 0 {
        let times = match row.after_test_openings {
            1 => "once".to_owned(),
            count => format!("{count} times"),
        };
        lines.push(Line::styled(
            format!("! Made after the test split had been opened {times}: its settings may have been chosen on the test set."),
            theme.warning(),
        ));
    }
    for remark in remarks([row.backbone.as_deref()]) {
        lines.push(Line::styled(format!("{remark}."), theme.warning()));
    }
    if row.synthetic {
        lines.push(Line::styled("Synthetic drawings: these figures say nothing about photographs.", theme.warning()));
    }
    lines
}
