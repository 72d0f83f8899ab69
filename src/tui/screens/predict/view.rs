//! Draws Predict: a file browser at the left, the picture and a large answer at the right.

use super::{Predict, neighbours};
use crate::tui::keys::{self, Action, Context};
use crate::tui::pictures::Marks;
use crate::tui::shared::{Hits, Shared, Target};
use crate::tui::widgets::{self, NARROW, bars, big, cut, cut_front, cut_middle, fit, form, offset, panel};
use faceprobe_core::predict::Prediction;
use faceprobe_core::text::line;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use std::path::{Path, PathBuf};
use tui_input::Input;

/// Lines of the answer with its frame.
const ANSWER: u16 = 11;

/// Draws the screen.
pub fn draw(frame: &mut Frame, area: Rect, predict: &Predict, shared: &Shared, hits: &mut Hits) {
    if area.width < NARROW {
        let answer = answer(predict).map_or(1, |shown| if neighbours::has_any(shown) { 6 } else { 5 });
        let [top, bottom] = area.layout(&Layout::vertical([Constraint::Length(answer), Constraint::Min(1)]));
        widgets::text(
            frame,
            top,
            answer_lines(predict, shared, usize::from(area.width), true, Room { picture: false, neighbours: false }),
            0,
        );
        draw_files(frame, bottom, predict, shared, hits);
        return;
    }
    let list = if area.width >= 110 { 44 } else { 32 };
    let [left, right] = area.layout(&Layout::horizontal([Constraint::Length(list), Constraint::Min(0)]));
    let title = cut_front(&predict.folder.display().to_string(), usize::from(list) - 6);
    let block = panel(shared.theme, title, area.width);
    let inner = block.inner(left);
    frame.render_widget(block, left);
    draw_files(frame, inner, predict, shared, hits);
    let model = answer(predict).map(|shown| shown.model.clone()).or_else(|| predict.model(shared).map(|(run, _)| run));
    let model = model.map_or_else(|| "Prediction".to_owned(), |run| format!("Prediction by {run}"));
    let parts = parts(predict, shared, right);
    if let (Some(area), Some(path)) = (parts.picture, pictured(predict)) {
        draw_picture(frame, area, predict, shared, &path);
    }
    let room = Room { picture: parts.picture.is_some(), neighbours: parts.neighbours.is_some() };
    let block = panel(shared.theme, model, NARROW);
    let inner = block.inner(parts.answer);
    frame.render_widget(block, parts.answer);
    widgets::text(frame, inner, answer_lines(predict, shared, usize::from(inner.width), false, room), 0);
    if let Some(area) = parts.history {
        draw_history(frame, area, predict, shared);
    }
    if let (Some(area), Some(shown)) = (parts.neighbours, answer(predict)) {
        neighbours::draw(frame, area, shared, shown);
    }
}

/// The parts right of the files.
struct Parts {
    picture: Option<Rect>,
    answer: Rect,
    history: Option<Rect>,
    /// The training images that the answer is based on, where there is room for them.
    neighbours: Option<Rect>,
}

fn parts(predict: &Predict, shared: &Shared, area: Rect) -> Parts {
    let parts = parts_without_neighbours(predict, shared, area);
    if !answer(predict).is_some_and(neighbours::has_any) {
        return parts;
    }
    match (parts.history, parts.picture) {
        // The evidence for this answer matters more than earlier answers.
        (Some(rest), _) if rest.height >= 5 => Parts { history: None, neighbours: Some(rest), ..parts },
        (None, Some(picture)) if picture.height >= 20 => {
            let [picture, strip] = picture.layout(&Layout::vertical([Constraint::Min(0), Constraint::Length(10)]));
            Parts { picture: Some(picture), neighbours: Some(strip), ..parts }
        }
        _ => parts,
    }
}

fn parts_without_neighbours(predict: &Predict, shared: &Shared, area: Rect) -> Parts {
    let past = !predict.history.is_empty();
    let picture = shared.pictures.shown(shared.theme) && pictured(predict).is_some();
    // Next to each other where both have room, so that the picture is as large as possible.
    if picture && area.width >= 104 {
        let [picture, right] = area.layout(&Layout::horizontal([Constraint::Min(0), Constraint::Length(48)]));
        let [answer, rest] = right.layout(&Layout::vertical([Constraint::Length(ANSWER + 2), Constraint::Min(0)]));
        return Parts { picture: Some(picture), answer, history: Some(rest).filter(|_| past), neighbours: None };
    }
    if picture && area.height >= ANSWER + 6 {
        let lines = if past && area.height >= 34 { area.height / 4 } else { 0 };
        let [picture, answer, rest] =
            area.layout(&Layout::vertical([Constraint::Min(0), Constraint::Length(ANSWER), Constraint::Length(lines)]));
        return Parts { picture: Some(picture), answer, history: Some(rest).filter(|_| lines > 0), neighbours: None };
    }
    let history = past && area.height >= 16;
    let lines = if history { ANSWER + 2 } else { area.height };
    let [answer, rest] = area.layout(&Layout::vertical([Constraint::Length(lines), Constraint::Min(0)]));
    Parts { picture: None, answer, history: Some(rest).filter(|_| history), neighbours: None }
}

