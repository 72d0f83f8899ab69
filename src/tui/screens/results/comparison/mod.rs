//! Models side by side: the settings in which they differ, curves, confusion matrices, images they disagree on.

mod confusion;
mod curves;
mod images;
mod settings;

use super::super::super::effect::Effect;
use super::super::super::keys::{self, Action, Context};
use super::super::super::records::RecordJob;
use super::super::super::request::Request;
use super::super::super::shared::{Hits, Shared, Tone, moved};
use super::super::super::snapshot::Run;
use super::super::super::stages::ScreenId;
use super::super::super::widgets::{format, panel};
use faceprobe_core::dataset::Split;
use faceprobe_core::run::compare::{self, Comparison};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use std::sync::Arc;

/// More than so many cannot be read beside each other.
pub const MOST: usize = 4;

/// What is shown where there is no room for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pane {
    Figures,
    Curves,
    Images,
}

/// Runs side by side.
#[derive(Debug)]
pub struct ComparisonView {
    pub runs: Vec<String>,
    test: bool,
    /// The line under the cursor of the images they disagree on.
    pub line: usize,
    pane: Pane,
    asked: Option<Split>,
    outcome: Option<Result<Arc<Comparison>, String>>,
}

impl ComparisonView {
    /// Runs that are to be put side by side on validation.
    pub fn new(runs: Vec<String>) -> Self {
        Self { runs, test: false, line: 0, pane: Pane::Figures, asked: None, outcome: None }
    }

    fn split(&self) -> Split {
        if self.test { Split::Test } else { Split::Val }
    }

    /// The question for the scores of this split, once.
    pub fn ask(&mut self) -> Option<Effect> {
        let split = self.split();
        if self.asked == Some(split) {
            return None;
        }
        self.asked = Some(split);
        self.outcome = None;
        self.line = 0;
        Some(RecordJob::Compare { runs: self.runs.clone(), split }.into())
    }

    /// The answer, if it is the one to the last question.
    pub fn take(&mut self, runs: &[String], split: Split, outcome: Result<Arc<Comparison>, String>) {
        if self.runs == runs && self.asked == Some(split) {
            self.outcome = Some(outcome);
        }
    }

    /// The comparison on the screen.
    pub fn comparison(&self) -> Option<&Comparison> {
        self.outcome.as_ref()?.as_ref().ok().map(|comparison| &**comparison)
    }

    /// What a key does over a comparison.
    pub fn act(&mut self, shared: &mut Shared, action: Action) -> Vec<Effect> {
        let snapshot = Arc::clone(&shared.snapshot);
        match action {
            Action::Large => {
                let curves = |run: &&String| snapshot.run(run).is_some_and(|run| run.has_curves());
                let runs: Vec<String> = self.runs.iter().filter(curves).cloned().collect();
                match runs.is_empty() {
                    true => shared.say(Tone::Plain, "None of these has curves."),
                    false => shared.request(Request::Chart { runs, from: ScreenId::Results }),
                }
            }
            Action::Pane => {
                self.pane = match self.pane {
                    Pane::Figures => Pane::Curves,
                    Pane::Curves => Pane::Images,
                    Pane::Images => Pane::Figures,
                }
            }
            Action::OtherSplit if self.test => {
                self.test = false;
                return self.ask().into_iter().collect();
            }
            Action::OtherSplit => {
                let opened = |run: &String| {
                    snapshot.run(run).and_then(|run| run.row.as_ref()).is_some_and(|row| row.test_accuracy.is_some())
                };
                let closed: Vec<&str> = self.runs.iter().filter(|run| !opened(run)).map(String::as_str).collect();
                if closed.is_empty() {
                    self.test = true;
                    return self.ask().into_iter().collect();
                }
                let key = keys::name_of(Context::Results, Action::OpenTest);
                let text = format!(
                    "The test set was not opened for {}; {key} in the table opens it, after a question.",
                    closed.join(", ")
                );
                shared.say(Tone::Plain, text);
            }
            Action::Picture => {
                let picture = self.comparison().and_then(|found| found.disagreements.get(self.line)?.file.clone());
                // The first is the one that the others are compared with.
                let model = self.runs.first().cloned();
                shared.request(Request::Predict { picture, model });
            }
            _ => {
                let count = self.comparison().map_or(0, |comparison| comparison.disagreements.len());
                self.line = moved(self.line, count, action);
            }
        }
        Vec::new()
    }
}

