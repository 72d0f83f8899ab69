//! Runs: everything ever started here.

use super::super::app::{App, Hits, Target, moved};
use super::super::jobs::Effect;
use super::super::keys::Action;
use super::super::snapshot::Run;
use super::super::widgets::{self, bars, fit, format, offset, panel};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use std::sync::Arc;

/// What the screen remembers.
#[derive(Debug, Default)]
pub struct State {
    /// The run under the cursor; none means the newest.
    pub selected: Option<String>,
}

fn index(app: &App) -> usize {
    let wanted = app.runs.selected.as_deref();
    app.snapshot.runs.iter().rev().position(|run| Some(run.id.as_str()) == wanted).unwrap_or(0)
}

/// The run under the cursor.
pub fn current(app: &App) -> Option<Arc<Run>> {
    app.snapshot.runs.iter().rev().nth(index(app)).cloned()
}

/// Puts the cursor on line `index`.
pub fn select(app: &mut App, index: usize) {
    app.runs.selected = app.snapshot.runs.iter().rev().nth(index).map(|run| run.id.to_string());
}

/// What a key does here.
pub fn act(app: &mut App, action: Action) -> Vec<Effect> {
    match action {
        Action::PauseResume => return app.pause_or_resume(),
        Action::Stop => return app.stop(),
        _ => {
            let to = moved(index(app), app.snapshot.runs.len(), action);
            select(app, to);
        }
    }
    Vec::new()
}

/// Draws the screen.
pub fn draw(frame: &mut Frame, area: Rect, app: &App, hits: &mut Hits) {
    let theme = app.theme;
    let block = panel(theme, "Runs", area.width);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    if app.snapshot.runs.is_empty() {
        widgets::text(frame, inner, vec![Line::raw("Nothing was started here yet.")], 0);
        return;
    }
    let height = usize::from(inner.height);
    let selected = index(app);
    let first = offset(selected, app.snapshot.runs.len(), height);
    for (line, (at, run)) in app.snapshot.runs.iter().rev().enumerate().skip(first).take(height).enumerate() {
        let area = Rect { y: inner.y + line as u16, height: 1, ..inner };
        let (sign, style) = bars::status(theme, run.status);
        let took = run.seconds.map_or_else(String::new, format::duration);
        let text = format!(" {} {} {took:>9}", fit(run.id.as_str(), 16), fit(run.status.name(), 12));
        let here = if at == selected { theme.selected() } else { theme.text() };
        let spans = vec![
            Span::styled(sign, if at == selected { here } else { style }),
            Span::styled(fit(&text, usize::from(area.width).saturating_sub(1)), here),
        ];
        frame.render_widget(Line::from(spans), area);
        hits.push((area, Target::Row(at)));
    }
}
