//! The training images that an answer of a model of nearest neighbours comes from.

use crate::tui::pictures::Marks;
use crate::tui::shared::Shared;
use crate::tui::widgets::{NARROW, cut, cut_front, fit, panel};
use faceprobe_core::path_text::path_of;
use faceprobe_core::predict::Prediction;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Cells of a picture with its caption.
const CELL: (u16, u16) = (15, 8);

/// Whether there is anything to draw.
pub fn has_any(shown: &Prediction) -> bool {
    !shown.neighbours.is_empty()
}

/// How the votes went: `4 of 5 male`.
fn votes(shown: &Prediction) -> String {
    let label = shown.label.as_deref().unwrap_or_default();
    let own = shown.neighbours.iter().filter(|neighbour| neighbour.label == label).count();
    format!("{own} of {} {label}", shown.neighbours.len())
}

/// The most similar ones in a line, where there is no room for more.
pub fn line(shared: &Shared, shown: &Prediction, width: usize) -> Line<'static> {
    let nearest: Vec<String> =
        shown.neighbours.iter().map(|neighbour| format!("{} {:.3}", neighbour.label, neighbour.similarity)).collect();
    Line::styled(cut(&format!("nearest: {}", nearest.join(", ")), width), shared.theme.dim())
}

/// Draws them as pictures with label and similarity, or as lines where no pictures are shown.
pub fn draw(frame: &mut Frame, area: Rect, shared: &Shared, shown: &Prediction) {
    let theme = shared.theme;
    let block = panel(theme, format!("Nearest training images · {}", votes(shown)), NARROW);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    // The colours of the two classes, as in the large answer.
    let own = shown.label.as_deref();
    let positive = shown.score.is_some_and(|score| score >= shown.threshold);
    let style = |label: &str| theme.series(usize::from((own == Some(label)) == positive));
    let width = usize::from(inner.width);
    if !shared.pictures.shown(theme) || inner.height < CELL.1 {
        let lines: Vec<Line> = shown
            .neighbours
            .iter()
            .take(usize::from(inner.height))
            .map(|neighbour| {
                let name = cut_front(&neighbour.path, width.saturating_sub(18));
                Line::from(vec![
                    Span::styled(fit(&neighbour.label, 10), style(&neighbour.label)),
                    Span::raw(format!(" {:.3}  ", neighbour.similarity)),
                    Span::styled(name, theme.dim()),
                ])
            })
            .collect();
        frame.render_widget(ratatui::widgets::Paragraph::new(lines), inner);
        return;
    }
    let columns = ((inner.width + 1) / CELL.0).max(1);
    let rows = (inner.height / CELL.1).max(1);
    for (at, neighbour) in shown.neighbours.iter().take(usize::from(columns) * usize::from(rows)).enumerate() {
        let (column, row) = (at as u16 % columns, at as u16 / columns);
        let picture = Rect {
            x: inner.x + column * CELL.0,
            y: inner.y + row * CELL.1,
            width: (CELL.0 - 1).min(inner.width),
            height: CELL.1 - 1,
        };
        shared.pictures.draw(
            frame,
            picture,
            theme,
            &path_of(&neighbour.path),
            Marks::default(),
            shared.overlay.is_some(),
        );
        let caption = format!("{:.3} {}", neighbour.similarity, neighbour.label);
        let place = Rect { y: picture.bottom(), height: 1, ..picture };
        frame.render_widget(Span::styled(cut(&caption, usize::from(place.width)), style(&neighbour.label)), place);
    }
}
