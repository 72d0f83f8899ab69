//! The matrix for linfa: the standardised features, or an equivalent matrix with fewer columns.
//!
//! With more features than samples, the regression can be solved in a smaller space. Let `K = X Xᵀ` be the Gram matrix
//! of the samples and `K = Z Zᵀ` its Cholesky factorisation. Then `X = Z Qᵀ` with orthonormal columns in `Q`; a
//! penalised solution lies in their span (any other component is penalised and explains nothing), so `w = Q v` with
//! `|w| = |v|` and `X w = Z v`: the solution `v` on `Z` is the solution `w = Xᵀ Z⁻ᵀ v` on `X`. This is the representer
//! theorem for a linear kernel. `Z` has one column per sample, so 6,000 samples of 98,304 features need 144 MB instead
//! of 2.4 GB, and every iteration is that much faster; `K` is computed once, block by block.

use super::blas::{check_size, cholesky_lower, solve_lower_transposed};
use super::data::{Examples, for_each_block};
use super::scaling::Standardisation;
use super::tiled::{Batch, ROWS_AT_ONCE, TILE, Tiles, products};
use crate::backbone::Arithmetic;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::monitor::{Monitor, Update};
use ndarray::{Array1, Array2, ArrayView2};
use rayon::prelude::*;
use std::ops::Range;
use std::time::Instant;

/// Samples per block of the Gram matrix.
const BLOCK: usize = 256;

/// Features summed in f32 before they are added to the f64 sum.
const FEATURES: usize = 64 * TILE;

/// Standardised values held at once.
const HELD: usize = 50_000_000;

/// Limit of the memory to allocate, in bytes.
const LARGEST: usize = 2 << 30;

/// The records of the training split.
pub(super) struct Records {
    rows: Array2<f32>,
    /// `Z`, lower triangular, where the rows are those of it.
    factor: Option<Array2<f64>>,
}

impl Records {
    /// Builds the records of a split. One sample per row.
    ///
    /// # Errors
    /// Rows that cannot be read; more than fits in memory; a stop.
    pub(super) fn of(split: &Examples, scaling: &Standardisation, monitor: &dyn Monitor) -> Result<Self> {
        let (samples, width) = (split.rows.len(), split.rows.width());
        check_size(samples.max(width))?;
        let columns = width.min(samples);
        // In f32, and in f64 for the last iterations; or the Gram matrix and its factor, before anything is in f32.
        let number = if width <= samples { 12 } else { 16 };
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
        let products = gram(split, scaling, monitor)?;
        // Subtracting the training mean makes one direction singular, and duplicates make more: a ridge of a millionth
        // of the mean diagonal keeps the factorisation stable. It grows if rounding has used up even that.
        let mean = products.iter().step_by(samples + 1).sum::<f64>() / samples as f64;
        for exponent in -6..0 {
            let trace = mean.max(f64::MIN_POSITIVE) * 10f64.powi(exponent);
            let mut factor = products.clone();
            factor.iter_mut().step_by(samples + 1).for_each(|value| *value += trace);
            if cholesky_lower(&mut factor, samples) {
                drop(products);
                let factor =
                    Array2::from_shape_vec((samples, samples), factor).map_err(|e| Error::failed(e.to_string()))?;
                return Ok(Self { rows: factor.mapv(|value| value as f32), factor: Some(factor) });
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

    /// The same in f64, where computed: then lower triangular.
    pub(super) fn factor(&self) -> Option<ArrayView2<'_, f64>> {
        self.factor.as_ref().map(Array2::view)
    }

    /// The weights of the standardised features for a solution on the records.
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
        solve_lower_transposed(factor.as_slice().unwrap_or_default(), &mut shares);
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

/// The standardised rows of some samples.
fn standardised(
    split: &Examples,
    scaling: &Standardisation,
    samples: Range<usize>,
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

/// The Gram matrix, samples x samples; zeros above the diagonal.
fn gram(split: &Examples, scaling: &Standardisation, monitor: &dyn Monitor) -> Result<Vec<f64>> {
    let (samples, width) = (split.rows.len(), split.rows.width());
    let mut all = vec![0f64; samples * samples];
    let at_once = FEATURES * (HELD / (samples * FEATURES)).max(1);
    let mut batch = Batch::zeros(0, 0, Arithmetic::F32);
    let (mut done, begun) = (0, Instant::now());
    for first in (0..width).step_by(at_once) {
        for part in tiles(split, scaling, first..width.min(first + at_once), monitor)? {
            for block in (0..samples).step_by(BLOCK) {
                if monitor.stopped() {
                    return Err(Error::stopped());
                }
                let count = BLOCK.min(samples - block);
                batch.reshape(count, part.columns(), Arithmetic::F32);
                batch.refill(
                    #[inline(always)]
                    |tile, sample, piece| *piece = part.pieces()[tile * part.stride() + block + sample],
                );
                // The samples of this block with themselves and with later ones.
                let groups = all[block * samples..].par_chunks_mut(ROWS_AT_ONCE * samples).enumerate();
                groups.for_each_init(Vec::new, |out, (group, sums)| {
                    out.resize(sums.len() / samples * count, 0f32);
                    products(out, &part, None, block + group * ROWS_AT_ONCE, &batch);
                    let rows = sums.chunks_exact_mut(samples).zip(out.chunks_exact(count));
                    for ((sums, out), row) in rows.zip(block + group * ROWS_AT_ONCE..) {
                        sums[block..=row].iter_mut().zip(out).for_each(|(sum, &product)| *sum += f64::from(product));
                    }
                });
            }
            done += part.columns();
            let rate = done as f64 / begun.elapsed().as_secs_f64().max(1e-9);
            monitor.update(Update::Progress {
                done: done as u64,
                total: width as u64,
                unit: "features multiplied".into(),
                rate,
                remaining: Some((width - done) as f64 / rate),
            });
        }
    }
    Ok(all)
}

/// The standardised rows of all samples, [`FEATURES`] features per matrix.
fn tiles(
    split: &Examples,
    scaling: &Standardisation,
    features: Range<usize>,
    monitor: &dyn Monitor,
) -> Result<Vec<Tiles>> {
    let (samples, width) = (split.rows.len(), split.rows.width());
    let firsts = features.clone().step_by(FEATURES);
    let mut parts: Vec<Tiles> =
        firsts.clone().map(|first| Tiles::zeros(samples, FEATURES.min(features.end - first))).collect();
    for_each_block(split.rows, "training", monitor, |rows, raw| {
        for (part, first) in parts.iter_mut().zip(firsts.clone()) {
            let end = first + part.columns();
            part.fill(
                rows.clone(),
                #[inline(always)]
                |tile, row, piece| {
                    let columns = first + tile * TILE..end.min(first + (tile + 1) * TILE);
                    scaling.scale(columns.clone(), &raw[row * width..][columns], &mut piece[..]);
                },
            );
        }
        Ok(())
    })?;
    Ok(parts)
}
