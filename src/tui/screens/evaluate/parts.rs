//! The figures of a model as text and drawings: matrix, shares, histogram, curves, groups.

use super::super::super::theme::Theme;
use super::super::super::widgets::{bars, cut, fit, format};
use super::sheet::{Figures, Sheet, bin_of};
use faceprobe_core::evaluation::figures::Groups;
use faceprobe_core::evaluation::{Confusion, Interval};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Chart, Dataset, GraphType};

/// Columns of a class name and of a count in the matrix.
const NAME: usize = 8;
/// The legend of the matrix, in its first column.
const LEGEND: &str = "true ↓ predicted →";
/// Columns of what stands before the counts.
const FIRST: usize = 18;
/// Columns of the matrix.
pub const WIDTH: usize = FIRST + 2 * (NAME + 1);

/// A confusion matrix in three lines: rows are true classes, columns predicted ones.
pub fn matrix(theme: Theme, classes: &[String; 2], cells: &Confusion) -> Vec<Line<'static>> {
    let head = classes.iter().map(|class| Span::styled(format!(" {:>NAME$}", cut(class, NAME)), theme.dim()));
    let mut lines = vec![Line::from(
        std::iter::once(Span::styled(fit(LEGEND, FIRST), theme.dim())).chain(head).collect::<Vec<_>>(),
    )];
    let rows = [
        (&classes[0], [cells.true_negative, cells.false_positive], 0),
        (&classes[1], [cells.false_negative, cells.true_positive], 1),
    ];
    for (class, counts, right) in rows {
        let mut spans = vec![Span::raw(fit(class, FIRST))];
        for (at, count) in counts.into_iter().enumerate() {
            let style = if at == right { theme.good() } else { theme.bad() };
            spans.push(Span::styled(format!(" {:>NAME$}", format::thousands(count as u64)), style));
        }
        lines.push(Line::from(spans));
    }
    lines
}

/// `0.812 ±.028`, the half width of the interval behind the sign.
pub fn with_interval(share: f64, interval: Option<Interval>) -> String {
    match interval {
        Some(interval) => {
            let half = format!("{:.3}", (interval.high - interval.low) / 2.0);
            format!("{share:.3} ±{}", half.trim_start_matches('0'))
        }
        None => format!("{share:.3}"),
    }
}

/// The rates that go with the matrix.
pub fn shares(theme: Theme, sheet: &Sheet, figures: &Figures) -> Vec<Line<'static>> {
    let pair = |name: &str, values: [Option<f64>; 2]| {
        let mut spans = vec![Span::styled(fit(name, FIRST), theme.dim())];
        spans.extend(values.map(|value| Span::raw(format!(" {:>NAME$}", format::share(value)))));
        Line::from(spans)
    };
    let one = |name: &str, value: String| {
        Line::from(vec![Span::styled(fit(name, FIRST), theme.dim()), Span::styled(format!(" {value}"), theme.strong())])
    };
    vec![
        one("accuracy", with_interval(figures.confusion.accuracy(), figures.interval)),
        one("balanced", format!("{:.3}", figures.confusion.balanced_accuracy())),
        pair("precision", figures.precision),
        pair("recall", figures.recall),
        pair("F1", figures.f1),
        Line::from(vec![
            Span::styled("ROC AUC ", theme.dim()),
            Span::styled(format::share(sheet.roc_auc), theme.strong()),
            Span::styled("  avg. precision ", theme.dim()),
            Span::styled(format::share(sheet.average_precision), theme.strong()),
        ]),
    ]
}

const EIGHTHS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// The scores of both classes as columns above a common axis, with the threshold through them. Heights are square roots
/// of counts, so that rare scores stay visible next to frequent ones.
pub fn histogram(frame: &mut Frame, area: Rect, theme: Theme, sheet: &Sheet, threshold: f64) {
    if area.width < 12 || area.height < 4 {
        return;
    }
    let bins = usize::from(area.width);
    let counts = sheet.histogram(bins);
    let most = counts.iter().flatten().copied().max().unwrap_or(1).max(1) as f64;
    let at = bin_of(threshold, bins) as u16;
    let upper = (area.height - 1) / 2;
    let bands = [Rect { height: upper, ..area }, Rect { y: area.y + upper, height: area.height - 1 - upper, ..area }];
    for (class, band) in bands.into_iter().enumerate() {
        for (bin, &count) in counts[class].iter().enumerate() {
            let eighths = (count as f64 / most).sqrt() * f64::from(band.height) * 8.0;
            // A count above 0 is visible, however small.
            let eighths = (eighths.round() as usize).max(usize::from(count > 0));
            for row in 0..band.height {
                let filled = eighths.saturating_sub(usize::from(row) * 8).min(8);
                let (x, y) = (band.x + bin as u16, band.bottom() - 1 - row);
                let here = bin as u16 == at;
                let (symbol, style) = match (filled, here) {
                    (0, true) => ("│", theme.accent()),
                    (filled, here) => (EIGHTHS[filled], if here { theme.accent() } else { series(theme, class) }),
                };
                if let Some(cell) = frame.buffer_mut().cell_mut((x, y)) {
                    cell.set_symbol(symbol).set_style(style);
                }
            }
        }
        let total: usize = counts[class].iter().sum();
        let name = format!("{} {}", cut(&sheet.scored.classes[class], 16), format::thousands(total as u64));
        // In the half of the band where the class's own columns are not.
        let x = if class == 0 { band.right().saturating_sub(name.chars().count() as u16) } else { band.x };
        let line = Rect { x, y: band.y, width: band.right() - x, height: 1 };
        frame.render_widget(Span::styled(name, series(theme, class)), line);
    }
    axis(frame, Rect { y: area.bottom() - 1, height: 1, ..area }, theme, at, threshold);
}

