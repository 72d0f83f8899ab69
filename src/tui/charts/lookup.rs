//! Values of curves at a position, and their best points.

/// The point at `x` or the last before it; none before the first and behind the last, where a curve says nothing.
/// Points go by x.
pub fn at(points: &[(f64, f64)], x: f64) -> Option<(f64, f64)> {
    let behind = points.partition_point(|point| point.0 <= x + 1e-9);
    let last = points.last()?;
    (behind > 0 && x <= last.0 + 1e-9).then(|| points[behind - 1])
}

/// The point closest to `x`.
pub fn nearest(points: &[(f64, f64)], x: f64) -> Option<(f64, f64)> {
    points.iter().copied().min_by(|a, b| (a.0 - x).abs().total_cmp(&(b.0 - x).abs()))
}

/// The point with the highest value; of equals the first.
pub fn best(points: &[(f64, f64)]) -> Option<(f64, f64)> {
    let finite = points.iter().copied().filter(|point| point.1.is_finite());
    finite.reduce(|best, point| if point.1 > best.1 { point } else { best })
}

#[cfg(test)]
mod tests {
    use super::{at, best, nearest};

    #[test]
    fn a_curve_says_what_was_last_known_and_nothing_beyond_its_ends() {
        let points = [(1.0, 0.5), (2.0, 0.7), (4.0, 0.7), (5.0, f64::NAN)];
        assert_eq!(at(&points, 0.9), None);
        assert_eq!(at(&points, 1.0), Some((1.0, 0.5)));
        assert_eq!(at(&points, 3.9), Some((2.0, 0.7)));
        assert_eq!(at(&points, 5.1), None);
        assert_eq!(at(&[], 1.0), None);
        assert_eq!(best(&points), Some((2.0, 0.7)), "the first of equals");
        assert_eq!(best(&[(1.0, f64::NAN)]), None);
        assert_eq!(nearest(&points, 3.2).map(|point| point.0), Some(4.0));
    }
}
