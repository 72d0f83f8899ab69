//! Models side by side: the settings in which they differ, curves, confusion matrices, images they disagree on.

use super::super::super::app::{App, Hits, Target, Tone, moved};
use super::super::super::jobs::Effect;
use super::super::super::keys::{self, Action, Context};
use super::super::super::records::RecordJob;
use super::super::super::snapshot::Run;
use super::super::super::widgets::{self, NARROW, cut, cut_front, fit, format, offset, panel};
use super::super::evaluate::parts;
use crate::dataset::Split;
use crate::run::compare::{self, Comparison, Difference};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Chart, Dataset, GraphType, Paragraph};
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
pub struct Beside {
    pub runs: Vec<String>,
    test: bool,
    /// The line under the cursor of the images they disagree on.
    pub line: usize,
    pane: Pane,
    asked: Option<Split>,
    outcome: Option<Result<Arc<Comparison>, String>>,
}

impl Beside {
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
        Some(Effect::Record(Box::new(RecordJob::Compare { runs: self.runs.clone(), split })))
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
}

/// What a key does over a comparison.
pub fn act(app: &mut App, action: Action) -> Vec<Effect> {
    let snapshot = Arc::clone(&app.snapshot);
    let Some(beside) = &mut app.results.beside else {
        return Vec::new();
    };
    match action {
        Action::Parent => app.results.beside = None,
        Action::Pane => {
            beside.pane = match beside.pane {
                Pane::Figures => Pane::Curves,
                Pane::Curves => Pane::Images,
                Pane::Images => Pane::Figures,
            }
        }
        Action::OtherSplit if beside.test => {
            beside.test = false;
            return beside.ask().into_iter().collect();
        }
        Action::OtherSplit => {
            let opened = |run: &String| {
                snapshot.run(run).and_then(|run| run.row.as_ref()).is_some_and(|row| row.test_accuracy.is_some())
            };
            let closed: Vec<&str> = beside.runs.iter().filter(|run| !opened(run)).map(String::as_str).collect();
            if closed.is_empty() {
                beside.test = true;
                return beside.ask().into_iter().collect();
            }
            let key = keys::name_of(Context::Results, Action::OpenTest);
            let text = format!(
                "The test set was not opened for {}; {key} in the table opens it, after a question.",
                closed.join(", ")
            );
            app.say(Tone::Plain, text);
        }
        Action::Picture => {
            let picture = beside.comparison().and_then(|found| found.disagreements.get(beside.line)?.file.clone());
            return super::super::open_picture(app, picture);
        }
        _ => {
            let count = beside.comparison().map_or(0, |comparison| comparison.disagreements.len());
            beside.line = moved(beside.line, count, action);
        }
    }
    Vec::new()
}

/// What the parts are drawn from.
struct View<'a> {
    app: &'a App,
    beside: &'a Beside,
    /// As far as they are still there.
    runs: Vec<Arc<Run>>,
}

