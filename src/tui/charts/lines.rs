//! Lines and points over a common axis, with a cursor, marks, a chance line and what is dragged open.

use super::scale::{Scale, places};
use super::stroke;
use crate::tui::theme::{Stroke, Theme};
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::symbols::Marker;
use ratatui::text::Span;
use ratatui::widgets::{Axis, Chart as Drawn, Dataset, GraphType};
use unicode_width::UnicodeWidthStr;

/// One line, or points without a line.
#[derive(Debug, Clone)]
pub struct Series {
    /// What stands for it in headings.
    pub swatch: String,
    pub style: Style,
    pub marker: Marker,
    pub stroke: Stroke,
    /// By x.
    pub points: Vec<(f64, f64)>,
    /// What was measured, drawn faintly behind points that are smoothed; else empty.
    pub raw: Vec<(f64, f64)>,
    /// A point marked by a star.
    pub best: Option<(f64, f64)>,
    /// Points that no line joins.
    pub scattered: bool,
}

/// What is drawn.
#[derive(Debug)]
pub struct Chart<'a> {
    pub series: &'a [Series],
    pub x: Scale,
    pub y: Scale,
    /// The title of x, and the format of its values.
    pub x_name: &'a str,
    pub x_text: fn(f64) -> String,
    /// Whether only whole numbers occur along x.
    pub whole: bool,
    /// The values to write along x; none for round ones.
    pub x_ticks: Vec<f64>,
    /// The accuracy of guessing.
    pub chance: Option<f64>,
    pub cursor: Option<f64>,
    /// The two ends of the range that the mouse drags.
    pub drag: Option<(f64, f64)>,
}

/// The symbol of a star.
pub fn star(theme: Theme) -> &'static str {
    if theme.plain() { "B" } else { "★" }
}

/// A muted colour.
pub fn faint(style: Style) -> Style {
    style.remove_modifier(Modifier::BOLD).add_modifier(Modifier::DIM)
}

/// The cell of a graph for places from 0 to 1, as the marker's dots are rounded.
fn cell(graph: Rect, theme: Theme, x: f64, y: f64) -> (u16, u16) {
    let (across, down) = if theme.plain() { (1, 1) } else { (2, 4) };
    let at = |place: f64, cells: u16, dots: u16| {
        let last = f64::from(cells * dots) - 1.0;
        ((place.clamp(0.0, 1.0) * last).round() as u16 / dots).min(cells - 1)
    };
    (graph.x + at(x, graph.width, across), graph.y + at(1.0 - y, graph.height, down))
}

/// Draws the chart; returns the area of the lines themselves, where there was room for one.
pub fn render(frame: &mut Frame, area: Rect, theme: Theme, chart: &Chart) -> Option<Rect> {
    if area.height < 3 || area.width < 12 {
        return None;
    }
    let ruled = area.height >= 7;
    let below = if ruled { 2 } else { 1 };
    let rows = area.height - below;
    let ticks = chart.y.ticks(usize::from(rows / 2).clamp(2, 8), false);
    let digits = places(&ticks);
    let labels: Vec<(f64, String)> = ticks.iter().map(|tick| (*tick, format!("{tick:.digits$}"))).collect();
    let widest = labels.iter().map(|(_, label)| label.width()).max().unwrap_or(1);
    let gutter = widest.max(chart.x_name.width().min(5)) as u16 + 1;
    let graph = Rect { x: area.x + gutter, y: area.y, width: area.width.saturating_sub(gutter), height: rows };
    if graph.width < 6 {
        return None;
    }
    let sets = sets(chart, theme, graph);
    let drawn = sets
        .iter()
        .map(|set| Dataset::default().marker(set.marker).graph_type(set.kind).style(set.style).data(&set.points));
    let unit = Axis::default().bounds([0.0, 1.0]);
    let drawn = Drawn::new(drawn.collect()).legend_position(None).x_axis(unit.clone()).y_axis(unit);
    frame.render_widget(drawn, graph);
    let buffer = frame.buffer_mut();
    for (value, label) in &labels {
        let Some(place) = chart.y.place(*value) else { continue };
        let row = cell(graph, theme, 0.0, place).1;
        let at = Rect { x: area.x, y: row, width: gutter - 1, height: 1 };
        buffer.set_string(at.x, at.y, format!("{label:>room$}", room = usize::from(gutter - 1)), theme.dim());
    }
    for row in graph.top()..graph.bottom() {
        buffer.set_string(graph.x - 1, row, "│", theme.rule());
    }
    across(buffer, area, graph, theme, chart, ruled);
    level(buffer, graph, theme, chart);
    marks(buffer, graph, theme, chart);
    upright(buffer, graph, theme, chart);
    Some(graph)
}

