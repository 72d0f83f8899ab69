//! Splits by cluster, which keep subjects together: a pure function, reproducible on every machine.
//!
//! The samples of one subject, or of one group of near-duplicates, form a cluster; a cluster is in one split only. If a
//! split is too full for a whole cluster, the rest of it is left out of the study.

use super::sample::Split;
use super::split::Sizes;
use std::collections::HashMap;
use std::hash::Hash;

/// One in so many images outside the test fold is for validation.
const VALIDATION: usize = 8;

/// The cluster of each sample, numbered from 0 in the order of their first samples. Samples that share any key (a
/// subject, a group) are in one cluster, also transitively; a sample without keys is a cluster of its own.
pub fn clusters<K: Eq + Hash>(samples: impl Iterator<Item = Vec<K>>) -> Vec<usize> {
    let mut parents: Vec<usize> = Vec::new();
    let mut first_with: HashMap<K, usize> = HashMap::new();
    for (index, keys) in samples.enumerate() {
        parents.push(index);
        for key in keys {
            let other = *first_with.entry(key).or_insert(index);
            let (a, b) = (root(&mut parents, index), root(&mut parents, other));
            // The smaller index is the root, so that it is the cluster's first sample.
            parents[a.max(b)] = a.min(b);
        }
    }
    let mut numbers = HashMap::new();
    (0..parents.len())
        .map(|index| {
            let root = root(&mut parents, index);
            let next = numbers.len();
            *numbers.entry(root).or_insert(next)
        })
        .collect()
}

fn root(parents: &mut [usize], mut index: usize) -> usize {
    while parents[index] != index {
        parents[index] = parents[parents[index]];
        index = parents[index];
    }
    index
}

/// Clusters in drawing order, each with its samples in theirs.
struct Pool<'a> {
    clusters: Vec<Vec<usize>>,
    candidates: &'a [([u8; 32], usize)],
}

impl<'a> Pool<'a> {
    /// Clusters of the samples for which `eligible` is true. A cluster's rank is that of its first sample and does not
    /// depend on its size.
    fn new(candidates: &'a [([u8; 32], usize)], cluster_of: &[usize], eligible: impl Fn(usize) -> bool) -> Self {
        let mut clusters = vec![Vec::new(); cluster_of.iter().max().map_or(0, |last| last + 1)];
        for (index, cluster) in cluster_of.iter().enumerate().filter(|(index, _)| eligible(*index)) {
            clusters[*cluster].push(index);
        }
        clusters.retain(|members: &Vec<usize>| !members.is_empty());
        clusters.sort_by_key(|members| candidates[members[0]].0);
        for members in &mut clusters {
            members.sort_by_key(|index| candidates[*index].0);
        }
        Self { clusters, candidates }
    }

    fn per_class(&self, members: &[usize]) -> [usize; 2] {
        [0, 1].map(|class| members.iter().filter(|index| self.candidates[**index].1 == class).count())
    }

    /// Takes clusters until there are `wanted` samples of each class: first whole ones, in order, as long as they fit;
    /// then, with `exactly`, parts of the smallest of the others.
    fn take(&mut self, wanted: [usize; 2], exactly: bool) -> Vec<usize> {
        let mut room = wanted;
        let mut taken = Vec::new();
        let mut left = Vec::new();
        for members in std::mem::take(&mut self.clusters) {
            let count = self.per_class(&members);
            if count[0] <= room[0] && count[1] <= room[1] {
                room = [room[0] - count[0], room[1] - count[1]];
                taken.extend(members);
            } else {
                left.push(members);
            }
        }
        let mut by_size: Vec<usize> = (0..left.len()).collect();
        by_size.sort_by_key(|place| left[*place].len());
        for place in by_size.into_iter().filter(|_| exactly) {
            let before = taken.len();
            for index in &left[place] {
                let class = self.candidates[*index].1;
                if room[class] > 0 {
                    room[class] -= 1;
                    taken.push(*index);
                }
            }
            if taken.len() > before {
                left[place].clear();
            }
        }
        left.retain(|members| !members.is_empty());
        self.clusters = left;
        taken
    }
}

