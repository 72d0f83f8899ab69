//! The table of all models: columns as they fit, marks, and what a person should know about the line under the cursor.

use super::super::super::app::{App, Hits, Target};
use super::super::super::keys::{self, Action, Context};
use super::super::super::widgets::{self, NARROW, cut, fit, format, offset, panel};
use super::{differing, index, sorted};
use faceprobe_core::evaluation::Interval;
use faceprobe_core::run::Status;
use faceprobe_core::run::result_text::remarks;
use faceprobe_core::run::results::{Column, ResultRow};
use faceprobe_core::run::settings::leak_of;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

/// Title, width and text of a column; `important` ones go last when there is little room.
struct TableColumn {
    column: Column,
    title: &'static str,
    width: usize,
    left: bool,
    text: fn(&ResultRow, bool) -> String,
}

impl TableColumn {
    /// Columns it takes; without room, accuracies go without their intervals.
    fn width(&self, roomy: bool) -> usize {
        let figure = !roomy && matches!(self.column, Column::Val | Column::Test);
        if figure { 6 } else { self.width.max(self.title.len() + 1) }
    }
}

fn accuracy(value: Option<f64>, interval: Option<Interval>, roomy: bool) -> String {
    match (value, interval) {
        (Some(value), Some(interval)) if roomy => {
            let half = format!("{:.3}", (interval.high - interval.low) / 2.0);
            format!("{value:.3} ±{}", half.trim_start_matches('0'))
        }
        (value, _) => format::share(value),
    }
}

const COLUMNS: [TableColumn; 11] = [
    TableColumn { column: Column::Run, title: "run", width: 13, left: true, text: |row, _| row.run.clone() },
    TableColumn {
        column: Column::Kind,
        title: "kind",
        width: 9,
        left: true,
        text: |row, _| row.kind.name().to_owned(),
    },
    TableColumn {
        column: Column::Backbone,
        title: "backbone",
        width: 18,
        left: true,
        text: |row, _| row.backbone.clone().unwrap_or_else(|| "–".into()),
    },
    TableColumn {
        column: Column::Params,
        title: "params",
        width: 10,
        left: false,
        text: |row, _| if row.params == 0 { "–".into() } else { format::thousands(row.params as u64) },
    },
    TableColumn {
        column: Column::Epochs,
        title: "epochs",
        width: 6,
        left: false,
        text: |row, _| row.epochs.to_string(),
    },
    TableColumn {
        column: Column::Train,
        title: "train",
        width: 5,
        left: false,
        text: |row, _| format::share(row.train_accuracy),
    },
    TableColumn {
        column: Column::Val,
        title: "val@τ",
        width: 11,
        left: false,
        text: |row, roomy| accuracy(row.val_accuracy, row.val_interval, roomy),
    },
    TableColumn {
        column: Column::Test,
        title: "test@τ",
        width: 11,
        left: false,
        text: |row, roomy| match row.test_accuracy {
            None if roomy => "not opened".into(),
            value => accuracy(value, row.test_interval, roomy),
        },
    },
    TableColumn {
        column: Column::Threshold,
        title: "τ",
        width: 7,
        left: false,
        text: |row, _| format!("{:.3}", row.threshold),
    },
    TableColumn {
        column: Column::Seconds,
        title: "time",
        width: 8,
        left: false,
        text: |row, _| format::duration(row.seconds),
    },
    TableColumn {
        column: Column::Status,
        title: "status",
        width: 11,
        left: true,
        text: |row, _| row.status.name().to_owned(),
    },
];

fn title_of(column: Column) -> &'static str {
    COLUMNS.iter().find(|known| known.column == column).map_or(column.name(), |known| known.title)
}

/// What goes first when there is little room.
const DROP: [Column; 8] = [
    Column::Epochs,
    Column::Threshold,
    Column::Params,
    Column::Seconds,
    Column::Backbone,
    Column::Train,
    Column::Kind,
    Column::Status,
];