/// Points in the unit square, and how they are drawn.
struct Set {
    points: Vec<(f64, f64)>,
    style: Style,
    marker: Marker,
    kind: GraphType,
}

/// What was measured behind what is smoothed.
fn sets(chart: &Chart, theme: Theme, graph: Rect) -> Vec<Set> {
    let within = |points: &[(f64, f64)]| -> Vec<(f64, f64)> {
        points.iter().filter_map(|&(x, y)| Some((chart.x.place(x)?, chart.y.place(y)?))).collect()
    };
    let behind = chart.series.iter().filter(|series| !series.raw.is_empty()).map(|series| Set {
        points: within(&series.raw),
        style: faint(series.style),
        marker: if theme.plain() { Marker::Custom('.') } else { Marker::Braille },
        kind: GraphType::Line,
    });
    let before = chart.series.iter().map(|series| {
        let points = within(&series.points);
        let (points, kind) = match (series.scattered, series.stroke) {
            (true, _) => (points, GraphType::Scatter),
            (false, Stroke::Whole) => (points, GraphType::Line),
            (false, Stroke::Broken) => (stroke::dots(&points, graph, 5, 9), GraphType::Scatter),
            (false, Stroke::Dotted) => (stroke::dots(&points, graph, 1, 4), GraphType::Scatter),
        };
        Set { points, style: series.style, marker: series.marker, kind }
    });
    behind.chain(before).collect()
}

/// The axis below, with the values of x.
fn across(buffer: &mut Buffer, area: Rect, graph: Rect, theme: Theme, chart: &Chart, ruled: bool) {
    let row = area.bottom() - 1;
    if ruled {
        buffer.set_string(graph.x - 1, graph.bottom(), "└", theme.rule());
        for x in graph.left()..graph.right() {
            buffer.set_string(x, graph.bottom(), "─", theme.rule());
        }
    }
    buffer.set_stringn(area.x, row, chart.x_name, usize::from(graph.x - area.x - 1), theme.dim());
    let mut free = graph.x;
    let round = || chart.x.ticks(usize::from(graph.width / 9).clamp(2, 12), chart.whole);
    let ticks = if chart.x_ticks.is_empty() { round() } else { chart.x_ticks.clone() };
    for tick in ticks {
        let Some(place) = chart.x.place(tick) else { continue };
        let (column, _) = cell(graph, theme, place, 0.0);
        let text = (chart.x_text)(tick);
        let width = text.width() as u16;
        let start = column.saturating_sub(width / 2).min(graph.right().saturating_sub(width)).max(graph.x);
        if start < free {
            continue;
        }
        buffer.set_string(start, row, text, theme.dim());
        if ruled {
            buffer.set_string(column, graph.bottom(), "┴", theme.rule());
        }
        free = start + width + 1;
    }
}

fn is_blank(symbol: &str) -> bool {
    symbol == " " || symbol == "\u{2800}"
}

/// The chance line, drawn only where nothing else is.
fn level(buffer: &mut Buffer, graph: Rect, theme: Theme, chart: &Chart) {
    let Some(place) = chart.chance.and_then(|chance| chart.y.place(chance)) else { return };
    let row = cell(graph, theme, 0.0, place).1;
    let name = "chance";
    let named = graph.right().saturating_sub(name.len() as u16 + 1);
    let free = |buffer: &Buffer, x: u16| buffer.cell((x, row)).is_some_and(|cell| is_blank(cell.symbol()));
    // Whole or not at all.
    let fits = graph.width >= 30 && (named..graph.right()).all(|x| free(buffer, x));
    for x in graph.left()..graph.right() {
        if free(buffer, x) {
            buffer.set_string(x, row, "╌", theme.rule());
        }
    }
    if fits {
        buffer.set_string(named, row, name, theme.dim());
    }
}

fn marks(buffer: &mut Buffer, graph: Rect, theme: Theme, chart: &Chart) {
    for series in chart.series {
        let place = |(x, y): (f64, f64)| Some((chart.x.place(x)?, chart.y.place(y)?));
        if let Some((x, y)) = series.best.and_then(place) {
            let at = cell(graph, theme, x, y);
            buffer.set_string(at.0, at.1, star(theme), series.style.add_modifier(Modifier::BOLD));
        }
    }
}

