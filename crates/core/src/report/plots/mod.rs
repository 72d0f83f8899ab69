//! Draws the charts of a report as SVG, with plotters.
//!
//! Colours are placeholders that become CSS variables of the page, so that a chart follows light mode, dark mode and
//! print.

mod growth;

pub use growth::{growth, growth_file};

use crate::evaluation::Interval;
use crate::text;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::error::Error;
use std::ops::Range;

/// The placeholder colours of the series, and their CSS variables.
const SERIES: [RGBColor; 6] =
    [RGBColor(1, 0, 0), RGBColor(1, 0, 1), RGBColor(1, 0, 2), RGBColor(1, 0, 3), RGBColor(1, 0, 4), RGBColor(1, 0, 5)];
const INK: RGBColor = RGBColor(1, 1, 0);
const DIM: RGBColor = RGBColor(1, 1, 1);
const RULE: RGBColor = RGBColor(1, 1, 2);
const PAPER: RGBColor = RGBColor(1, 1, 3);

const FONT: &str = "Helvetica Neue, Helvetica, Arial, DejaVu Sans, sans-serif";

/// Maximum number of points of a curve: more cannot be seen at this size.
const MOST_POINTS: usize = 240;

/// A curve of a chart.
pub struct Curve {
    pub name: String,
    /// Index of the series' colour.
    pub colour: usize,
    /// Thin and dotted: a guide line.
    pub guide: bool,
    /// A dot on each point.
    pub dots: bool,
    pub points: Vec<(f64, f64)>,
}

impl Curve {
    pub fn line(name: &str, colour: usize, points: Vec<(f64, f64)>) -> Self {
        Self { name: name.to_owned(), colour, guide: false, dots: false, points }
    }

    /// The diagonal, without a name.
    pub fn diagonal() -> Self {
        Self { name: String::new(), colour: 0, guide: true, dots: false, points: vec![(0.0, 0.0), (1.0, 1.0)] }
    }
}

/// A chart of curves.
pub struct Chart<'a> {
    pub title: &'a str,
    pub x: &'a str,
    pub y: &'a str,
    pub x_range: Range<f64>,
    pub y_range: Range<f64>,
    pub legend: Legend,
}

/// Position of the legend.
pub enum Legend {
    UpperRight,
    LowerRight,
    LowerLeft,
    UpperLeft,
}

type Drawn = Result<(), Box<dyn Error>>;

/// Runs a drawing and replaces the placeholder colours. A drawing that fails is left out of the report, whose tables
/// have the numbers.
fn svg(size: (u32, u32), draw: impl FnOnce(&DrawingArea<SVGBackend<'_>, Shift>) -> Drawn) -> Option<String> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
        draw(&area).ok()?;
        area.present().ok()?;
    }
    let colours = SERIES.iter().enumerate().map(|(index, colour)| (*colour, format!("--c{index}")));
    let others = [(INK, "--ink"), (DIM, "--dim"), (RULE, "--rule"), (PAPER, "--paper")];
    for (RGBColor(r, g, b), name) in colours.chain(others.map(|(colour, name)| (colour, name.to_owned()))) {
        text = text.replace(&format!("#{r:02X}{g:02X}{b:02X}"), &format!("var({name})"));
    }
    // Chart text may contain user-supplied names.
    Some(text::lines(&text).into_owned())
}

fn words(size: u32, colour: &RGBColor) -> TextStyle<'static> {
    TextStyle { color: colour.to_backend_color(), ..TextStyle::from((FONT, size).into_font()) }
}

/// A chart of curves; none if nothing can be drawn.
pub fn chart(chart: &Chart<'_>, curves: &[Curve]) -> Option<String> {
    let finite = |curve: &Curve| curve.points.iter().all(|(x, y)| x.is_finite() && y.is_finite());
    let curves: Vec<&Curve> = curves.iter().filter(|curve| !curve.points.is_empty() && finite(curve)).collect();
    if curves.iter().all(|curve| curve.guide) {
        return None;
    }
    svg((340, 270), |area| {
        let mut context = ChartBuilder::on(area)
            .margin_top(6)
            .margin_right(12)
            .caption(chart.title, words(18, &INK))
            .x_label_area_size(44)
            .y_label_area_size(54)
            .build_cartesian_2d(chart.x_range.clone(), chart.y_range.clone())?;
        context
            .configure_mesh()
            .x_labels(6)
            .y_labels(6)
            .x_label_formatter(&|value| label(*value))
            .y_label_formatter(&|value| label(*value))
            .x_desc(chart.x)
            .y_desc(chart.y)
            .axis_desc_style(words(15, &DIM))
            .label_style(words(14, &DIM))
            .axis_style(DIM.stroke_width(1))
            .bold_line_style(RULE.stroke_width(1))
            .light_line_style(TRANSPARENT)
            .draw()?;
        for curve in &curves {
            let colour = SERIES[curve.colour % SERIES.len()];
            let points = thinned(&curve.points);
            if curve.guide {
                context.draw_series(std::iter::once(PathElement::new(points, DIM.stroke_width(1))))?;
                continue;
            }
            let series = context.draw_series(LineSeries::new(points.clone(), colour.stroke_width(2)))?;
            if !curve.name.is_empty() {
                series
                    .label(&curve.name)
                    .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 16, y)], colour.stroke_width(2)));
            }
            if curve.dots {
                context.draw_series(points.into_iter().map(|point| Circle::new(point, 3, colour.filled())))?;
            }
        }
        if curves.iter().filter(|curve| !curve.name.is_empty()).count() > 1 {
            context
                .configure_series_labels()
                .position(match chart.legend {
                    Legend::UpperRight => SeriesLabelPosition::UpperRight,
                    Legend::LowerRight => SeriesLabelPosition::LowerRight,
                    Legend::LowerLeft => SeriesLabelPosition::LowerLeft,
                    Legend::UpperLeft => SeriesLabelPosition::UpperLeft,
                })
                .margin(8)
                .background_style(PAPER.mix(0.85))
                .border_style(TRANSPARENT)
                .label_font(words(14, &INK))
                .draw()?;
        }
        Ok(())
    })
}

