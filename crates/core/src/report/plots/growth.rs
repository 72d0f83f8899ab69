//! Draws learning curves: accuracy against the number of training images, for a report's page or as a file of its own.

use super::{DIM, Drawn, INK, MOST_POINTS, PAPER, RULE, SERIES, label, svg, words};
use crate::evaluation::Interval;
use crate::evaluation::power_law::PowerLaw;
use crate::run::learning_curve::LearningCurve;
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Width and height without the legend, and the height of a line of the legend.
const SIZE: (u32, u32) = (760, 320);
const LINE: u32 = 20;

/// The colours of a file of its own: those of a report's page in light mode.
const COLOURS: [(&str, &str); 10] = [
    ("--c0", "#1f5fa8"),
    ("--c1", "#c2491d"),
    ("--c2", "#2c7f4f"),
    ("--c3", "#7d4a9e"),
    ("--c4", "#8a6d1a"),
    ("--c5", "#1a8089"),
    ("--ink", "#1b1f24"),
    ("--dim", "#5b6470"),
    ("--rule", "#d5dae0"),
    ("--paper", "#fff"),
];

/// A point of a curve.
#[derive(Clone, Copy)]
struct At {
    images: f64,
    accuracy: f64,
    interval: Option<Interval>,
}

impl At {
    fn low(&self) -> f64 {
        self.interval.map_or(self.accuracy, |interval| interval.low)
    }

    fn high(&self) -> f64 {
        self.interval.map_or(self.accuracy, |interval| interval.high)
    }
}

/// A curve as it is drawn.
struct Line<'a> {
    name: &'a str,
    measured: Vec<At>,
    /// What the fit expects at twice the most images.
    expected: Option<At>,
    fit: Option<PowerLaw>,
}

impl<'a> Line<'a> {
    fn of(name: &'a str, curve: &LearningCurve) -> Self {
        let measured = curve.points.iter().map(|point| At {
            images: point.images as f64,
            accuracy: point.val_accuracy.mean,
            interval: point.interval,
        });
        let expected = curve.at_twice.map(|twice| At {
            images: twice.images as f64,
            accuracy: twice.accuracy,
            interval: Some(twice.interval),
        });
        Self { name, measured: measured.collect(), expected, fit: curve.fit }
    }

    fn points(&self) -> impl Iterator<Item = &At> {
        self.measured.iter().chain(&self.expected)
    }
}

/// The plane that all curves share.
struct Plane {
    first: f64,
    last: f64,
    low: f64,
    high: f64,
}

