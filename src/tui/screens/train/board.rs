//! Curves of runs over each other, ready to be drawn: which points lie where, on which scales.

use super::curves::{View, planned};
use crate::tui::charts::clock::{Clock, XAxis};
use crate::tui::charts::lines::{self, Chart, Legend, Series};
use crate::tui::charts::scale::Scale;
use crate::tui::charts::{lookup, smoothing};
use crate::tui::shared::{Hits, Shared, Target};
use crate::tui::snapshot::{Run, Snapshot};
use crate::tui::theme::{Stroke, Theme};
use crate::tui::widgets::{NARROW, panel};
use faceprobe_core::monitor::EpochFigures;
use faceprobe_core::run::JobSpec;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use std::sync::Arc;

/// What a chart is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    Accuracy,
    Loss,
}

impl Figure {
    /// On the training samples.
    pub fn train(self, epoch: &EpochFigures) -> f64 {
        match self {
            Self::Accuracy => epoch.train_accuracy,
            Self::Loss => epoch.train_loss,
        }
    }

    /// On validation; none where the model learns from it too.
    pub fn val(self, epoch: &EpochFigures) -> Option<f64> {
        epoch.validated.map(|val| if self == Self::Accuracy { val.accuracy } else { val.loss })
    }
}

/// A run, its colour among the others, and where its epochs lie.
#[derive(Debug)]
pub struct DrawnRun {
    pub run: Arc<Run>,
    pub hue: usize,
    pub clock: Clock,
}

impl DrawnRun {
    /// Points of validation, by x.
    pub fn val(&self, figure: Figure) -> Vec<(f64, f64)> {
        let epochs = self.run.history().epochs.iter();
        epochs.filter_map(|epoch| Some((self.clock.x(epoch.epoch), figure.val(epoch)?))).collect()
    }

    fn train(&self, figure: Figure) -> Vec<(f64, f64)> {
        let epochs = self.run.history().epochs.iter();
        epochs.map(|epoch| (self.clock.x(epoch.epoch), figure.train(epoch))).collect()
    }

    /// The figures that were last known at `x`.
    pub fn at(&self, x: f64) -> Option<&EpochFigures> {
        let epochs = &self.run.history().epochs;
        let ends: Vec<(f64, f64)> =
            epochs.iter().enumerate().map(|(at, e)| (self.clock.x(e.epoch), at as f64)).collect();
        lookup::at(&ends, x).and_then(|(_, at)| epochs.get(at as usize))
    }

    /// The epoch with the best validation accuracy.
    pub fn best(&self) -> Option<&EpochFigures> {
        let epochs = &self.run.history().epochs;
        let accuracies: Vec<(f64, f64)> = epochs
            .iter()
            .enumerate()
            .filter_map(|(at, epoch)| Some((at as f64, Figure::Accuracy.val(epoch)?)))
            .collect();
        lookup::best(&accuracies).and_then(|(at, _)| epochs.get(at as usize))
    }
}

/// Steps of the optimiser in an epoch of a training, where the data set that it had is still there.
fn steps(snapshot: &Snapshot, run: &Run) -> Option<usize> {
    let JobSpec::Train { dataset, model, refit } = &run.job else { return None };
    let batch = usize::try_from(model.number("batch")?).ok().filter(|batch| *batch > 0)?;
    let set = snapshot.datasets.iter().find(|set| set.name == *dataset)?;
    let report = set.report.as_ref().ok()?;
    if run.row.as_ref().is_some_and(|row| row.manifest_sha256 != report.manifest_sha256) {
        return None;
    }
    let of = |name: &str| {
        let split = report.splits.iter().find(|split| split.split == name);
        split.map_or(0, |split| split.per_class.iter().sum::<usize>())
    };
    let images = model.train_images().unwrap_or_else(|| of("train")) + if refit.is_some() { of("val") } else { 0 };
    (images > 0).then(|| images.div_ceil(batch))
}

/// Curves, and how they are looked at.
pub struct Board<'a> {
    theme: Theme,
    pub view: &'a View,
    /// The first leads: the cursor and the window go over its epochs.
    pub runs: Vec<DrawnRun>,
    /// Runs that cannot be laid along this x.
    pub left_out: Vec<String>,
    pub along: XAxis,
    pub x: Scale,
    /// Whether what the charts show has a cursor.
    pub cursor: bool,
}