/// The columns that fit into `width`. The one sorted by always stays.
fn fitting(width: usize, sorted_by: Column, roomy: bool) -> Vec<&'static TableColumn> {
    let mut shown: Vec<&TableColumn> = COLUMNS.iter().collect();
    let wide = |shown: &[&TableColumn]| shown.iter().map(|column| column.width(roomy) + 2).sum::<usize>();
    for drop in DROP {
        if wide(&shown) + 2 <= width {
            break;
        }
        if drop != sorted_by {
            shown.retain(|column| column.column != drop);
        }
    }
    shown
}

/// Draws the table and what belongs to its line.
pub fn draw(frame: &mut Frame, area: Rect, app: &App, hits: &mut Hits) {
    let theme = app.theme;
    let rows = sorted(app);
    let order = if app.results.descending { "largest first" } else { "smallest first" };
    let mut title = Line::from(vec![
        Span::raw("Models"),
        Span::styled(format!("  by {}, {order}", title_of(app.results.column)), theme.dim()),
    ]);
    let all = app.snapshot.runs.iter().filter(|run| run.row.is_some()).count();
    if !app.results.filter_text.is_empty() {
        title.push_span(Span::styled(format!("  {} of {all}: ", rows.len()), theme.dim()));
        title.push_span(Span::styled(cut(&app.results.filter_text, 40), theme.accent()));
    }
    if !app.results.marked.is_empty() {
        title.push_span(Span::styled(format!("  {} marked", app.results.marked.len()), theme.good()));
    }
    let notes = rows.get(index(app, &rows)).map(|row| explain(app, row)).unwrap_or_default();
    let wide = usize::from(area.width).saturating_sub(4).max(1);
    let note_rows: usize = notes.iter().map(|line| line.width().div_ceil(wide).max(1)).sum();
    let note_rows = (note_rows as u16 + if area.width < NARROW { 0 } else { 2 }).min(area.height / 2);
    let [table, below] = area.layout(&Layout::vertical([Constraint::Min(3), Constraint::Length(note_rows)]));
    let block = panel(theme, title, area.width);
    let inner = block.inner(table);
    frame.render_widget(block, table);
    if rows.is_empty() {
        let lines = if all == 0 {
            vec![
                Line::styled("No models yet.", theme.strong()),
                Line::default(),
                Line::raw("Press 3 to train one, or 1 and then d for the demo."),
            ]
        } else {
            let text = format!("None of {all} models fulfils '{}'; Esc shows all.", app.results.filter_text);
            vec![Line::raw(text)]
        };
        widgets::text(frame, inner, lines, 0);
        return;
    }
    draw_table(frame, inner, app, &rows, hits);
    let block = panel(theme, rows[index(app, &rows)].run.clone(), area.width);
    let inner = block.inner(below);
    frame.render_widget(block, below);
    widgets::text(frame, inner, notes, 0);
}

