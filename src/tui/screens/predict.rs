//! Predict: a file browser at the left, a large answer at the right.

use super::super::app::{App, Hits, Overlay, Target, Tone, moved};
use super::super::jobs::{Effect, Entry};
use super::super::keys::{self, Action, Context};
use super::super::predictor::{Ask, PredictorReply};
use super::super::widgets::{self, NARROW, bars, big, cut, cut_front, fit, form, offset, panel};
use crate::predict::Prediction;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use std::path::{Path, PathBuf};
use tui_input::Input;

/// What the screen remembers.
#[derive(Debug)]
pub struct State {
    pub folder: PathBuf,
    /// None until the folder was listed.
    pub entries: Option<Vec<Entry>>,
    pub selected: usize,
    /// From the first prediction on, moving predicts.
    pub auto: bool,
    /// What the predictor is at.
    pub busy: Option<PathBuf>,
    /// What it is asked next.
    pub next: Option<PathBuf>,
    pub loading: bool,
    pub shown: Option<Prediction>,
    /// This session's predictions, newest last.
    pub history: Vec<Prediction>,
}

/// How many predictions a session remembers.
const REMEMBERED: usize = 500;

impl State {
    /// Starts in `folder`.
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            entries: None,
            selected: 0,
            auto: false,
            busy: None,
            next: None,
            loading: false,
            shown: None,
            history: Vec::new(),
        }
    }

    fn current(&self) -> Option<&Entry> {
        self.entries.as_ref()?.get(self.selected)
    }
}

/// The folder is listed when the screen is first seen.
pub fn arrive(app: &App) -> Vec<Effect> {
    if app.predict.entries.is_some() {
        return Vec::new();
    }
    vec![Effect::List { folder: app.predict.folder.clone(), select: None }]
}

/// What a key does here.
pub fn act(app: &mut App, action: Action) -> Vec<Effect> {
    match action {
        Action::Enter => return enter(app),
        Action::Parent => {
            let from = app.predict.folder.clone();
            return match from.parent() {
                Some(parent) => vec![Effect::List { folder: parent.to_owned(), select: Some(from.clone()) }],
                None => Vec::new(),
            };
        }
        Action::TypePath => app.overlay = Some(Overlay::Path(Input::default())),
        _ => {
            let len = app.predict.entries.as_ref().map_or(0, Vec::len);
            let to = moved(app.predict.selected, len, action);
            if to != app.predict.selected {
                app.predict.selected = to;
                return follow(app);
            }
        }
    }
    Vec::new()
}

/// A click on a line: on the one under the cursor it is like Enter.
pub fn select(app: &mut App, index: usize) -> Vec<Effect> {
    if app.predict.selected == index {
        return enter(app);
    }
    app.predict.selected = index;
    follow(app)
}

fn follow(app: &mut App) -> Vec<Effect> {
    match app.predict.current().filter(|entry| entry.image && app.predict.auto).map(|entry| entry.path.clone()) {
        Some(path) => ask(app, path),
        None => Vec::new(),
    }
}

fn enter(app: &mut App) -> Vec<Effect> {
    match app.predict.current().cloned() {
        Some(entry) if entry.folder => vec![Effect::List { folder: entry.path, select: None }],
        Some(entry) => {
            app.predict.auto = true;
            ask(app, entry.path)
        }
        None => Vec::new(),
    }
}

/// Asks for a prediction; while one is on its way only the newest wish is kept.
fn ask(app: &mut App, path: PathBuf) -> Vec<Effect> {
    let Some((model, threshold)) = app.snapshot.model() else {
        app.say(Tone::Bad, "There is no trained model yet; press 3 to train one, or 1 and then d for the demo.");
        return Vec::new();
    };
    if app.predict.busy.is_some() {
        app.predict.next = Some(path);
        return Vec::new();
    }
    app.predict.busy = Some(path.clone());
    vec![Effect::Predict(Ask { path, model, threshold })]
}

