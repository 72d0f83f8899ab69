//! Confidence intervals that account for several images of one subject.
//!
//! Errors on images of one subject are correlated, so an interval that treats them as independent is too narrow. The
//! cluster bootstrap (Field and Welsh, 2007; Cameron, Gelbach and Miller, 2008) resamples whole subjects with
//! replacement.

use super::interval::Interval;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Number of resamples.
pub const RESAMPLES: usize = 2000;

/// Correctly classified images of one cluster, and all of its images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cluster {
    pub correct: usize,
    pub total: usize,
}

/// Counts per cluster: `cluster_of` numbers the cluster of each sample from 0.
pub fn tally(cluster_of: &[usize], correct: &[bool]) -> Vec<Cluster> {
    debug_assert_eq!(cluster_of.len(), correct.len());
    let mut clusters = vec![Cluster::default(); cluster_of.iter().max().map_or(0, |last| last + 1)];
    for (&cluster, &correct) in cluster_of.iter().zip(correct) {
        clusters[cluster].total += 1;
        clusters[cluster].correct += usize::from(correct);
    }
    clusters.retain(|cluster| cluster.total > 0);
    clusters
}

/// The 95 % percentile interval of the accuracy over resamples, each a list of cluster indices: the 2.5 % and 97.5 %
/// points of the resampled accuracies, interpolated as in `numpy.percentile`. None without resamples or clusters;
/// indices out of range are ignored.
pub fn percentile95(clusters: &[Cluster], resamples: impl Iterator<Item = Vec<usize>>) -> Option<Interval> {
    let mut accuracies: Vec<f64> = resamples
        .filter_map(|drawn| {
            let drawn = drawn.iter().filter_map(|index| clusters.get(*index));
            let (correct, total) =
                drawn.fold((0, 0), |(correct, total), cluster| (correct + cluster.correct, total + cluster.total));
            (total > 0).then(|| correct as f64 / total as f64)
        })
        .collect();
    accuracies.sort_unstable_by(f64::total_cmp);
    Some(Interval { low: quantile(&accuracies, 0.025)?, high: quantile(&accuracies, 0.975)? })
}

/// The 95 % interval of the accuracy by the cluster bootstrap, from a seed. None with fewer than two clusters.
pub fn cluster_bootstrap95(cluster_of: &[usize], correct: &[bool], seed: u64) -> Option<Interval> {
    let clusters = tally(cluster_of, correct);
    if clusters.len() < 2 {
        return None;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let draws = (0..RESAMPLES).map(|_| (0..clusters.len()).map(|_| rng.random_range(0..clusters.len())).collect());
    percentile95(&clusters, draws)
}

/// A quantile of sorted values, with linear interpolation (Hyndman and Fan's definition 7).
pub(super) fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * (sorted.len().checked_sub(1)?) as f64;
    let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    Some(low + (high - low) * place.fract())
}
