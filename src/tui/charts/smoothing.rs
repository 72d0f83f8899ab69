//! Smoothed curves.

/// Weights on the past values, from none to nearly all.
pub const WEIGHTS: [f64; 7] = [0.0, 0.3, 0.6, 0.8, 0.9, 0.95, 0.98];

/// The next of [`WEIGHTS`] or the one before, around the ends.
pub fn turned(at: usize, more: bool) -> usize {
    (at.min(WEIGHTS.len() - 1) + if more { 1 } else { WEIGHTS.len() - 1 }) % WEIGHTS.len()
}

/// Exponential moving average with weight `weight` on what went before, without the pull towards zero of its beginning
/// (as TensorBoard does it, after Kingma and Ba, 2015, section 3).
pub fn smoothed(points: &[(f64, f64)], weight: f64) -> Vec<(f64, f64)> {
    let (mut sum, mut mass) = (0.0, 0.0);
    points
        .iter()
        .map(|&(x, y)| {
            if y.is_finite() {
                sum = weight * sum + (1.0 - weight) * y;
                mass = weight * mass + (1.0 - weight);
            }
            (x, if mass > 0.0 { sum / mass } else { y })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{WEIGHTS, smoothed, turned};

    #[test]
    fn smoothing_starts_at_the_first_value_and_follows_slowly() {
        let points: Vec<(f64, f64)> = (0..50).map(|at| (at as f64, if at < 25 { 1.0 } else { 2.0 })).collect();
        let slow = smoothed(&points, 0.9);
        assert!((slow[0].1 - 1.0).abs() < 1e-12 && (slow[24].1 - 1.0).abs() < 1e-12);
        // One step up: after k values the average has gone 1 - 0.9^k of the way, less what the beginning weighs.
        let expected = 1.0 + (1.0 - 0.9f64.powi(5)) / (1.0 - 0.9f64.powi(30));
        assert!((slow[29].1 - expected).abs() < 1e-12, "{} {expected}", slow[29].1);
        assert_eq!(smoothed(&points, 0.0), points);
    }

    #[test]
    fn more_and_less_go_around_and_undo_each_other() {
        for at in 0..WEIGHTS.len() {
            assert_eq!(turned(turned(at, true), false), at);
        }
        assert_eq!((turned(WEIGHTS.len() - 1, true), turned(0, false)), (0, WEIGHTS.len() - 1));
        // A session file of an earlier version may hold any value.
        assert!(turned(1000, true) < WEIGHTS.len());
    }
}
