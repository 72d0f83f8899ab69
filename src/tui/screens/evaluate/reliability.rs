//! The reliability diagram: the share of the second class among the images with a score.

use super::sheet::{Reliability, Sheet};
use crate::tui::charts::lines::{self, Chart, Legend, Series};
use crate::tui::charts::scale::Scale;
use crate::tui::theme::{Stroke, Theme};
use faceprobe_core::dataset::Split;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

fn series(theme: Theme, told: &Reliability) -> Vec<Series> {
    let line = |hue: usize, points: &[(f64, f64)]| Series {
        swatch: theme.hue_swatch(hue),
        style: theme.hue(hue),
        marker: theme.hue_marker(hue),
        stroke: theme.hue_stroke(hue),
        points: points.to_vec(),
        raw: Vec::new(),
        best: None,
        scattered: false,
    };
    let mut all = vec![line(1, &told.raw)];
    all.extend(told.calibrated.as_ref().map(|(points, _)| line(0, points)));
    all
}

/// Raw and calibrated scores with their expected calibration errors.
pub fn heading(theme: Theme, sheet: &Sheet, width: u16) -> Line<'static> {
    let told = &sheet.reliability;
    let series = series(theme, told);
    let mut names = vec![format!("raw {:.3}", told.raw_error)];
    // On validation, a calibration is judged on what it was fitted to.
    let fitted = if sheet.scored.split == Split::Val && width >= 90 { " (fitted to these)" } else { "" };
    names.extend(told.calibrated.as_ref().map(|(_, error)| format!("calibrated {error:.3}{fitted}")));
    let legend = Legend::new(series.iter().zip(names).map(|(series, text)| (series, text.clone(), text)));
    let title = match width {
        70.. => "Reliability, calibration error",
        44.. => "Reliability",
        _ => "",
    };
    let mut spans = vec![Span::styled(title, theme.strong())];
    spans.extend(legend.spans(theme, usize::from(width).saturating_sub(title.len() + 4)));
    Line::from(spans)
}

/// Draws the diagram; scores that mean what they say lie on the diagonal.
pub fn draw(frame: &mut Frame, area: Rect, theme: Theme, told: &Reliability) {
    let unit = Scale::new(0.0, 1.0, false);
    let mut all = vec![Series {
        swatch: String::new(),
        style: theme.rule(),
        marker: if theme.plain() { ratatui::symbols::Marker::Custom('.') } else { ratatui::symbols::Marker::Braille },
        points: vec![(0.0, 0.0), (1.0, 1.0)],
        stroke: Stroke::Whole,
        raw: Vec::new(),
        best: None,
        scattered: false,
    }];
    all.extend(series(theme, told));
    let chart = Chart {
        series: &all,
        x: unit,
        y: unit,
        x_name: "score",
        x_text: |value| format!("{value:.1}"),
        whole: false,
        x_ticks: super::thresholds::TENTHS.to_vec(),
        chance: None,
        cursor: None,
        drag: None,
    };
    lines::render(frame, area, theme, &chart);
}
