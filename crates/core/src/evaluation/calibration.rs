//! Calibration of scores on the validation split, and calibration errors.
//!
//! A calibration transforms logits linearly, `p = 1 / (1 + exp(-(slope * logit(score) + offset)))`, with a slope above
//! 0: the order of the scores, and with it every decision by a threshold, is unchanged.

use serde::{Deserialize, Serialize};

/// The parameters of a calibration.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    pub method: Method,
    /// Above 0; one over the temperature.
    pub slope: f64,
    pub offset: f64,
}

/// The method by which a calibration was fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Guo et al. (2017): one temperature for all logits; a probability of one half is unchanged.
    Temperature,
    /// Platt (1999): slope and offset, with smoothed targets.
    Platt,
}

/// Maximum slope: on perfectly separated validation scores the fit diverges.
const STEEPEST: f64 = 100.0;

/// Maximum number of iterations; Newton's method converges long before.
const ITERATIONS: usize = 100;

impl Calibration {
    /// Minimum number of images per class: with fewer, a calibration would fit these images rather than the model.
    pub const FEWEST: usize = 5;

    /// The temperature with the smallest log loss on these (validation) scores. None if a class is missing, a score is
    /// NaN, or the scores are uninformative.
    pub fn temperature(scores: &[f64], positive: &[bool]) -> Option<Self> {
        let logits = usable_logits(scores, positive)?;
        let targets: Vec<f64> = positive.iter().map(|&positive| f64::from(u8::from(positive))).collect();
        let (slope, _) = fit(&logits, &targets, (1.0, 0.0), false)?;
        Self::believed(Method::Temperature, slope, 0.0)
    }

    /// Platt's slope and offset on these (validation) scores, as in scikit-learn's sigmoid calibration: the targets are
    /// `(n1 + 1) / (n1 + 2)` for class 1 and `1 / (n0 + 2)` for class 0. None as for [`Calibration::temperature`].
    pub fn platt(scores: &[f64], positive: &[bool]) -> Option<Self> {
        let logits = usable_logits(scores, positive)?;
        let ones = positive.iter().filter(|&&positive| positive).count() as f64;
        let zeros = positive.len() as f64 - ones;
        let (high, low) = ((ones + 1.0) / (ones + 2.0), 1.0 / (zeros + 2.0));
        let targets: Vec<f64> = positive.iter().map(|&positive| if positive { high } else { low }).collect();
        let start = ((ones + 1.0) / (zeros + 1.0)).ln();
        let (slope, offset) = fit(&logits, &targets, (0.0, start), true)?;
        Self::believed(Method::Platt, slope, offset)
    }

    fn believed(method: Method, slope: f64, offset: f64) -> Option<Self> {
        (slope > 0.0 && slope.is_finite() && offset.is_finite()).then_some(Self {
            method,
            slope: slope.min(STEEPEST),
            offset,
        })
    }

    /// The calibrated probability of class 1 for a score in 0..=1.
    pub fn probability(&self, score: f64) -> f64 {
        sigmoid(self.slope * logit(score) + self.offset)
    }

    /// Whether the parameters are valid; files are untrusted.
    pub fn is_sound(&self) -> bool {
        self.slope > 0.0 && self.slope <= STEEPEST && self.offset.is_finite()
    }
}

