//! ROC and precision-recall curves, with the definitions of scikit-learn.

use serde::{Deserialize, Serialize};

/// A point of the ROC curve: predicting class 1 for every score of at least `threshold`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RocPoint {
    /// Infinite at the first point, where no sample is predicted positive.
    pub threshold: f64,
    /// False positive rate.
    pub false_positive_rate: f64,
    /// True positive rate.
    pub true_positive_rate: f64,
}

/// One point of a precision-recall curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PrPoint {
    /// Infinite at the last point, where no sample is predicted positive.
    pub threshold: f64,
    /// Precision; 1 where no sample is predicted positive.
    pub precision: f64,
    /// Recall.
    pub recall: f64,
}

/// Distinct scores in descending order, with the number of samples of each class that have at least that score. None if
/// a class is missing or a score is NaN.
fn counts(scores: &[f64], positive: &[bool]) -> Option<Vec<(f64, usize, usize)>> {
    debug_assert_eq!(scores.len(), positive.len());
    let positives = positive.iter().filter(|&&positive| positive).count();
    if positives == 0 || positives == positive.len() || scores.iter().any(|score| score.is_nan()) {
        return None;
    }
    let mut ranked: Vec<(f64, bool)> = scores.iter().copied().zip(positive.iter().copied()).collect();
    ranked.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let (mut above, mut below) = (0, 0);
    let points = ranked.chunk_by(|a, b| a.0 == b.0).map(|tied| {
        let ones = tied.iter().filter(|(_, positive)| *positive).count();
        above += ones;
        below += tied.len() - ones;
        (tied[0].0, above, below)
    });
    Some(points.collect())
}

/// The ROC curve with a point for every distinct score, from (0, 0) to (1, 1): scikit-learn's `roc_curve` with
/// `drop_intermediate=False`. None if a class is missing or a score is NaN.
pub fn roc_curve(scores: &[f64], positive: &[bool]) -> Option<Vec<RocPoint>> {
    let counts = counts(scores, positive)?;
    let &(_, positives, negatives) = counts.last()?;
    let start = RocPoint { threshold: f64::INFINITY, false_positive_rate: 0.0, true_positive_rate: 0.0 };
    let points = counts.iter().map(|&(threshold, ones, zeros)| RocPoint {
        threshold,
        false_positive_rate: zeros as f64 / negatives as f64,
        true_positive_rate: ones as f64 / positives as f64,
    });
    Some(std::iter::once(start).chain(points).collect())
}

/// The precision-recall curve with a point for every distinct score in ascending order, and the end at precision 1 and
/// recall 0: scikit-learn's `precision_recall_curve`. None if a class is missing or a score is NaN.
pub fn pr_curve(scores: &[f64], positive: &[bool]) -> Option<Vec<PrPoint>> {
    let counts = counts(scores, positive)?;
    let &(_, positives, _) = counts.last()?;
    let points = counts.iter().rev().map(|&(threshold, ones, zeros)| PrPoint {
        threshold,
        precision: ones as f64 / (ones + zeros) as f64,
        recall: ones as f64 / positives as f64,
    });
    let end = PrPoint { threshold: f64::INFINITY, precision: 1.0, recall: 0.0 };
    Some(points.chain(std::iter::once(end)).collect())
}

/// Average precision, each weighted by the increase in recall: scikit-learn's `average_precision_score`. None as for
/// [`pr_curve`].
pub fn average_precision(scores: &[f64], positive: &[bool]) -> Option<f64> {
    let curve = pr_curve(scores, positive)?;
    Some(curve.windows(2).map(|pair| (pair[0].recall - pair[1].recall) * pair[0].precision).sum())
}
