//! Draws the map of features: the plane at the left, the image under the cursor or the selected images at the right.

use super::MapView;
use super::place::Window;
use crate::tui::keys::{Action, Context, name_of};
use crate::tui::pictures::Marks;
use crate::tui::shared::{Hits, Shared, Target};
use crate::tui::snapshot::Run;
use crate::tui::views::View;
use crate::tui::widgets::{self, NARROW, bars, cut, cut_front, panel};
use faceprobe_core::map::{Colour, Map, Point};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::canvas::{Canvas, Points, Rectangle};

/// Cells of a small picture.
const CELL: (u16, u16) = (14, 7);

/// Draws the view.
pub fn draw(frame: &mut Frame, area: Rect, view: &MapView, shared: &Shared, hits: &mut Hits) {
    let work = view.at_work(shared);
    let lines = work.map(|run| activity(shared, &run, area.width)).unwrap_or_default();
    let [body, below] = area.layout(&Layout::vertical([Constraint::Min(1), Constraint::Length(lines.len() as u16)]));
    frame.render_widget(ratatui::widgets::Paragraph::new(lines), below);
    match view.map() {
        Some(map) => draw_map(frame, body, view, shared, map, hits),
        None => draw_nothing(frame, body, view, shared),
    }
}

fn activity(shared: &Shared, run: &Run, width: u16) -> Vec<Line<'static>> {
    bars::activity(shared.theme, run, usize::from(width))
}

fn draw_nothing(frame: &mut Frame, area: Rect, view: &MapView, shared: &Shared) {
    let theme = shared.theme;
    let block = panel(theme, "Map of features", area.width);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let key = name_of(Context::Map, Action::New);
    let line = match (&view.maps, shared.dataset()) {
        (_, None) => Line::raw("A map needs a prepared data set: press 1 for Data."),
        (Some(Err(problem)), _) => Line::styled(problem.clone(), theme.bad()),
        (None, Some(_)) => Line::styled("The maps are being read.", theme.dim()),
        (Some(Ok(_)), Some(set)) => Line::from(vec![
            format!("There is no map of {set} yet. ").into(),
            Span::styled(key, theme.accent()),
            " opens the form that makes one: its images as points, by PCA or t-SNE of their features.".into(),
        ]),
    };
    widgets::text(frame, inner, vec![line], 0);
}

fn draw_map(frame: &mut Frame, area: Rect, view: &MapView, shared: &Shared, map: &Map, hits: &mut Hits) {
    let theme = shared.theme;
    let narrow = area.width < NARROW;
    let wide = area.width >= 76;
    // Where there is no room next to the plane, a line or two below it.
    let [left, right] = if wide {
        let beside = if area.width >= 140 { 48 } else { 34 };
        area.layout(&Layout::horizontal([Constraint::Min(1), Constraint::Length(beside)]))
    } else {
        area.layout(&Layout::vertical([Constraint::Min(1), Constraint::Length(2.min(area.height / 3))]))
    };
    let of = match &view.maps {
        Some(Ok(maps)) if maps.maps.len() > 1 => format!("{} of {} · ", view.at + 1, maps.maps.len()),
        _ => String::new(),
    };
    let mark = if map.synthetic { " SYNTHETIC" } else { "" };
    let title = format!("{of}{} · {}{mark}", map.title(), map.dataset);
    let inner = if narrow {
        left
    } else {
        let room = usize::from(left.width).saturating_sub(6);
        let block = panel(theme, cut(&title, room), NARROW);
        let inner = block.inner(left);
        frame.render_widget(block, left);
        inner
    };
    let legend = legend(view, shared, usize::from(inner.width));
    let rows = (legend.len() as u16).min(inner.height / 4);
    let [plane, names] = inner.layout(&Layout::vertical([Constraint::Min(1), Constraint::Length(rows)]));
    frame.render_widget(ratatui::widgets::Paragraph::new(legend), names);
    draw_plane(frame, plane, view, shared, map);
    hits.push((plane, Target::Plane));
    if !wide {
        let lines = view.under().map(|point| about(view, shared, point, usize::from(right.width))).unwrap_or_default();
        frame.render_widget(ratatui::widgets::Paragraph::new(lines), right);
    } else if view.chosen.is_empty() {
        draw_under(frame, right, view, shared);
    } else {
        draw_chosen(frame, right, view, shared, map);
    }
}

