//! Standardisation of features: mean 0 and variance 1 on the training split.

use super::network::{Input, Weights, take};
use crate::error::{Error, Result};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, Zip};
use tch::{TchError, Tensor};

/// Below this share of the mean, a spread is rounding noise of f32 values, and the feature is constant.
const NOISE: f64 = 1e-7;

/// What to take away from each feature and what to divide it by.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Standardisation {
    mean: Array1<f32>,
    deviation: Array1<f32>,
}

impl Standardisation {
    /// Means and population standard deviations of the training rows (which must not be empty), summed in f64; constant
    /// features keep deviation 1, as in scikit-learn's `StandardScaler`.
    pub(super) fn of(rows: ArrayView2<f32>) -> Self {
        let n = rows.nrows() as f64;
        let mut mean = Array1::<f64>::zeros(rows.ncols());
        for row in rows.outer_iter() {
            mean.zip_mut_with(&row, |sum, &value| *sum += f64::from(value));
        }
        mean /= n;
        let mut variance = Array1::<f64>::zeros(rows.ncols());
        for row in rows.outer_iter() {
            Zip::from(&mut variance).and(&mean).and(&row).for_each(|sum, &mean, &value| {
                let difference = f64::from(value) - mean;
                *sum += difference * difference;
            });
        }
        let deviation = Zip::from(&variance).and(&mean).map_collect(|&sum, &mean| {
            let deviation = (sum / n).sqrt();
            if deviation <= NOISE * mean.abs() { 1.0 } else { deviation as f32 }
        });
        // A deviation can be too small for f32 where the mean is 0.
        let deviation = deviation.mapv(|value| if value > f32::MIN_POSITIVE { value } else { 1.0 });
        Self { mean: mean.mapv(|value| value as f32), deviation }
    }

    /// Leaves features as they are.
    pub(super) fn identity(width: usize) -> Self {
        Self { mean: Array1::zeros(width), deviation: Array1::ones(width) }
    }

    /// Reads `input.mean` and `input.deviation`.
    pub(super) fn from_weights(weights: &Weights, width: usize) -> Result<Self> {
        let read = |name| Ok(take(weights, name, &[width])?.iter().copied().collect::<Array1<f32>>());
        let (mean, deviation) = (read("input.mean")?, read("input.deviation")?);
        if deviation.iter().any(|deviation| *deviation <= 0.0) {
            return Err(Error::failed("the tensor 'input.deviation' holds a value that is not above 0"));
        }
        Ok(Self { mean, deviation })
    }

    /// Writes `input.mean` and `input.deviation`.
    pub(super) fn put_into(&self, weights: &mut Weights) {
        weights.insert("input.mean".into(), self.mean.clone().into_dyn());
        weights.insert("input.deviation".into(), self.deviation.clone().into_dyn());
    }

    /// Standardises whole rows in place, column by column.
    pub(super) fn apply(&self, rows: &mut Array2<f32>) {
        for ((mut column, &mean), &deviation) in rows.axis_iter_mut(Axis(1)).zip(&self.mean).zip(&self.deviation) {
            column.mapv_inplace(|value| (value - mean) / deviation);
        }
    }

    /// Appends one standardised row.
    fn extend(&self, out: &mut Vec<f32>, row: ArrayView1<f32>) {
        let scaled = row.iter().zip(&self.mean).zip(&self.deviation);
        out.extend(scaled.map(|((&value, &mean), &deviation)| (value - mean) / deviation));
    }
}

/// Feature rows, standardised as they are taken.
pub(super) struct Features<'a> {
    pub(super) rows: ArrayView2<'a, f32>,
    pub(super) scaling: &'a Standardisation,
}

impl Input for Features<'_> {
    fn len(&self) -> usize {
        self.rows.nrows()
    }

    fn batch(&self, rows: &[usize]) -> Result<Tensor, TchError> {
        let width = self.rows.ncols();
        let mut values = Vec::with_capacity(rows.len() * width);
        for &row in rows {
            self.scaling.extend(&mut values, self.rows.row(row));
        }
        Tensor::f_from_slice(&values)?.f_view([rows.len() as i64, width as i64])
    }
}