/// What the parts are drawn from.
struct View<'a> {
    shared: &'a Shared,
    state: &'a ComparisonView,
    /// As far as they are still there.
    runs: Vec<Arc<Run>>,
}

/// Draws a comparison.
pub fn draw(frame: &mut Frame, area: Rect, shared: &Shared, state: &ComparisonView, hits: &mut Hits) {
    let theme = shared.theme;
    let runs = state.runs.iter().filter_map(|run| shared.snapshot.run(run).cloned()).collect();
    let view = View { shared, state, runs };
    let [head, body] = area.layout(&Layout::vertical([Constraint::Length(1), Constraint::Min(0)]));
    let mut spans = Vec::new();
    for (at, run) in state.runs.iter().enumerate() {
        spans.push(Span::styled(format!(" {} ", theme.hue_swatch(at)), theme.hue(at)));
        spans.push(Span::styled(run.clone(), theme.strong()));
    }
    let split = if state.test { "test" } else { "validation" };
    spans.push(Span::styled(" · ", theme.dim()));
    spans.push(Span::styled(split, if state.test { theme.warning() } else { theme.text() }));
    if let Some(comparison) = state.comparison() {
        spans.push(Span::styled(format!(" · {} images", format::thousands(comparison.common as u64)), theme.dim()));
        if comparison.left_out > 0 {
            let text = format!(", {} not scored by all", format::thousands(comparison.left_out as u64));
            spans.push(Span::styled(text, theme.warning()));
        }
    }
    let roomy = body.width >= 96 && body.height >= 24;
    frame.render_widget(Line::from(spans), head);
    if !roomy {
        let hint = format!(" {} more ", keys::name_of(Context::Compare, Action::Pane));
        let width = hint.chars().count() as u16;
        let x = head.right().saturating_sub(width);
        frame.render_widget(Span::styled(hint, theme.dim()), Rect { x, width, ..head });
    }
    let differences = compare::differences(&view.runs.iter().map(|run| &run.job).collect::<Vec<_>>());
    if roomy {
        let matrices = view.matrices_height(body.width);
        let [top, middle, bottom] = body.layout(&Layout::vertical([
            Constraint::Length((differences.len() as u16 + 3).clamp(9, body.height / 2)),
            Constraint::Length(matrices),
            Constraint::Min(4),
        ]));
        let [left, right] = top.layout(&Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]));
        view.settings(frame, left, &differences);
        view.curves(frame, right);
        view.matrices(frame, middle);
        view.images(frame, bottom, hits);
        return;
    }
    match state.pane {
        Pane::Figures => {
            let below = view.matrices_height(body.width).min(body.height.saturating_sub(3));
            let [top, bottom] = body.layout(&Layout::vertical([Constraint::Min(3), Constraint::Length(below)]));
            view.settings(frame, top, &differences);
            view.matrices(frame, bottom);
        }
        Pane::Curves => view.curves(frame, body),
        Pane::Images => view.images(frame, body, hits),
    }
}

impl View<'_> {
    /// The inside of a framed part; on a narrow screen the whole area.
    fn framed(&self, frame: &mut Frame, area: Rect, title: impl Into<Line<'static>>) -> Rect {
        let block = panel(self.shared.theme, title, frame.area().width);
        let inner = block.inner(area);
        frame.render_widget(block, area);
        inner
    }
}
