//! The large chart: the curves with the screen for themselves, the values of every run at the cursor, or all epochs as
//! a table.

use super::board::{Board, DrawnRun, Figure};
use super::curves::{self, Show, View};
use crate::tui::charts::clock::XAxis;
use crate::tui::charts::lines;
use crate::tui::keys::{Action, Context, name_of};
use crate::tui::shared::{Hits, Shared, Target};
use crate::tui::snapshot::Run;
use crate::tui::theme::Theme;
use crate::tui::widgets::{NARROW, bars, cut, fit, format, offset, panel};
use faceprobe_core::monitor::EpochFigures;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use std::sync::Arc;

/// The curves of `run` and of those that are laid over it, in their colours.
pub fn board<'a>(view: &'a View, shared: &Shared, run: &Arc<Run>) -> Board<'a> {
    let runs: Vec<_> = curves::shown(shared, run)
        .into_iter()
        .map(|run| {
            let hue = shared.mark_of(run.id.as_str()).map_or(0, |at| at + 1);
            (run, hue)
        })
        .collect();
    Board::of(shared, view, &runs)
}

/// Draws accuracy and loss of `run`, and of the marked runs, beside the list.
pub fn draw_small(frame: &mut Frame, area: Rect, view: &View, shared: &Shared, run: &Arc<Run>, hits: &mut Hits) {
    draw_charts(frame, area, &board(view, shared, run), hits);
}

/// Draws the large chart.
pub fn draw(frame: &mut Frame, area: Rect, view: &View, shared: &Shared, run: &Arc<Run>, hits: &mut Hits) {
    let mut board = board(view, shared, run);
    board.cursor = true;
    let [head, rest] = area.layout(&Layout::vertical([Constraint::Length(1), Constraint::Min(0)]));
    draw_head(frame, head, shared, run, &board);
    let told = match rest.height {
        ..10 => vec![values_short(shared.theme, &board, usize::from(area.width))],
        _ => values(shared.theme, &board, usize::from(area.width)),
    };
    let below = (told.len() as u16).min(rest.height / 2);
    let [main, foot] = rest.layout(&Layout::vertical([Constraint::Min(0), Constraint::Length(below)]));
    if board.view.table {
        draw_table(frame, main, shared.theme, &board, hits);
    } else {
        draw_charts(frame, main, &board, hits);
    }
    frame.render_widget(ratatui::widgets::Paragraph::new(told), foot);
}

fn draw_charts(frame: &mut Frame, area: Rect, board: &Board, hits: &mut Hits) {
    let halves = match board.view.show {
        Show::Both if area.width >= 100 && area.height < 30 => {
            Some(area.layout::<2>(&Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)])))
        }
        Show::Both if area.height >= 16 => {
            Some(area.layout::<2>(&Layout::vertical([Constraint::Fill(1), Constraint::Fill(1)])))
        }
        _ => None,
    };
    match halves {
        Some([first, second]) => {
            board.draw(frame, first, Figure::Accuracy, hits);
            board.draw(frame, second, Figure::Loss, hits);
        }
        None if board.view.show == Show::Loss => board.draw(frame, area, Figure::Loss, hits),
        None => board.draw(frame, area, Figure::Accuracy, hits),
    }
}

fn draw_head(frame: &mut Frame, area: Rect, shared: &Shared, run: &Run, board: &Board) {
    let theme = shared.theme;
    let (sign, style) = bars::status(theme, run.status);
    let hint = format!(" {} back ", name_of(Context::Chart, Action::Parent));
    let mut room = usize::from(area.width).saturating_sub(hint.chars().count());
    let mut spans = Vec::new();
    let mut add = |text: String, style: Style| {
        let width = text.chars().count();
        if width <= room {
            room -= width;
            spans.push(Span::styled(text, style));
        }
    };
    add(format!(" {sign} "), style);
    add(run.id.to_string(), theme.strong());
    if board.runs.len() > 1 {
        add(format!(" and {} more", board.runs.len() - 1), theme.text());
    }
    let undrawn = shared.marked.len().saturating_sub(curves::MOST);
    if undrawn > 0 {
        add(format!(" · {undrawn} marked not drawn"), theme.warning());
    }
    if let (true, Some(share)) = (run.status.is_live(), run.share()) {
        add(format!(" {:.0} %", (share * 100.0).floor()), style);
    }
    if let Some(left) = run.remaining() {
        add(format!(" · {} left", format::duration(left)), theme.text());
    }
    if let Some((first, last)) = board.view.range {
        add(format!(" · epochs {first} to {last}"), theme.accent());
    }
    let x = match (board.along, board.view.log_x) {
        (XAxis::Epochs, false) => String::new(),
        (XAxis::Epochs, true) => " · x: epochs, log".into(),
        (XAxis::Steps, log) => format!(" · x: steps{}", if log { ", log" } else { "" }),
        (XAxis::Time, log) => format!(" · x: time in training{}", if log { ", log" } else { "" }),
    };
    add(x, theme.dim());
    if !board.left_out.is_empty() {
        let text = format!(" · steps not known: {}", board.left_out.join(", "));
        add(text, theme.warning());
    }
    frame.render_widget(Line::from(spans), area);
    let width = (hint.chars().count() as u16).min(area.width);
    let right = Rect { x: area.right() - width, width, ..area };
    frame.render_widget(Span::styled(hint, theme.dim()), right);
}

