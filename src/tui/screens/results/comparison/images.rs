//! The images that the models do not tell the same.

use super::super::super::super::keys::{self, Action, Context};
use super::super::super::super::shared::{Hits, Target};
use super::super::super::super::widgets::{cut_front, fit, format, offset};
use super::View;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

impl View<'_> {
    pub(super) fn images(&self, frame: &mut Frame, area: Rect, hits: &mut Hits) {
        let theme = self.shared.theme;
        let comparison = self.state.comparison();
        let count = comparison.map_or(0, |comparison| comparison.disagreements.len());
        let key = keys::name_of(Context::Compare, Action::Picture);
        let title = Line::from(vec![
            Span::raw(format!("They disagree on {}", format::thousands(count as u64))),
            Span::styled(format!("  scores furthest apart first, {key} predicts"), theme.dim()),
        ]);
        let inner = self.framed(frame, area, title);
        let Some(comparison) = comparison else {
            return;
        };
        if count == 0 {
            frame.render_widget(Span::styled("They tell every image the same.", theme.good()), inner);
            return;
        }
        let names = comparison.classes.iter().map(|class| class.chars().count()).max().unwrap_or(0).clamp(5, 10);
        let mut head = vec![Span::styled(fit("label", names), theme.dim())];
        for at in 0..comparison.sides.len() {
            head.push(Span::styled(format!("   {}    ", theme.hue_swatch(at)), theme.hue(at)));
        }
        head.push(Span::styled(" image", theme.dim()));
        frame.render_widget(Line::from(head), Rect { height: 1.min(inner.height), ..inner });
        let body = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
        let height = usize::from(body.height);
        let selected = self.state.line.min(count - 1);
        let first = offset(selected, count, height);
        for (row, (at, image)) in comparison.disagreements.iter().enumerate().skip(first).take(height).enumerate() {
            let line = Rect { y: body.y + row as u16, height: 1, ..body };
            let mut spans = vec![Span::raw(fit(&comparison.classes[image.class], names))];
            for (score, answer) in image.scores.iter().zip(&image.answers) {
                let (sign, style) = if *answer == image.class { ("✓", theme.good()) } else { ("✗", theme.bad()) };
                spans.push(Span::styled(format!(" {sign}{score:.3} "), style));
            }
            let room = usize::from(body.width).saturating_sub(names + 8 * comparison.sides.len() + 1);
            spans.push(Span::styled(format!(" {}", fit(&cut_front(&image.path, room), room)), theme.dim()));
            let mut text = Line::from(spans);
            if at == selected {
                for span in &mut text.spans {
                    span.style = theme.selected();
                }
            }
            frame.render_widget(text, line);
            hits.push((line, Target::Row(at)));
        }
    }
}
