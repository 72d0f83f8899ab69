//! The list of runs, and a few lines about the one under the cursor.

use super::super::super::shared::{Hits, Shared};
use super::super::super::snapshot::Run;
use super::super::super::table::Table;
use super::super::super::widgets::{self, NARROW, panel};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

/// Draws the list.
pub fn draw(frame: &mut Frame, area: Rect, table: &Table, shared: &Shared, hits: &mut Hits) {
    let theme = shared.theme;
    let lines = table.listing(shared);
    let title = table.title(shared, "Runs", area.width);
    let narrow = area.width < NARROW;
    let current = table.run(shared);
    let about = current.as_ref().map(|run| about(shared, run)).unwrap_or_default();
    let below = (about.len() as u16 + if narrow { 0 } else { 2 }).min(area.height / 2);
    let [top, bottom] = area.layout(&Layout::vertical([Constraint::Min(3), Constraint::Length(below)]));
    let block = panel(theme, title, area.width);
    let inner = block.inner(top);
    frame.render_widget(block, top);
    let Some(current) = current else {
        let text = if lines.all == 0 {
            "Nothing was started here yet. Press 1 and then d for the demo, or n to prepare a data set.".to_owned()
        } else {
            format!("None of {} runs fulfils '{}'; Esc shows all.", lines.all, table.filter_text())
        };
        widgets::text(frame, inner, vec![Line::raw(text)], 0);
        return;
    };
    table.draw(frame, inner, shared, hits);
    let block = panel(theme, current.id.to_string(), area.width);
    let inner = block.inner(bottom);
    frame.render_widget(block, bottom);
    frame.render_widget(ratatui::widgets::Paragraph::new(about), inner);
}

/// What came of the run under the cursor, and what a person wrote on it.
fn about(shared: &Shared, run: &Run) -> Vec<Line<'static>> {
    let theme = shared.theme;
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