/// The same where there is only a line for it: the validation accuracies.
fn values_short(theme: Theme, board: &Board, width: usize) -> Line<'static> {
    let (Some(lead), Some(x)) = (board.runs.first(), board.cursor()) else { return Line::default() };
    let head = format!(" epoch {} val@0.5", board.view.at(&lead.run));
    let room = width.saturating_sub(head.len());
    let mut spans = vec![Span::styled(head, theme.dim())];
    // Each takes eight columns, and so does how many there are more.
    let fitting = if board.runs.len() * 8 <= room { board.runs.len() } else { (room / 8).saturating_sub(1) };
    for told in &board.runs[..fitting] {
        let value = told.at(x).and_then(|figures| Figure::Accuracy.val(figures));
        spans.push(Span::styled(format!(" {} ", theme.hue_swatch(told.hue)), theme.hue(told.hue)));
        spans.push(Span::raw(format::share(value)));
    }
    if fitting < board.runs.len() {
        spans.push(Span::styled(format!(" +{}", board.runs.len() - fitting), theme.dim()));
    }
    Line::from(spans)
}

/// What a column tells of an epoch.
type Cell = fn(&EpochFigures) -> Option<f64>;

/// The values of every run at the cursor, with a heading.
fn values(theme: Theme, board: &Board, width: usize) -> Vec<Line<'static>> {
    let (Some(lead), Some(x)) = (board.runs.first(), board.cursor()) else { return Vec::new() };
    let epoch = board.view.at(&lead.run);
    let mut place = format!("epoch {epoch}");
    match board.along {
        XAxis::Epochs => {}
        XAxis::Steps => place += &format!(", step {}", format::thousands(x.max(0.0) as u64)),
        XAxis::Time => place += &format!(", {}", format::duration(x)),
    }
    let names =
        board.runs.iter().map(|told| told.run.id.as_str().len()).max().unwrap_or(0).max(place.len()).clamp(8, 22);
    let columns: [(&str, Cell); 4] = [
        ("val@0.5", |e| Figure::Accuracy.val(e)),
        ("val loss", |e| Figure::Loss.val(e)),
        ("train@0.5", |e| Some(Figure::Accuracy.train(e))),
        ("train loss", |e| Some(Figure::Loss.train(e))),
    ];
    let star = lines::star(theme);
    // The best epoch comes before the training figures, which the curves of several runs do not show.
    let room = width.saturating_sub(names + 4);
    let best = room >= 10 * 2 + 16;
    let fitting = (room.saturating_sub(if best { 16 } else { 0 }) / 11).clamp(1, 4);
    let mut head = format!("   {}", fit(&place, names));
    for (name, _) in &columns[..fitting] {
        head += &format!(" {name:>10}");
    }
    if best {
        head += &format!("  {star} best val@0.5");
    }
    let mut lines = vec![Line::styled(head, theme.dim())];
    for told in &board.runs {
        let figures = told.at(x);
        let (swatch, style) = match board.runs.len() {
            1 => (theme.swatch(1).to_owned(), theme.series(1)),
            _ => (theme.hue_swatch(told.hue), theme.hue(told.hue)),
        };
        let mut spans = vec![Span::styled(format!(" {swatch} "), style), Span::raw(fit(told.run.id.as_str(), names))];
        for (at, (_, figure)) in columns[..fitting].iter().enumerate() {
            let text = figures.and_then(figure).map_or("–".to_owned(), |value| format!("{value:.3}"));
            spans.push(Span::styled(format!(" {text:>10}"), if at == 0 { theme.strong() } else { theme.text() }));
        }
        if let (true, Some(text)) = (best, best_of(told)) {
            spans.push(Span::styled(format!("  {star} "), theme.good()));
            spans.push(Span::raw(text));
        }
        lines.push(Line::from(spans));
    }
    lines
}

