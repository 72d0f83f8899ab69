//! The list of runs, and a few lines about the one under the cursor.

use super::super::super::app::{App, Hits, Target};
use super::super::super::snapshot::Run;
use super::super::super::widgets::{self, NARROW, bars, cut, fit, format, offset, panel};
use super::{index, listed};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

/// Draws the list.
pub fn draw(frame: &mut Frame, area: Rect, app: &App, hits: &mut Hits) {
    let theme = app.theme;
    let runs = listed(app);
    let all = app.snapshot.runs.len();
    let mut title = Line::from(vec![Span::raw("Runs"), Span::styled("  newest first", theme.dim())]);
    if !app.runs.filter_text.is_empty() {
        title.push_span(Span::styled(format!("  {} of {all}: ", runs.len()), theme.dim()));
        title.push_span(Span::styled(cut(&app.runs.filter_text, 40), theme.accent()));
    }
    let narrow = area.width < NARROW;
    let about = runs.get(index(app, &runs)).map(|run| about(app, run)).unwrap_or_default();
    let below = (about.len() as u16 + if narrow { 0 } else { 2 }).min(area.height / 2);
    let [top, bottom] = area.layout(&Layout::vertical([Constraint::Min(3), Constraint::Length(below)]));
    let block = panel(theme, title, area.width);
    let inner = block.inner(top);
    frame.render_widget(block, top);
    if runs.is_empty() {
        let text = if all == 0 {
            "Nothing was started here yet. Press 1 and then d for the demo, or n to prepare a data set.".to_owned()
        } else {
            format!("None of {all} runs fulfils '{}'; Esc shows all.", app.runs.filter_text)
        };
        widgets::text(frame, inner, vec![Line::raw(text)], 0);
        return;
    }
    draw_lines(frame, inner, app, &runs, hits);
    let block = panel(theme, runs[index(app, &runs)].id.to_string(), area.width);
    let inner = block.inner(bottom);
    frame.render_widget(block, bottom);
    frame.render_widget(ratatui::widgets::Paragraph::new(about), inner);
}

/// Name and width of the columns behind the run's name, in the order they are given up: the last first.
struct Columns {
    status: usize,
    took: usize,
    size: usize,
    started: usize,
    data: usize,
}

impl Columns {
    fn fitting(width: usize) -> Self {
        let when = |least: usize, columns: usize| if width >= least { columns } else { 0 };
        Self { status: 12, took: when(48, 11), size: when(58, 11), started: when(74, 18), data: when(96, 14) }
    }
}

/// `2026-07-29T10:11:12Z` as `07-29 10:11:12`, UTC.
fn moment(created: &str) -> String {
    created.get(5..19).map_or_else(|| created.to_owned(), |text| text.replace('T', " "))
}

fn draw_lines(frame: &mut Frame, area: Rect, app: &App, runs: &[&std::sync::Arc<Run>], hits: &mut Hits) {
    let theme = app.theme;
    let width = usize::from(area.width);
    let columns = Columns::fitting(width);
    let right = columns.status + columns.took + columns.size + columns.started + columns.data;
    let name = width.saturating_sub(right + 4);
    let line = |texts: [&str; 6]| {
        let [run, status, data, started, took, size] = texts;
        let mut text = format!("{} {}", fit(run, name), fit(status, columns.status - 1));
        for (value, columns, left) in [
            (data, columns.data, true),
            (started, columns.started, true),
            (took, columns.took, false),
            (size, columns.size, false),
        ] {
            if columns > 0 && left {
                text += &format!(" {}", fit(value, columns - 1));
            } else if columns > 0 {
                text += &format!(" {:>1$}", cut(value, columns - 1), columns - 1);
            }
        }
        text
    };
    let head = line(["run", "status", "data", "started (UTC)", "took", "size"]);
    frame.render_widget(Span::styled(format!("    {head}"), theme.dim()), Rect { height: 1.min(area.height), ..area });
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let height = usize::from(body.height);
    let selected = index(app, runs);
    let first = offset(selected, runs.len(), height);
    for (row, (at, run)) in runs.iter().enumerate().skip(first).take(height).enumerate() {
        let area = Rect { y: body.y + row as u16, height: 1, ..body };
        let (sign, style) = bars::status(theme, run.status);
        let title = &run.about.label.title;
        let called = if title.is_empty() { run.id.to_string() } else { format!("{} {title}", run.id) };
        let status = match (run.status.is_live(), run.share()) {
            (true, Some(share)) => format!("{} {:.0} %", run.status.name(), (share * 100.0).floor()),
            _ => run.status.name().to_owned(),
        };
        let took = run.seconds.map_or_else(String::new, format::duration);
        let text = line([
            &called,
            &status,
            run.job.dataset().unwrap_or("–"),
            &moment(&run.created),
            &took,
            &format::bytes(run.about.bytes),
        ]);
        let pin = if run.about.label.pinned { "★ " } else { "  " };
        let spans = if at == selected {
            vec![Span::styled(fit(&format!("{sign} {pin}{text}"), width), theme.selected())]
        } else {
            vec![Span::styled(format!("{sign} "), style), Span::styled(pin, theme.good()), Span::raw(text)]
        };
        frame.render_widget(Line::from(spans), area);
        hits.push((area, Target::Row(at)));
    }
}

/// What came of the run under the cursor, and what a person wrote on it.
fn about(app: &App, run: &Run) -> Vec<Line<'static>> {
    let theme = app.theme;
    let mut lines = Vec::new();
    let outcome = match (&run.facts.outcome, &run.facts.stage) {
        (Some(outcome), _) => outcome.clone(),
        (None, Some(stage)) => stage.clone(),
        (None, None) => run.status.name().to_owned(),
    };
    lines.push(Line::raw(outcome));
    if let Some(parent) = &run.parent {
        lines.push(Line::styled(format!("part of {parent}"), theme.dim()));
    }
    if let Some(step) = &run.step {
        lines.push(Line::styled(format!("step of a study: {step}"), theme.dim()));
    }
    if let Some(first) = run.about.label.note.lines().next() {
        let more = if run.about.label.note.lines().count() > 1 { " …" } else { "" };
        lines.push(Line::from(vec![Span::styled("note  ", theme.dim()), Span::raw(format!("{first}{more}"))]));
    }
    lines
}
