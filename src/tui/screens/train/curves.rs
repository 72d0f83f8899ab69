//! The curves of Train: the run under the cursor, or that and the marked ones over each other.

use crate::tui::app::App;
use crate::tui::keys::Action;
use crate::tui::snapshot::Run;
use crate::tui::theme::Theme;
use crate::tui::widgets::plot::{self, Plot, Series};
use faceprobe_core::monitor::EpochFigures;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How the curves are looked at.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct View {
    /// The loss on a logarithmic scale.
    pub log: bool,
    /// Where there is room for one chart only, the loss instead of the accuracy.
    pub loss: bool,
    /// Which of [`WEIGHTS`] smooths.
    pub smoothing: usize,
    /// First and last epoch shown; none shows all that are planned.
    pub range: Option<(usize, usize)>,
    /// Runs that are laid over the one under the cursor.
    pub marked: Vec<String>,
}

/// Weights of what went before: none, a little, much.
const WEIGHTS: [f64; 3] = [0.0, 0.6, 0.9];
/// More lines than this cannot be told apart.
const MOST: usize = 5;

impl View {
    /// Whether the action changed how the curves are looked at.
    pub fn act(&mut self, action: Action, runs: &[Arc<Run>]) -> bool {
        let last = runs.iter().filter_map(|run| run.facts.last_epoch);
        let planned = last.clone().map(|epoch| epoch.epochs).max().unwrap_or(1).max(2);
        let known = last.map(|epoch| epoch.epoch).max().unwrap_or(1);
        let (first, end) = self.range.unwrap_or((1, planned));
        let width = end.saturating_sub(first).max(1);
        let window = |first: usize, width: usize| {
            let first = first.min(planned.saturating_sub(width)).max(1);
            Some((first, (first + width).min(planned))).filter(|range| *range != (1, planned))
        };
        match action {
            Action::LogScale => self.log = !self.log,
            Action::Curves => self.loss = !self.loss,
            Action::Smooth => self.smoothing = (self.smoothing + 1) % WEIGHTS.len(),
            // Towards what is newest among what is seen.
            Action::ZoomIn if width > 2 => {
                let end = end.min(known.max(first + 2));
                let half = (end.saturating_sub(first) / 2).max(2);
                self.range = window(end.saturating_sub(half), half);
            }
            Action::ZoomOut if width * 2 + 2 >= planned => self.range = None,
            Action::ZoomOut => self.range = window(first.saturating_sub(width / 2), (width * 2).min(planned - 1)),
            Action::ZoomAll => self.range = None,
            Action::PanLeft if self.range.is_some() => {
                self.range = window(first.saturating_sub((width / 4).max(1)), width);
            }
            Action::PanRight if self.range.is_some() => self.range = window(first + (width / 4).max(1), width),
            _ => return false,
        }
        true
    }

    /// Which colour a run has among the marked.
    pub fn hue(&self, run: &str) -> Option<usize> {
        self.marked.iter().position(|marked| marked == run).map(|at| at + 1)
    }

    fn smooth(&self, points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
        match WEIGHTS.get(self.smoothing) {
            Some(weight) if *weight > 0.0 => plot::smoothed(&points, *weight),
            _ => points,
        }
    }
}

/// The runs whose curves are shown: `run` and the marked ones that have any.
pub fn shown(app: &App, run: &Arc<Run>) -> Vec<Arc<Run>> {
    let mut runs = vec![Arc::clone(run)];
    let marked = app.train.view.marked.iter().filter(|id| id.as_str() != run.id.as_str());
    let marked = marked.filter_map(|id| app.snapshot.run(id)).filter(|run| run.has_curves());
    runs.extend(marked.take(MOST).cloned());
    runs
}

/// None where an epoch has no such figure.
type Figure = fn(&EpochFigures) -> Option<f64>;

/// Draws accuracy and loss of `run`, and of the marked runs.
pub fn draw(frame: &mut Frame, area: Rect, app: &App, run: &Arc<Run>, narrow: bool) {
    let view = &app.train.view;
    let runs = shown(app, run);
    let planned = runs.iter().filter_map(|run| run.facts.last_epoch).map(|epoch| epoch.epochs).max().unwrap_or(1);
    let range = view.range.unwrap_or((1, planned.max(2)));
    let series = |train: Figure, val: Figure| {
        if runs.len() > 1 {
            runs.iter().map(|run| of_run(app, run, val)).collect::<Vec<_>>()
        } else {
            let lines = [train, val].into_iter().enumerate();
            lines.map(|(index, figure)| of_split(app, run, index, figure, narrow)).collect()
        }
    };
    let accuracy = series(|epoch| Some(epoch.train_accuracy), |epoch| epoch.validated.map(|val| val.accuracy));
    let loss = series(|epoch| Some(epoch.train_loss), |epoch| epoch.validated.map(|val| val.loss));
    let title = |name: &str, log: bool| {
        let mut notes = Vec::new();
        if runs.len() > 1 {
            notes.push("val".to_owned());
        }
        if log {
            notes.push("log".to_owned());
        }
        if let Some(weight) = WEIGHTS.get(view.smoothing).filter(|weight| **weight > 0.0) {
            notes.push(format!("EMA {weight}"));
        }
        if notes.is_empty() { name.to_owned() } else { format!("{name} ({})", notes.join(", ")) }
    };
    let name = if narrow { "Acc@0.5" } else { "Accuracy@0.5" };
    let accuracy = Plot { title: title(name, false), series: &accuracy, range, log: false, share: true };
    let loss = Plot { title: title("Loss", view.log), series: &loss, range, log: view.log, share: false };
    if area.width >= 100 {
        let [left, right] = area.layout(&Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]));
        plot::draw(frame, left, app.theme, &accuracy);
        plot::draw(frame, right, app.theme, &loss);
    } else if area.height >= 16 {
        let [top, bottom] = area.layout(&Layout::vertical([Constraint::Fill(1), Constraint::Fill(1)]));
        plot::draw(frame, top, app.theme, &accuracy);
        plot::draw(frame, bottom, app.theme, &loss);
    } else {
        plot::draw(frame, area, app.theme, if view.loss { &loss } else { &accuracy });
    }
}

fn points(run: &Run, figure: Figure) -> Vec<(f64, f64)> {
    run.story().epochs.iter().filter_map(|epoch| Some((epoch.epoch as f64, figure(epoch)?))).collect()
}

/// One of the two splits of a run.
fn of_split(app: &App, run: &Run, index: usize, figure: Figure, narrow: bool) -> Series {
    let theme: Theme = app.theme;
    let name = match (index, narrow) {
        (0, false) => "train",
        (0, true) => "trn",
        (_, false) => "validation",
        (_, true) => "val",
    };
    Series {
        name: name.into(),
        swatch: theme.swatch(index).into(),
        style: theme.series(index),
        marker: theme.marker(index),
        points: app.train.view.smooth(points(run, figure)),
    }
}

/// One of several runs.
fn of_run(app: &App, run: &Run, figure: Figure) -> Series {
    let theme = app.theme;
    let hue = app.train.view.hue(run.id.as_str()).unwrap_or(0);
    Series {
        name: run.id.to_string(),
        swatch: theme.hue_swatch(hue),
        style: theme.hue(hue),
        marker: theme.hue_marker(hue),
        points: app.train.view.smooth(points(run, figure)),
    }
}
