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
            let indent = if narrow { 4 } else { 20 };
            let texts = super::wrapped(binding.help, usize::from(inner.width).saturating_sub(indent));
            let mut keys = Some(format!("  {keys}"));
            if narrow {
                lines.push(Line::styled(keys.take().unwrap_or_default(), theme.accent()));
            }
            for text in texts {
                let margin = super::fit(&keys.take().unwrap_or_default(), indent);
                lines.push(Line::from(vec![Span::styled(margin, theme.accent()), Span::raw(text)]));
            }
        }
        lines.push(Line::default());
    }
    let most = lines.len().saturating_sub(usize::from(inner.height));
    super::text(frame, inner, lines, scroll.min(most) as u16);
}
