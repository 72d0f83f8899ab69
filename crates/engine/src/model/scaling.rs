//! Standardisation of features: mean 0 and variance 1 on the training split.

use super::data::{Examples, for_each_block};
use super::network::{Input, Weights, take, torch_error};
use crate::features::FeatureRows;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::monitor::Monitor;
use ndarray::Array1;
use rayon::prelude::*;
use std::ops::Range;
use tch::{TchError, Tensor};

/// Columns per thread.
const COLUMNS: usize = 256;

/// Below this fraction of the mean, a deviation is rounding noise of f32 values, and the feature is constant.
const NOISE: f64 = 1e-7;

/// The mean and the deviation of each feature.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Standardisation {
    mean: Array1<f32>,
    deviation: Array1<f32>,
}

impl Standardisation {
    /// Means and population standard deviations of the training rows, in one pass and summed in f64; constant features
    /// keep deviation 1, as in scikit-learn's `StandardScaler`.
    ///
    /// Differences to the first row are summed, so that squares of large means do not cancel small deviations.
    ///
    /// # Errors
    /// A value that is not finite, rows that cannot be read, a stop.
    pub(super) fn of_split(split: &Examples, name: &str, monitor: &dyn Monitor) -> Result<Self> {
        let width = split.rows.width();
        let mut first = vec![0f32; width];
        split.rows.copy_rows(&[0], &mut first)?;
        // Sums of differences and of their squares.
        let mut sums = vec![[0f64; 2]; width];
        for_each_block(split.rows, name, monitor, |_, values| {
            sums.par_chunks_mut(COLUMNS).enumerate().for_each(|(chunk, sums)| {
                let columns = chunk * COLUMNS..chunk * COLUMNS + sums.len();
                let shifts = &first[columns.clone()];
                for row in values.chunks_exact(width) {
                    for ((sums, &value), &shift) in sums.iter_mut().zip(&row[columns.clone()]).zip(shifts) {
                        let difference = f64::from(value) - f64::from(shift);
                        sums[0] += difference;
                        sums[1] += difference * difference;
                    }
                }
            });
            Ok(())
        })?;
        let n = split.rows.len() as f64;
        let mean = first.iter().zip(&sums).map(|(&first, [sum, _])| (f64::from(first) + sum / n) as f32).collect();
        let deviation = first.iter().zip(&sums).map(|(&first, [sum, squares])| {
            let mean = f64::from(first) + sum / n;
            let deviation = ((squares - sum * sum / n) / n).max(0.0).sqrt();
            // A deviation can underflow f32 where the mean is 0.
            let noise = deviation <= NOISE * mean.abs() || deviation <= f64::from(f32::MIN_POSITIVE);
            if noise { 1.0 } else { deviation as f32 }
        });
        Ok(Self { deviation: deviation.collect(), mean })
    }

    /// Leaves features unchanged.
    pub(super) fn identity(width: usize) -> Self {
        Self { mean: Array1::zeros(width), deviation: Array1::ones(width) }
    }

    /// Reads `input.mean` and `input.deviation`.
    pub(super) fn from_weights(weights: &Weights, width: usize) -> Result<Self> {
        let read = |name| -> Result<Array1<f32>> { Ok(take(weights, name, &[width])?.iter().copied().collect()) };
        let (mean, deviation) = (read("input.mean")?, read("input.deviation")?);
        if deviation.iter().any(|deviation| *deviation <= 0.0) {
            return Err(Error::failed("the tensor 'input.deviation' holds a value that is not above 0"));
        }
        Ok(Self { mean, deviation })
    }

    /// Leaves features unchanged.
    pub(super) fn none(width: usize) -> Self {
        Self { mean: Array1::zeros(width), deviation: Array1::ones(width) }
    }

    /// Writes `input.mean` and `input.deviation`.
    pub(super) fn put_into(&self, weights: &mut Weights) {
        weights.insert("input.mean".into(), self.mean.clone().into_dyn());
        weights.insert("input.deviation".into(), self.deviation.clone().into_dyn());
    }

    /// Standardises whole rows in place.
    pub(super) fn scale_in_place(&self, rows: &mut [f32]) {
        for row in rows.chunks_exact_mut(self.mean.len()) {
            let scaled = row.iter_mut().zip(&self.mean).zip(&self.deviation);
            scaled.for_each(|((value, &mean), &deviation)| *value = (*value - mean) / deviation);
        }
    }

    /// Standardises rows of shape (batch, width); differentiable.
    pub(super) fn scale_tensor(&self, rows: &Tensor) -> Result<Tensor, TchError> {
        let tensor = |values: &Array1<f32>| Tensor::f_from_slice(values.as_slice().unwrap_or(&[]));
        rows.f_sub(&tensor(&self.mean)?)?.f_div(&tensor(&self.deviation)?)
    }

    /// Standardises the values of some columns of one row.
    #[inline(always)]
    pub(super) fn scale(&self, columns: Range<usize>, values: &[f32], out: &mut [f32]) {
        let (mean, deviation) = (self.mean.as_slice(), self.deviation.as_slice());
        let (Some(mean), Some(deviation)) = (mean, deviation) else {
            unreachable!("one-dimensional arrays that own their values are slices");
        };
        let scaled = values.iter().zip(&mean[columns.clone()]).zip(&deviation[columns]);
        out.iter_mut().zip(scaled).for_each(|(out, ((&value, &mean), &deviation))| *out = (value - mean) / deviation);
    }
}

/// Feature rows, standardised when they are read.
pub(super) struct Features<'a> {
    pub(super) rows: &'a dyn FeatureRows,
    pub(super) scaling: &'a Standardisation,
}

impl Input for Features<'_> {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn batch(&self, rows: &[usize]) -> Result<Tensor> {
        let width = self.rows.width();
        let mut raw = vec![0f32; rows.len() * width];
        self.rows.copy_rows(rows, &mut raw)?;
        self.scaling.scale_in_place(&mut raw);
        Tensor::f_from_slice(&raw)
            .and_then(|values| values.f_view([rows.len() as i64, width as i64]))
            .map_err(torch_error)
    }
}