/// The cursor with the points it meets, and the dragged range.
fn upright(buffer: &mut Buffer, graph: Rect, theme: Theme, chart: &Chart) {
    let column = |x: f64| {
        let (low, high) = chart.x.ends();
        chart.x.place(x.clamp(low, high)).map(|place| cell(graph, theme, place, 0.0).0)
    };
    if let Some((one, other)) = chart.drag
        && let (Some(one), Some(other)) = (column(one), column(other))
    {
        for x in one.min(other)..=one.max(other) {
            for y in graph.top()..graph.bottom() {
                if let Some(cell) = buffer.cell_mut((x, y)) {
                    cell.set_style(theme.selected());
                }
            }
        }
    }
    let Some(at) = chart.cursor.and_then(|x| chart.x.place(x)).map(|place| cell(graph, theme, place, 0.0).0) else {
        return;
    };
    for y in graph.top()..graph.bottom() {
        if let Some(cell) = buffer.cell_mut((at, y))
            && (is_blank(cell.symbol()) || cell.symbol() == "╌")
        {
            cell.set_symbol("│").set_style(theme.accent());
        }
    }
    for series in chart.series.iter().filter(|series| !series.scattered) {
        let met = chart.cursor.and_then(|x| super::lookup::at(&series.points, x));
        if let Some(place) = met.and_then(|(_, y)| chart.y.place(y)) {
            let row = cell(graph, theme, 0.0, place).1;
            let sign = if theme.plain() { series.swatch.as_str() } else { "●" };
            buffer.set_string(at, row, sign, series.style.add_modifier(Modifier::BOLD));
        }
    }
}

/// Which series is which, for a heading: each by its long text, or where there is no room for all of them by the short one.
pub struct Legend<'a> {
    entries: Vec<(&'a Series, String, String)>,
}

impl<'a> Legend<'a> {
    /// Of series with a long and a short text each.
    pub fn new(entries: impl IntoIterator<Item = (&'a Series, String, String)>) -> Self {
        Self { entries: entries.into_iter().collect() }
    }

    /// Columns that all of them take.
    pub fn width(&self, long: bool) -> usize {
        self.entries.iter().map(|entry| width_of(entry, long)).sum()
    }

    /// The pieces, of which those that have no room are counted.
    pub fn spans(&self, theme: Theme, room: usize) -> Vec<Span<'static>> {
        let long = self.width(true) <= room;
        let all = long || self.width(false) <= room;
        // `  +12` stands for the others.
        let mut left = if all { room } else { room.saturating_sub(5) };
        let mut spans = Vec::new();
        for (at, entry) in self.entries.iter().enumerate() {
            let (series, name, short) = entry;
            let width = width_of(entry, long);
            if width > left {
                if room >= 5 {
                    spans.push(Span::styled(format!("  +{}", self.entries.len() - at), theme.dim()));
                }
                break;
            }
            left -= width;
            spans.push(Span::styled(format!("  {} ", series.swatch), series.style));
            spans.push(Span::styled(if long { name } else { short }.clone(), theme.text()));
        }
        spans
    }
}

fn width_of((series, name, short): &(&Series, String, String), long: bool) -> usize {
    (if long { name } else { short }).width() + series.swatch.width() + 3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::Palette;

    #[test]
    fn a_legend_says_all_it_can_and_how_many_it_cannot() {
        let theme = Theme { palette: Palette::Dark, ascii: false };
        let series: Vec<Series> = (0..12)
            .map(|hue| Series {
                swatch: theme.hue_swatch(hue),
                style: theme.hue(hue),
                marker: theme.hue_marker(hue),
                stroke: theme.hue_stroke(hue),
                points: Vec::new(),
                raw: Vec::new(),
                best: None,
                scattered: false,
            })
            .collect();
        let entries = series.iter().map(|series| (series, "dense-1 0.812".to_owned(), "0.812".to_owned()));
        let legend = Legend::new(entries);
        let text = |room: usize| -> String {
            let spans = legend.spans(theme, room);
            spans.iter().map(|span| span.content.as_ref()).collect()
        };
        assert_eq!(text(250).matches("dense-1").count(), 12);
        assert_eq!((text(110).matches("dense-1").count(), text(110).matches("0.812").count()), (0, 12));
        assert_eq!(text(40), "  ◆ 0.812  ◆ 0.812  ◆ 0.812  +9");
        for room in 0..120 {
            assert!(text(room).width() <= room, "{room}");
        }
        // Colours that come again are told apart by the line.
        let looks: std::collections::HashSet<String> = (0..crate::tui::theme::HUES)
            .map(|hue| format!("{:?}{:?}", theme.hue(hue), theme.hue_stroke(hue)))
            .collect();
        assert_eq!(looks.len(), crate::tui::theme::HUES);
        let mono = Theme { palette: Palette::Monochrome, ascii: true };
        let shapes: std::collections::HashSet<String> =
            (0..crate::tui::theme::HUES).map(|hue| mono.hue_swatch(hue)).collect();
        assert_eq!(shapes.len(), crate::tui::theme::HUES);
    }
}
