//! The help: the key table on the screen, with a search.

use super::super::keys::{Binding, Context, TABLE, meanings};
use super::super::theme::Theme;
use super::form;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use tui_input::Input;

/// The scroll position and the search text of the help.
#[derive(Debug, Clone, Default)]
pub struct State {
    pub scroll: usize,
    pub input: Input,
}

/// Draws the help with the keys of `here` first.
pub fn draw(frame: &mut Frame, area: Rect, theme: Theme, here: Context, state: &State) {
    let width = area.width.saturating_sub(2).min(88);
    let inner = super::window(frame, area, theme, "Keys", width, area.height.saturating_sub(2));
    let typed = state.input.value();
    let line = Rect { height: 1.min(inner.height), ..inner };
    if typed.is_empty() {
        frame.render_widget(Span::styled("Type to search.", theme.dim()), line);
    } else {
        frame.render_widget(Span::styled("Search ", theme.accent()), line);
        let field = Rect { x: line.x + 7, width: line.width.saturating_sub(7), ..line };
        form::draw_input(frame, field, &state.input, theme, true);
    }
    let list = Rect { y: inner.y + line.height, height: inner.height - line.height, ..inner };
    let narrow = inner.width < super::NARROW;
    let mut lines = Vec::new();
    let rest = Context::ALL.into_iter().filter(|context| *context != here);
    for context in std::iter::once(here).chain(rest) {
        let own = TABLE.iter().filter(|binding| binding.context == context);
        let mut found = own.filter(|binding| is_meant(typed, binding)).peekable();
        if found.peek().is_none() {
            continue;
        }
        lines.push(Line::styled(context.title(), theme.strong()));
        for binding in found {
            let keys = key_names(binding).join(" ");
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
    if lines.is_empty() {
        lines.push(Line::styled("No key for that.", theme.dim()));
    }
    let most = lines.len().saturating_sub(usize::from(list.height));
    super::text(frame, list, lines, state.scroll.min(most) as u16);
}

fn key_names(binding: &Binding) -> Vec<String> {
    binding.keys.iter().map(|key| key.name()).collect()
}

/// Whether every word that was typed begins a word of what the row says or means, or names one of its keys.
fn is_meant(typed: &str, binding: &Binding) -> bool {
    let keys = key_names(binding);
    let said =
        [binding.context.title(), binding.label, binding.help, meanings(binding.action)].join(" ").to_lowercase();
    typed.split_whitespace().all(|word| {
        let word = word.to_lowercase();
        keys.iter().any(|key| key.to_lowercase() == word)
            || said.split(|c: char| !c.is_alphanumeric()).any(|one| one.starts_with(&word))
    })
}