/// The picture to show: the one under the cursor, else the one that was predicted last.
fn pictured(predict: &Predict) -> Option<PathBuf> {
    let current = predict.current().filter(|entry| entry.image).map(|entry| entry.path.clone());
    current.or_else(|| predict.shown.as_ref().map(|shown| (&shown.path).into()))
}

/// The answer for the picture that is shown; an answer for another picture is not shown next to it.
fn answer(predict: &Predict) -> Option<&Prediction> {
    let pictured = pictured(predict)?;
    predict.shown.as_ref().filter(|shown| pictured.to_string_lossy() == shown.path)
}

fn draw_picture(frame: &mut Frame, area: Rect, predict: &Predict, shared: &Shared, path: &Path) {
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    let shown = answer(predict);
    let heat = predict.heat.as_ref().filter(|_| shown.is_some());
    let room = usize::from(area.width).saturating_sub(6);
    let title = match heat {
        Some(heat) => format!("{} · {}", cut(&name, room.saturating_sub(heat.method().len() + 3)), heat.method()),
        None => cut(&name, room),
    };
    let block = panel(shared.theme, title, NARROW);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    // Where a face was detected, the one that was used is framed.
    let faces = shown.map_or(&[][..], |shown| &shown.faces);
    let frames = faces.iter().map(|face| face.bounds.map(|edge| edge.round() as i32)).collect();
    let marks = Marks { frames, heat: heat.cloned() };
    shared.pictures.draw(frame, inner, shared.theme, path, marks, shared.overlay.is_some());
}

fn draw_files(frame: &mut Frame, area: Rect, predict: &Predict, shared: &Shared, hits: &mut Hits) {
    let theme = shared.theme;
    let Some(entries) = &predict.entries else {
        return;
    };
    let (area, others) = below(area, predict);
    if let Some((place, text)) = others {
        frame.render_widget(Span::styled(text, theme.dim()), place);
    }
    if entries.is_empty() {
        let up = keys::name_of(Context::Predict, Action::Parent);
        let lines = vec![
            Line::styled("No folders or images here.", theme.dim()),
            Line::styled(format!("{up}: parent folder"), theme.dim()),
        ];
        widgets::text(frame, area, lines, 0);
        return;
    }
    let selected = predict.selected.min(entries.len() - 1);
    let first = offset(selected, entries.len(), usize::from(area.height));
    for (row, (at, entry)) in entries.iter().enumerate().skip(first).take(usize::from(area.height)).enumerate() {
        let line = Rect { y: area.y + row as u16, height: 1, ..area };
        let name = if entry.folder { format!("{}/", entry.name) } else { entry.name.clone() };
        let name = cut_middle(&name, usize::from(area.width));
        let style = match (at == selected, entry.folder) {
            (true, _) => theme.selected(),
            (false, true) => theme.accent(),
            (false, false) => theme.text(),
        };
        frame.render_widget(Span::styled(fit(&name, usize::from(area.width)), style), line);
        hits.push((line, Target::Row(at)));
    }
}

/// The room for the list, and the line below it that counts what is not in it, where there is such.
fn below(area: Rect, predict: &Predict) -> (Rect, Option<(Rect, String)>) {
    let others = &predict.others;
    if others.is_empty() || area.height < 4 {
        return (area, None);
    }
    let list = Rect { height: area.height - 1, ..area };
    let text = format!("not listed: {}", line(&others.text()));
    (list, Some((Rect { y: list.bottom(), height: 1, ..area }, cut(&text, usize::from(area.width)))))
}

/// What of an answer is drawn elsewhere.
#[derive(Clone, Copy)]
struct Room {
    /// The picture, with the name of the file over itself.
    picture: bool,
    /// The training images that it is based on.
    neighbours: bool,
}