/// The names of the groups, in as many lines as it takes.
fn legend(view: &MapView, shared: &Shared, width: usize) -> Vec<Line<'static>> {
    let theme = shared.theme;
    let what = match (view.colour, &view.judged, &view.judge) {
        (Colour::Correct, Some(Ok(judged)), _) => format!("{}, by {}:", view.colour, judged.run),
        (Colour::Correct, Some(Err(problem)), _) => problem.clone(),
        (Colour::Correct, None, None) => "correct: no run was trained on this data".to_owned(),
        (colour, ..) => format!("{colour}:"),
    };
    let mut used = what.chars().count();
    let mut lines = vec![vec![Span::styled(cut(&what, width), theme.dim())]];
    for ((at, name), count) in view.groups.names.iter().enumerate().zip(view.groups.counts()) {
        let text = format!(" {name} {count}");
        let wide = text.chars().count() + 3;
        if used + wide > width {
            lines.push(Vec::new());
            used = 0;
        }
        used += wide;
        if let Some(line) = lines.last_mut() {
            line.push(Span::styled(format!("  {}", theme.hue_swatch(at)), hue(view, shared, at)));
            line.push(Span::raw(cut(&text, width.saturating_sub(3))));
        }
    }
    lines.into_iter().map(Line::from).collect()
}

/// The colour of a group; images without a score or a value are muted.
fn hue(view: &MapView, shared: &Shared, group: usize) -> Style {
    let name = view.groups.names.get(group).map(String::as_str);
    match (view.colour, name) {
        (Colour::Correct, Some("right")) => shared.theme.good(),
        (Colour::Correct, Some("wrong")) => shared.theme.bad(),
        (Colour::Correct, _) | (Colour::Age, Some("not known")) => shared.theme.rule(),
        _ => shared.theme.hue(group),
    }
}

fn draw_plane(frame: &mut Frame, area: Rect, view: &MapView, shared: &Shared, map: &Map) {
    let theme = shared.theme;
    if area.width < 2 || area.height < 2 {
        return;
    }
    let window = Window::of(map, area);
    let chosen = |at: usize| view.chosen.is_empty() || view.chosen.binary_search(&at).is_ok();
    let count = view.groups.names.len();
    // Muted points are drawn first.
    let mut layers: Vec<(usize, bool)> = (0..count).map(|group| (group, false)).collect();
    layers.extend((0..count).map(|group| (group, true)));
    for (group, is_chosen) in layers {
        let members = view.groups.of.iter().enumerate().filter(|(at, own)| **own == group && chosen(*at) == is_chosen);
        let coords: Vec<(f64, f64)> =
            members.filter_map(|(at, _)| map.points.get(at)).map(|point| (point.x, point.y)).collect();
        if coords.is_empty() {
            continue;
        }
        let style = if is_chosen { hue(view, shared, group) } else { theme.rule() };
        let color = style.fg.unwrap_or_default();
        if theme.plain() {
            let sign = if is_chosen { theme.hue_swatch(group) } else { ".".into() };
            for cell in coords.iter().filter_map(|place| window.cell_of(*place)) {
                frame.buffer_mut()[cell].set_symbol(&sign).set_style(style);
            }
            continue;
        }
        let canvas = Canvas::default().x_bounds(window.x).y_bounds(window.y).marker(theme.hue_marker(group));
        frame.render_widget(canvas.paint(|context| context.draw(&Points { coords: &coords, color })), area);
    }
    if let Some((x, y)) = view.corner {
        let (to_x, to_y) = view.cursor;
        let rectangle = Rectangle {
            x: x.min(to_x),
            y: y.min(to_y),
            width: (to_x - x).abs(),
            height: (to_y - y).abs(),
            color: theme.accent().fg.unwrap_or_default(),
        };
        let canvas = Canvas::default().x_bounds(window.x).y_bounds(window.y).marker(theme.hue_marker(3));
        frame.render_widget(canvas.paint(|context| context.draw(&rectangle)), area);
    }
    if let Some(cell) = view.under().and_then(|point| window.cell_of((point.x, point.y))) {
        frame.buffer_mut()[cell].set_symbol("◆").set_style(theme.selected());
    }
    if let Some(cell) = window.cell_of(view.cursor) {
        frame.buffer_mut()[cell].set_symbol("┼").set_style(theme.accent());
    }
}