impl<'a> Board<'a> {
    /// The curves of `runs` with their colours.
    pub fn of(shared: &Shared, view: &'a View, runs: &[(Arc<Run>, usize)]) -> Self {
        let clock = |run: &Run, along| {
            let seconds: Vec<(usize, f64)> = run.history().epochs.iter().map(|e| (e.epoch, e.seconds)).collect();
            Clock::of(along, &seconds, steps(&shared.snapshot, run))
        };
        // Where the leading run cannot be laid along it, nothing can.
        let along = match runs.first() {
            Some((run, _)) if clock(run, view.along).is_some() => view.along,
            _ => XAxis::Epochs,
        };
        let (mut told, mut left_out) = (Vec::new(), Vec::new());
        for (run, hue) in runs {
            match clock(run, along) {
                Some(clock) => told.push(DrawnRun { run: Arc::clone(run), hue: *hue, clock }),
                None => left_out.push(run.id.to_string()),
            }
        }
        if along != view.along {
            left_out = runs.first().map(|(run, _)| run.id.to_string()).into_iter().collect();
        }
        let x = across(&told, view, along);
        Self { theme: shared.theme, view, runs: told, left_out, along, x, cursor: view.cursor.is_some() }
    }

    /// Where the cursor is along x.
    pub fn cursor(&self) -> Option<f64> {
        let lead = self.runs.first()?;
        Some(lead.clock.x(self.view.at(&lead.run)))
    }

    /// The epoch of the leading run at a place along x.
    pub fn epoch(&self, x: f64) -> Option<usize> {
        Some(self.runs.first()?.clock.epoch(x))
    }

    fn series(&self, figure: Figure) -> Vec<(String, Series)> {
        let theme = self.theme;
        let weight = self.view.weight();
        let line = |name: String, points: Vec<(f64, f64)>, look: CurveStyle| {
            let raw = if weight > 0.0 { points.clone() } else { Vec::new() };
            let points = if weight > 0.0 { smoothing::smoothed(&points, weight) } else { points };
            let CurveStyle { swatch, style, marker, stroke, best } = look;
            (name, Series { swatch, style, marker, stroke, points, raw, best, scattered: false })
        };
        match &self.runs[..] {
            [told] => {
                let look = |index: usize, best| CurveStyle {
                    swatch: theme.swatch(index).into(),
                    style: theme.series(index),
                    marker: theme.marker(index),
                    stroke: Stroke::Whole,
                    best,
                };
                let mut lines = vec![line("train".into(), told.train(figure), look(0, None))];
                let val = told.val(figure);
                if !val.is_empty() || told.run.history().epochs.is_empty() {
                    lines.push(line("validation".into(), val, look(1, star(told, figure))));
                }
                lines
            }
            runs => runs
                .iter()
                .map(|told| {
                    let look = CurveStyle {
                        swatch: theme.hue_swatch(told.hue),
                        style: theme.hue(told.hue),
                        marker: theme.hue_marker(told.hue),
                        stroke: theme.hue_stroke(told.hue),
                        best: star(told, figure),
                    };
                    line(told.run.id.to_string(), self.level_or(told, figure), look)
                })
                .collect(),
        }
    }

    /// What has no epochs is a level line at what came of it.
    fn level_or(&self, told: &DrawnRun, figure: Figure) -> Vec<(f64, f64)> {
        let level = told.run.row.as_ref().and_then(|row| row.val_accuracy);
        match (told.run.has_curves(), figure, level) {
            (false, Figure::Accuracy, Some(level)) => {
                let (low, high) = self.x.ends();
                vec![(low, level), (high, level)]
            }
            _ => told.val(figure),
        }
    }

    /// What the chart is of, with fewer and fewer notes. The epochs go first, since the axis tells them too.
    fn titles(&self, figure: Figure, narrow: bool) -> Vec<String> {
        let val = (self.runs.len() > 1).then(|| "val".to_owned());
        let epochs = self.view.range.map(|(first, last)| format!("epochs {first}-{last}"));
        let log = (figure == Figure::Loss && self.view.log).then(|| "log".to_owned());
        let smoothed = (self.view.weight() > 0.0).then(|| format!("EMA {}", self.view.weight()));
        let all = [val, log, smoothed, epochs];
        (0..all.len())
            .map(|left| {
                let notes: Vec<&str> = all[..all.len() - left].iter().flatten().map(String::as_str).collect();
                Self::titled(figure, narrow, &notes)
            })
            .collect()
    }

    fn titled(figure: Figure, narrow: bool, notes: &[&str]) -> String {
        let name = match (figure, narrow) {
            (Figure::Accuracy, true) => "Acc@0.5",
            (Figure::Accuracy, false) => "Accuracy@0.5",
            (Figure::Loss, _) => "Loss",
        };
        if notes.is_empty() { name.to_owned() } else { format!("{name} ({})", notes.join(", ")) }
    }

