//! Metrics of a two-class model, with the definitions of scikit-learn.

use serde::{Deserialize, Serialize};

/// The confusion matrix at one threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Confusion {
    pub true_negative: usize,
    pub false_positive: usize,
    pub false_negative: usize,
    pub true_positive: usize,
}

impl Confusion {
    /// Counts the four cases; a sample is predicted positive if its score is at least `threshold`. A NaN score predicts
    /// negative.
    pub fn at(scores: &[f64], positive: &[bool], threshold: f64) -> Self {
        debug_assert_eq!(scores.len(), positive.len());
        let mut counts = Self::default();
        for (&score, &positive) in scores.iter().zip(positive) {
            match (positive, score >= threshold) {
                (false, false) => counts.true_negative += 1,
                (false, true) => counts.false_positive += 1,
                (true, false) => counts.false_negative += 1,
                (true, true) => counts.true_positive += 1,
            }
        }
        counts
    }

    /// Correctly classified samples.
    pub fn correct(&self) -> usize {
        self.true_negative + self.true_positive
    }

    /// All samples.
    pub fn total(&self) -> usize {
        self.correct() + self.false_positive + self.false_negative
    }

    /// Accuracy; NaN without samples.
    pub fn accuracy(&self) -> f64 {
        self.correct() as f64 / self.total() as f64
    }

    /// Balanced accuracy: the mean recall over the classes that occur, as in scikit-learn; NaN without samples.
    pub fn balanced_accuracy(&self) -> f64 {
        let shares = [(self.true_negative, self.false_positive), (self.true_positive, self.false_negative)]
            .into_iter()
            .filter(|(right, wrong)| right + wrong > 0)
            .map(|(right, wrong)| right as f64 / (right + wrong) as f64);
        let (sum, classes) = shares.fold((0.0, 0.0), |(sum, classes), share| (sum + share, classes + 1.0));
        sum / classes
    }
}

/// Accuracy if scores of at least `threshold` mean class 1; NaN without samples.
pub fn accuracy(scores: &[f64], positive: &[bool], threshold: f64) -> f64 {
    Confusion::at(scores, positive, threshold).accuracy()
}

/// Mean binary cross-entropy in nats. As in scikit-learn, scores are clamped to within one f64 epsilon of 0 and 1, so
/// that one confident error does not make it infinite. NaN without samples or with a NaN score.
pub fn log_loss(scores: &[f64], positive: &[bool]) -> f64 {
    debug_assert_eq!(scores.len(), positive.len());
    let sum: f64 = scores
        .iter()
        .zip(positive)
        .map(|(&score, &positive)| {
            let score = score.clamp(f64::EPSILON, 1.0 - f64::EPSILON);
            -(if positive { score } else { 1.0 - score }).ln()
        })
        .sum();
    sum / scores.len() as f64
}

/// Area under the ROC curve: the probability that a random sample of class 1 scores above a random one of class 0, ties
/// counting half (Mann-Whitney U from mid-ranks). None if a class is missing or a score is NaN.
pub fn roc_auc(scores: &[f64], positive: &[bool]) -> Option<f64> {
    debug_assert_eq!(scores.len(), positive.len());
    if scores.iter().any(|score| score.is_nan()) {
        return None;
    }
    let mut ranked: Vec<(f64, bool)> = scores.iter().copied().zip(positive.iter().copied()).collect();
    ranked.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (mut rank_sum, mut before) = (0.0, 0usize);
    for tied in ranked.chunk_by(|a, b| a.0 == b.0) {
        // The mean of the ranks before+1 ..= before+len.
        let mid_rank = before as f64 + (tied.len() + 1) as f64 / 2.0;
        rank_sum += mid_rank * tied.iter().filter(|(_, positive)| *positive).count() as f64;
        before += tied.len();
    }
    let positives = ranked.iter().filter(|(_, positive)| *positive).count() as f64;
    let negatives = ranked.len() as f64 - positives;
    let pairs = positives * negatives;
    (pairs > 0.0).then(|| (rank_sum - positives * (positives + 1.0) / 2.0) / pairs)
}