/// Draws splits of these sizes: `candidates` are (drawing order, class), `cluster_of` the cluster of each. Test and
/// validation have the requested sizes if there are enough samples; training can be smaller by what clusters lose, and
/// is then balanced by leaving out samples of the larger class.
pub fn draw(candidates: &[([u8; 32], usize)], cluster_of: &[usize], sizes: &Sizes) -> Vec<Option<Split>> {
    let mut drawn = vec![None; candidates.len()];
    let mut pool = Pool::new(candidates, cluster_of, |_| true);
    for split in [Split::Test, Split::Val, Split::Train] {
        let wanted = sizes.per_class(split);
        let mut taken = pool.take([wanted; 2], true);
        let smaller = pool.per_class(&taken).into_iter().min().unwrap_or(0);
        taken.sort_by_key(|index| candidates[*index].0);
        let mut kept = [0; 2];
        for index in taken {
            let class = candidates[index].1;
            if kept[class] < smaller {
                kept[class] += 1;
                drawn[index] = Some(split);
            }
        }
    }
    drawn
}

/// The division for cross-validation with `test` as the test fold, complete and not balanced. Of the other folds, about
/// one image in eight is for validation, by cluster, and the rest for training. Subjects of the test fold are left out
/// of the others.
pub fn fold(
    candidates: &[([u8; 32], usize)],
    cluster_of: &[usize],
    folds: &[Option<u32>],
    test: u32,
) -> Vec<Option<Split>> {
    let mut drawn = vec![None; candidates.len()];
    let mut tested = vec![false; candidates.len()];
    for (index, _) in folds.iter().enumerate().filter(|(_, fold)| **fold == Some(test)) {
        drawn[index] = Some(Split::Test);
        tested[cluster_of[index]] = true;
    }
    let eligible = |index: usize| folds[index].is_some() && !tested[cluster_of[index]];
    let mut pool = Pool::new(candidates, cluster_of, eligible);
    let all: Vec<usize> = pool.clusters.concat();
    let wanted = pool.per_class(&all).map(|count| count / VALIDATION);
    for index in all {
        drawn[index] = Some(Split::Train);
    }
    for index in pool.take(wanted, false) {
        drawn[index] = Some(Split::Val);
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::split::drawing_order;

    /// 30 people with 1 to 9 images each, the even ones of class 0.
    fn people() -> (Vec<([u8; 32], usize)>, Vec<usize>) {
        let (mut candidates, mut cluster_of) = (Vec::new(), Vec::new());
        for person in 0..30 {
            for image in 0..=(person * 7 % 9) {
                candidates.push((drawing_order(3, "csv", &format!("{person}/{image}")), person % 2));
                cluster_of.push(person);
            }
        }
        (candidates, cluster_of)
    }

    fn splits_of(drawn: &[Option<Split>], cluster_of: &[usize], cluster: usize) -> Vec<Split> {
        let mut splits: Vec<Split> =
            drawn.iter().zip(cluster_of).filter(|(_, of)| **of == cluster).filter_map(|(split, _)| *split).collect();
        splits.sort_unstable();
        splits.dedup();
        splits
    }

    #[test]
    fn nobody_is_on_two_sides_and_every_split_is_balanced() {
        let (candidates, cluster_of) = people();
        let sizes = Sizes::asked(Some(70), Some(20), Some(20)).ok().flatten();
        let drawn = draw(&candidates, &cluster_of, &sizes.unwrap_or_else(|| unreachable!()));
        for split in Split::ALL {
            let count = |class| {
                drawn.iter().zip(&candidates).filter(|(drawn, of)| **drawn == Some(split) && of.1 == class).count()
            };
            assert_eq!(count(0), count(1), "{split:?}");
            assert!(split == Split::Train || count(0) == 10, "{split:?} has {}", count(0));
        }
        assert!((0..30).all(|person| splits_of(&drawn, &cluster_of, person).len() <= 1));
    }

    #[test]
    fn a_fold_is_tested_whole_and_nobody_in_it_is_trained_on() {
        let (candidates, cluster_of) = people();
        // Person 4 is in two folds, against the rules.
        let folds: Vec<Option<u32>> = (0..candidates.len())
            .map(|index| Some(if cluster_of[index] == 4 { index as u32 % 2 } else { cluster_of[index] as u32 % 5 }))
            .collect();
        for test in 0..5 {
            let drawn = fold(&candidates, &cluster_of, &folds, test);
            for index in 0..drawn.len() {
                assert_eq!(drawn[index] == Some(Split::Test), folds[index] == Some(test));
            }
            assert!((0..30).all(|person| splits_of(&drawn, &cluster_of, person).len() <= 1));
            assert!(drawn.contains(&Some(Split::Val)) && drawn.contains(&Some(Split::Train)));
        }
    }

    #[test]
    fn keys_in_common_join_clusters() {
        let keys = [vec!["a"], vec!["b", "g"], vec![], vec!["a", "g"], vec!["c"]];
        assert_eq!(clusters(keys.into_iter()), [0, 0, 1, 0, 2]);
    }
}
