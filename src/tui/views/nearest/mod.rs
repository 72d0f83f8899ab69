//! Why a model of nearest neighbours tells an image wrong: over Evaluate, the image beside the training images that voted.

mod keys;

use super::{View, ViewId};
use crate::tui::app::{App, Hits, Tone, moved};
use crate::tui::effect::Effect;
use crate::tui::keys::{Action, Binding, Context};
use crate::tui::pictures::Marks;
use crate::tui::predictor::{Ask, PredictorReply};
use crate::tui::screens::{evaluate, open_picture, predict};
use crate::tui::widgets::{self, NARROW, cut_front, panel};
use faceprobe_core::model::Kind;
use faceprobe_core::path_text::path_of;
use faceprobe_core::predict::Prediction;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use std::path::PathBuf;

/// What the view remembers.
#[derive(Debug, Default)]
pub struct State {
    /// The image, and the run that is asked about it.
    asked: Option<(PathBuf, String)>,
    /// What the image is.
    truth: String,
    /// The answer, or why there is none.
    told: Option<Result<Box<Prediction>, String>>,
}

/// The view in the table of views.
pub struct NearestView;

impl View for NearestView {
    fn keys(&self) -> &'static [Binding] {
        keys::ROWS
    }

    fn context(&self, _app: &App) -> Context {
        Context::Nearest
    }

    fn draw(&self, frame: &mut Frame, area: Rect, app: &App, _hits: &mut Hits) {
        draw(frame, area, app);
    }

    fn act(&self, app: &mut App, action: Action) -> Vec<Effect> {
        match action {
            Action::Picture => {
                let asked = app.views.nearest.asked.clone();
                app.views.open = None;
                let (path, run) = asked.unzip();
                open_picture(app, path, run)
            }
            _ => {
                let count = app.evaluate.figures().map_or(0, |figures| figures.mistakes.len());
                let to = moved(app.evaluate.mistake, count, action);
                if to == app.evaluate.mistake {
                    return Vec::new();
                }
                app.evaluate.mistake = to;
                ask(app)
            }
        }
    }

    fn select(&self, _app: &mut App, _line: usize) -> Vec<Effect> {
        Vec::new()
    }

    fn arrive(&self, app: &mut App) -> Vec<Effect> {
        ask(app)
    }
}

/// Whether the model on Evaluate votes.
pub fn has_votes(app: &App) -> bool {
    evaluate::shown(app).is_some_and(|row| row.kind == Kind::KNN)
}

/// Asks about the mistake under the cursor of Evaluate.
fn ask(app: &mut App) -> Vec<Effect> {
    let truth = evaluate::truth(app).unwrap_or_default().to_owned();
    app.views.nearest = State { truth, ..State::default() };
    let Some((row, path)) = evaluate::shown(app).cloned().zip(evaluate::picture(app)) else {
        app.views.open = None;
        app.say(Tone::Plain, "There is no picture here, or its data set is gone.");
        return Vec::new();
    };
    app.views.nearest.asked = Some((path.clone(), row.run.clone()));
    let ask = Ask { path, model: row.run, named: true, threshold: row.threshold, detect: None, explain: false };
    vec![Effect::Predict(ask)]
}

/// Takes what the predictor says, if it is about the image here; else it comes back.
pub fn take(app: &mut App, reply: PredictorReply) -> Option<PredictorReply> {
    let (open, State { asked, told, .. }) = (app.views.open, &mut app.views.nearest);
    let Some((path, run)) = asked.as_ref().filter(|_| open == Some(ViewId::Nearest)) else { return Some(reply) };
    match reply {
        PredictorReply::Prediction(own) if path_of(&own.path) == *path && own.model == *run => *told = Some(Ok(own)),
        PredictorReply::Failed(sentence) if told.is_none() => *told = Some(Err(sentence)),
        other => return Some(other),
    }
    None
}

fn draw(frame: &mut Frame, area: Rect, app: &App) {
    let theme = app.theme;
    let state = &app.views.nearest;
    let Some((path, run)) = &state.asked else { return };
    let wide = area.width >= 90;
    let [first, second] = if wide {
        area.layout(&Layout::horizontal([Constraint::Percentage(42), Constraint::Min(0)]))
    } else {
        area.layout(&Layout::vertical([Constraint::Percentage(45), Constraint::Min(0)]))
    };
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let block = panel(theme, cut_front(&name, usize::from(first.width).saturating_sub(6)), area.width);
    let inner = block.inner(first);
    frame.render_widget(block, first);
    let lines = match &state.told {
        None => vec![Line::styled(format!("{run} is asked about it."), theme.dim())],
        Some(Err(sentence)) => vec![Line::styled(sentence.clone(), theme.bad())],
        Some(Ok(told)) => match &told.error {
            Some(error) => vec![Line::styled(error.clone(), theme.bad())],
            None => words(app, told),
        },
    };
    let [picture, below] =
        inner.layout(&Layout::vertical([Constraint::Min(0), Constraint::Length(3.min(inner.height))]));
    app.pictures.draw(frame, picture, theme, path, Marks::default(), app.overlay.is_some());
    widgets::text(frame, below, lines, 0);
    match &state.told {
        Some(Ok(told)) if !told.neighbours.is_empty() => predict::neighbours::draw(frame, second, app, told),
        _ => frame.render_widget(panel(theme, "Nearest training images", NARROW.min(area.width)), second),
    }
}

/// What it is called, and how sure the model is.
fn words(app: &App, told: &Prediction) -> Vec<Line<'static>> {
    let theme = app.theme;
    let label = told.label.clone().unwrap_or_else(|| "–".into());
    let score = told.score.unwrap_or_default();
    let mut lines = vec![
        Line::styled(format!("told as {label}; it is {}", app.views.nearest.truth), theme.strong()),
        Line::styled(format!("score {score:.3}, threshold {:.3} · {}", told.threshold, told.model), theme.dim()),
    ];
    if told.neighbours.is_empty() {
        lines.push(Line::styled("Its training images cannot be named: the data set is gone.", theme.warning()));
    }
    lines
}
