//! All figures of one model on one split, and the same by groups of images.

use super::calibration::{Calibration, brier, expected_calibration_error};
use super::curves::average_precision;
use super::interval::{Interval, wilson95};
use super::metrics::{Confusion, log_loss, roc_auc};
use super::paired::difference95;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many equally wide bins the expected calibration error is told with.
pub const BINS: usize = 10;

/// Groups of fewer images are shown, but neither the best nor the worst: a share of a few images is mostly luck.
pub const SMALLEST_GROUP: usize = 30;

/// How well one class is told, in the definitions of scikit-learn's `precision_recall_fscore_support`; what it sets to 0
/// because there is nothing to divide by is null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassFigures {
    pub class: String,
    /// Share of the images called so that are of the class; null where nothing is called so, or none is of the class.
    pub precision: Option<f64>,
    /// Share of the images of the class that are called so; null where there are none.
    pub recall: Option<f64>,
    /// Harmonic mean of the two; 0 where nothing is called so, null where none is of the class.
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

/// What scores say whatever the threshold is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreFigures {
    pub roc_auc: Option<f64>,
    pub average_precision: Option<f64>,
    pub brier: f64,
    pub log_loss: f64,
    /// Expected calibration error over ten bins.
    pub calibration_error: f64,
    /// The same three of the calibrated probabilities; null without a calibration. On the validation split they are of
    /// the scores that the calibration was fitted on.
    pub calibrated_brier: Option<f64>,
    pub calibrated_log_loss: Option<f64>,
    pub calibrated_error: Option<f64>,
}

impl ScoreFigures {
    /// Of scores, labels and what makes calibrated probabilities of the scores.
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

/// The figures of one model on some images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    pub images: usize,
    pub threshold: f64,
    pub accuracy: f64,
    /// 95 %, after Wilson: as if every image were of another person.
    pub interval: Option<Interval>,
    /// 95 %, by the cluster bootstrap over people; null where people are not known.
    pub interval_by_subject: Option<Interval>,
    /// How many people the images are of, where that is known.
    pub subjects: Option<usize>,
    pub balanced_accuracy: f64,
    pub classes: [ClassFigures; 2],
    pub confusion: Confusion,
    #[serde(flatten)]
    pub of_scores: ScoreFigures,
}

impl Figures {
    /// Of scores at a threshold, with nothing about people.
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

/// Whether each image is told right at a threshold.
pub fn correct(scores: &[f64], positive: &[bool], threshold: f64) -> Vec<bool> {
    scores.iter().zip(positive).map(|(score, positive)| (*score >= threshold) == *positive).collect()
}

/// The images that have one value in a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Group {
    pub value: String,
    pub images: usize,
    /// Of them of each class: a group of one class mostly has another accuracy for that alone.
    pub per_class: [usize; 2],
    pub accuracy: f64,
    pub interval: Option<Interval>,
    /// Share told right of each class; null where there are none.
    pub recall: [Option<f64>; 2],
}

/// How far apart the best and the worst group are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    pub best: String,
    pub worst: String,
    /// Accuracy of the best less that of the worst.
    pub difference: f64,
    /// 95 %, after Newcombe, as if the two had been picked before looking; of several groups the picked ones are further
    /// apart by luck too.
    pub interval: Interval,
}

/// Accuracy by the values of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Groups {
    pub column: String,
    /// By value, with `(unknown)` for the images of which it is not known.
    pub groups: Vec<Group>,
    /// Of the groups with [`SMALLEST_GROUP`] images or more; null if there are not two.
    pub gap: Option<Gap>,
}

/// What images of which nothing is known are called.
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

/// Age groups such as `4-6` come before `15-20`, and words after them by the alphabet.
fn first_number(value: &str) -> u64 {
    let digits: String =
        value.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).take(18).collect();
    match (value, digits.parse()) {
        (UNKNOWN, _) => u64::MAX,
        // "more than 70" is above 70-79 or the like.
        (value, Ok(number)) if !value.starts_with(|c: char| c.is_ascii_digit()) => number + 1,
        (_, Ok(number)) => number,
        _ => u64::MAX - 1,
    }
}
