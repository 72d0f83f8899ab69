//! Choosing the score from which a sample is called class 1.

/// The threshold with the highest accuracy on these (validation) scores.
///
/// Accuracy only changes at a score, so the candidates are the gaps between neighbouring distinct scores, the one
/// below all of them down to 0 and the one above all of them up to 1. Of the gaps with the highest accuracy it takes
/// the one nearest to 0.5 (a gap that contains 0.5 is nearest), then the widest, then the lowest, and answers its
/// middle: the value that small changes of the scores disturb least. The answer depends on nothing else, not even on
/// the order of the samples. Scores that are not finite are left out; without any the answer is 0.5.
pub fn best_threshold(scores: &[f64], positive: &[bool]) -> f64 {
    debug_assert_eq!(scores.len(), positive.len());
    let mut ranked: Vec<(f64, bool)> = scores.iter().copied().zip(positive.iter().copied()).collect();
    ranked.retain(|(score, _)| score.is_finite());
    ranked.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (Some(&(lowest, _)), Some(&(highest, _))) = (ranked.first(), ranked.last()) else {
        return 0.5;
    };

    // With the threshold below everything, every sample is called positive.
    let mut correct = ranked.iter().filter(|(_, positive)| *positive).count();
    let mut best = Gap { correct, low: lowest.min(0.0), high: lowest };
    let mut groups = ranked.chunk_by(|a, b| a.0 == b.0).peekable();
    while let Some(group) = groups.next() {
        let positives = group.iter().filter(|(_, positive)| *positive).count();
        correct = correct + group.len() - 2 * positives;
        let low = group[0].0;
        let high = groups.peek().map_or(highest.next_up().max(1.0), |next| next[0].0);
        let gap = Gap { correct, low, high };
        if gap.better_than(&best) {
            best = gap;
        }
    }
    best.middle()
}

/// Thresholds in `low < t <= high` give the same predictions.
struct Gap {
    correct: usize,
    low: f64,
    high: f64,
}

impl Gap {
    fn better_than(&self, other: &Self) -> bool {
        self.correct
            .cmp(&other.correct)
            .then_with(|| other.distance().total_cmp(&self.distance()))
            .then_with(|| (self.high - self.low).total_cmp(&(other.high - other.low)))
            .is_gt()
    }

    /// How far the nearest threshold of the gap is from 0.5.
    fn distance(&self) -> f64 {
        (self.low - 0.5).max(0.5 - self.high).max(0.0)
    }

    fn middle(&self) -> f64 {
        let middle = self.low / 2.0 + self.high / 2.0;
        // Between two neighbouring floats the middle rounds to one of them, and the lower is already another gap.
        if middle > self.low && middle <= self.high { middle } else { self.high }
    }
}
