//! A learning curve: accuracy against the number of training images, with intervals, and the fitted curve.

use super::super::theme::Theme;
use super::{NARROW, fit, panel, wrapped};
use faceprobe_core::run::learning_curve::LearningCurve;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Chart, Dataset, GraphType};

/// Steps that the fitted curve is drawn in.
const STEPS: usize = 120;

/// A curve in words: the fit and its prediction, or why there is none.
fn words(curve: &LearningCurve) -> String {
    match (&curve.fit, &curve.at_twice) {
        (Some(law), Some(twice)) => format!(
            "error = {:.3} + {:.3} x images ^ -{:.2}; with {} images it expects {:.3} [{:.3}, {:.3}], if the trend continues",
            law.floor, law.scale, law.exponent, twice.images, twice.accuracy, twice.interval.low, twice.interval.high
        ),
        _ => "At least three sizes are needed to extrapolate to more images.".to_owned(),
    }
}

/// Draws the curve above a table of its points.
pub fn draw(frame: &mut Frame, area: Rect, theme: Theme, curve: &LearningCurve) {
    let narrow = frame.area().width < NARROW;
    let inner = if narrow {
        area
    } else {
        let title = format!("Learning curve · {} · {} validation images", curve.kind, curve.val_images);
        let block = panel(theme, title, NARROW);
        let inner = block.inner(area);
        frame.render_widget(block, area);
        inner
    };
    let table = table(theme, curve, usize::from(inner.width));
    let rows = (table.len() as u16).min(inner.height * 3 / 5);
    let [above, below] = inner.layout(&Layout::vertical([Constraint::Min(0), Constraint::Length(rows)]));
    frame.render_widget(ratatui::widgets::Paragraph::new(table), below);
    draw_chart(frame, above, theme, curve);
}

fn table(theme: Theme, curve: &LearningCurve, width: usize) -> Vec<Line<'static>> {
    let head = format!("{:>8}  {}{:>9}  seeds", "images", fit("validation", 23), "± seeds");
    let mut lines = vec![Line::styled(head, theme.dim())];
    for point in &curve.points {
        let interval = point.interval.map_or_else(String::new, |own| format!(" [{:.3}, {:.3}]", own.low, own.high));
        let deviation = point.val_accuracy.deviation.map_or_else(|| "–".to_owned(), |own| format!("{own:.3}"));
        let mean = format!("{:.3}{interval}", point.val_accuracy.mean);
        lines.push(Line::from(vec![
            Span::raw(format!("{:>8}  ", point.images)),
            Span::styled(fit(&mean, 23), theme.strong()),
            Span::styled(format!("{deviation:>9}  {}", point.val_accuracy.count), theme.dim()),
        ]));
    }
    lines.extend(wrapped(&words(curve), width).into_iter().map(|line| Line::styled(line, theme.dim())));
    lines
}

fn draw_chart(frame: &mut Frame, area: Rect, theme: Theme, curve: &LearningCurve) {
    if area.width < 24 || area.height < 5 {
        return;
    }
    let place = |images: usize| (images.max(1) as f64).log10();
    let measured = curve.points.iter().map(|point| (point.images, point.val_accuracy.mean, point.interval));
    let twice = curve.at_twice.map(|twice| (twice.images, twice.accuracy, Some(twice.interval)));
    let all: Vec<(usize, f64, Option<faceprobe_core::evaluation::Interval>)> = measured.chain(twice).collect();
    let ends = |(_, mean, interval): &(usize, f64, Option<faceprobe_core::evaluation::Interval>)| {
        interval.map_or((*mean, *mean), |interval| (interval.low, interval.high))
    };
    let low = all.iter().map(|at| ends(at).0).fold(f64::INFINITY, f64::min);
    let high = all.iter().map(|at| ends(at).1).fold(f64::NEG_INFINITY, f64::max);
    let (Some(first), Some(last)) = (all.iter().map(|at| at.0).min(), all.iter().map(|at| at.0).max()) else { return };
    if !low.is_finite() || !high.is_finite() {
        return;
    }
    let air = ((high - low) * 0.08).max(0.005);
    let bounds = [(low - air).max(0.0), (high + air).min(1.0)];
    let (left, right) = (place(first), place(last).max(place(first) + 0.1));
    let law: Vec<(f64, f64)> = curve
        .fit
        .iter()
        .flat_map(|law| {
            (0..=STEPS).map(move |step| {
                let at = left + (right - left) * step as f64 / STEPS as f64;
                (at, 1.0 - law.floor - law.scale * 10f64.powf(at).powf(-law.exponent))
            })
        })
        .collect();
    let bars: Vec<[(f64, f64); 2]> =
        all.iter().map(|at| [(place(at.0), ends(at).0), (place(at.0), ends(at).1)]).collect();
    let means: Vec<(f64, f64)> =
        curve.points.iter().map(|point| (place(point.images), point.val_accuracy.mean)).collect();
    let expected: Vec<(f64, f64)> = twice.iter().map(|twice| (place(twice.0), twice.1)).collect();
    let mut sets =
        vec![Dataset::default().marker(theme.marker(1)).graph_type(GraphType::Line).style(theme.rule()).data(&law)];
    // The last bar, if there is a fit, is a prediction.
    sets.extend(bars.iter().enumerate().map(|(at, bar)| {
        let style = theme.series(usize::from(at < curve.points.len()));
        Dataset::default().marker(theme.marker(1)).graph_type(GraphType::Line).style(style).data(bar)
    }));
    let dots = |style, data| {
        let marker = if theme.plain() { ratatui::symbols::Marker::Custom('o') } else { ratatui::symbols::Marker::Dot };
        Dataset::default().marker(marker).graph_type(GraphType::Scatter).style(style).data(data)
    };
    sets.push(dots(theme.series(1), &means));
    sets.push(dots(theme.series(0), &expected));
    let labels = |ends: [f64; 2]| [ends[0], (ends[0] + ends[1]) / 2.0, ends[1]].map(|at| format!("{at:.3}"));
    let middle = 10f64.powf((left + right) / 2.0).round();
    let across = [first.to_string(), format!("{middle}"), format!("{last} images")];
    let chart = Chart::new(sets)
        .legend_position(None)
        .x_axis(Axis::default().bounds([left, right]).labels(across).style(theme.dim()))
        .y_axis(Axis::default().bounds(bounds).labels(labels(bounds)).style(theme.dim()));
    frame.render_widget(chart, area);
}