/// The probability of a logit.
pub fn sigmoid(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

/// Scores of exactly 0 or 1 have infinite logits; they are clamped to within one f64 epsilon.
fn logit(score: f64) -> f64 {
    let score = score.clamp(f64::EPSILON, 1.0 - f64::EPSILON);
    (score / (1.0 - score)).ln()
}

fn usable_logits(scores: &[f64], positive: &[bool]) -> Option<Vec<f64>> {
    debug_assert_eq!(scores.len(), positive.len());
    let ones = positive.iter().filter(|&&positive| positive).count();
    let usable = ones > 0 && ones < positive.len() && !scores.iter().any(|score| score.is_nan());
    usable.then(|| scores.iter().map(|&score| logit(score)).collect())
}

/// Slope and offset with the smallest cross-entropy, by Newton's method with step halving (Lin, Lin and Weng, 2007);
/// without `shift` the offset is fixed.
fn fit(logits: &[f64], targets: &[f64], start: (f64, f64), shift: bool) -> Option<(f64, f64)> {
    let loss = |slope: f64, offset: f64| -> f64 {
        let cases = logits.iter().zip(targets);
        cases
            .map(|(&logit, &target)| {
                let z = slope * logit + offset;
                // -target ln(p) - (1 - target) ln(1 - p), without overflow.
                z.max(0.0) - target * z + (-z.abs()).exp().ln_1p()
            })
            .sum()
    };
    let (mut slope, mut offset) = start;
    let mut now = loss(slope, offset);
    for _ in 0..ITERATIONS {
        let (mut gradient, mut curvature) = ([0.0; 2], [1e-12, 0.0, 1e-12]);
        for (&logit, &target) in logits.iter().zip(targets) {
            let p = sigmoid(slope * logit + offset);
            let weight = p * (1.0 - p);
            gradient[0] += (p - target) * logit;
            gradient[1] += p - target;
            curvature[0] += weight * logit * logit;
            curvature[1] += weight * logit;
            curvature[2] += weight;
        }
        let step = if shift {
            let determinant = curvature[0] * curvature[2] - curvature[1] * curvature[1];
            [
                -(curvature[2] * gradient[0] - curvature[1] * gradient[1]) / determinant,
                -(curvature[0] * gradient[1] - curvature[1] * gradient[0]) / determinant,
            ]
        } else {
            [-gradient[0] / curvature[0], 0.0]
        };
        if !step.iter().all(|part| part.is_finite()) {
            return None;
        }
        let mut share = 1.0;
        let next = loop {
            let next = loss(slope + share * step[0], offset + share * step[1]);
            if next <= now || share < 1e-10 {
                break next;
            }
            share /= 2.0;
        };
        (slope, offset) = (slope + share * step[0], offset + share * step[1]);
        let gain = now - next;
        now = next;
        if gain.abs() <= 1e-14 * now.abs() || slope > STEEPEST {
            break;
        }
    }
    Some((slope, offset))
}

/// Mean squared difference between score and outcome (Brier, 1950): scikit-learn's `brier_score_loss`. NaN without
/// samples.
pub fn brier(scores: &[f64], positive: &[bool]) -> f64 {
    debug_assert_eq!(scores.len(), positive.len());
    let cases = scores.iter().zip(positive);
    let sum: f64 = cases.map(|(&score, &positive)| (score - f64::from(u8::from(positive))).powi(2)).sum();
    sum / scores.len() as f64
}

/// The samples with scores in one of several ranges of equal width.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Mean score.
    pub score: f64,
    /// Share of class 1.
    pub share: f64,
    pub count: usize,
}

/// The reliability diagram: `bins` score bins of equal width, without empty ones. Bins are open below, as in
/// scikit-learn's `calibration_curve`; a score of 0 is in the first.
pub fn reliability(scores: &[f64], positive: &[bool], bins: usize) -> Vec<Bin> {
    let sums = binned(scores, positive, bins).into_iter().filter(|(_, _, count)| *count > 0);
    sums.map(|(score, ones, count)| Bin { score: score / count as f64, share: ones / count as f64, count }).collect()
}

/// Sum of the scores, samples of class 1 and samples of each bin.
fn binned(scores: &[f64], positive: &[bool], bins: usize) -> Vec<(f64, f64, usize)> {
    debug_assert_eq!(scores.len(), positive.len());
    let bins = bins.max(1);
    let mut sums = vec![(0.0, 0.0, 0); bins];
    for (&score, &positive) in scores.iter().zip(positive) {
        let bin = ((score * bins as f64).ceil() as usize).clamp(1, bins) - 1;
        sums[bin].0 += score;
        sums[bin].1 += f64::from(u8::from(positive));
        sums[bin].2 += 1;
    }
    sums
}

/// Expected calibration error (Naeini et al., 2015): the mean absolute difference between the share of class 1 and the
/// mean score over the bins of [`reliability`], weighted by their numbers of samples. NaN without samples.
pub fn expected_calibration_error(scores: &[f64], positive: &[bool], bins: usize) -> f64 {
    // |mean outcome - mean score| weighted with the number of samples is |difference of the sums|.
    let sums = binned(scores, positive, bins);
    sums.iter().map(|(score, ones, _)| (ones - score).abs()).sum::<f64>() / scores.len() as f64
}
