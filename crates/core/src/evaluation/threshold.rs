//! Selection of the decision threshold for class 1.

use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// The criterion for a threshold on validation scores.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Criterion {
    /// The highest accuracy.
    #[default]
    Accuracy,
    /// Youden's J (1950): the maximal sum of both classes' recalls.
    Youden,
    /// Equal error rate: both classes' error rates as close as possible.
    EqualError,
    /// At least this precision, with the highest recall.
    Precision(f64),
    /// At least this recall, with the highest precision.
    Recall(f64),
}

impl fmt::Display for Criterion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accuracy => f.write_str("auto"),
            Self::Youden => f.write_str("youden"),
            Self::EqualError => f.write_str("eer"),
            Self::Precision(target) => write!(f, "precision={target}"),
            Self::Recall(target) => write!(f, "recall={target}"),
        }
    }
}

impl FromStr for Criterion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let target = |text: &str| match text.parse::<f64>() {
            Ok(value) if value > 0.0 && value <= 1.0 => Ok(value),
            _ => Err(format!("'{text}' is not a share; take a number above 0, at most 1")),
        };
        match text.split_once('=') {
            None if text == "auto" => Ok(Self::Accuracy),
            None if text == "youden" => Ok(Self::Youden),
            None if text == "eer" => Ok(Self::EqualError),
            Some(("precision", share)) => target(share).map(Self::Precision),
            Some(("recall", share)) => target(share).map(Self::Recall),
            _ => Err("auto, youden, eer, precision=P, recall=R, or a number from 0 to 1".into()),
        }
    }
}

/// The threshold with the highest accuracy on these (validation) scores; see [`threshold_for`]. Without scores 0.5.
pub fn best_threshold(scores: &[f64], positive: &[bool]) -> f64 {
    threshold_for(Criterion::Accuracy, scores, positive).unwrap_or(0.5)
}

/// The best threshold for a criterion on these (validation) scores.
///
/// Predictions change only at a score, so the candidates are the gaps between neighbouring distinct scores, the one
/// from 0 to the lowest and the one from the highest to 1. Among equally good gaps it takes the one nearest to 0.5 (a
/// gap that contains 0.5 is nearest), then the widest, then the lowest, and returns its middle: the value that is least
/// sensitive to small changes of the scores. The result does not depend on the order of the samples. Non-finite scores
/// are left out.
///
/// None without scores, if a class that the criterion needs is missing, or if no threshold reaches the target.
pub fn threshold_for(criterion: Criterion, scores: &[f64], positive: &[bool]) -> Option<f64> {
    let gaps = gaps(scores, positive);
    let served = gaps.iter().filter_map(|gap| Some((gap.merit(criterion)?, gap)));
    let best = served.reduce(|best, next| {
        let order = compare(next.0, best.0).then_with(|| next.1.closeness(best.1));
        if order.is_gt() { next } else { best }
    });
    best.map(|(_, gap)| gap.middle())
}

fn compare(a: [f64; 2], b: [f64; 2]) -> Ordering {
    a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1]))
}

/// Thresholds in `low < t <= high` give the same predictions.
struct Gap {
    low: f64,
    high: f64,
    /// Samples of class 1 and of class 0 predicted positive, and the totals.
    ones: usize,
    zeros: usize,
    all_ones: usize,
    all_zeros: usize,
}

/// All gaps, the lowest first.
fn gaps(scores: &[f64], positive: &[bool]) -> Vec<Gap> {
    debug_assert_eq!(scores.len(), positive.len());
    let mut ranked: Vec<(f64, bool)> = scores.iter().copied().zip(positive.iter().copied()).collect();
    ranked.retain(|(score, _)| score.is_finite());
    ranked.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (Some(&(lowest, _)), Some(&(highest, _))) = (ranked.first(), ranked.last()) else {
        return Vec::new();
    };
    let all_ones = ranked.iter().filter(|(_, positive)| *positive).count();
    let all_zeros = ranked.len() - all_ones;
    // With the lowest threshold, every sample is predicted positive.
    let (mut ones, mut zeros) = (all_ones, all_zeros);
    let mut gaps = vec![Gap { low: lowest.min(0.0), high: lowest, ones, zeros, all_ones, all_zeros }];
    let mut groups = ranked.chunk_by(|a, b| a.0 == b.0).peekable();
    while let Some(group) = groups.next() {
        let positives = group.iter().filter(|(_, positive)| *positive).count();
        ones -= positives;
        zeros -= group.len() - positives;
        let low = group[0].0;
        let high = groups.peek().map_or(highest.next_up().max(1.0), |next| next[0].0);
        gaps.push(Gap { low, high, ones, zeros, all_ones, all_zeros });
    }
    gaps
}

impl Gap {
    /// How well the gap serves a criterion, to be compared part by part; none if it does not.
    ///
    /// Shares are compared as fractions with one denominator where they can be, so that equal ones are equal.
    fn merit(&self, criterion: Criterion) -> Option<[f64; 2]> {
        let (ones, zeros) = (self.ones as f64, self.zeros as f64);
        let (all_ones, all_zeros) = (self.all_ones as f64, self.all_zeros as f64);
        let both = self.all_ones > 0 && self.all_zeros > 0;
        let precision = ones / (ones + zeros);
        let recall = ones / all_ones;
        match criterion {
            Criterion::Accuracy => Some([ones + all_zeros - zeros, 0.0]),
            Criterion::Youden => both.then_some([ones * all_zeros - zeros * all_ones, 0.0]),
            Criterion::EqualError => {
                let (false_positives, false_negatives) = (zeros * all_ones, (all_ones - ones) * all_zeros);
                let distance = (false_positives - false_negatives).abs();
                both.then_some([-distance, -(false_positives + false_negatives)])
            }
            Criterion::Precision(target) => (precision >= target).then_some([ones, precision]),
            Criterion::Recall(target) => (recall >= target).then_some([precision, ones]),
        }
    }

    fn closeness(&self, other: &Self) -> Ordering {
        other
            .distance()
            .total_cmp(&self.distance())
            .then_with(|| (self.high - self.low).total_cmp(&(other.high - other.low)))
    }

    /// The distance of the gap's nearest threshold from 0.5.
    fn distance(&self) -> f64 {
        (self.low - 0.5).max(0.5 - self.high).max(0.0)
    }

    fn middle(&self) -> f64 {
        let middle = self.low / 2.0 + self.high / 2.0;
        // Between two adjacent floats the middle rounds to one of them, and the lower one belongs to another gap.
        if middle > self.low && middle <= self.high { middle } else { self.high }
    }
}
