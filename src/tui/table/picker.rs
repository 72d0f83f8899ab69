//! The list of columns: which are shown, and switching them on and off.

use super::act::offers;
use super::column::Column;
use super::draw::View;
use super::{Popup, Table};
use crate::tui::keys::{self, Action, Context};
use crate::tui::shared::{Overlay, Shared, moved};
use crate::tui::widgets::{self, cut, fit, offset};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

/// The columns that can be switched; the name is always there.
fn columns(table: &Table, shared: &Shared) -> Vec<(Column, bool)> {
    let lines = table.listing(shared);
    let columns = lines.columns.iter().filter(|offered| offered.column != Column::Run);
    columns.map(|offered| (offered.column.clone(), offered.rank.is_some())).collect()
}

/// What a key does.
pub fn act(table: &mut Table, shared: &mut Shared, at: usize, action: Action) {
    let columns = columns(table, shared);
    let mut at = at.min(columns.len().saturating_sub(1));
    match action {
        Action::Cancel => return,
        Action::Accept => {
            if let Some((column, shown)) = columns.get(at) {
                table.columns.insert(column.clone(), !shown);
                table.changed();
            }
        }
        Action::UsualColumns => {
            table.columns.clear();
            table.changed();
        }
        action => at = moved(at, columns.len(), action),
    }
    shared.overlay = Some(Overlay::Table(Popup::Columns(at)));
}

/// Draws the list.
pub fn draw(frame: &mut Frame, area: Rect, table: &Table, shared: &Shared, at: usize) {
    let theme = shared.theme;
    let columns = columns(table, shared);
    let width = area.width.saturating_sub(2).min(64);
    let height = (columns.len() as u16 + 4).min(area.height);
    let inner = widgets::window(frame, area, theme, &format!("Columns of {}", table.kind.screen.name()), width, height);
    let seen = View::new(table, shared, table.width.get());
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
    for binding in keys::footer(Context::Columns)
        .into_iter()
        .filter(|binding| offers(table, shared, binding.action).unwrap_or(true))
    {
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
