//! The help: the key table, put on the screen.

use super::super::keys::{Context, TABLE};
use super::super::theme::Theme;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Draws the help with the keys of `here` first, scrolled by `scroll` lines.
pub fn draw(frame: &mut Frame, area: Rect, theme: Theme, here: Context, scroll: usize) {
    let width = area.width.saturating_sub(2).min(88);
    let inner = super::window(frame, area, theme, "Keys", width, area.height.saturating_sub(2));
    let narrow = inner.width < super::NARROW;
    let mut lines = Vec::new();
    let rest = Context::ALL.into_iter().filter(|context| *context != here);
    for context in std::iter::once(here).chain(rest) {
        lines.push(Line::styled(context.title(), theme.strong()));
        for binding in TABLE.iter().filter(|binding| binding.context == context) {
            let keys: Vec<String> = binding.keys.iter().map(|key| key.name()).collect();
            let keys = keys.join(" ");
            if narrow {
                lines.push(Line::styled(format!("  {keys}"), theme.accent()));
                lines.push(Line::raw(format!("    {}", binding.help)));
            } else {
                lines.push(Line::from(vec![
                    Span::styled(format!("  {}", super::fit(&keys, 16)), theme.accent()),
                    Span::raw(binding.help),
                ]));
            }
        }
        lines.push(Line::default());
    }
    // Scrolling past the end would leave an empty window; wrapped lines make this a little generous.
    let most = lines.len().saturating_sub(usize::from(inner.height) / 2);
    super::text(frame, inner, lines, scroll.min(most) as u16);
}
