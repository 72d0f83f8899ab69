//! The network interface of the training loop and the scorer, and conversion of named weights to tensors.

use super::random::Dropout;
use faceprobe_core::error::{Error, Result};
use ndarray::ArrayD;
use std::collections::BTreeMap;
use tch::{TchError, Tensor};

/// The weights of a model by name, standardisation included: everything that is saved.
pub type Weights = BTreeMap<String, ArrayD<f32>>;

/// A network with one logit per sample.
pub(super) trait Network {
    /// Logits of shape (batch), of a batch made by the network's own [`Input`].
    fn logits(&self, input: &Tensor, dropout: &mut Dropout) -> Result<Tensor, TchError>;
}

/// Rows that are converted to network input batch by batch.
pub(super) trait Input {
    /// Number of rows.
    fn len(&self) -> usize;

    /// The network's input for these rows; the first dimension is the batch.
    fn batch(&self, rows: &[usize]) -> Result<Tensor>;
}

/// The first line of a libtorch error, without the C++ stack trace.
pub(super) fn torch_error(error: TchError) -> Error {
    let text = error.to_string();
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("unknown error").trim();
    Error::failed(format!("libtorch could not go on: {first}"))
}

/// A tensor with the values of an array.
pub(super) fn to_tensor(array: &ArrayD<f32>) -> Result<Tensor, TchError> {
    let shape: Vec<i64> = array.shape().iter().map(|&side| side as i64).collect();
    let standard = array.as_standard_layout();
    // In standard layout the slice always exists.
    Tensor::f_from_slice(standard.as_slice().unwrap_or(&[]))?.f_view(shape.as_slice())
}

/// An array with the values of a tensor.
pub(super) fn to_array(tensor: &Tensor) -> Result<ArrayD<f32>, TchError> {
    let shape: Vec<usize> = tensor.size().iter().map(|&side| side as usize).collect();
    let mut values = vec![0f32; shape.iter().product()];
    tensor.f_detach()?.f_contiguous()?.f_copy_data(&mut values, tensor.numel())?;
    ArrayD::from_shape_vec(shape, values).map_err(|error| TchError::Shape(error.to_string()))
}

/// Takes one weight and checks its shape.
pub(super) fn take<'a>(weights: &'a Weights, name: &str, shape: &[usize]) -> Result<&'a ArrayD<f32>> {
    let array = weights.get(name).ok_or_else(|| Error::failed(format!("the tensor '{name}' is missing")))?;
    if array.shape() != shape {
        return Err(Error::failed(format!("the tensor '{name}' has shape {:?} instead of {shape:?}", array.shape())));
    }
    Ok(array)
}

/// The shape of a weight that must exist and have `N` non-empty dimensions.
pub(super) fn shape_of<const N: usize>(weights: &Weights, name: &str) -> Result<[usize; N]> {
    let array = weights.get(name).ok_or_else(|| Error::failed(format!("the tensor '{name}' is missing")))?;
    match <[usize; N]>::try_from(array.shape()) {
        Ok(shape) if !shape.contains(&0) => Ok(shape),
        _ => Err(Error::failed(format!("the tensor '{name}' has the impossible shape {:?}", array.shape()))),
    }
}