/// Draws a comparison.
pub fn draw(frame: &mut Frame, area: Rect, app: &App, beside: &Beside, hits: &mut Hits) {
    let theme = app.theme;
    let runs = beside.runs.iter().filter_map(|run| app.snapshot.run(run).cloned()).collect();
    let view = View { app, beside, runs };
    let [head, body] = area.layout(&Layout::vertical([Constraint::Length(1), Constraint::Min(0)]));
    let mut spans = Vec::new();
    for (at, run) in beside.runs.iter().enumerate() {
        spans.push(Span::styled(format!(" {} ", theme.hue_swatch(at)), theme.hue(at)));
        spans.push(Span::styled(run.clone(), theme.strong()));
    }
    let split = if beside.test { "test" } else { "validation" };
    spans.push(Span::styled(" · ", theme.dim()));
    spans.push(Span::styled(split, if beside.test { theme.warning() } else { theme.text() }));
    if let Some(comparison) = beside.comparison() {
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
    match beside.pane {
        Pane::Figures => {
            let below = view.matrices_height(body.width).min(body.height.saturating_sub(4));
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
        let block = panel(self.app.theme, title, frame.area().width);
        let inner = block.inner(area);
        frame.render_widget(block, area);
        inner
    }

    fn settings(&self, frame: &mut Frame, area: Rect, differences: &[Difference]) {
        let theme = self.app.theme;
        let inner = self.framed(frame, area, "Settings that differ");
        if differences.is_empty() {
            frame.render_widget(Span::styled("None: they are the same but for chance.", theme.dim()), inner);
            return;
        }
        let names = differences.iter().map(|difference| difference.setting.len()).max().unwrap_or(0).clamp(4, 22);
        let room = usize::from(inner.width).saturating_sub(names) / self.runs.len().max(1);
        let mut head = vec![Span::raw(fit("", names))];
        for (at, run) in self.runs.iter().enumerate() {
            head.push(Span::styled(format!(" {}", fit(run.id.as_str(), room.saturating_sub(1))), theme.hue(at)));
        }
        let mut lines = vec![Line::from(head)];
        for difference in differences {
            let mut spans = vec![Span::styled(fit(&difference.setting, names), theme.dim())];
            for value in &difference.values {
                let value = value.as_deref().unwrap_or("–");
                spans.push(Span::raw(format!(" {}", fit(value, room.saturating_sub(1)))));
            }
            lines.push(Line::from(spans));
        }
        let hidden = lines.len().saturating_sub(usize::from(inner.height));
        if hidden > 0 && inner.height > 1 {
            lines.truncate(usize::from(inner.height) - 1);
            lines.push(Line::styled(format!("and {} more", hidden + 1), theme.dim()));
        }
        frame.render_widget(Paragraph::new(lines), inner);
    }

    fn curves(&self, frame: &mut Frame, area: Rect) {
        let theme = self.app.theme;
        let inner = self.framed(frame, area, "Validation accuracy by epoch");
        if inner.height < 4 || inner.width < 16 {
            return;
        }
        let last = self.runs.iter().filter_map(|run| run.epochs.last()).map(|epoch| epoch.epoch).max().unwrap_or(2);
        let last = last.max(2) as f64;
        let points: Vec<Vec<(f64, f64)>> = self
            .runs
            .iter()
            .map(|run| {
                let figure = run.row.as_ref().and_then(|row| row.val_accuracy);
                match (run.epochs.is_empty(), figure) {
                    // What has no epochs is a level line at what came of it.
                    (true, Some(figure)) => vec![(1.0, figure), (last, figure)],
                    _ => run.epochs.iter().map(|epoch| (epoch.epoch as f64, epoch.val_accuracy)).collect(),
                }
            })
            .collect();
        let values = || points.iter().flatten().map(|&(_, y)| y).filter(|y| y.is_finite());
        let (low, high) = (values().fold(1.0, f64::min), values().fold(0.0, f64::max));
        let air = ((high - low) * 0.08).max(0.01);
        let (low, high) = if low <= high { (low - air, high + air) } else { (0.0, 1.0) };
        let datasets = points
            .iter()
            .enumerate()
            .map(|(at, points)| {
                Dataset::default()
                    .marker(theme.hue_marker(at))
                    .graph_type(GraphType::Line)
                    .style(theme.hue(at))
                    .data(points)
            })
            .collect();
        let x = Axis::default().bounds([1.0, last]).labels(["1".to_owned(), format!("epoch {last}")]);
        let y = Axis::default().bounds([low, high]).labels([format!("{low:.2}"), format!("{high:.2}")]);
        let chart =
            Chart::new(datasets).legend_position(None).x_axis(x.style(theme.dim())).y_axis(y.style(theme.dim()));
        frame.render_widget(chart, inner);
    }

    /// Whether a matrix for each run fits beside the others.
    fn squares(&self, width: u16) -> bool {
        usize::from(width) >= self.beside.runs.len() * 36 + 4
    }

    fn matrices_height(&self, width: u16) -> u16 {
        let frame = if width < NARROW { 0 } else { 2 };
        let table = if self.squares(width) { 4 } else { 1 + self.beside.runs.len() };
        let pairs = self.beside.runs.len() * (self.beside.runs.len() - 1) / 2;
        (table + pairs) as u16 + frame
    }

    fn matrices(&self, frame: &mut Frame, area: Rect) {
        let theme = self.app.theme;
        let inner = self.framed(frame, area, "Confusion");
        let comparison = match &self.beside.outcome {
            None => {
                frame.render_widget(Span::styled("Reading the scores …", theme.dim()), inner);
                return;
            }
            Some(Err(error)) => {
                widgets::text(frame, inner, vec![Line::styled(error.clone(), theme.bad())], 0);
                return;
            }
            Some(Ok(comparison)) => comparison,
        };
        let mut lines = if self.squares(area.width) {
            self.squares_of(comparison)
        } else {
            self.table_of(comparison, usize::from(inner.width))
        };
        for pair in &comparison.pairs {
            let name = |at: usize| Span::styled(comparison.sides[at].run.clone(), theme.hue(at));
            lines.push(Line::from(vec![
                Span::raw(format!("{} only ", pair.only_first)),
                name(pair.first),
                Span::raw(format!(" tells right, {} only ", pair.only_second)),
                name(pair.second),
            ]));
        }
        frame.render_widget(Paragraph::new(lines), inner);
    }

    /// The matrices beside each other, each under its run and accuracy.
    fn squares_of(&self, comparison: &Comparison) -> Vec<Line<'static>> {
        let theme = self.app.theme;
        let mut lines = vec![Line::default(); 4];
        for (at, side) in comparison.sides.iter().enumerate() {
            let head = format!("{} accuracy {:.3} at {:.3}", side.run, side.confusion.accuracy(), side.threshold);
            lines[0].push_span(Span::styled(fit(&head, 35), theme.hue(at)));
            lines[0].push_span(Span::raw(" "));
            for (line, row) in lines[1..].iter_mut().zip(parts::matrix(theme, &comparison.classes, &side.confusion)) {
                let fill = 36usize.saturating_sub(row.width());
                line.spans.extend(row.spans);
                line.push_span(Span::raw(" ".repeat(fill)));
            }
        }
        lines
    }

    /// A line per run with the four counts.
    fn table_of(&self, comparison: &Comparison, width: usize) -> Vec<Line<'static>> {
        let theme = self.app.theme;
        let cell = if width >= 74 { 12 } else { 5 };
        let name = width.saturating_sub(6 + 4 * (cell + 1)).clamp(6, 16);
        let [zero, one] = &comparison.classes;
        let title = |class: &str, word: &str, sign: &str| {
            let text =
                if cell == 12 { format!("{} {word}", cut(class, 6)) } else { format!("{}{sign}", cut(class, 4)) };
            format!(" {text:>cell$}")
        };
        let head = format!(
            "{} {:>5}{}{}{}{}",
            fit("", name),
            "acc.",
            title(zero, "right", "✓"),
            title(zero, "wrong", "✗"),
            title(one, "right", "✓"),
            title(one, "wrong", "✗")
        );
        let mut lines = vec![Line::styled(head, theme.dim())];
        for (at, side) in comparison.sides.iter().enumerate() {
            let cells = &side.confusion;
            let count = |count: usize, style| Span::styled(format!(" {count:>cell$}"), style);
            lines.push(Line::from(vec![
                Span::styled(fit(&side.run, name), theme.hue(at)),
                Span::styled(format!(" {:.3}", cells.accuracy()), theme.strong()),
                count(cells.true_negative, theme.good()),
                count(cells.false_positive, theme.bad()),
                count(cells.true_positive, theme.good()),
                count(cells.false_negative, theme.bad()),
            ]));
        }
        lines
    }

    fn images(&self, frame: &mut Frame, area: Rect, hits: &mut Hits) {
        let theme = self.app.theme;
        let comparison = self.beside.comparison();
        let count = comparison.map_or(0, |comparison| comparison.disagreements.len());
        let key = keys::name_of(Context::Compare, Action::Picture);
        let title = Line::from(vec![
            Span::raw(format!("They disagree on {}", format::thousands(count as u64))),
            Span::styled(format!("  scores furthest apart first, {key} predicts"), theme.dim()),
        ]);
        let inner = self.framed(frame, area, title);
        let Some(comparison) = comparison else {
            return;
        };
        if count == 0 {
            frame.render_widget(Span::styled("They tell every image the same.", theme.good()), inner);
            return;
        }
        let names = comparison.classes.iter().map(|class| class.chars().count()).max().unwrap_or(0).clamp(5, 10);
        let mut head = vec![Span::styled(fit("label", names), theme.dim())];
        for at in 0..comparison.sides.len() {
            head.push(Span::styled(format!("   {}    ", theme.hue_swatch(at)), theme.hue(at)));
        }
        head.push(Span::styled(" image", theme.dim()));
        frame.render_widget(Line::from(head), Rect { height: 1.min(inner.height), ..inner });
        let body = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
        let height = usize::from(body.height);
        let selected = self.beside.line.min(count - 1);
        let first = offset(selected, count, height);
        for (row, (at, image)) in comparison.disagreements.iter().enumerate().skip(first).take(height).enumerate() {
            let line = Rect { y: body.y + row as u16, height: 1, ..body };
            let mut spans = vec![Span::raw(fit(&comparison.classes[image.class], names))];
            for (score, answer) in image.scores.iter().zip(&image.answers) {
                let (sign, style) = if *answer == image.class { ("✓", theme.good()) } else { ("✗", theme.bad()) };
                spans.push(Span::styled(format!(" {sign}{score:.3} "), style));
            }
            let room = usize::from(body.width).saturating_sub(names + 8 * comparison.sides.len() + 1);
            spans.push(Span::styled(format!(" {}", fit(&cut_front(&image.path, room), room)), theme.dim()));
            let mut text = Line::from(spans);
            if at == selected {
                for span in &mut text.spans {
                    span.style = theme.selected();
                }
            }
            frame.render_widget(text, line);
            hits.push((line, Target::Row(at)));
        }
    }
}
