//! The kinds of findings with their counts, and the findings themselves.

use super::{Review, text};
use crate::tui::shared::{Hits, Target};
use crate::tui::theme::Theme;
use crate::tui::widgets::{cut, cut_front, fit, format, offset};
use faceprobe_core::audit::{Finding, Kind};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Draws how many findings of each kind there are, and how many of them are undecided.
pub fn kinds(frame: &mut Frame, area: Rect, theme: Theme, review: &Review) {
    let kinds = review.kinds();
    let all = kinds.iter().map(|count| count.findings).sum();
    let open = kinds.iter().map(|count| count.open).sum();
    let mut rows: Vec<(Option<Kind>, String, usize, usize)> = vec![(None, "all kinds".into(), all, open)];
    rows.extend(kinds.iter().map(|count| (Some(count.kind), text::short(count.kind), count.findings, count.open)));
    let selected = rows.iter().position(|(kind, ..)| *kind == review.kind).unwrap_or(0);
    let head = Rect { height: 1.min(area.height), ..area };
    let room = usize::from(area.width).saturating_sub(16);
    let title = format!("{} {:>6} {:>8}", fit("", room), "found", "to do");
    frame.render_widget(Span::styled(title, theme.dim()), head);
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let first = offset(selected, rows.len(), usize::from(body.height));
    let seen = rows.iter().enumerate().skip(first).take(usize::from(body.height));
    for (row, (at, (_, name, findings, open))) in seen.enumerate() {
        let line = Rect { y: body.y + row as u16, height: 1, ..body };
        let text = format!(
            "{} {:>6} {:>8}",
            fit(name, room),
            format::thousands(*findings as u64),
            if *open == 0 { "✓".to_owned() } else { format::thousands(*open as u64) }
        );
        let style = if at == selected { theme.selected() } else { theme.text() };
        frame.render_widget(Span::styled(fit(&text, usize::from(line.width)), style), line);
    }
}

/// Draws the findings that are listed, those with something left to decide in plain text.
pub fn findings(frame: &mut Frame, area: Rect, theme: Theme, review: &Review, hits: &mut Hits) {
    let listed = review.listed();
    let selected = listed.iter().position(|&at| at == review.cursor).unwrap_or(0);
    let height = usize::from(area.height);
    let first = offset(selected, listed.len(), height);
    for (row, (at, index)) in listed.iter().enumerate().skip(first).take(height).enumerate() {
        let line = Rect { y: area.y + row as u16, height: 1, ..area };
        let Some(finding) = review.audit.findings.get(*index) else { continue };
        let width = usize::from(area.width);
        let sign = text::sign_of(finding);
        let text = told(finding, review.kind.is_none(), width.saturating_sub(2));
        let spans = if at == selected {
            vec![Span::styled(fit(&format!("{sign} {text}"), width), theme.selected())]
        } else {
            let style = if finding.is_open() { theme.text() } else { theme.dim() };
            vec![Span::styled(format!("{sign} "), theme.good()), Span::styled(text, style)]
        };
        frame.render_widget(Line::from(spans), line);
        hits.push((line, Target::Row(at)));
    }
}

/// A finding in a line: its kind where several are listed, what was measured, and its first image.
fn told(finding: &Finding, with_kind: bool, width: usize) -> String {
    let mut text = if with_kind { fit(&text::short(finding.kind), 12) + " " } else { String::new() };
    let figure = text::figure(finding);
    if !figure.is_empty() {
        text += &format!("{figure} ");
    }
    let room = width.saturating_sub(text.chars().count());
    let path = finding.images.first().map_or("", |image| image.path.as_str());
    text += &cut_front(path, room);
    cut(&text, width)
}
