//! The figures of one model at one threshold, computed from its stored scores.

use faceprobe_core::evaluation::calibration::{expected_calibration_error, reliability};
use faceprobe_core::evaluation::figures::{BINS, Groups, by_group, correct};
use faceprobe_core::evaluation::{Confusion, Criterion, Interval, average_precision, pr_curve, roc_auc, roc_curve};
use faceprobe_core::evaluation::{threshold_for, wilson95};
use faceprobe_core::run::scored::Scored;
use std::collections::BTreeSet;

/// Scores with everything that does not depend on the threshold. Made once, off the UI thread.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    pub scored: Scored,
    /// (false positive rate, true positive rate), from (0, 0) to (1, 1); empty when a class is missing.
    pub roc: Vec<(f64, f64)>,
    /// (recall, precision), from the highest recall down; empty when a class is missing.
    pub precision_recall: Vec<(f64, f64)>,
    pub roc_auc: Option<f64>,
    pub average_precision: Option<f64>,
    /// The thresholds that are best by accuracy, by Youden's J and by equal error rates.
    jumps: [Option<f64>; 3],
    /// The columns of the data set that define groups of images.
    columns: Vec<Column>,
    /// The figures at thresholds from 0 to 1.
    pub effect: Vec<Effect>,
    /// The threshold that is best for accuracy, and its accuracy.
    pub best: Option<(f64, f64)>,
    pub reliability: Reliability,
}

/// A column of the data set, with a value for each image.
#[derive(Debug, Clone, PartialEq)]
struct Column {
    name: String,
    values: Vec<Option<String>>,
}

/// The figures at one threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effect {
    pub threshold: f64,
    pub accuracy: f64,
    /// Of each class; none without images of it.
    pub recall: [Option<f64>; 2],
}

/// Calibration before and after, where the run has a calibration.
#[derive(Debug, Clone, PartialEq)]
pub struct Reliability {
    /// (mean score, share of the second class), by bin.
    pub raw: Vec<(f64, f64)>,
    pub raw_error: f64,
    pub calibrated: Option<(Vec<(f64, f64)>, f64)>,
}

impl Reliability {
    fn of(scored: &Scored) -> Self {
        let told = |scores: &[f64]| {
            let bins = reliability(scores, &scored.positive, BINS);
            let error = expected_calibration_error(scores, &scored.positive, BINS);
            (bins.iter().map(|bin| (bin.score, bin.share)).collect(), error)
        };
        let calibrated = scored.calibration.map(|calibration| {
            let scores: Vec<f64> = scored.scores.iter().map(|score| calibration.probability(*score)).collect();
            told(&scores)
        });
        let (raw, raw_error) = told(&scored.scores);
        Self { raw, raw_error, calibrated }
    }
}

/// Steps between the thresholds of [`Sheet::effect`].
const STEPS: usize = 200;

/// The criteria by which one key chooses a threshold.
pub const JUMPS: [Criterion; 3] = [Criterion::Accuracy, Criterion::Youden, Criterion::EqualError];

/// No terminal resolves more points than this.
const POINTS: usize = 1000;

impl Sheet {
    /// The sheet of stored scores.
    pub fn of(scored: Scored) -> Self {
        let (scores, positive) = (&scored.scores, &scored.positive);
        let roc = roc_curve(scores, positive).unwrap_or_default();
        let roc = thinned(roc.iter().map(|point| (point.false_positive_rate, point.true_positive_rate)).collect());
        let curve = pr_curve(scores, positive).unwrap_or_default();
        let precision_recall = thinned(curve.iter().map(|point| (point.recall, point.precision)).collect());
        let effect = |step: usize| {
            let threshold = step as f64 / STEPS as f64;
            let cells = Confusion::at(scores, positive, threshold);
            Effect { threshold, accuracy: cells.accuracy(), recall: recall(&cells) }
        };
        let jumps = JUMPS.map(|criterion| threshold_for(criterion, scores, positive));
        let best = jumps[0].map(|at| at.clamp(0.0, 1.0));
        Self {
            effect: (0..=STEPS).map(effect).collect(),
            best: best.map(|at| (at, Confusion::at(scores, positive, at).accuracy())),
            reliability: Reliability::of(&scored),
            columns: columns(&scored),
            roc,
            precision_recall,
            roc_auc: roc_auc(scores, positive),
            average_precision: average_precision(scores, positive),
            jumps,
            scored,
        }
    }

    /// The threshold that is best on these scores by one of [`JUMPS`], within 0..=1.
    pub fn jump(&self, criterion: Criterion) -> Option<f64> {
        let at = JUMPS.iter().position(|known| *known == criterion)?;
        self.jumps[at].map(|threshold| threshold.clamp(0.0, 1.0))
    }

    /// The columns that define groups of the images.
    pub fn columns(&self) -> Vec<&str> {
        self.columns.iter().map(|column| column.name.as_str()).collect()
    }

