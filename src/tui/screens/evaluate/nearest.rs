//! Why a model of nearest neighbours tells an image wrong: over the scores, the image beside the training images that voted.

use crate::tui::effect::Effect;
use crate::tui::pictures::Marks;
use crate::tui::predictor::{Ask, PredictorReply};
use crate::tui::screens::predict;
use crate::tui::shared::Shared;
use crate::tui::widgets::{self, NARROW, cut_front, panel};
use faceprobe_core::path_text::path_of;
use faceprobe_core::predict::Prediction;
use faceprobe_core::run::results::ResultRow;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use std::path::PathBuf;

/// An image told wrong, and the question to the model about it.
#[derive(Debug)]
pub(super) struct Nearest {
    pub path: PathBuf,
    /// The run that is asked.
    pub run: String,
    /// What the image is.
    truth: String,
    /// The answer, or why there is none.
    told: Option<Result<Box<Prediction>, String>>,
}

impl Nearest {
    /// Asks a model about an image that is a `truth`.
    pub fn ask(row: &ResultRow, path: PathBuf, truth: String) -> (Self, Effect) {
        let (run, threshold) = (row.run.clone(), row.threshold);
        let ask = Ask { path: path.clone(), model: run.clone(), named: true, threshold, detect: None, explain: false };
        (Self { path, run, truth, told: None }, Effect::Predict(ask))
    }

    /// Takes what the predictor says, if it is about the image here; else it comes back.
    pub fn take(&mut self, reply: PredictorReply) -> Option<PredictorReply> {
        match reply {
            PredictorReply::Prediction(own) if path_of(&own.path) == self.path && own.model == self.run => {
                self.told = Some(Ok(own));
            }
            PredictorReply::Failed(sentence) if self.told.is_none() => self.told = Some(Err(sentence)),
            other => return Some(other),
        }
        None
    }

    /// Draws the image beside the training images.
    pub fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared) {
        let theme = shared.theme;
        let (path, run) = (&self.path, &self.run);
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
        let lines = match &self.told {
            None => vec![Line::styled(format!("{run} is asked about it."), theme.dim())],
            Some(Err(sentence)) => vec![Line::styled(sentence.clone(), theme.bad())],
            Some(Ok(told)) => match &told.error {
                Some(error) => vec![Line::styled(error.clone(), theme.bad())],
                None => self.words(shared, told),
            },
        };
        let [picture, below] =
            inner.layout(&Layout::vertical([Constraint::Min(0), Constraint::Length(3.min(inner.height))]));
        shared.pictures.draw(frame, picture, theme, path, Marks::default(), shared.overlay.is_some());
        widgets::text(frame, below, lines, 0);
        match &self.told {
            Some(Ok(told)) if !told.neighbours.is_empty() => predict::neighbours::draw(frame, second, shared, told),
            _ => frame.render_widget(panel(theme, "Nearest training images", NARROW.min(area.width)), second),
        }
    }

    /// What it is called, and how sure the model is.
    fn words(&self, shared: &Shared, told: &Prediction) -> Vec<Line<'static>> {
        let theme = shared.theme;
        let label = told.label.clone().unwrap_or_else(|| "–".into());
        let score = told.score.unwrap_or_default();
        let mut lines = vec![
            Line::styled(format!("told as {label}; it is {}", self.truth), theme.strong()),
            Line::styled(format!("score {score:.3}, threshold {:.3} · {}", told.threshold, told.model), theme.dim()),
        ];
        if told.neighbours.is_empty() {
            lines.push(Line::styled("Its training images cannot be named: the data set is gone.", theme.warning()));
        }
        lines
    }
}