fn draw_table(frame: &mut Frame, area: Rect, app: &App, rows: &[&ResultRow], hits: &mut Hits) {
    let theme = app.theme;
    let roomy = area.width >= NARROW - 4;
    let differing = differing::of(app, rows);
    // What was varied comes before what is the same in most studies, but names and figures stay.
    let settings = if roomy { differing.fitting(usize::from(area.width) * 2 / 5) } else { &[] };
    let taken: usize = settings.iter().map(|setting| setting.width + 2).sum();
    let columns = fitting(usize::from(area.width) - taken, app.results.column, roomy);
    let cell = |text: &str, column: &TableColumn| {
        let width = column.width(roomy);
        if column.left { fit(text, width) } else { format!("{:>width$}", cut(text, width)) }
    };
    let arrow = if app.results.descending { "▼" } else { "▲" };
    let mut head = vec![Span::raw("  ")];
    for column in &columns {
        let here = column.column == app.results.column;
        let title = if here { format!("{}{arrow}", column.title) } else { column.title.to_owned() };
        head.push(Span::styled(cell(&title, column), if here { theme.accent() } else { theme.dim() }));
        head.push(Span::raw("  "));
        if column.column == Column::Run {
            for setting in settings {
                head.push(Span::styled(fit(&setting.title, setting.width), theme.dim()));
                head.push(Span::raw("  "));
            }
        }
    }
    frame.render_widget(Line::from(head), Rect { height: 1.min(area.height), ..area });
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let selected = index(app, rows);
    let first = offset(selected, rows.len(), usize::from(body.height));
    for (line, (at, row)) in rows.iter().enumerate().skip(first).take(usize::from(body.height)).enumerate() {
        let line = Rect { y: body.y + line as u16, height: 1, ..body };
        let marked = app.results.marked.iter().position(|run| *run == row.run);
        let mark = match (marked, row.chosen, row.after_test_openings > 0) {
            (Some(at), _, _) => (format!("{} ", at + 1), theme.hue(at)),
            (None, true, _) => ("★ ".to_owned(), theme.good()),
            (None, false, true) => ("! ".to_owned(), theme.warning()),
            (None, false, false) => ("  ".to_owned(), theme.text()),
        };
        let mut spans = vec![Span::styled(mark.0, mark.1)];
        for column in &columns {
            let style = match column.column {
                Column::Val | Column::Test => theme.strong(),
                Column::Status if matches!(row.status, Status::Failed | Status::Interrupted) => theme.bad(),
                Column::Status if row.status.is_live() => theme.busy(),
                Column::Run => theme.text(),
                _ => theme.dim(),
            };
            // The threshold in force, where another was kept than training ended with.
            let kept = app.snapshot.choice.as_ref().filter(|choice| choice.run == row.run);
            let text = match kept.filter(|_| column.column == Column::Threshold) {
                Some(choice) => format!("{:.3}", choice.threshold),
                None => (column.text)(row, roomy),
            };
            spans.push(Span::styled(cell(&text, column), style));
            spans.push(Span::raw("  "));
            if column.column == Column::Run {
                for (setting, value) in settings.iter().zip(differing.values(&row.run)) {
                    spans.push(Span::raw(fit(value, setting.width)));
                    spans.push(Span::raw("  "));
                }
            }
        }
        let mut text = Line::from(spans);
        if at == selected {
            for span in &mut text.spans {
                span.style = theme.selected();
            }
            frame.buffer_mut().set_style(line, theme.selected());
        }
        frame.render_widget(text, line);
        hits.push((line, Target::Row(at)));
    }
}

/// What a person should know about the selected row.
fn explain(app: &App, row: &ResultRow) -> Vec<Line<'static>> {
    let theme = app.theme;
    let mut about = format!("{} · on {} · seed {}", row.settings, row.dataset, row.seed);
    if let Some(best) = row.best_epoch {
        about += &format!(" · kept epoch {best}");
    }
    if let Some(first) = &row.refit {
        about += &format!(" · with what validation chose for {first}");
    }
    let label = app.snapshot.run(&row.run).map(|run| &run.about.label);
    let title = label.map(|label| label.title.as_str()).filter(|title| !title.is_empty());
    let mut lines: Vec<Line> = title.map(|title| Line::styled(title.to_owned(), theme.strong())).into_iter().collect();
    lines.push(Line::raw(about));
    if let Some(choice) = app.snapshot.choice.as_ref().filter(|choice| choice.run == row.run) {
        let kept = match choice.threshold.to_bits() == row.threshold.to_bits() {
            true => String::new(),
            false => format!(", kept on Evaluate; τ was {:.3} at the end of training", row.threshold),
        };
        let text = format!("★ Predict uses this model with threshold {:.3}{kept}.", choice.threshold);
        lines.push(Line::styled(text, theme.good()));
    } else if app.snapshot.choice.is_none() && app.snapshot.model().is_some_and(|(run, _)| run == row.run) {
        let key = keys::name_of(Context::Results, Action::Choose);
        lines.push(Line::styled(
            format!("Predict uses this model, the best on validation, until you choose one ({key})."),
            theme.dim(),
        ));
    }
    if let Some(leak) = leak_of(&app.snapshot.rows(), &row.run) {
        let figure = |value: Option<f64>, leak: Option<f64>| match (value, leak) {
            (Some(value), Some(leak)) => format!("{value:.3} ({:+.3})", -leak),
            _ => "not opened".to_owned(),
        };
        lines.push(Line::raw(format!(
            "With people kept apart ({}): validation {}, test {}.",
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
            format!("! Made after the test split had been opened {times}: its settings can have been chosen on the test set."),
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
