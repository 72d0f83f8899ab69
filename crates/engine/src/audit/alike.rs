//! Pairs of images with nearly the same features: another crop, another exposure, a frame of the same series.

use super::near::Groups;
use crate::features::FeatureRows;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::monitor::{Monitor, Update};
use ndarray::{Array2, Axis, s};
use std::time::Instant;

/// Rows per block of the product; a block of results takes some megabytes.
const BLOCK: usize = 512;

/// At most this many pairs are named: a set of frames of one film has as many as the square of its images.
const MOST: usize = 50_000;

/// Images with similar features.
pub struct Alike {
    /// Pairs (first, second, cosine), the most similar first; at most [`MOST`].
    pub pairs: Vec<(usize, usize, f32)>,
    /// The number of all pairs.
    pub count: u64,
    /// All of them, joined.
    pub groups: Groups,
}

impl Alike {
    fn add(&mut self, first: usize, second: usize, cosine: f32, most: usize) {
        self.count += 1;
        self.groups.join(first, second);
        self.pairs.push((first, second, cosine));
        if self.pairs.len() > 2 * most {
            self.keep(most);
        }
    }

    fn keep(&mut self, most: usize) {
        self.pairs.sort_by(|a, b| b.2.total_cmp(&a.2).then((a.0, a.1).cmp(&(b.0, b.1))));
        self.pairs.truncate(most);
    }
}

/// All pairs whose standardised features have a cosine of at least `least`. Products are made block by block, so memory
/// holds the features, one block of results and the pairs that are named.
///
/// # Errors
/// Rows that cannot be read, a stop.
pub fn alike(rows: &dyn FeatureRows, least: f32, monitor: &dyn Monitor) -> Result<Alike> {
    let (count, width) = (rows.len(), rows.width());
    let mut values = vec![0f32; count * width];
    for (at, block) in values.chunks_mut(BLOCK * width.max(1)).enumerate() {
        let first = at * BLOCK;
        let numbers: Vec<usize> = (first..first + block.len() / width.max(1)).collect();
        rows.copy_rows(&numbers, block)?;
    }
    let mut all = Array2::from_shape_vec((count, width), values).map_err(|error| Error::failed(error.to_string()))?;
    standardise(&mut all);
    let (mut found, began) = (Alike { pairs: Vec::new(), count: 0, groups: Groups::new(count) }, Instant::now());
    for first in (0..count).step_by(BLOCK) {
        if monitor.stopped() {
            return Err(Error::stopped());
        }
        let end = count.min(first + BLOCK);
        let product = all.slice(s![first..end, ..]).dot(&all.slice(s![first.., ..]).t());
        for (row, cosines) in product.axis_iter(Axis(0)).enumerate() {
            let near = cosines.iter().enumerate().skip(row + 1).filter(|(_, cosine)| **cosine >= least);
            near.for_each(|(column, cosine)| found.add(first + row, first + column, *cosine, MOST));
        }
        let rate = end as f64 / began.elapsed().as_secs_f64().max(1e-6);
        let (done, total) = (end as u64, count as u64);
        monitor.update(Update::Progress { done, total, unit: "images".into(), rate, remaining: None });
    }
    found.keep(MOST);
    Ok(found)
}

/// Standardises each column to mean 0 and variance 1, then scales each row to length 1. Constant columns and zero rows
/// stay 0.
fn standardise(all: &mut Array2<f32>) {
    let Some(mean) = all.mean_axis(Axis(0)) else { return };
    *all -= &mean;
    let scale = all
        .axis_iter(Axis(1))
        .map(|column| (column.dot(&column) / column.len() as f32).sqrt())
        .map(|deviation| if deviation > 1e-6 { 1.0 / deviation } else { 0.0 })
        .collect::<Vec<f32>>();
    for mut row in all.axis_iter_mut(Axis(0)) {
        row.iter_mut().zip(&scale).for_each(|(value, scale)| *value *= scale);
        let length = row.dot(&row).sqrt();
        if length > 0.0 {
            row /= length;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_very_many_pairs_the_most_similar_are_named_and_all_are_joined() {
        let count = 40;
        let mut found = Alike { pairs: Vec::new(), count: 0, groups: Groups::new(count) };
        let cosine = |a: usize, b: usize| 1.0 - (a * 7 + b * 13) as f32 % 97.0 / 1000.0;
        let all: Vec<_> = (0..count).flat_map(|a| (a + 1..count).map(move |b| (a, b, cosine(a, b)))).collect();
        all.iter().for_each(|&(a, b, cosine)| found.add(a, b, cosine, 25));
        found.keep(25);
        let mut expected = all.clone();
        expected.sort_by(|a, b| b.2.total_cmp(&a.2).then((a.0, a.1).cmp(&(b.0, b.1))));
        assert_eq!(found.pairs, expected[..25]);
        assert_eq!((found.count, found.groups.several()), (all.len() as u64, vec![(0..count).collect()]));
    }
}