/// What is known of an image.
fn about(view: &MapView, shared: &Shared, point: &Point, width: usize) -> Vec<Line<'static>> {
    let theme = shared.theme;
    let map = view.map();
    let class = map.and_then(|map| map.classes.get(point.class)).map_or_else(String::new, Clone::clone);
    let age = point.age.as_ref().map_or_else(String::new, |age| format!(" · {age}"));
    let at = map.and_then(|map| map.points.iter().position(|own| std::ptr::eq(own, point)));
    let group = at.and_then(|at| view.groups.of.get(at)).and_then(|group| view.groups.names.get(*group));
    let told = match (view.colour, group) {
        (Colour::Correct, Some(group)) => format!(" · {group}"),
        _ => String::new(),
    };
    vec![
        Line::styled(cut(&format!("{class} · {}{age}{told}", point.split.name()), width), theme.strong()),
        Line::styled(cut_front(&point.path, width), theme.dim()),
    ]
}

fn draw_under(frame: &mut Frame, area: Rect, view: &MapView, shared: &Shared) {
    let block = panel(shared.theme, "Under the cursor", NARROW);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let Some(point) = view.under() else { return };
    let [picture, words] = inner.layout(&Layout::vertical([Constraint::Min(0), Constraint::Length(2)]));
    if let Some(path) = view.file(point) {
        shared.pictures.draw(frame, picture, shared.theme, &path, Marks::default(), shared.overlay.is_some());
    }
    frame.render_widget(ratatui::widgets::Paragraph::new(about(view, shared, point, usize::from(words.width))), words);
}

/// The images that were chosen: how many of each group, and as many pictures as there is room for, the nearest to the
/// cursor first.
fn draw_chosen(frame: &mut Frame, area: Rect, view: &MapView, shared: &Shared, map: &Map) {
    let theme = shared.theme;
    let count = view.chosen.len();
    let only = view.only().map(|group| format!(" · {group} only")).unwrap_or_default();
    let block =
        panel(theme, cut(&format!("{count} selected{only}"), usize::from(area.width.saturating_sub(4))), NARROW);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let mut lines: Vec<Line> = Vec::new();
    for (group, name) in view.groups.names.iter().enumerate() {
        let own = view.chosen.iter().filter(|at| view.groups.of.get(**at) == Some(&group)).count();
        if own > 0 {
            let share = format!(" {name}: {own} ({:.0} %)", 100.0 * own as f64 / count as f64);
            let sign = Span::styled(theme.hue_swatch(group), hue(view, shared, group));
            lines.push(Line::from(vec![sign, Span::raw(cut(&share, usize::from(inner.width).saturating_sub(2)))]));
        }
    }
    for (action, what) in [(Action::Export, "saves a list or decisions"), (Action::Sheet, "shows them on Data")] {
        let text = format!("{} {what}", name_of(Context::Map, action));
        lines.push(Line::styled(cut(&text, usize::from(inner.width)), theme.dim()));
    }
    let [words, sheet] = inner.layout(&Layout::vertical([Constraint::Length(lines.len() as u16), Constraint::Min(0)]));
    frame.render_widget(ratatui::widgets::Paragraph::new(lines), words);
    let (columns, rows) = ((sheet.width / CELL.0).max(1), sheet.height / CELL.1);
    let mut nearest: Vec<&Point> = view.chosen.iter().filter_map(|at| map.points.get(*at)).collect();
    let (x, y) = view.cursor;
    let far = |point: &Point| (point.x - x).powi(2) + (point.y - y).powi(2);
    nearest.sort_by(|a, b| far(a).total_cmp(&far(b)));
    for (at, point) in nearest.into_iter().take(usize::from(columns) * usize::from(rows)).enumerate() {
        let (column, row) = (at as u16 % columns, at as u16 / columns);
        let place = Rect {
            x: sheet.x + column * CELL.0,
            y: sheet.y + row * CELL.1,
            width: (CELL.0 - 1).min(sheet.width),
            height: CELL.1 - 1,
        };
        if let Some(path) = view.file(point) {
            shared.pictures.draw(frame, place, theme, &path, Marks::default(), shared.overlay.is_some());
        }
    }
}
