//! Principal component analysis of feature rows, in f64.

use faceprobe_core::error::{Error, Result};
use ndarray::{Array2, ArrayView2};
use tch::{Kind, TchError, Tensor};

/// Rows projected on their first principal components.
#[derive(Debug, Clone, PartialEq)]
pub struct Components {
    /// Rows x components.
    pub scores: Array2<f64>,
    /// The fraction of the variance of each component, the largest first.
    pub explained: Vec<f64>,
}

/// The first `count` principal components of rows (or as many as there are), centred and not scaled. The sign of a
/// component makes its largest absolute value positive, as in scikit-learn.
///
/// # Errors
/// Fewer than two rows; non-finite values; errors of libtorch.
pub fn pca(rows: ArrayView2<f32>, count: usize) -> Result<Components> {
    let (n, width) = rows.dim();
    if n < 2 || width == 0 {
        return Err(Error::failed(format!(
            "Principal components need at least two images with features; there are {n}."
        )));
    }
    if rows.iter().any(|value| !value.is_finite()) {
        return Err(Error::failed(
            "Some features are not numbers: they were changed while they were read; run this again: rows that do not fit \
             their checksums are computed again.",
        ));
    }
    let count = count.min(n).min(width);
    let rows = rows.as_standard_layout();
    let values = rows.as_slice().ok_or_else(|| Error::failed("The features do not lie in order."))?;
    let components = || -> std::result::Result<(Tensor, Tensor, f64), TchError> {
        let rows = Tensor::f_from_slice(values)?.f_view([n as i64, width as i64])?.f_to_kind(Kind::Double)?;
        let rows = rows.f_sub(&rows.f_mean_dim([0].as_slice(), true, None)?)?;
        let total = f64::try_from(rows.f_square()?.f_sum(None)?)?;
        // The smaller of the two Gram matrices has the same eigenvalues; the directions follow from either.
        let directions = if width <= n {
            let (_, vectors) = rows.f_transpose(0, 1)?.f_matmul(&rows)?.f_linalg_eigh("L")?;
            vectors.f_slice(1, (width - count) as i64, width as i64, 1)?
        } else {
            let (values, vectors) = rows.f_matmul(&rows.f_transpose(0, 1)?)?.f_linalg_eigh("L")?;
            let own = values.f_slice(0, (n - count) as i64, n as i64, 1)?.f_clamp_min(f64::MIN_POSITIVE)?;
            let vectors = vectors.f_slice(1, (n - count) as i64, n as i64, 1)?;
            rows.f_transpose(0, 1)?.f_matmul(&vectors)?.f_div(&own.f_sqrt()?)?
        };
        let directions = directions.f_flip([1].as_slice())?;
        let largest = directions.f_abs()?.f_argmax(0, true)?;
        let signs = directions.f_gather(0, &largest, false)?.f_sign()?;
        let scores = rows.f_matmul(&directions.f_mul(&signs)?)?;
        let variances = scores.f_square()?.f_sum_dim_intlist([0].as_slice(), false, None)?;
        Ok((scores, variances, total))
    };
    let (scores, variances, total) = tch::no_grad(components).map_err(torch_error)?;
    let taken = |tensor: &Tensor, count: usize| -> Result<Vec<f64>> {
        let mut values = vec![0f64; count];
        let tensor = tensor.f_contiguous().map_err(torch_error)?;
        tensor.f_copy_data(&mut values, count).map_err(torch_error)?;
        Ok(values)
    };
    let explained = taken(&variances, count)?.iter().map(|own| if total > 0.0 { own / total } else { 0.0 }).collect();
    let scores = Array2::from_shape_vec((n, count), taken(&scores, n * count)?)
        .map_err(|error| Error::failed(error.to_string()))?;
    Ok(Components { scores, explained })
}

fn torch_error(error: TchError) -> Error {
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    Error::failed(format!("The principal components cannot be computed: {first}."))
}