impl Plane {
    fn of(lines: &[Line<'_>]) -> Option<Self> {
        let all = || lines.iter().flat_map(Line::points);
        let low = all().map(At::low).reduce(f64::min)?;
        let high = all().map(At::high).reduce(f64::max)?;
        let (first, last) = (all().map(|at| at.images).reduce(f64::min)?, all().map(|at| at.images).reduce(f64::max)?);
        if !low.is_finite() || !high.is_finite() || first < 1.0 {
            return None;
        }
        let margin = ((high - low) * 0.08).max(0.005);
        Some(Self { first, last, low: (low - margin).max(0.0), high: (high + margin).min(1.0) })
    }
}

type Context<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<LogCoord<f64>, RangedCoordf64>>;

/// Accuracy against the number of training images on a logarithmic axis: means with intervals, the fitted curve, and what
/// it expects at twice the most.
pub fn growth(curve: &LearningCurve) -> Option<String> {
    drawn(&[Line::of("", curve)])
}

/// Learning curves with their names as an SVG file of its own, with its own colours and background; none if nothing can be
/// drawn.
pub fn growth_file(curves: &[(String, LearningCurve)]) -> Option<String> {
    let lines: Vec<Line<'_>> = curves.iter().map(|(name, curve)| Line::of(name, curve)).collect();
    let mut text = drawn(&lines)?;
    for (name, colour) in COLOURS {
        text = text.replace(&format!("var({name})"), colour);
    }
    Some(text)
}

fn drawn(lines: &[Line<'_>]) -> Option<String> {
    let plane = Plane::of(lines)?;
    let named = lines.iter().any(|line| !line.name.is_empty());
    let legend = if named { LINE * (lines.len() as u32 + 1) + 8 } else { 0 };
    svg((SIZE.0, SIZE.1 + legend), |area| {
        // A page has a background already.
        let chart = if named {
            area.fill(&PAPER)?;
            let (above, below) = area.split_vertically(legend);
            draw_legend(&above, lines)?;
            below
        } else {
            area.clone()
        };
        let mut context: Context<'_, '_> = ChartBuilder::on(&chart)
            .margin_top(10)
            .margin_right(24)
            .x_label_area_size(44)
            .y_label_area_size(54)
            .build_cartesian_2d((plane.first / 1.15..plane.last * 1.15).log_scale(), plane.low..plane.high)?;
        context
            .configure_mesh()
            .x_labels(8)
            .y_labels(6)
            .x_label_formatter(&|value| format!("{value:.0}"))
            .y_label_formatter(&|value| label(*value))
            .x_desc("training images")
            .y_desc("validation accuracy")
            .axis_desc_style(words(14, &DIM))
            .label_style(words(13, &DIM))
            .axis_style(DIM.stroke_width(1))
            .bold_line_style(RULE.stroke_width(1))
            .light_line_style(TRANSPARENT)
            .draw()?;
        lines.iter().enumerate().try_for_each(|(at, line)| draw_line(&mut context, &plane, lines.len(), at, line))
    })
}

fn draw_line(context: &mut Context<'_, '_>, plane: &Plane, count: usize, place: usize, line: &Line<'_>) -> Drawn {
    // One curve has a colour for what was measured and one for what is expected, of several each has its own.
    let own = SERIES[place % SERIES.len()];
    let (fitted, expected) = if count == 1 { (DIM, SERIES[1]) } else { (own, own) };
    if let Some(fit) = &line.fit {
        let at = |step: usize| plane.first * (plane.last / plane.first).powf(step as f64 / (MOST_POINTS - 1) as f64);
        let end = line.points().map(|at| at.images).fold(plane.first, f64::max);
        let begin = line.points().map(|at| at.images).fold(plane.last, f64::min);
        let points = (0..MOST_POINTS)
            .map(at)
            .filter(|images| (begin * 0.999..=end * 1.001).contains(images))
            .map(|images| (images, 1.0 - fit.floor - fit.scale * images.powf(-fit.exponent)))
            .filter(|(_, accuracy)| (plane.low..=plane.high).contains(accuracy));
        context.draw_series(LineSeries::new(points, fitted.stroke_width(1)))?;
    }
    // Beside each other, so that one interval does not hide another.
    let aside = 1.0 + 0.03 * (place as f64 - (count as f64 - 1.0) / 2.0);
    let placed = |at: &At| At { images: at.images * aside, ..*at };
    for at in line.measured.iter().map(placed) {
        draw_interval(context, &at, own)?;
        context.draw_series(std::iter::once(Circle::new((at.images, at.accuracy), 4, own.filled())))?;
    }
    if let Some(at) = line.expected.as_ref().map(placed) {
        draw_interval(context, &at, expected)?;
        // Hollow where the colour does not say that it was not measured.
        if count > 1 {
            context.draw_series(std::iter::once(Circle::new((at.images, at.accuracy), 4, PAPER.filled())))?;
            let ring = Circle::new((at.images, at.accuracy), 4, expected.stroke_width(2));
            context.draw_series(std::iter::once(ring))?;
        } else {
            context.draw_series(std::iter::once(Circle::new((at.images, at.accuracy), 4, expected.filled())))?;
        }
    }
    Ok(())
}

fn draw_interval(context: &mut Context<'_, '_>, at: &At, colour: RGBColor) -> Drawn {
    if let Some(interval) = at.interval {
        let line = vec![(at.images, interval.low), (at.images, interval.high)];
        context.draw_series(std::iter::once(PathElement::new(line, colour.stroke_width(2))))?;
    }
    Ok(())
}

/// The names of the curves, and what the signs are.
fn draw_legend(area: &DrawingArea<SVGBackend<'_>, Shift>, lines: &[Line<'_>]) -> Drawn {
    let left = 62;
    let row = |at: usize| 14 + (LINE as usize * at) as i32;
    let text = |size, colour: &RGBColor| words(size, colour).pos(Pos::new(HPos::Left, VPos::Center));
    for (at, line) in lines.iter().enumerate() {
        area.draw(&Circle::new((left, row(at)), 4, SERIES[at % SERIES.len()].filled()))?;
        area.draw_text(line.name, &text(14, &INK), (left + 12, row(at)))?;
    }
    let expected = if lines.len() > 1 { "hollow points" } else { "the last point" };
    let signs = match lines.iter().any(|line| line.expected.is_some()) {
        true => format!(
            "means with 95 % intervals, the fitted power law, and ({expected}) what it expects with twice the images"
        ),
        false => "means with 95 % intervals".to_owned(),
    };
    area.draw_text(&signs, &text(12, &DIM), (left - 4, row(lines.len())))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::learning_curve::Point;
    use crate::run::results::Spread;

    fn curve(accuracies: &[f64]) -> LearningCurve {
        let point = |(at, accuracy): (usize, &f64)| Point {
            images: 100 << at,
            val_accuracy: Spread { mean: *accuracy, deviation: None, count: 1 },
            interval: Some(Interval { low: accuracy - 0.02, high: accuracy + 0.02 }),
            runs: Vec::new(),
        };
        LearningCurve {
            dataset: "faces".into(),
            manifest_sha256: String::new(),
            synthetic: false,
            kind: "logistic".into(),
            backbone: None,
            settings: String::new(),
            val_images: 2000,
            points: accuracies.iter().enumerate().map(point).collect(),
            fit: None,
            at_twice: None,
        }
    }

    #[test]
    fn a_file_has_the_colours_of_the_page_and_every_name() {
        let style = include_str!("../style.css");
        for (name, colour) in COLOURS {
            assert!(style.contains(&format!("{name}: {colour};")), "{name}");
        }
        let curves = [("a < b".to_owned(), curve(&[0.7, 0.8])), ("second".to_owned(), curve(&[0.6, 0.65, 0.9]))];
        let file = growth_file(&curves).unwrap();
        assert!(!file.contains("var(") && file.contains("a &lt; b") && file.contains("second"), "{file}");
        // A dot for each point and for each name.
        assert_eq!(file.matches("<circle").count(), 5 + 2, "{file}");
        assert!(growth_file(&[("empty".to_owned(), curve(&[]))]).is_none());
        let page = growth(&curve(&[0.7, 0.8])).unwrap();
        assert!(page.contains("var(--c0)") && page.matches("<circle").count() == 2);
    }
}