fn best_of(told: &DrawnRun) -> Option<String> {
    let best = told.best()?;
    Some(format!("{:.3} at {}", Figure::Accuracy.val(best)?, best.epoch))
}

/// All epochs, one a line: of one run all its figures, of several those of validation.
fn draw_table(frame: &mut Frame, area: Rect, theme: Theme, board: &Board, hits: &mut Hits) {
    let Some(lead) = board.runs.first() else { return };
    let inner = if frame.area().width < NARROW {
        area
    } else {
        let block = panel(theme, "By epoch", NARROW);
        let inner = block.inner(area);
        frame.render_widget(block, area);
        inner
    };
    let width = usize::from(inner.width);
    let several = board.runs.len() > 1;
    let figure = if board.view.show == Show::Loss { Figure::Loss } else { Figure::Accuracy };
    let fitting = (width.saturating_sub(8) / if several { 13 } else { 11 }).max(1);
    let names = ["val@0.5", "train@0.5", "val loss", "train loss", "time", "each"];
    let mut heads: Vec<(String, Style)> = match several {
        true => board.runs.iter().map(|told| (cut(told.run.id.as_str(), 10), theme.hue(told.hue))).collect(),
        false => names.iter().map(|name| ((*name).to_owned(), theme.dim())).collect(),
    };
    heads.truncate(fitting);
    let mut head = vec![Span::styled(format!("{:>6} ", "epoch"), theme.dim())];
    for (at, (name, style)) in heads.iter().enumerate() {
        let swatch = if several { format!("{} ", theme.hue_swatch(board.runs[at].hue)) } else { String::new() };
        let room = if several { 11usize } else { 10 }.saturating_sub(swatch.chars().count());
        head.push(Span::styled(format!(" {swatch}{name:>room$} "), *style));
    }
    let what = if figure == Figure::Loss { "val loss" } else { "val@0.5" };
    if several && width >= 8 + heads.len() * 13 + what.len() {
        head.push(Span::styled(what, theme.dim()));
    }
    frame.render_widget(Line::from(head), Rect { height: 1.min(inner.height), ..inner });
    let last =
        board.runs.iter().filter_map(|told| told.run.history().epochs.last()).map(|e| e.epoch).max().unwrap_or(0);
    let selected = board.view.at(&lead.run).saturating_sub(1);
    let height = usize::from(inner.height.saturating_sub(1));
    let first = offset(selected, last, height);
    let best: Vec<Option<usize>> = board.runs.iter().map(|told| told.best().map(|best| best.epoch)).collect();
    for (row, epoch) in (first + 1..=last).take(height).enumerate() {
        let area = Rect { y: inner.y + 1 + row as u16, height: 1, ..inner };
        let mut cells: Vec<(String, bool)> = Vec::new();
        for (told, best) in board.runs.iter().zip(&best) {
            let is_best = *best == Some(epoch);
            let found = told.run.history().epochs.iter().find(|e| e.epoch == epoch);
            let three = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.3}"));
            if several {
                cells.push((three(found.and_then(|e| figure.val(e))), is_best));
                continue;
            }
            let of = |figure: fn(&EpochFigures) -> Option<f64>| three(found.and_then(figure));
            cells.push((of(|e| Figure::Accuracy.val(e)), is_best));
            cells.push((of(|e| Some(Figure::Accuracy.train(e))), false));
            cells.push((of(|e| Figure::Loss.val(e)), false));
            cells.push((of(|e| Some(Figure::Loss.train(e))), false));
            let time = found.map(|_| total(told, epoch)).map_or("–".to_owned(), format::duration);
            cells.push((time, false));
            cells.push((found.map_or("–".to_owned(), |e| format::duration(e.seconds)), false));
        }
        let room = if several { 11 } else { 10 };
        let mut spans = vec![Span::raw(format!("{epoch:>6} "))];
        for (text, is_best) in cells.into_iter().take(fitting) {
            let star = if is_best { lines::star(theme) } else { " " };
            let style = if is_best { theme.good() } else { theme.text() };
            spans.push(Span::styled(format!(" {text:>room$}{star}"), style));
        }
        let line = Line::from(spans);
        let style = if epoch == selected + 1 { theme.selected() } else { Style::new() };
        frame.render_widget(line.style(style), area);
        hits.push((area, Target::Row(epoch - 1)));
    }
}

/// Seconds in training up to the end of an epoch.
fn total(told: &DrawnRun, epoch: usize) -> f64 {
    told.run.history().epochs.iter().take_while(|e| e.epoch <= epoch).map(|e| e.seconds).sum()
}
