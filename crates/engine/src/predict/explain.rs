//! Class-activation maps: which parts of an image the prediction depends on.
//!
//! A stage outputs C channels of H x W positions. The map is the sum of the channels, each weighted by the gradient of
//! the predicted class' logit:
//!
//! `map(y, x) = sum over k of w_k * A_k(y, x)`, `w_k = sum over positions of d logit / d A_k`
//!
//! With global average pooling and a linear head the gradient is the same everywhere, and this is the class-activation
//! map of Zhou et al. (CVPR 2016): the mean of the map is exactly the image's contribution to the logit, and negative
//! values support the other class. Otherwise it is Grad-CAM (Selvaraju et al., ICCV 2017), of which only positive
//! values have a meaning; Grad-CAM's weights are means instead of sums over positions, a constant factor.

use crate::backbone::pooling;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::predict::{HeatMap, Method};
use ndarray::Array2;
use tch::{Kind, TchError, Tensor};

/// Computes the map of one image.
///
/// - `activations`: one tensor `[1, C, H, W]`, or tokens `[1, T, C]`, for each stage that features are taken from.
/// - `logit`: computes the logit of the positive class from these activations, as a differentiable scalar.
/// - `positive`: whether the positive class was predicted; otherwise the map is for the other one.
/// - `method`: [`Method::Cam`] is valid for global average pooling and a linear head only.
///
/// Maps of several stages are resized to the largest and added, since they contribute to one logit.
///
/// # Errors
/// Errors of libtorch; a logit that does not depend on a stage.
pub fn heat_map(
    activations: &[Tensor],
    logit: &dyn Fn(&[Tensor]) -> Result<Tensor, TchError>,
    positive: bool,
    method: Method,
) -> Result<HeatMap> {
    let maps = stage_maps(activations, logit, positive).map_err(|error| {
        let text = error.to_string();
        let first = text.lines().next().unwrap_or_default().to_owned();
        Error::failed(format!("The map could not be computed ({first})."))
    })?;
    let rows = maps.iter().map(Array2::nrows).max().unwrap_or(0);
    let columns = maps.iter().map(Array2::ncols).max().unwrap_or(0);
    if rows == 0 || columns == 0 {
        return Err(Error::failed("There is no stage to make a map of."));
    }
    let mut values = vec![0.0; rows * columns];
    for map in maps {
        let (height, width) = map.dim();
        let map = HeatMap { method, rows: height, columns: width, values: map.into_iter().collect() };
        for (place, value) in values.iter_mut().enumerate() {
            let centre = |at: usize, cells: usize| (at as f64 + 0.5) / cells as f64;
            *value += map.at(centre(place % columns, columns), centre(place / columns, rows));
        }
    }
    if method == Method::GradCam {
        values.iter_mut().for_each(|value| *value = value.max(0.0));
    }
    if values.iter().any(|value| !value.is_finite()) {
        return Err(Error::failed("The map holds a value that is not a number."));
    }
    Ok(HeatMap { method, rows, columns, values })
}

fn stage_maps(
    activations: &[Tensor],
    logit: &dyn Fn(&[Tensor]) -> Result<Tensor, TchError>,
    positive: bool,
) -> Result<Vec<Array2<f32>>, TchError> {
    let leaf = |stage: &Tensor| stage.f_detach()?.f_to_kind(Kind::Float)?.f_set_requires_grad(true);
    let leaves = activations.iter().map(leaf).collect::<Result<Vec<_>, _>>()?;
    let sign = if positive { 1.0 } else { -1.0 };
    tch::with_grad(|| (logit(&leaves)?.f_sum(Kind::Float)? * sign).f_backward())?;
    let map = |stage: &Tensor| {
        let gradient = stage.grad();
        if !gradient.defined() {
            return Err(TchError::Torch("the logit does not depend on a stage".into()));
        }
        tch::no_grad(|| {
            // Only patch tokens have a position.
            let maps = |of: &Tensor| if of.dim() == 3 { pooling::patches(of) } else { Ok(of.shallow_clone()) };
            let (gradient, stage) = (maps(&gradient)?, maps(stage)?);
            let weights = gradient.f_sum_dim_intlist([2i64, 3].as_slice(), true, Kind::Float)?;
            let map = (weights * stage).f_sum_dim_intlist([0i64, 1].as_slice(), false, Kind::Float)?;
            let map = map.f_to_device(tch::Device::Cpu)?.f_contiguous()?;
            let (rows, columns) = map.size2()?;
            let mut values = vec![0f32; map.numel()];
            map.f_copy_data(&mut values, map.numel())?;
            Array2::from_shape_vec((rows as usize, columns as usize), values)
                .map_err(|error| TchError::Shape(error.to_string()))
        })
    };
    leaves.iter().map(map).collect()
}
