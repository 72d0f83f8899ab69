//! The finding under the cursor: what is wrong, its pictures side by side, and what was decided on each.

use super::{Review, State, text};
use crate::tui::pictures::Marks;
use crate::tui::shared::Shared;
use crate::tui::widgets::{self, cut, cut_front, fit, offset};
use faceprobe_core::audit::{Finding, Subject};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Columns of a picture at least and at most, the gap to the next one included.
const CELL: (u16, u16) = (16, 84);
/// Lines under a picture: label and split, path, decision.
const CAPTION: u16 = 3;

/// Draws the finding.
pub fn draw(frame: &mut Frame, area: Rect, audit: &State, shared: &Shared, review: &Review) {
    let theme = shared.theme;
    let Some(finding) = review.finding() else {
        return;
    };
    let width = usize::from(area.width);
    let roomy = area.height >= 14;
    let mut lines: Vec<Line> = widgets::wrapped(&text::sentence(finding), width)
        .into_iter()
        .take(if roomy { 4 } else { 2 })
        .map(|line| Line::styled(line, if finding.across_splits { theme.warning() } else { theme.strong() }))
        .collect();
    if roomy {
        let advice = widgets::wrapped(text::advice(finding.kind), width);
        lines.extend(advice.into_iter().map(|line| Line::styled(line, theme.dim())));
    }
    if area.height >= 24 {
        lines.push(Line::default());
    }
    let text = Rect { height: (lines.len() as u16).min(area.height), ..area };
    frame.render_widget(ratatui::widgets::Paragraph::new(lines), text);
    let rest = Rect { y: text.bottom(), height: area.height - text.height, ..area };
    // The whole path of one image, which its caption cuts.
    let path = u16::from(roomy);
    let images = Rect { height: rest.height.saturating_sub(path), ..rest };
    let pictures = shared.pictures.shown(theme) && images.height >= CAPTION + 2;
    if pictures {
        strip(frame, images, audit, shared, review, finding);
    } else {
        table(frame, images, audit, shared, review, finding);
    }
    if let (1, Some(image)) = (path, review.subject()) {
        let more = finding.count.saturating_sub(finding.images.len());
        let note = if more > 0 { format!("{more} more are not listed  ") } else { String::new() };
        let room = width.saturating_sub(note.len());
        let line = Line::from(vec![
            Span::styled(note, theme.warning()),
            Span::styled(cut_front(&image.file, room), theme.dim()),
        ]);
        frame.render_widget(line, Rect { y: images.bottom(), height: 1.min(rest.height), ..rest });
    }
}

/// What is said of an image, in three parts with their styles.
fn caption(audit: &State, shared: &Shared, review: &Review, image: &Subject) -> [(String, Style); 3] {
    let theme = shared.theme;
    let class = audit.report(shared).and_then(|report| report.classes.iter().position(|class| *class == image.label));
    let split = image.split.as_deref().unwrap_or("no split");
    let decision = review.decision(image);
    let word = image.decision.as_deref();
    let style = match word {
        None => theme.dim(),
        Some("drop") => theme.bad(),
        Some("keep") => theme.good(),
        Some(_) => theme.warning(),
    };
    [
        (format!("{} · {split}", image.label), class.map_or(theme.text(), |class| theme.series(class))),
        (image.path.clone(), theme.dim()),
        (format!("{} {}", text::sign(word), text::decided(decision)).trim_start().to_owned(), style),
    ]
}

/// The pictures side by side, as many as there is room for, with their captions.
fn strip(frame: &mut Frame, area: Rect, audit: &State, shared: &Shared, review: &Review, finding: &Finding) {
    let theme = shared.theme;
    let count = finding.images.len();
    let visible = usize::from(area.width / CELL.0).clamp(1, count.max(1));
    let cell = (area.width / visible as u16).min(CELL.1);
    let first = offset(review.image, count, visible);
    // Faces are about as high as they are wide, and a line is as high as two columns are wide: no gap over the captions.
    let tall = (cell / 2).max(4).min(area.height.saturating_sub(CAPTION));
    for (column, (at, image)) in finding.images.iter().enumerate().skip(first).take(visible).enumerate() {
        let place = Rect { x: area.x + column as u16 * cell, width: cell.saturating_sub(1), ..area };
        let picture = Rect { height: tall, ..place };
        shared.pictures.draw(frame, picture, theme, image.file.as_ref(), Marks::default(), shared.overlay.is_some());
        let width = usize::from(place.width);
        let selected = at == review.image;
        let [label, path, decision] = caption(audit, shared, review, image);
        let lines = [(cut(&label.0, width), label.1), (cut_front(&path.0, width), path.1), decision];
        for (row, (text, style)) in lines.into_iter().enumerate() {
            let line = Rect { y: picture.bottom() + row as u16, height: 1, ..place };
            // Of several pictures, the one that the keys mean.
            let marked = selected && count > 1 && row == 0;
            let style = if marked { theme.selected() } else { style };
            let text = if marked { fit(&text, width) } else { cut(&text, width) };
            frame.render_widget(Span::styled(text, style), line);
        }
    }
    if visible < count {
        let hint = format!("{}/{count}", review.image + 1);
        let width = (hint.len() as u16).min(area.width);
        let y = (area.y + tall + CAPTION).min(area.bottom()).saturating_sub(1);
        let corner = Rect { x: area.right() - width, y, width, height: 1 };
        frame.render_widget(Span::styled(hint, theme.accent()), corner);
    }
}

/// The images as lines, where there is no way or no room to show them.
fn table(frame: &mut Frame, area: Rect, audit: &State, shared: &Shared, review: &Review, finding: &Finding) {
    let theme = shared.theme;
    let height = usize::from(area.height);
    let first = offset(review.image, finding.images.len(), height);
    let captions: Vec<_> = finding.images.iter().map(|image| caption(audit, shared, review, image)).collect();
    let width_of = |part: usize| captions.iter().map(|parts| parts[part].0.chars().count()).max().unwrap_or(0);
    let (labels, decisions) = (width_of(0).min(24), width_of(2).min(18));
    for (row, (at, parts)) in captions.iter().enumerate().skip(first).take(height).enumerate() {
        let line = Rect { y: area.y + row as u16, height: 1, ..area };
        let [label, path, decision] = parts;
        let room = usize::from(area.width).saturating_sub(labels + decisions + 2);
        let mut spans = vec![
            Span::styled(fit(&label.0, labels), label.1),
            Span::styled(format!(" {} ", fit(&decision.0, decisions)), decision.1),
            Span::styled(fit(&cut_front(&path.0, room), room), path.1),
        ];
        if at == review.image {
            for span in &mut spans {
                span.style = theme.selected();
            }
        }
        frame.render_widget(Line::from(spans), line);
    }
}