fn series(theme: Theme, class: usize) -> Style {
    theme.series(class)
}

fn axis(frame: &mut Frame, area: Rect, theme: Theme, at: u16, threshold: f64) {
    frame.render_widget(Span::styled("0", theme.dim()), area);
    let end = Rect { x: area.right() - 1, width: 1, ..area };
    frame.render_widget(Span::styled("1", theme.dim()), end);
    let mark = format!("▲{threshold:.3}");
    let width = mark.chars().count() as u16;
    let (x, mark) = if at + width <= area.width { (at, mark) } else { (at + 1 - width, format!("{threshold:.3}▲")) };
    frame.render_widget(Span::styled(mark, theme.accent()), Rect { x: area.x + x, width, ..area });
}

/// A curve in the unit square: its name, its points, the operating point, and the chance line.
pub struct UnitCurve<'a> {
    pub points: &'a [(f64, f64)],
    pub here: Option<(f64, f64)>,
    pub chance: [(f64, f64); 2],
    /// The titles of the two axes.
    pub axes: [&'static str; 2],
}

/// Draws a curve in the unit square, in braille or in ASCII.
pub fn curve(frame: &mut Frame, area: Rect, theme: Theme, curve: &UnitCurve) {
    if area.width < 12 || area.height < 4 {
        return;
    }
    let here: Vec<(f64, f64)> = curve.here.into_iter().collect();
    let point = if theme.plain() { Marker::Custom('X') } else { Marker::Custom('◆') };
    let datasets = vec![
        Dataset::default()
            .marker(if theme.plain() { Marker::Custom('.') } else { Marker::Braille })
            .graph_type(GraphType::Line)
            .style(theme.rule())
            .data(&curve.chance),
        Dataset::default()
            .marker(theme.hue_marker(0))
            .graph_type(GraphType::Line)
            .style(theme.series(1))
            .data(curve.points),
        Dataset::default().marker(point).graph_type(GraphType::Scatter).style(theme.accent()).data(&here),
    ];
    let [bottom, side] = curve.axes;
    let mut heights = vec!["0".to_owned(), "1".to_owned()];
    if area.height >= 8 {
        heights.insert(1, side.to_owned());
    }
    let chart = Chart::new(datasets)
        .legend_position(None)
        .x_axis(
            Axis::default()
                .bounds([0.0, 1.0])
                .labels(["0".to_owned(), bottom.to_owned(), "1".to_owned()])
                .style(theme.dim()),
        )
        .y_axis(Axis::default().bounds([0.0, 1.0]).labels(heights).style(theme.dim()));
    frame.render_widget(chart, area);
}

/// Accuracy by the groups of a column, a line each, with the gap between the best and the worst.
pub fn groups(theme: Theme, groups: &Groups, width: usize, height: usize) -> Vec<Line<'static>> {
    let Groups { column, groups, gap } = groups;
    let name = groups.iter().map(|group| group.value.chars().count()).max().unwrap_or(0).clamp(3, 16);
    let recalls = width >= name + 21 + 16;
    let room = width.saturating_sub(name + 21 + if recalls { 16 } else { 0 }).min(40);
    let mut head = format!("{} {:>6}  {:<11}", fit(column, name), "images", "accuracy");
    if recalls {
        head += "  recall of both";
    }
    let mut lines = vec![Line::styled(head, theme.dim())];
    let kept = height.saturating_sub(1 + usize::from(gap.is_some()));
    // One line more says how many more there are.
    let shown = if groups.len() > kept { kept.saturating_sub(1) } else { groups.len() };
    for group in &groups[..shown] {
        let mut spans = vec![
            Span::raw(format!("{} {:>6}  ", fit(&group.value, name), format::thousands(group.images as u64))),
            Span::styled(fit(&with_interval(group.accuracy, group.interval), 11), theme.strong()),
        ];
        for (class, recall) in group.recall.into_iter().enumerate().filter(|_| recalls) {
            spans.push(Span::styled(format!("  {:>6}", format::share(recall)), theme.series(class)));
        }
        if room >= 5 {
            spans.push(Span::raw(" "));
            spans.extend(bars::gauge(theme, room - 1, group.accuracy, theme.series(1)));
        }
        lines.push(Line::from(spans));
    }
    if shown < groups.len() {
        lines.push(Line::styled(format!("and {} more", groups.len() - shown), theme.dim()));
    }
    if let Some(gap) = gap {
        let text = format!("{} above {} by {}", gap.best, gap.worst, with_interval(gap.difference, Some(gap.interval)));
        lines.push(Line::styled(cut(&text, width), theme.dim()));
    }
    lines
}