/// Takes what the predictor says.
pub fn reply(app: &mut App, reply: PredictorReply) -> Vec<Effect> {
    match reply {
        PredictorReply::Loading => {
            app.predict.loading = true;
            return Vec::new();
        }
        PredictorReply::Ready { .. } => {
            app.predict.loading = false;
            return Vec::new();
        }
        PredictorReply::Prediction(prediction) => {
            app.predict.history.push((*prediction).clone());
            if app.predict.history.len() > REMEMBERED {
                app.predict.history.remove(0);
            }
            app.predict.shown = Some(*prediction);
        }
        PredictorReply::Failed(sentence) => {
            app.predict.next = None;
            app.say(Tone::Bad, sentence);
        }
    }
    app.predict.loading = false;
    app.predict.busy = None;
    match app.predict.next.take() {
        Some(path) => ask(app, path),
        None => Vec::new(),
    }
}

/// Takes the listing of a folder.
pub fn listed(
    app: &mut App,
    folder: PathBuf,
    entries: Vec<Entry>,
    select: Option<PathBuf>,
    predict: bool,
) -> Vec<Effect> {
    let at = select.and_then(|path| entries.iter().position(|entry| entry.path == path)).unwrap_or(0);
    app.predict.folder = folder;
    app.predict.entries = Some(entries);
    app.predict.selected = at;
    if predict { enter(app) } else { Vec::new() }
}

/// Draws the screen.
pub fn draw(frame: &mut Frame, area: Rect, app: &App, hits: &mut Hits) {
    if area.width < NARROW {
        let answer = if app.predict.shown.is_some() { 5 } else { 1 };
        let [top, bottom] = area.layout(&Layout::vertical([Constraint::Length(answer), Constraint::Min(1)]));
        widgets::text(frame, top, answer_lines(app, usize::from(area.width), true), 0);
        draw_files(frame, bottom, app, hits);
        return;
    }
    let list = if area.width >= 110 { 44 } else { 32 };
    let [left, right] = area.layout(&Layout::horizontal([Constraint::Length(list), Constraint::Min(0)]));
    let title = cut_front(&app.predict.folder.display().to_string(), usize::from(list) - 6);
    let block = panel(app.theme, title, area.width);
    let inner = block.inner(left);
    frame.render_widget(block, left);
    draw_files(frame, inner, app, hits);
    let history = !app.predict.history.is_empty() && area.height >= 16;
    let [top, bottom] = right
        .layout(&Layout::vertical([Constraint::Length(if history { 13 } else { area.height }), Constraint::Min(0)]));
    let model = app.snapshot.model().map_or_else(|| "Prediction".to_owned(), |(run, _)| format!("Prediction by {run}"));
    let block = panel(app.theme, model, area.width);
    let inner = block.inner(top);
    frame.render_widget(block, top);
    widgets::text(frame, inner, answer_lines(app, usize::from(inner.width), false), 0);
    if history {
        draw_history(frame, bottom, app);
    }
}

fn draw_files(frame: &mut Frame, area: Rect, app: &App, hits: &mut Hits) {
    let theme = app.theme;
    let Some(entries) = &app.predict.entries else {
        return;
    };
    if entries.is_empty() {
        let up = keys::name_of(Context::Predict, Action::Parent);
        let lines = vec![
            Line::styled("No folders or images here.", theme.dim()),
            Line::styled(format!("{up}: the folder above"), theme.dim()),
        ];
        widgets::text(frame, area, lines, 0);
        return;
    }
    let selected = app.predict.selected.min(entries.len() - 1);
    let first = offset(selected, entries.len(), usize::from(area.height));
    for (row, (at, entry)) in entries.iter().enumerate().skip(first).take(usize::from(area.height)).enumerate() {
        let line = Rect { y: area.y + row as u16, height: 1, ..area };
        let name = if entry.folder { format!("{}/", entry.name) } else { entry.name.clone() };
        let style = match (at == selected, entry.folder) {
            (true, _) => theme.selected(),
            (false, true) => theme.accent(),
            (false, false) => theme.text(),
        };
        frame.render_widget(Span::styled(fit(&name, usize::from(area.width)), style), line);
        hits.push((line, Target::Row(at)));
    }
}