/// The answer.
fn answer_lines(predict: &Predict, shared: &Shared, width: usize, narrow: bool, room: Room) -> Vec<Line<'static>> {
    let theme = shared.theme;
    let waiting = match (&predict.busy, predict.loading) {
        (Some(_), true) => Some("Loading the network …"),
        (Some(_), false) => Some("Predicting …"),
        (None, _) => None,
    };
    let Some(shown) = answer(predict) else {
        let text = match waiting {
            Some(waiting) => waiting,
            None if narrow && predict.model(shared).is_none() => "No model yet: press 3 to train one.",
            None if narrow => "Enter predicts the selected image.",
            None if predict.model(shared).is_none() => {
                "No trained model yet: press 3 to train one, or 1 and then d for the demo."
            }
            None => "Enter predicts the selected image; then the arrow keys step through the folder. / opens a path.",
        };
        return vec![Line::styled(text, theme.dim())];
    };
    let file = Path::new(&shown.path)
        .file_name()
        .map_or_else(|| shown.path.clone(), |name| name.to_string_lossy().into_owned());
    let mut lines = Vec::new();
    if !room.picture {
        lines.push(Line::styled(cut(&file, width), theme.dim()));
    }
    if let Some(error) = &shown.error {
        lines.push(Line::default());
        lines.push(Line::styled(error.clone(), theme.bad()));
        return lines;
    }
    let probability = shown.probability.unwrap_or(0.0);
    let label = shown.label.clone().unwrap_or_else(|| "–".into()).to_uppercase();
    let percent = format!("{:.1} %", probability * 100.0);
    let style = large(shared, shown);
    if narrow {
        lines.push(Line::from(vec![Span::styled(label, style), Span::styled(format!("  {percent}"), theme.strong())]));
        lines.push(Line::from(bars::gauge(theme, width.min(40), probability, style)));
    } else {
        lines.push(Line::default());
        // Half blocks are all alike in ASCII.
        match big::letters(&label, width).filter(|_| !theme.ascii) {
            Some(rows) => lines.extend(rows.map(|row| Line::styled(row, style))),
            None => lines.push(Line::styled(label.chars().flat_map(|c| [c, ' ']).collect::<String>(), style)),
        }
        lines.push(Line::default());
        let mut gauge = bars::gauge(theme, width.saturating_sub(9).min(60), probability, style);
        gauge.push(Span::styled(format!("  {percent}"), theme.strong()));
        lines.push(Line::from(gauge));
    }
    // Where they have no part of their own, in the place of an empty line.
    match neighbours::has_any(shown) && !room.neighbours {
        true => lines.push(neighbours::line(shared, shown, width)),
        false if !narrow => lines.push(Line::default()),
        false => {}
    }
    let score = shown.score.map_or_else(|| "–".to_owned(), |score| format!("{score:.3}"));
    let side = match shown.score {
        Some(score) if score >= shown.threshold => "at or above",
        _ => "below",
    };
    let mut about = format!("score {score}, {side} the threshold {:.3}", shown.threshold);
    if !narrow {
        about += &format!(" · {}", shown.input_words());
    }
    about += &format!(" · {}", shown.model);
    about += &format!(" · {:.0} ms", shown.milliseconds);
    lines.push(Line::styled(about, theme.dim()));
    if let Some(waiting) = waiting {
        lines.push(Line::styled(waiting, theme.busy()));
    }
    lines
}

/// The two classes have the colours of the two series, whatever their names.
fn large(shared: &Shared, shown: &Prediction) -> Style {
    let positive = shown.score.is_some_and(|score| score >= shown.threshold);
    shared.theme.series(usize::from(positive)).add_modifier(ratatui::style::Modifier::BOLD)
}

fn draw_history(frame: &mut Frame, area: Rect, predict: &Predict, shared: &Shared) {
    let theme = shared.theme;
    let block = panel(theme, "This session", NARROW);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let width = usize::from(inner.width);
    let lines: Vec<Line> = predict
        .history
        .iter()
        .rev()
        .take(usize::from(inner.height))
        .map(|past| {
            let name = Path::new(&past.path)
                .file_name()
                .map_or_else(|| past.path.clone(), |name| name.to_string_lossy().into_owned());
            let name = fit(&cut_middle(&name, width.saturating_sub(22)), width.saturating_sub(22));
            match (&past.label, past.probability) {
                (Some(label), Some(probability)) => Line::from(vec![
                    Span::raw(name),
                    Span::styled(format!(" {}", fit(label, 10)), large(shared, past)),
                    Span::raw(format!(" {:>7}", format!("{:.1} %", probability * 100.0))),
                ]),
                _ => Line::from(vec![Span::raw(name), Span::styled(" no answer", theme.bad())]),
            }
        })
        .collect();
    frame.render_widget(ratatui::widgets::Paragraph::new(lines), inner);
}

impl Predict {
    /// Draws the line that takes a path; returns the position of what is typed.
    pub fn draw_path(&self, frame: &mut Frame, area: Rect, shared: &Shared, input: &Input) -> Rect {
        let inner = widgets::window(
            frame,
            area,
            shared.theme,
            "Path of an image or folder",
            area.width.saturating_sub(2).min(100),
            4,
        );
        form::draw_input(frame, Rect { height: 1.min(inner.height), ..inner }, input, shared.theme, true);
        let hint = format!("relative to {}; ~ is your home folder", self.folder.display());
        let below = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1).min(1), ..inner };
        frame.render_widget(Span::styled(cut(&hint, usize::from(inner.width)), shared.theme.dim()), below);
        Rect { height: 1.min(inner.height), ..inner }
    }
}
