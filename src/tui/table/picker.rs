//! The list of columns: which are shown, and switching them on and off.

use super::column::Column;
use super::draw::View;
use super::{Kind, Over, listing};
use crate::tui::app::{App, Overlay, moved};
use crate::tui::keys::{self, Action, Context};
use crate::tui::widgets::{self, cut, fit, offset};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

/// The columns that can be switched; the name is always there.
fn columns(app: &App, kind: &Kind) -> Vec<(Column, bool)> {
    let lines = listing(app, kind);
    let columns = lines.columns.iter().filter(|offered| offered.column != Column::Run);
    columns.map(|offered| (offered.column.clone(), offered.rank.is_some())).collect()
}

/// What a key does.
pub fn act(app: &mut App, kind: &Kind, at: usize, action: Action) {
    let columns = columns(app, kind);
    let mut at = at.min(columns.len().saturating_sub(1));
    match action {
        Action::Cancel => return,
        Action::Accept => {
            if let Some((column, shown)) = columns.get(at) {
                let (table, _) = (kind.state_mut)(app);
                table.columns.insert(column.clone(), !shown);
                table.changed();
            }
        }
        Action::UsualColumns => {
            let (table, _) = (kind.state_mut)(app);
            table.columns.clear();
            table.changed();
        }
        action => at = moved(at, columns.len(), action),
    }
    app.overlay = Some(Overlay::Table(Over::Columns(at)));
}

/// Draws the list.
pub fn draw(frame: &mut Frame, area: Rect, app: &App, kind: &Kind, at: usize) {
    let theme = app.theme;
    let columns = columns(app, kind);
    let width = area.width.saturating_sub(2).min(64);
    let height = (columns.len() as u16 + 4).min(area.height);
    let inner = widgets::window(frame, area, theme, &format!("Columns of {}", kind.screen.name()), width, height);
    let seen = View::new(app, kind, (kind.state)(app).0.width.get());
    let seen: Vec<&Column> = seen.columns().collect();
    let list = Rect { height: inner.height.saturating_sub(2), ..inner };
    let first = offset(at, columns.len(), usize::from(list.height));
    let names = columns.iter().map(|(column, _)| column.title().chars().count()).max().unwrap_or(0).min(18);
    for (row, (index, (column, shown))) in
        columns.iter().enumerate().skip(first).take(usize::from(list.height)).enumerate()
    {
        let line = Rect { y: list.y + row as u16, height: 1, ..list };
        let sign = if *shown { "[x]" } else { "[ ]" };
        let room = if *shown && !seen.contains(&column) { " (no room)" } else { "" };
        let text = format!("{sign} {}  {}{room}", fit(&column.title(), names), column.about());
        let width = usize::from(line.width);
        let span = match (index == at, shown) {
            (true, _) => Span::styled(fit(&text, width), theme.selected()),
            (false, true) => Span::raw(cut(&text, width)),
            (false, false) => Span::styled(cut(&text, width), theme.dim()),
        };
        frame.render_widget(span, line);
    }
    let mut spans: Vec<Span> = Vec::new();
    let mut room = usize::from(inner.width);
    for binding in keys::footer(Context::Columns).into_iter().filter(|binding| app.offers(binding.action)) {
        let (key, label) = (binding.name(), format!(" {}  ", binding.label));
        if key.width() + label.trim_end().width() > room {
            break;
        }
        room = room.saturating_sub(key.width() + label.width());
        spans.extend([Span::styled(key, theme.accent()), Span::styled(label, theme.dim())]);
    }
    let foot = Rect { y: inner.bottom().saturating_sub(1), height: 1.min(inner.height), ..inner };
    frame.render_widget(Line::from(spans), foot);
}
