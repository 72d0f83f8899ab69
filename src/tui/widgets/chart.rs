//! Curves over epochs.

use super::super::theme::Theme;
use super::panel;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Chart, Dataset, GraphType};

/// One curve: what it is called and its points (epoch, value).
pub struct Curve {
    pub name: &'static str,
    pub points: Vec<(f64, f64)>,
}

/// What a chart shows.
pub struct Curves<'a> {
    pub title: &'a str,
    pub curves: &'a [Curve],
    /// How many epochs are planned: the right end.
    pub epochs: usize,
    pub log: bool,
}

/// Draws curves with their last values in the heading.
pub fn draw(frame: &mut Frame, area: Rect, theme: Theme, chart: &Curves) {
    let mut title = vec![Span::styled(chart.title.to_owned(), theme.strong())];
    for (index, curve) in chart.curves.iter().enumerate() {
        if let Some((_, last)) = curve.points.last() {
            title.push(Span::styled(format!("  {} ", theme.swatch(index)), theme.series(index)));
            title.push(Span::styled(format!("{} {last:.3}", curve.name), theme.text()));
        }
    }
    let title = Line::from(title);
    let area = if area.width < super::NARROW / 2 || frame.area().width < super::NARROW {
        frame.render_widget(title, Rect { height: 1.min(area.height), ..area });
        Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }
    } else {
        let block = panel(theme, title, super::NARROW);
        let inner = block.inner(area);
        frame.render_widget(block, area);
        inner
    };
    if area.height < 3 || area.width < 12 {
        return;
    }
    let scale = |value: f64| if chart.log { value.max(1e-6).log10() } else { value };
    let data: Vec<Vec<(f64, f64)>> = chart
        .curves
        .iter()
        .map(|curve| curve.points.iter().filter(|(_, y)| y.is_finite()).map(|&(x, y)| (x, scale(y))).collect())
        .collect();
    let values = || data.iter().flatten().map(|&(_, y)| y);
    let (low, high) = bounds(values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    let label = |value: f64| format!("{:.2}", if chart.log { 10f64.powf(value) } else { value });
    let last = data.iter().flatten().map(|&(x, _)| x).fold(2.0, f64::max).max(chart.epochs as f64);
    let datasets = data
        .iter()
        .enumerate()
        .map(|(index, points)| {
            Dataset::default()
                .marker(theme.marker(index))
                .graph_type(GraphType::Line)
                .style(theme.series(index))
                .data(points)
        })
        .collect();
    let mut marks = vec![label(low), label(high)];
    if area.height >= 7 {
        marks.insert(1, label((low + high) / 2.0));
    }
    let widget = Chart::new(datasets)
        .legend_position(None)
        .x_axis(
            Axis::default().bounds([1.0, last]).labels(["1".to_owned(), format!("epoch {last}")]).style(theme.dim()),
        )
        .y_axis(Axis::default().bounds([low, high]).labels(marks).style(theme.dim()));
    frame.render_widget(widget, area);
}

/// The axis for values from `low` to `high`, with some air.
fn bounds(low: f64, high: f64) -> (f64, f64) {
    if !low.is_finite() || !high.is_finite() {
        return (0.0, 1.0);
    }
    let air = ((high - low) * 0.08).max(0.01);
    (low - air, high + air)
}