    /// Draws one chart with the values under the cursor, or the last ones, in its heading.
    pub fn draw(&self, frame: &mut Frame, area: Rect, figure: Figure, hits: &mut Hits) {
        let theme = self.theme;
        let narrow = area.width < NARROW / 2 || frame.area().width < NARROW;
        let series = self.series(figure);
        let cursor = self.cursor().filter(|_| self.cursor);
        let told = Legend::new(series.iter().filter_map(|(name, series)| {
            // What is drawn may be smoothed; what is told is what was measured.
            let measured = if series.raw.is_empty() { &series.points } else { &series.raw };
            let value = match cursor {
                Some(x) => lookup::at(measured, x),
                None => measured.last().copied(),
            };
            // A run that was not there yet, or had ended, keeps its name.
            let value = match value {
                Some((_, value)) => format!("{value:.3}"),
                None => measured.first().map(|_| "–".to_owned())?,
            };
            let name = match (narrow, name.as_str()) {
                (true, "train") => "trn",
                (true, "validation") => "val",
                (_, name) => name,
            };
            Some((series, format!("{name} {value}"), value))
        }));
        let titles = self.titles(figure, narrow);
        let room = |title: &str| usize::from(area.width).saturating_sub(title.chars().count() + 4);
        let fits = |title: &&String| told.width(false) <= room(title);
        let title = titles.iter().find(fits).or(titles.last()).cloned().unwrap_or_default();
        let room = room(&title);
        let mut spans = vec![Span::styled(title, theme.strong())];
        spans.extend(told.spans(theme, room));
        let title = Line::from(spans);
        let inner = if narrow {
            frame.render_widget(title, Rect { height: 1.min(area.height), ..area });
            Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }
        } else {
            let block = panel(theme, title, NARROW);
            let inner = block.inner(area);
            frame.render_widget(block, area);
            inner
        };
        let accuracy = figure == Figure::Accuracy;
        let series: Vec<Series> = series.into_iter().map(|(_, series)| series).collect();
        let seen = series.iter().flat_map(|series| series.points.iter().chain(&series.raw));
        let seen = seen.filter(|(x, _)| self.x.place(*x).is_some()).map(|(_, y)| *y);
        // Where guessing is near, its line belongs into the picture.
        let low = seen.clone().fold(f64::INFINITY, f64::min);
        let near = (accuracy && low < 0.65).then_some(0.5);
        let chart = Chart {
            series: &series,
            x: self.x,
            y: Scale::around(seen.chain(near), accuracy, !accuracy && self.view.log),
            x_name: self.along.name(),
            x_text: TEXTS[self.along as usize],
            whole: self.along.whole(),
            x_ticks: Vec::new(),
            chance: accuracy.then_some(0.5),
            cursor,
            drag: self.view.drag,
        };
        if let Some(graph) = lines::render(frame, inner, theme, &chart) {
            hits.push((graph, Target::Plot(self.x)));
        }
    }
}

const TEXTS: [fn(f64) -> String; 3] =
    [|value| XAxis::Epochs.text(value), |value| XAxis::Steps.text(value), |value| XAxis::Time.text(value)];

struct CurveStyle {
    swatch: String,
    style: ratatui::style::Style,
    marker: ratatui::symbols::Marker,
    stroke: Stroke,
    best: Option<(f64, f64)>,
}

/// The place of the best epoch on a curve of validation.
fn star(told: &DrawnRun, figure: Figure) -> Option<(f64, f64)> {
    let best = told.best()?;
    Some((told.clock.x(best.epoch), figure.val(best)?))
}

fn across(runs: &[DrawnRun], view: &View, along: XAxis) -> Scale {
    let lead = runs.first().map(|told| &told.clock);
    let (low, high) = match (view.range, lead) {
        (Some((first, last)), Some(clock)) => (clock.x(first), clock.x(last)),
        _ => {
            let ends = |epoch: fn(&Run) -> usize| runs.iter().map(move |told| told.clock.x(epoch(&told.run)));
            let low = ends(|_| 1).fold(f64::INFINITY, f64::min);
            // Time begins before the first epoch has ended.
            let low = if along == XAxis::Time && !view.log_x { 0.0 } else { low.clamp(0.0, 1e12) };
            (low, ends(|run| planned(run).max(2)).fold(0.0, f64::max))
        }
    };
    Scale::new(low, high, view.log_x)
}
