//! The matrix that linfa works on: the standardised features, or as good as these in fewer columns.
//!
//! With more features than samples, the regression is the same in another, smaller room. Let `K = X Xᵀ` be the
//! samples' products and `K = Z Zᵀ` its Cholesky factors. Then `X = Z Qᵀ` with orthonormal columns in `Q`; a penalised
//! solution lies in their span (any other part of it costs and explains nothing), so `w = Q v` with `|w| = |v|` and
//! `X w = Z v`: the solution `v` on `Z` is the solution `w = Xᵀ Z⁻ᵀ v` on `X`. This is the representer theorem for a
//! linear kernel. `Z` has one column per sample, so 6,000 samples of 98,304 features need 144 MB instead of 2.4 GB, and
//! every iteration of every penalty is that much faster; `K` is made once, block by block.

use super::blas::{Columns, check_size, cholesky_upper, product_transposed, solve_upper};
use super::data::Examples;
use super::scaling::Standardisation;
use crate::error::{Error, Result};
use crate::monitor::{Monitor, Update};
use ndarray::{Array1, Array2, ArrayView2};
use rayon::prelude::*;
use std::time::Instant;

/// Samples whose products are made at once.
const BLOCK: usize = 512;

/// Features summed up in f32 before they go into the f64 sum.
const FEATURES: usize = 2048;

/// No more than this many bytes are asked for.
const LARGEST: usize = 2 << 30;

/// The records of the training split.
pub(super) struct Records {
    rows: Array2<f32>,
    /// `Zᵀ`, upper triangular, where the rows are those of `Z`.
    factor: Option<Vec<f64>>,
}

impl Records {
    /// Makes them from a split. One sample per row.
    ///
    /// # Errors
    /// Rows that cannot be read; more than fits; a stop.
    pub(super) fn of(split: &Examples, scaling: &Standardisation, monitor: &dyn Monitor) -> Result<Self> {
        let (samples, width) = (split.rows.len(), split.rows.width());
        check_size(samples.max(width))?;
        let columns = width.min(samples);
        // In f32, in f64 for the last steps, and the factor.
        let number = if width <= samples { 12 } else { 20 };
        if samples.saturating_mul(columns).saturating_mul(number) > LARGEST {
            return Err(Error::failed(format!(
                "a logistic regression on {samples} samples of {width} features takes more memory than it is allowed; \
                 use fewer samples or features, or the dense head, which takes them batch by batch"
            )));
        }
        if width <= samples {
            let rows = standardised(split, scaling, 0..samples, monitor)?;
            let rows = Array2::from_shape_vec((samples, width), rows).map_err(|e| Error::failed(e.to_string()))?;
            return Ok(Self { rows, factor: None });
        }
        let mut factor = products(split, scaling, monitor)?;
        // The training mean was taken away, so one direction is empty, and duplicates empty more: a trace of a
        // diagonal, a millionth of its mean, keeps the factors apart. More if rounding has eaten even that.
        let mean = factor.iter().step_by(samples + 1).sum::<f64>() / samples as f64;
        let diagonal: Vec<f64> = factor.iter().step_by(samples + 1).copied().collect();
        for exponent in -6..0 {
            let trace = mean.max(f64::MIN_POSITIVE) * 10f64.powi(exponent);
            for (at, value) in diagonal.iter().enumerate() {
                factor[at * samples + at] = value + trace;
            }
            // Its copy below the diagonal is left alone, so a failure can be mended from there.
            if cholesky_upper(&mut factor, samples) {
                let rows = Array2::from_shape_fn((samples, samples), |(row, column)| {
                    if column <= row { factor[column * samples + row] as f32 } else { 0.0 }
                });
                return Ok(Self { rows, factor: Some(factor) });
            }
            for row in 0..samples {
                for column in row + 1..samples {
                    factor[row * samples + column] = factor[column * samples + row];
                }
            }
        }
        Err(Error::failed(
            "the features of the training samples are too much alike for a regression; extract them anew",
        ))
    }