/// `0.25`, `100`, without trailing zeros.
fn label(value: f64) -> String {
    let text = format!("{value:.3}");
    let short = text.trim_end_matches('0').trim_end_matches('.');
    if short == "-0" { "0".into() } else { short.to_owned() }
}

/// Thins a curve: first and last point, and the others evenly.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    if points.len() <= MOST_POINTS {
        return points.to_vec();
    }
    let last = points.len() - 1;
    (0..MOST_POINTS).map(|index| points[index * last / (MOST_POINTS - 1)]).collect()
}

/// A proportion with its interval, for a series.
pub struct Share {
    /// Index of the series' colour.
    pub colour: usize,
    pub value: f64,
    pub interval: Option<Interval>,
}

/// Proportions with intervals: one row per name, with its proportions below each other. `series` names the colours.
pub fn forest(title: &str, rows: &[(String, Vec<Share>)], series: &[&str], guide: Option<f64>) -> Option<String> {
    let all = || rows.iter().flat_map(|(_, shares)| shares);
    let low = all().map(|share| share.interval.map_or(share.value, |interval| interval.low)).reduce(f64::min)?;
    let high = all().map(|share| share.interval.map_or(share.value, |interval| interval.high)).reduce(f64::max)?;
    let low = guide.map_or(low, |guide| guide.min(low));
    if !low.is_finite() || !high.is_finite() {
        return None;
    }
    let margin = ((high - low) * 0.06).max(0.01);
    let (low, high) = ((low - margin).max(0.0), (high + margin).min(1.0));
    let longest = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).min(44) as u32;
    let names = (longest * 6 + 16).clamp(60, 280);
    let height = 76 + 24 * rows.len() as u32;
    svg((760, height), |area| {
        let mut context = ChartBuilder::on(area)
            .margin_right(16)
            .margin_top(4)
            .caption(title, words(15, &INK))
            .x_label_area_size(24)
            .y_label_area_size(names)
            .build_cartesian_2d(low..high, rows.len() as f64..0.0)?;
        context
            .configure_mesh()
            .disable_y_mesh()
            .y_labels(0)
            .x_labels(9)
            .x_label_formatter(&|value| label(*value))
            .label_style(words(11, &DIM))
            .axis_style(DIM.stroke_width(1))
            .bold_line_style(RULE.stroke_width(1))
            .light_line_style(TRANSPARENT)
            .draw()?;
        if let Some(guide) = guide.filter(|guide| (low..=high).contains(guide)) {
            let line = vec![(guide, 0.0), (guide, rows.len() as f64)];
            context.draw_series(std::iter::once(PathElement::new(line, DIM.stroke_width(1))))?;
        }
        for (index, name) in series.iter().enumerate().filter(|_| series.len() > 1) {
            let colour = SERIES[index % SERIES.len()];
            let (left, _) = context.backend_coord(&(low, 0.0));
            let at = (left + 500 - 110 * (series.len() as i32 - index as i32 - 1), 14);
            area.draw(&Circle::new((at.0 - 8, at.1), 4, colour.filled()))?;
            area.draw_text(name, &words(11, &INK).pos(Pos::new(HPos::Left, VPos::Center)), at)?;
        }
        for (row, (name, shares)) in rows.iter().enumerate() {
            for (place, share) in shares.iter().enumerate() {
                let y = row as f64 + (place as f64 + 1.0) / (shares.len() as f64 + 1.0);
                let colour = SERIES[share.colour % SERIES.len()];
                if let Some(interval) = share.interval {
                    let line = vec![(interval.low, y), (interval.high, y)];
                    context.draw_series(std::iter::once(PathElement::new(line, colour.stroke_width(2))))?;
                }
                context.draw_series(std::iter::once(Circle::new((share.value, y), 4, colour.filled())))?;
            }
            let (x, y) = context.backend_coord(&(low, row as f64 + 0.5));
            let shown: String = match name.chars().count() {
                0..=44 => name.clone(),
                _ => name.chars().take(43).chain("…".chars()).collect(),
            };
            area.draw_text(&shown, &words(12, &INK).pos(Pos::new(HPos::Right, VPos::Center)), (x - 8, y))?;
        }
        Ok(())
    })
}
