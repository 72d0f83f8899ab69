//! All metrics of one model on one split, overall and by groups of images.

use super::calibration::{Calibration, brier, expected_calibration_error};
use super::curves::average_precision;
use super::interval::{Interval, wilson95};
use super::metrics::{Confusion, log_loss, roc_auc};
use super::paired::difference95;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Number of bins of the expected calibration error.
pub const BINS: usize = 10;

/// Groups with fewer images are shown but excluded from the gap between best and worst: their accuracy is mostly
/// chance.
pub const SMALLEST_GROUP: usize = 30;

/// The metrics of one class, with the definitions of scikit-learn's `precision_recall_fscore_support`; where it returns
/// 0 for a division by zero, the value is null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassFigures {
    pub class: String,
    /// Precision; null if no image is predicted as the class, or none is of the class.
    pub precision: Option<f64>,
    /// Recall; null if there are no images of the class.
    pub recall: Option<f64>,
    /// F1: the harmonic mean of the two; 0 if no image is predicted as the class, null if none is of the class.
    pub f1: Option<f64>,
    /// Images of the class.
    pub support: usize,
}

impl ClassFigures {
    fn of(class: &str, hits: usize, called: usize, support: usize) -> Self {
        let share = |part: usize, of: usize| (support > 0 && of > 0).then(|| part as f64 / of as f64);
        Self {
            class: class.to_owned(),
            precision: share(hits, called),
            recall: share(hits, support),
            f1: share(2 * hits, called + support),
            support,
        }
    }

    /// Of both classes.
    pub fn both(confusion: &Confusion, classes: &[String; 2]) -> [Self; 2] {
        let Confusion { true_negative, false_positive, false_negative, true_positive } = *confusion;
        [
            Self::of(&classes[0], true_negative, true_negative + false_negative, true_negative + false_positive),
            Self::of(&classes[1], true_positive, true_positive + false_positive, true_positive + false_negative),
        ]
    }
}

/// Metrics that do not depend on the threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreFigures {
    pub roc_auc: Option<f64>,
    pub average_precision: Option<f64>,
    pub brier: f64,
    pub log_loss: f64,
    /// Expected calibration error over ten bins.
    pub calibration_error: f64,
    /// The same three for the calibrated probabilities; null without a calibration. On the validation split they are
    /// computed on the scores that the calibration was fitted to.
    pub calibrated_brier: Option<f64>,
    pub calibrated_log_loss: Option<f64>,
    pub calibrated_error: Option<f64>,
}

impl ScoreFigures {
    /// From scores, labels and the calibration.
    pub fn of(scores: &[f64], positive: &[bool], calibration: Option<Calibration>) -> Self {
        let calibrated: Option<Vec<f64>> =
            calibration.map(|calibration| scores.iter().map(|&score| calibration.probability(score)).collect());
        let calibrated = calibrated.as_deref();
        Self {
            roc_auc: roc_auc(scores, positive),
            average_precision: average_precision(scores, positive),
            brier: brier(scores, positive),
            log_loss: log_loss(scores, positive),
            calibration_error: expected_calibration_error(scores, positive, BINS),
            calibrated_brier: calibrated.map(|scores| brier(scores, positive)),
            calibrated_log_loss: calibrated.map(|scores| log_loss(scores, positive)),
            calibrated_error: calibrated.map(|scores| expected_calibration_error(scores, positive, BINS)),
        }
    }
}

/// The metrics of one model on some images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    pub images: usize,
    pub threshold: f64,
    pub accuracy: f64,
    /// 95 % Wilson interval, which treats images as independent.
    pub interval: Option<Interval>,
    /// 95 % interval by the cluster bootstrap over subjects; null if subjects are unknown.
    pub interval_by_subject: Option<Interval>,
    /// The number of subjects, if known.
    pub subjects: Option<usize>,
    pub balanced_accuracy: f64,
    pub classes: [ClassFigures; 2],
    pub confusion: Confusion,
    #[serde(flatten)]
    pub of_scores: ScoreFigures,
}

