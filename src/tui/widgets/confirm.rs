//! A question with yes or no.

use super::super::jobs::Job;
use super::super::keys::{self, Context};
use super::super::theme::Theme;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// A question, and what yes does.
#[derive(Debug, Clone, PartialEq)]
pub struct Confirm {
    pub title: String,
    pub text: Vec<String>,
    pub job: Job,
}

/// Draws the question in the middle of `area`.
pub fn draw(frame: &mut Frame, area: Rect, theme: Theme, confirm: &Confirm) {
    let width = area.width.saturating_sub(2).clamp(20, 68);
    let inside = usize::from(width.saturating_sub(4)).max(1);
    let rows: usize = confirm.text.iter().map(|text| text.chars().count() / inside + 1).sum();
    let inner = super::window(frame, area, theme, &confirm.title, width, rows as u16 + 4);
    let mut lines: Vec<Line> = confirm.text.iter().map(|text| Line::raw(text.clone())).collect();
    lines.push(Line::default());
    let mut answers = Vec::new();
    for binding in keys::footer(Context::Confirm) {
        answers.push(Span::styled(binding.name(), theme.accent()));
        answers.push(Span::raw(format!(" {}   ", binding.label)));
    }
    lines.push(Line::from(answers));
    super::text(frame, inner, lines, 0);
}
