//! Drawing helpers that the screens share.

pub mod bars;
pub mod big;
pub mod confirm;
pub mod form;
pub mod format;
pub mod growth;
pub mod help;

use super::theme::Theme;
use faceprobe_core::text::{is_control, line};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Color;
use ratatui::text::Line;
use ratatui::widgets::{Block, BorderType, Clear, Padding, Paragraph, Wrap};

/// Below this width panels have no frame and screens have one column.
pub const NARROW: u16 = 60;

/// A framed part of a screen; on a narrow screen only its area.
pub fn panel<'a>(theme: Theme, title: impl Into<Line<'a>>, width: u16) -> Block<'a> {
    if width < NARROW {
        return Block::new();
    }
    framed(theme, title, theme.rule())
}

fn framed<'a>(theme: Theme, title: impl Into<Line<'a>>, rule: ratatui::style::Style) -> Block<'a> {
    let mut title: Line<'a> = title.into();
    if !title.spans.is_empty() {
        title.spans.insert(0, " ".into());
        title.spans.push(" ".into());
    }
    Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(rule)
        // Said outright: a title without a colour of its own takes the one of the frame.
        .title(title.style(theme.strong().fg(Color::Reset)))
        .padding(Padding::horizontal(1))
}

/// Text in an area, wrapped, scrolled by `scroll` lines.
pub fn text(frame: &mut Frame, area: Rect, mut lines: Vec<Line<'_>>, scroll: u16) {
    let spans = lines.iter_mut().flat_map(|line| &mut line.spans);
    for span in spans.filter(|span| span.content.contains(is_control)) {
        span.content = line(&span.content).into_owned().into();
    }
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }).scroll((scroll, 0)), area);
}

/// The inside of a window of the wanted size in the middle of `area`, cleared and framed.
pub fn window(frame: &mut Frame, area: Rect, theme: Theme, title: &str, width: u16, height: u16) -> Rect {
    let outer = area.centered(
        ratatui::layout::Constraint::Length(width.min(area.width)),
        ratatui::layout::Constraint::Length(height.min(area.height)),
    );
    frame.render_widget(Clear, outer);
    let block = framed(theme, Line::from(title.to_owned()), theme.accent());
    let inner = block.inner(outer);
    frame.render_widget(block, outer);
    inner
}

/// The first line to show so that line `selected` of `len` is in a window of `height` lines.
pub fn offset(selected: usize, len: usize, height: usize) -> usize {
    selected.saturating_sub(height / 2).min(len.saturating_sub(height))
}

/// `text` in lines of at most `width` columns, broken at spaces and ends of lines; control characters escaped.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    use unicode_width::UnicodeWidthStr;
    let text = faceprobe_core::text::lines(text);
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// How many rows [`text`] needs for words in this width; a word that is longer than a row is broken.
pub fn rows(text: &str, width: usize) -> usize {
    use unicode_width::UnicodeWidthStr;
    let broken = text.split_whitespace().map(|word| word.width().saturating_sub(1) / width.max(1)).sum::<usize>();
    wrapped(text, width).len() + broken
}

/// `text` cut to `width` columns, with `…` where it was cut; control characters escaped.
pub fn cut(text: &str, width: usize) -> String {
    use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};
    let text = line(text);
    if text.width() <= width {
        return text.into_owned();
    }
    let mut used = 0;
    let mut kept: String = text
        .chars()
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used < width
        })
        .collect();
    if width > 0 {
        kept.push('…');
    }
    kept
}

/// `text` cut at its beginning: what matters of a path is its end.
pub fn cut_front(text: &str, width: usize) -> String {
    let turned: String = line(text).chars().rev().collect();
    cut(&turned, width).chars().rev().collect()
}

/// `text` cut in the middle to `width` columns: of names that begin alike, the ends tell them apart.
pub fn cut_middle(text: &str, width: usize) -> String {
    use unicode_width::UnicodeWidthStr;
    let whole = cut(text, usize::MAX);
    if whole.width() <= width || width < 8 {
        return cut(&whole, width);
    }
    let head = cut(&whole, width / 3);
    let tail = cut_front(&whole, width + 1 - head.width());
    format!("{head}{}", tail.strip_prefix('…').unwrap_or(&tail))
}

/// `text` cut or filled to exactly `width` columns.
pub fn fit(text: &str, width: usize) -> String {
    use unicode_width::UnicodeWidthStr;
    let text = cut(text, width);
    let fill = width.saturating_sub(text.width());
    text + &" ".repeat(fill)
}
