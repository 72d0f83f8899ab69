//! The settings in which the models differ.

use super::super::super::super::widgets::fit;
use super::View;
use faceprobe_core::run::compare::Difference;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

impl View<'_> {
    pub(super) fn settings(&self, frame: &mut Frame, area: Rect, differences: &[Difference]) {
        let theme = self.shared.theme;
        let inner = self.framed(frame, area, "Settings that differ");
        if differences.is_empty() {
            frame.render_widget(Span::styled("None: they are the same but for chance.", theme.dim()), inner);
            return;
        }
        let names = differences.iter().map(|difference| difference.setting.len()).max().unwrap_or(0).clamp(4, 22);
        let room = usize::from(inner.width).saturating_sub(names) / self.runs.len().max(1);
        let mut head = vec![Span::raw(fit("", names))];
        for (at, run) in self.runs.iter().enumerate() {
            head.push(Span::styled(format!(" {}", fit(run.id.as_str(), room.saturating_sub(1))), theme.hue(at)));
        }
        let mut lines = vec![Line::from(head)];
        for difference in differences {
            let mut spans = vec![Span::styled(fit(&difference.setting, names), theme.dim())];
            for value in &difference.values {
                let value = value.as_deref().unwrap_or("–");
                spans.push(Span::raw(format!(" {}", fit(value, room.saturating_sub(1)))));
            }
            lines.push(Line::from(spans));
        }
        let hidden = lines.len().saturating_sub(usize::from(inner.height));
        if hidden > 0 && inner.height > 1 {
            lines.truncate(usize::from(inner.height) - 1);
            lines.push(Line::styled(format!("and {} more", hidden + 1), theme.dim()));
        }
        frame.render_widget(Paragraph::new(lines), inner);
    }
}