fn answer_lines(app: &App, width: usize, narrow: bool) -> Vec<Line<'static>> {
    let theme = app.theme;
    let state = &app.predict;
    let waiting = match (&state.busy, state.loading) {
        (Some(_), true) => Some("The network is being loaded."),
        (Some(_), false) => Some("Working."),
        (None, _) => None,
    };
    let Some(shown) = &state.shown else {
        let text = match waiting {
            Some(waiting) => waiting,
            None if app.snapshot.model().is_none() => {
                "No trained model yet: press 3 to train one, or 1 and then d for the demo."
            }
            None => {
                "Enter predicts the image under the cursor; then the arrows step through the folder. / takes a path."
            }
        };
        return vec![Line::styled(text, theme.dim())];
    };
    let file = Path::new(&shown.path)
        .file_name()
        .map_or_else(|| shown.path.clone(), |name| name.to_string_lossy().into_owned());
    let mut lines = vec![Line::styled(cut(&file, width), theme.dim())];
    if let Some(error) = &shown.error {
        lines.push(Line::default());
        lines.push(Line::styled(error.clone(), theme.bad()));
        return lines;
    }
    let probability = shown.probability.unwrap_or(0.0);
    let label = shown.label.clone().unwrap_or_else(|| "–".into()).to_uppercase();
    let percent = format!("{:.1} %", probability * 100.0);
    let style = large(app, shown);
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
        lines.push(Line::default());
    }
    let score = shown.score.map_or_else(|| "–".to_owned(), |score| format!("{score:.3}"));
    let side = match shown.score {
        Some(score) if score >= shown.threshold => "at or above",
        _ => "below",
    };
    let mut about = format!("score {score}, {side} the threshold {:.3}", shown.threshold);
    if !narrow {
        about += &format!(" · {} · {}", shown.input_words(), shown.model);
    }
    about += &format!(" · {:.0} ms", shown.milliseconds);
    lines.push(Line::styled(about, theme.dim()));
    if let Some(waiting) = waiting {
        lines.push(Line::styled(waiting, theme.busy()));
    }
    lines
}

/// The two classes have the colours of the two series, whichever names they have.
fn large(app: &App, shown: &Prediction) -> Style {
    let positive = shown.score.is_some_and(|score| score >= shown.threshold);
    app.theme.series(usize::from(positive)).add_modifier(ratatui::style::Modifier::BOLD)
}

fn draw_history(frame: &mut Frame, area: Rect, app: &App) {
    let theme = app.theme;
    let block = panel(theme, "This session", NARROW);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let width = usize::from(inner.width);
    let lines: Vec<Line> = app
        .predict
        .history
        .iter()
        .rev()
        .take(usize::from(inner.height))
        .map(|past| {
            let name = Path::new(&past.path)
                .file_name()
                .map_or_else(|| past.path.clone(), |name| name.to_string_lossy().into_owned());
            let name = fit(&name, width.saturating_sub(22));
            match (&past.label, past.probability) {
                (Some(label), Some(probability)) => Line::from(vec![
                    Span::raw(name),
                    Span::styled(format!(" {}", fit(label, 10)), large(app, past)),
                    Span::raw(format!(" {:>7}", format!("{:.1} %", probability * 100.0))),
                ]),
                _ => Line::from(vec![Span::raw(name), Span::styled(" no answer", theme.bad())]),
            }
        })
        .collect();
    frame.render_widget(ratatui::widgets::Paragraph::new(lines), inner);
}

/// Draws the line that takes a path.
pub fn draw_path(frame: &mut Frame, area: Rect, app: &App, input: &Input) {
    let inner =
        widgets::window(frame, area, app.theme, "Path of an image or folder", area.width.saturating_sub(2).min(100), 4);
    form::draw_input(frame, Rect { height: 1.min(inner.height), ..inner }, input, app.theme, true);
    let hint = format!("relative to {}; ~ is your home", app.predict.folder.display());
    let below = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1).min(1), ..inner };
    frame.render_widget(Span::styled(cut(&hint, usize::from(inner.width)), app.theme.dim()), below);
}