    /// Scores of each class in `bins` equally wide bins.
    pub fn histogram(&self, bins: usize) -> [Vec<usize>; 2] {
        let bins = bins.max(1);
        let mut counts = [vec![0; bins], vec![0; bins]];
        for (score, positive) in self.scored.scores.iter().zip(&self.scored.positive) {
            counts[usize::from(*positive)][bin_of(*score, bins)] += 1;
        }
        counts
    }
}

/// The bin of a score in 0..=1.
pub fn bin_of(score: f64, bins: usize) -> usize {
    ((score.clamp(0.0, 1.0) * bins as f64) as usize).min(bins.saturating_sub(1))
}

fn recall(cells: &Confusion) -> [Option<f64>; 2] {
    let share = |part: usize, other: usize| (part + other > 0).then(|| part as f64 / (part + other) as f64);
    [share(cells.true_negative, cells.false_positive), share(cells.true_positive, cells.false_negative)]
}

/// The columns of the prepared set; where that is gone, the ages that were kept with the scores.
fn columns(scored: &Scored) -> Vec<Column> {
    let Some(samples) = &scored.samples else {
        let values: Vec<Option<String>> = scored.images.iter().map(|image| image.age.clone()).collect();
        let known = values.iter().any(Option::is_some);
        return known.then(|| Column { name: "age".into(), values }).into_iter().collect();
    };
    let column = |name: String| {
        let values = samples.iter().map(|sample| sample.value(&name, &scored.classes)).collect();
        Column { name, values }
    };
    // Hundreds of values, such as file names, are no groups.
    let few = |column: &Column| column.values.iter().flatten().collect::<BTreeSet<_>>().len() <= MOST_GROUPS;
    scored.columns().into_iter().map(column).filter(few).collect()
}

/// More groups than this are not read.
const MOST_GROUPS: usize = 60;

fn thinned(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let len = points.len();
    if len <= POINTS {
        return points;
    }
    (0..POINTS).map(|at| points[at * (len - 1) / (POINTS - 1)]).collect()
}

/// Everything that depends on the threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    pub threshold: f64,
    pub confusion: Confusion,
    pub interval: Option<Interval>,
    /// Precision by class; none where the class is never predicted or has no images.
    pub precision: [Option<f64>; 2],
    /// Recall by class; none without images of the class.
    pub recall: [Option<f64>; 2],
    pub f1: [Option<f64>; 2],
    /// Accuracy by the chosen column; none where the images have no columns.
    pub groups: Option<Groups>,
    /// Misclassified images, indices into the images of the sheet, the worst first.
    pub mistakes: Vec<usize>,
}

impl Figures {
    /// The figures of a sheet at a threshold, with groups by one of its columns.
    pub fn at(sheet: &Sheet, threshold: f64, column: usize) -> Self {
        let scored = &sheet.scored;
        let confusion = Confusion::at(&scored.scores, &scored.positive, threshold);
        let share = |part: usize, whole: usize| (whole > 0).then(|| part as f64 / whole as f64);
        let Confusion { true_negative, false_positive, false_negative, true_positive } = confusion;
        let right = [true_negative, true_positive];
        let called = [true_negative + false_negative, true_positive + false_positive];
        let is = [true_negative + false_positive, true_positive + false_negative];
        let wrong = |at: &usize| (scored.scores[*at] >= threshold) != scored.positive[*at];
        let mut mistakes: Vec<usize> = (0..scored.scores.len()).filter(wrong).collect();
        let far = |at: usize| (scored.scores[at] - threshold).abs();
        mistakes.sort_by(|a, b| far(*b).total_cmp(&far(*a)).then(a.cmp(b)));
        let column = sheet.columns.get(column.min(sheet.columns.len().saturating_sub(1)));
        let groups = column.map(|column| {
            let right = correct(&scored.scores, &scored.positive, threshold);
            by_group(&column.name, &column.values, &right, &scored.positive)
        });
        Self {
            threshold,
            confusion,
            interval: wilson95(confusion.correct(), confusion.total()),
            precision: [0, 1].map(|class| share(right[class], called[class]).filter(|_| is[class] > 0)),
            recall: recall(&confusion),
            f1: [0, 1].map(|class| share(2 * right[class], called[class] + is[class]).filter(|_| is[class] > 0)),
            groups,
            mistakes,
        }
    }

    /// The operating point on the ROC curve.
    pub fn on_roc(&self) -> Option<(f64, f64)> {
        Some((1.0 - self.recall[0]?, self.recall[1]?))
    }

    /// The operating point on the precision-recall curve.
    pub fn on_precision_recall(&self) -> Option<(f64, f64)> {
        // Where nothing is called positive, precision is 1 as in the curve.
        Some((self.recall[1]?, self.precision[1].unwrap_or(1.0)))
    }
}
