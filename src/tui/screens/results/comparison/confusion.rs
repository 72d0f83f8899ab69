//! Confusion matrices next to each other, and whether the models differ by more than chance.

use super::super::super::super::widgets::{self, NARROW, cut, fit};
use super::super::super::evaluate::parts;
use super::View;
use faceprobe_core::run::compare::{Comparison, Pair};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

/// Columns of a matrix with the gap behind it.
const SQUARE: usize = parts::WIDTH + 2;

impl View<'_> {
    /// Whether the matrices of all runs fit next to each other.
    fn squares(&self, width: u16) -> bool {
        usize::from(width) >= self.state.runs.len() * SQUARE + 4
    }

    pub(super) fn matrices_height(&self, width: u16) -> u16 {
        let frame = if width < NARROW { 0 } else { 2 };
        let table = if self.squares(width) { 4 } else { 1 + self.state.runs.len() };
        let pairs = self.state.runs.len() * (self.state.runs.len() - 1) / 2;
        (table + pairs * lines_of_pair(width)) as u16 + frame
    }

    pub(super) fn matrices(&self, frame: &mut Frame, area: Rect) {
        let theme = self.shared.theme;
        let inner = self.framed(frame, area, "Confusion");
        let comparison = match &self.state.outcome {
            None => {
                frame.render_widget(Span::styled("Reading the scores …", theme.dim()), inner);
                return;
            }
            Some(Err(error)) => {
                widgets::text(frame, inner, vec![Line::styled(error.clone(), theme.bad())], 0);
                return;
            }
            Some(Ok(comparison)) => comparison,
        };
        let mut lines = if self.squares(area.width) {
            self.squares_of(comparison)
        } else {
            self.table_of(comparison, usize::from(inner.width))
        };
        for pair in &comparison.pairs {
            lines.extend(self.pair(comparison, pair, area.width));
        }
        frame.render_widget(Paragraph::new(lines), inner);
    }

    /// The matrices next to each other, each under its run and accuracy.
    fn squares_of(&self, comparison: &Comparison) -> Vec<Line<'static>> {
        let theme = self.shared.theme;
        let mut lines = vec![Line::default(); 4];
        for (at, side) in comparison.sides.iter().enumerate() {
            let head = format!("{} accuracy {:.3} at {:.3}", side.run, side.confusion.accuracy(), side.threshold);
            lines[0].push_span(Span::styled(fit(&head, SQUARE - 2), theme.hue(at)));
            lines[0].push_span(Span::raw("  "));
            for (line, row) in lines[1..].iter_mut().zip(parts::matrix(theme, &comparison.classes, &side.confusion)) {
                let fill = SQUARE.saturating_sub(row.width());
                line.spans.extend(row.spans);
                line.push_span(Span::raw(" ".repeat(fill)));
            }
        }
        lines
    }

    /// A line per run with the four counts.
    fn table_of(&self, comparison: &Comparison, width: usize) -> Vec<Line<'static>> {
        let theme = self.shared.theme;
        let cell = if width >= 74 { 12 } else { 5 };
        let name = width.saturating_sub(6 + 4 * (cell + 1)).clamp(6, 16);
        let [zero, one] = &comparison.classes;
        let title = |class: &str, word: &str, sign: &str| {
            let text =
                if cell == 12 { format!("{} {word}", cut(class, 6)) } else { format!("{}{sign}", cut(class, 4)) };
            format!(" {text:>cell$}")
        };
        let head = format!(
            "{} {:>5}{}{}{}{}",
            fit("", name),
            "acc.",
            title(zero, "right", "✓"),
            title(zero, "wrong", "✗"),
            title(one, "right", "✓"),
            title(one, "wrong", "✗")
        );
        let mut lines = vec![Line::styled(head, theme.dim())];
        for (at, side) in comparison.sides.iter().enumerate() {
            let cells = &side.confusion;
            let count = |count: usize, style| Span::styled(format!(" {count:>cell$}"), style);
            lines.push(Line::from(vec![
                Span::styled(fit(&side.run, name), theme.hue(at)),
                Span::styled(format!(" {:.3}", cells.accuracy()), theme.strong()),
                count(cells.true_negative, theme.good()),
                count(cells.false_positive, theme.bad()),
                count(cells.true_positive, theme.good()),
                count(cells.false_negative, theme.bad()),
            ]));
        }
        lines
    }

    /// What only one of two models gets right, and whether that is significant: McNemar's exact test.
    fn pair(&self, comparison: &Comparison, pair: &Pair, width: u16) -> Vec<Line<'static>> {
        let theme = self.shared.theme;
        if width < NARROW {
            let (first, second) = (pair.only_first.to_string(), pair.only_second.to_string());
            return vec![Line::from(vec![
                Span::raw("only right "),
                Span::styled(first, theme.hue(pair.first)),
                Span::raw(":"),
                Span::styled(second, theme.hue(pair.second)),
                Span::styled(format!(", McNemar p = {}", p_value(pair.p_value)), theme.dim()),
            ])];
        }
        let name = |at: usize| Span::styled(comparison.sides[at].run.clone(), theme.hue(at));
        let mut counts = Line::from(vec![
            Span::raw(format!("{} only ", pair.only_first)),
            name(pair.first),
            Span::raw(format!(" gets right, {} only ", pair.only_second)),
            name(pair.second),
        ]);
        let style = if pair.p_value < 0.05 { theme.strong() } else { theme.text() };
        let test = [
            Span::styled(format!("McNemar's exact test: p = {}, ", p_value(pair.p_value)), theme.dim()),
            Span::styled(verdict(pair.p_value), style),
        ];
        if lines_of_pair(width) == 1 {
            counts.push_span(Span::styled(" · ", theme.dim()));
            counts.extend(test);
            return vec![counts];
        }
        vec![counts, Line::from(test.to_vec())]
    }
}

/// Whether the counts and the test of two models fit into one line.
fn lines_of_pair(width: u16) -> usize {
    if (NARROW..104).contains(&width) { 2 } else { 1 }
}

/// At the usual level of 5 %.
fn verdict(p_value: f64) -> &'static str {
    if p_value < 0.05 { "significant" } else { "not significant" }
}

/// Small ones by their size, which is all that matters then.
fn p_value(value: f64) -> String {
    if value < 0.0001 { format!("{value:.0e}") } else { format!("{value:.3}") }
}