impl Figures {
    /// From scores at a threshold, without subjects.
    pub fn of(
        scores: &[f64],
        positive: &[bool],
        threshold: f64,
        classes: &[String; 2],
        calibration: Option<Calibration>,
    ) -> Self {
        let confusion = Confusion::at(scores, positive, threshold);
        Self {
            images: scores.len(),
            threshold,
            accuracy: confusion.accuracy(),
            interval: wilson95(confusion.correct(), confusion.total()),
            interval_by_subject: None,
            subjects: None,
            balanced_accuracy: confusion.balanced_accuracy(),
            classes: ClassFigures::both(&confusion, classes),
            confusion,
            of_scores: ScoreFigures::of(scores, positive, calibration),
        }
    }
}

/// Whether each image is classified correctly at a threshold.
pub fn correct(scores: &[f64], positive: &[bool], threshold: f64) -> Vec<bool> {
    scores.iter().zip(positive).map(|(score, positive)| (*score >= threshold) == *positive).collect()
}

/// The images with one value in a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Group {
    pub value: String,
    pub images: usize,
    /// Their number for each class: a group that is mostly of one class differs in accuracy for that reason alone.
    pub per_class: [usize; 2],
    pub accuracy: f64,
    pub interval: Option<Interval>,
    /// Recall of each class; null if there are no images of it.
    pub recall: [Option<f64>; 2],
}

/// The gap between the best and the worst group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    pub best: String,
    pub worst: String,
    /// Accuracy of the best group minus that of the worst.
    pub difference: f64,
    /// 95 % interval after Newcombe, as if the two groups had been fixed in advance; selecting them among several
    /// inflates the gap.
    pub interval: Interval,
}

/// Accuracy by the values of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Groups {
    pub column: String,
    /// By value, with `(unknown)` for images without one.
    pub groups: Vec<Group>,
    /// Among the groups with at least [`SMALLEST_GROUP`] images; null if there are fewer than two.
    pub gap: Option<Gap>,
}

/// The name of the group of images without a value.
pub const UNKNOWN: &str = "(unknown)";

/// Accuracy by the values of a column: `values` has one for each image.
pub fn by_group(column: &str, values: &[Option<String>], correct: &[bool], positive: &[bool]) -> Groups {
    let mut of_value: BTreeMap<(u64, &str), Vec<usize>> = BTreeMap::new();
    for (index, value) in values.iter().enumerate() {
        let value = value.as_deref().unwrap_or(UNKNOWN);
        of_value.entry((first_number(value), value)).or_default().push(index);
    }
    let group = |((_, value), members): ((u64, &str), Vec<usize>)| {
        let right = members.iter().filter(|index| correct[**index]).count();
        let count = |class: bool| members.iter().filter(|index| positive[**index] == class).count();
        let recall = |class: bool| {
            let hits = members.iter().filter(|index| positive[**index] == class && correct[**index]).count();
            (count(class) > 0).then(|| hits as f64 / count(class) as f64)
        };
        Group {
            value: value.to_owned(),
            images: members.len(),
            per_class: [count(false), count(true)],
            accuracy: right as f64 / members.len() as f64,
            interval: wilson95(right, members.len()),
            recall: [recall(false), recall(true)],
        }
    };
    let groups: Vec<Group> = of_value.into_iter().map(group).collect();
    let gap = gap(&groups);
    Groups { column: column.to_owned(), groups, gap }
}

fn gap(groups: &[Group]) -> Option<Gap> {
    let large = || groups.iter().filter(|group| group.images >= SMALLEST_GROUP && group.value != UNKNOWN);
    let best = large().reduce(|best, group| if group.accuracy > best.accuracy { group } else { best })?;
    let worst = large().reduce(|worst, group| if group.accuracy < worst.accuracy { group } else { worst })?;
    (best.value != worst.value).then_some(())?;
    Some(Gap {
        best: best.value.clone(),
        worst: worst.value.clone(),
        difference: best.accuracy - worst.accuracy,
        interval: difference95((best.accuracy, best.interval?), (worst.accuracy, worst.interval?)),
    })
}

/// Sorts age groups such as `4-6` before `15-20`, then other names alphabetically.
fn first_number(value: &str) -> u64 {
    let digits: String =
        value.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).take(18).collect();
    match (value, digits.parse()) {
        (UNKNOWN, _) => u64::MAX,
        // "more than 70" sorts after 70-79 and similar.
        (value, Ok(number)) if !value.starts_with(|c: char| c.is_ascii_digit()) => number + 1,
        (_, Ok(number)) => number,
        _ => u64::MAX - 1,
    }
}
