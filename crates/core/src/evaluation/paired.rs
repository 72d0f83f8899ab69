//! Paired comparison of two models on the same images.

use super::interval::Interval;
use serde::{Deserialize, Serialize};

/// McNemar's exact test (1947): whether two models have the same error rate on the same images. It uses only the images
/// that exactly one of them classifies correctly.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct McNemar {
    pub both_right: usize,
    /// Correct for the first model only.
    pub first_only: usize,
    /// Correct for the second model only.
    pub second_only: usize,
    pub both_wrong: usize,
    /// Two-sided, from the binomial distribution: the probability of a difference at least this large if both had the
    /// same error rate.
    pub p_value: f64,
}

/// The test, given whether each image is classified correctly by the first and by the second model.
pub fn mcnemar(first: &[bool], second: &[bool]) -> McNemar {
    debug_assert_eq!(first.len(), second.len());
    let count = |a: bool, b: bool| first.iter().zip(second).filter(|pair| *pair == (&a, &b)).count();
    let (first_only, second_only) = (count(true, false), count(false, true));
    McNemar {
        both_right: count(true, true),
        first_only,
        second_only,
        both_wrong: count(false, false),
        p_value: binomial_two_sided(first_only.min(second_only), first_only + second_only),
    }
}

/// `min(1, 2 P(X <= k))` for X of n fair coins, with `k <= n / 2`.
fn binomial_two_sided(k: usize, n: usize) -> f64 {
    if 2 * k == n {
        return 1.0;
    }
    // ln P(X = k); the lower terms are summed relative to it, which is accurate enough since they decrease.
    let ln_choose: f64 = (1..=k).map(|i| ((n - k + i) as f64).ln() - (i as f64).ln()).sum();
    let ln_top = ln_choose - n as f64 * std::f64::consts::LN_2;
    let (mut term, mut sum) = (1.0, 1.0);
    for i in (1..=k).rev() {
        term *= i as f64 / (n - i + 1) as f64;
        sum += term;
    }
    (2.0 * ln_top.exp() * sum).min(1.0)
}

/// The 95 % interval of the difference of two independent proportions, first minus second, after Newcombe (1998, method
/// 10): from the proportions and their Wilson intervals.
pub fn difference95(first: (f64, Interval), second: (f64, Interval)) -> Interval {
    let ((p, a), (q, b)) = (first, second);
    Interval {
        low: p - q - ((p - a.low).powi(2) + (b.high - q).powi(2)).sqrt(),
        high: p - q + ((a.high - p).powi(2) + (q - b.low).powi(2)).sqrt(),
    }
}
