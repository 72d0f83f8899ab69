//! Lines over a range of epochs.

use super::super::theme::Theme;
use super::panel;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Chart, Dataset, GraphType};

/// One line of the plot.
pub struct Series {
    pub name: String,
    /// What stands for it in the heading; empty leaves it out of the heading.
    pub swatch: String,
    pub style: Style,
    pub marker: Marker,
    /// Epoch and value, by epoch.
    pub points: Vec<(f64, f64)>,
}

/// What is shown.
pub struct Plot<'a> {
    pub title: String,
    pub series: &'a [Series],
    /// First and last epoch.
    pub range: (usize, usize),
    /// Values on a logarithmic scale.
    pub log: bool,
    /// Values from 0 to 1: the axis goes no further.
    pub share: bool,
}

/// Exponential moving average with weight `weight` on what went before, without the pull towards zero of its beginning
/// (as TensorBoard does it, after Kingma and Ba, 2015, section 3).
pub fn smoothed(points: &[(f64, f64)], weight: f64) -> Vec<(f64, f64)> {
    let (mut sum, mut mass) = (0.0, 0.0);
    points
        .iter()
        .map(|&(x, y)| {
            if y.is_finite() {
                sum = weight * sum + (1.0 - weight) * y;
                mass = weight * mass + (1.0 - weight);
            }
            (x, if mass > 0.0 { sum / mass } else { y })
        })
        .collect()
}

/// Draws the plot with the last value of each line in the heading.
pub fn draw(frame: &mut Frame, area: Rect, theme: Theme, plot: &Plot) {
    let mut title = vec![Span::styled(plot.title.clone(), theme.strong())];
    let mut room = usize::from(area.width).saturating_sub(plot.title.chars().count() + 6);
    for series in plot.series.iter().filter(|series| !series.swatch.is_empty()) {
        let Some((_, last)) = series.points.last() else { continue };
        let text = format!("{} {last:.3}", series.name);
        let width = text.chars().count() + 4;
        if width > room {
            break;
        }
        room -= width;
        title.push(Span::styled(format!("  {} ", series.swatch), series.style));
        title.push(Span::styled(text, theme.text()));
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
    let scale = |value: f64| if plot.log { value.max(1e-6).log10() } else { value };
    let (first, last) = (plot.range.0 as f64, (plot.range.1 as f64).max(plot.range.0 as f64 + 1.0));
    let data: Vec<Vec<(f64, f64)>> = plot
        .series
        .iter()
        .map(|series| {
            let seen = series.points.iter().filter(|(x, y)| y.is_finite() && (first..=last).contains(x));
            seen.map(|&(x, y)| (x, scale(y))).collect()
        })
        .collect();
    let values = || data.iter().flatten().map(|&(_, y)| y);
    let (low, high) = bounds(values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    let (low, high) = if plot.share { (low.max(0.0), high.min(1.0)) } else { (low, high) };
    let value = |at: f64| if plot.log { 10f64.powf(at) } else { at };
    // As many places as it takes to tell the ends apart.
    let places = if value(high) - value(low) < 0.05 { 3 } else { 2 };
    let label = |at: f64| format!("{:.places$}", value(at));
    let sets = data
        .iter()
        .zip(plot.series)
        .map(|(points, series)| {
            Dataset::default().marker(series.marker).graph_type(GraphType::Line).style(series.style).data(points)
        })
        .collect();
    let mut marks = vec![label(low), label(high)];
    if area.height >= 7 {
        marks.insert(1, label((low + high) / 2.0));
    }
    let epochs = [format!("{first}"), format!("epoch {last}")];
    let widget = Chart::new(sets)
        .legend_position(None)
        .x_axis(Axis::default().bounds([first, last]).labels(epochs).style(theme.dim()))
        .y_axis(Axis::default().bounds([low, high]).labels(marks).style(theme.dim()));
    frame.render_widget(widget, area);
}

/// The axis for values from `low` to `high`, with some air.
fn bounds(low: f64, high: f64) -> (f64, f64) {
    if !low.is_finite() || !high.is_finite() {
        return (0.0, 1.0);
    }
    let air = ((high - low) * 0.08).max(0.002);
    (low - air, high + air)
}

#[cfg(test)]
mod tests {
    use super::smoothed;

    #[test]
    fn smoothing_starts_at_the_first_value_and_follows_slowly() {
        let points: Vec<(f64, f64)> = (0..50).map(|at| (at as f64, if at < 25 { 1.0 } else { 2.0 })).collect();
        let slow = smoothed(&points, 0.9);
        assert!((slow[0].1 - 1.0).abs() < 1e-12 && (slow[24].1 - 1.0).abs() < 1e-12);
        // One step up: after k values the average has gone 1 - 0.9^k of the way, less what the beginning weighs.
        let expected = 1.0 + (1.0 - 0.9f64.powi(5)) / (1.0 - 0.9f64.powi(30));
        assert!((slow[29].1 - expected).abs() < 1e-12, "{} {expected}", slow[29].1);
        assert_eq!(smoothed(&points, 0.0), points);
    }
}