    /// One row per sample.
    pub(super) fn rows(&self) -> ArrayView2<'_, f32> {
        self.rows.view()
    }

    /// The weights of the standardised features that belong to a solution on the records.
    pub(super) fn weights(
        &self,
        solution: &Array1<f64>,
        split: &Examples,
        scaling: &Standardisation,
        monitor: &dyn Monitor,
    ) -> Result<Array1<f32>> {
        let Some(factor) = &self.factor else {
            return Ok(solution.mapv(|value| value as f32));
        };
        let mut shares = solution.to_vec();
        solve_upper(factor, &mut shares);
        let (samples, width) = (split.rows.len(), split.rows.width());
        let mut weights = vec![0f64; width];
        for first in (0..samples).step_by(BLOCK) {
            let block = first..samples.min(first + BLOCK);
            let rows = standardised(split, scaling, block.clone(), monitor)?;
            weights.par_chunks_mut(FEATURES).enumerate().for_each(|(chunk, weights)| {
                for (row, &share) in rows.chunks_exact(width).zip(&shares[block.clone()]) {
                    let values = &row[chunk * FEATURES..][..weights.len()];
                    weights.iter_mut().zip(values).for_each(|(weight, &value)| *weight += share * f64::from(value));
                }
            });
        }
        Ok(weights.into_iter().map(|weight| weight as f32).collect())
    }
}

/// The standardised rows of some samples, one after the other.
fn standardised(
    split: &Examples,
    scaling: &Standardisation,
    samples: std::ops::Range<usize>,
    monitor: &dyn Monitor,
) -> Result<Vec<f32>> {
    let width = split.rows.width();
    if monitor.stopped() {
        return Err(Error::stopped());
    }
    let all: Vec<usize> = samples.collect();
    let mut values = vec![0f32; all.len() * width];
    values.par_chunks_exact_mut(width).zip(&all).try_for_each(|(values, &row)| {
        split.rows.copy_rows(&[row], values)?;
        scaling.scale_in_place(values);
        Ok::<(), Error>(())
    })?;
    Ok(values)
}

/// The products of all samples with each other, samples x samples, both triangles.
fn products(split: &Examples, scaling: &Standardisation, monitor: &dyn Monitor) -> Result<Vec<f64>> {
    let (samples, width) = (split.rows.len(), split.rows.width());
    let blocks: Vec<_> = (0..samples).step_by(BLOCK).map(|first| first..samples.min(first + BLOCK)).collect();
    let mut all = vec![0f64; samples * samples];
    let mut part = Vec::new();
    let total = (blocks.len() * (blocks.len() + 1) / 2) as u64;
    let mut done = 0;
    let begun = Instant::now();
    for (at, a) in blocks.iter().enumerate() {
        let a_rows = standardised(split, scaling, a.clone(), monitor)?;
        for b in &blocks[at..] {
            let other = if a == b { None } else { Some(standardised(split, scaling, b.clone(), monitor)?) };
            let b_rows = other.as_deref().unwrap_or(&a_rows);
            part.resize(a.len() * b.len(), 0f32);
            for first in (0..width).step_by(FEATURES) {
                let count = FEATURES.min(width - first);
                let a_columns = Columns { values: &a_rows[first..], stride: width, rows: a.len() };
                let b_columns = Columns { values: &b_rows[first..], stride: width, rows: b.len() };
                product_transposed(&mut part, a_columns, b_columns, count);
                for (row, part) in part.chunks_exact(b.len()).enumerate() {
                    let sums = &mut all[(a.start + row) * samples + b.start..][..b.len()];
                    sums.iter_mut().zip(part).for_each(|(sum, &part)| *sum += f64::from(part));
                }
            }
            done += 1;
            let rate = done as f64 / begun.elapsed().as_secs_f64().max(1e-9);
            monitor.update(Update::Progress {
                done,
                total,
                unit: "blocks of products".into(),
                rate,
                remaining: Some((total - done) as f64 / rate),
            });
        }
    }
    for row in 0..samples {
        for column in 0..row {
            all[row * samples + column] = all[column * samples + row];
        }
    }
    Ok(all)
}
