//! The figures of one model at one threshold, worked out from its stored scores.

use faceprobe_core::evaluation::{Confusion, Criterion, Interval, average_precision, pr_curve, roc_auc, roc_curve};
use faceprobe_core::evaluation::{threshold_for, wilson95};
use faceprobe_core::run::scored::Scored;

/// Scores with everything that no threshold changes. Made once, off the UI thread.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    pub scored: Scored,
    /// (false positive rate, true positive rate), from (0, 0) to (1, 1); empty when a class is missing.
    pub roc: Vec<(f64, f64)>,
    /// (recall, precision), from the highest recall down; empty when a class is missing.
    pub precision_recall: Vec<(f64, f64)>,
    pub roc_auc: Option<f64>,
    pub average_precision: Option<f64>,
    /// The thresholds that serve accuracy, Youden's J and equal errors best.
    jumps: [Option<f64>; 3],
    /// The age groups there are, youngest first, and how many images have none.
    ages: Vec<String>,
    pub without_age: usize,
}

/// What a threshold can be chosen for with one key.
pub const JUMPS: [Criterion; 3] = [Criterion::Accuracy, Criterion::Youden, Criterion::EqualError];

/// More points than this are not told apart on any terminal.
const POINTS: usize = 1000;

impl Sheet {
    /// The sheet of stored scores.
    pub fn of(scored: Scored) -> Self {
        let (scores, positive) = (&scored.scores, &scored.positive);
        let roc = roc_curve(scores, positive).unwrap_or_default();
        let roc = thinned(roc.iter().map(|point| (point.false_positive_rate, point.true_positive_rate)).collect());
        let curve = pr_curve(scores, positive).unwrap_or_default();
        let precision_recall = thinned(curve.iter().map(|point| (point.recall, point.precision)).collect());
        let mut ages: Vec<String> = scored.images.iter().filter_map(|image| image.age.clone()).collect();
        ages.sort_by(|a, b| youngest(a).cmp(&youngest(b)).then_with(|| a.cmp(b)));
        ages.dedup();
        Self {
            roc,
            precision_recall,
            roc_auc: roc_auc(scores, positive),
            average_precision: average_precision(scores, positive),
            jumps: JUMPS.map(|criterion| threshold_for(criterion, scores, positive)),
            without_age: scored.images.iter().filter(|image| image.age.is_none()).count(),
            ages,
            scored,
        }
    }

    /// The threshold that serves one of [`JUMPS`] best on these scores, within 0..=1.
    pub fn jump(&self, criterion: Criterion) -> Option<f64> {
        let at = JUMPS.iter().position(|known| *known == criterion)?;
        self.jumps[at].map(|threshold| threshold.clamp(0.0, 1.0))
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

/// The first number in the name of an age group; groups without one come last.
fn youngest(age: &str) -> u32 {
    let digits: String = age.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(u32::MAX)
}

fn thinned(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let len = points.len();
    if len <= POINTS {
        return points;
    }
    (0..POINTS).map(|at| points[at * (len - 1) / (POINTS - 1)]).collect()
}

/// How many of an age group are told right.
#[derive(Debug, Clone, PartialEq)]
pub struct AgeFigures {
    pub age: String,
    pub right: usize,
    pub count: usize,
    /// The 95 % Wilson interval of the share.
    pub interval: Option<Interval>,
}

/// Everything that depends on the threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    pub threshold: f64,
    pub confusion: Confusion,
    pub interval: Option<Interval>,
    /// Of what is called so, the share that is; none where nothing is called so, or nothing is. Per class.
    pub precision: [Option<f64>; 2],
    /// Of what is so, the share called so; none without images of the class.
    pub recall: [Option<f64>; 2],
    pub f1: [Option<f64>; 2],
    pub ages: Vec<AgeFigures>,
    /// Images told wrong, indices into the images of the sheet, the worst first.
    pub mistakes: Vec<usize>,
}

impl Figures {
    /// The figures of a sheet at a threshold.
    pub fn at(sheet: &Sheet, threshold: f64) -> Self {
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
        let mut ages: Vec<AgeFigures> =
            sheet.ages.iter().map(|age| AgeFigures { age: age.clone(), right: 0, count: 0, interval: None }).collect();
        for (at, image) in scored.images.iter().enumerate() {
            if let Some(group) = image.age.as_ref().and_then(|age| ages.iter_mut().find(|group| group.age == *age)) {
                group.count += 1;
                group.right += usize::from(!wrong(&at));
            }
        }
        for group in &mut ages {
            group.interval = wilson95(group.right, group.count);
        }
        Self {
            threshold,
            confusion,
            interval: wilson95(confusion.correct(), confusion.total()),
            precision: [0, 1].map(|class| share(right[class], called[class]).filter(|_| is[class] > 0)),
            recall: [0, 1].map(|class| share(right[class], is[class])),
            f1: [0, 1].map(|class| share(2 * right[class], called[class] + is[class]).filter(|_| is[class] > 0)),
            ages,
            mistakes,
        }
    }

    /// Where the threshold lies on the ROC curve.
    pub fn on_roc(&self) -> Option<(f64, f64)> {
        Some((1.0 - self.recall[0]?, self.recall[1]?))
    }

    /// Where the threshold lies on the precision-recall curve.
    pub fn on_precision_recall(&self) -> Option<(f64, f64)> {
        // Where nothing is called positive, precision is 1 as in the curve.
        Some((self.recall[1]?, self.precision[1].unwrap_or(1.0)))
    }
}
