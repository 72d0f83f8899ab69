//! Evaluate: one model's errors, curves and threshold.

use super::super::app::{App, Hits, Target, moved};
use super::super::jobs::Effect;
use super::super::keys::Action;
use super::super::widgets::{self, fit, format, offset, panel};
use crate::run::results::ResultRow;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// What the screen remembers.
#[derive(Debug, Default)]
pub struct State {
    /// The run that is evaluated; none means the newest.
    pub selected: Option<String>,
}

/// The models that have scores, newest first.
fn candidates(app: &App) -> Vec<&ResultRow> {
    app.snapshot.trainings().filter_map(|run| run.row.as_ref()).filter(|row| row.validation.is_some()).collect()
}

fn index(app: &App) -> usize {
    let wanted = app.evaluate.selected.as_deref();
    candidates(app).iter().position(|row| Some(row.run.as_str()) == wanted).unwrap_or(0)
}

/// Shows line `index` of the list.
pub fn select(app: &mut App, index: usize) {
    app.evaluate.selected = candidates(app).get(index).map(|row| row.run.clone());
}

/// What a key does here.
pub fn act(app: &mut App, action: Action) -> Vec<Effect> {
    let to = moved(index(app), candidates(app).len(), action);
    select(app, to);
    Vec::new()
}

/// Draws the screen.
pub fn draw(frame: &mut Frame, area: Rect, app: &App, hits: &mut Hits) {
    let theme = app.theme;
    let block = panel(theme, "Evaluate", area.width);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let rows = candidates(app);
    if rows.is_empty() {
        widgets::text(frame, inner, vec![Line::raw("No model has scores yet: train one on the Train screen (3).")], 0);
        return;
    }
    let height = usize::from(inner.height);
    let selected = index(app);
    let first = offset(selected, rows.len(), height);
    for (line, (at, row)) in rows.iter().enumerate().skip(first).take(height).enumerate() {
        let area = Rect { y: inner.y + line as u16, height: 1, ..inner };
        let auc = row.validation.as_ref().and_then(|figures| figures.roc_auc);
        let text =
            format!("{} accuracy {} AUC {}", fit(&row.run, 14), format::share(row.val_accuracy), format::share(auc));
        let style = if at == selected { theme.selected() } else { theme.text() };
        frame.render_widget(Span::styled(fit(&text, usize::from(area.width)), style), area);
        hits.push((area, Target::Row(at)));
    }
}
