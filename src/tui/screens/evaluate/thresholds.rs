//! The effect of the threshold: accuracy and recall of both classes over it.

use super::sheet::{Figures, Sheet};
use crate::tui::charts::lines::{self, Chart, Legend, Series};
use crate::tui::charts::scale::Scale;
use crate::tui::theme::Theme;
use crate::tui::widgets::{cut, format};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

fn series(theme: Theme, sheet: &Sheet) -> [Series; 3] {
    let line = |hue: usize, points: Vec<(f64, f64)>, best| Series {
        swatch: theme.hue_swatch(hue),
        style: theme.hue(hue),
        marker: theme.hue_marker(hue),
        stroke: theme.hue_stroke(hue),
        points,
        raw: Vec::new(),
        best,
        scattered: false,
    };
    let recall = |class: usize| {
        let points = sheet.effect.iter();
        points.filter_map(|at| Some((at.threshold, at.recall[class]?))).collect()
    };
    let accuracy = sheet.effect.iter().map(|at| (at.threshold, at.accuracy)).collect();
    // Accuracy over the others, where they meet. The colours of the classes are those of the histogram.
    [line(1, recall(0), None), line(0, recall(1), None), line(2, accuracy, sheet.best)]
}

/// What is written along thresholds and scores.
pub const TENTHS: [f64; 6] = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0];

/// The three figures at the threshold, as far as there is room.
pub fn heading(theme: Theme, sheet: &Sheet, figures: &Figures, width: u16) -> Line<'static> {
    let [first, second, accuracy] = &series(theme, sheet);
    let classes = &sheet.scored.classes;
    let long = width >= 84;
    // Where three texts have no room, the beginnings of names and two digits of figures say it.
    let start = |name: &str| name.chars().take(3).collect::<String>();
    let recall = |class: usize| {
        let (of, name) = (if long { "recall " } else { "" }, &classes[class]);
        let short = figures.recall[class].map_or("–".to_owned(), |recall| format!("{recall:.2}"));
        let whole = format!("{of}{} {}", cut(name, 10), format::share(figures.recall[class]));
        (whole, format!("{} {short}", start(name)))
    };
    let name = if long { "accuracy" } else { "acc." };
    let right = figures.confusion.accuracy();
    let of_all = (format!("{name} {right:.3}"), format!("acc {right:.2}"));
    let told = [(accuracy, of_all), (first, recall(0)), (second, recall(1))];
    let title = match width {
        84.. => "Threshold",
        // The classes have their recall.
        64.. => "Threshold: accuracy, recall",
        _ => "",
    };
    let mut spans = vec![Span::styled(title, theme.strong())];
    let legend = Legend::new(told.into_iter().map(|(series, (whole, short))| (series, whole, short)));
    spans.extend(legend.spans(theme, usize::from(width).saturating_sub(title.len() + 4)));
    Line::from(spans)
}

/// Draws the curves with the threshold as cursor; returns their area and axis.
pub fn draw(frame: &mut Frame, area: Rect, theme: Theme, sheet: &Sheet, figures: &Figures) -> Option<(Rect, Scale)> {
    let unit = Scale::new(0.0, 1.0, false);
    let chart = Chart {
        series: &series(theme, sheet),
        x: unit,
        y: unit,
        x_name: "τ",
        x_text: |value| format!("{value:.1}"),
        whole: false,
        x_ticks: TENTHS.to_vec(),
        chance: Some(0.5),
        cursor: Some(figures.threshold),
        drag: None,
    };
    lines::render(frame, area, theme, &chart).map(|graph| (graph, unit))
}
