//! What the networks are built of.

use super::Parameters;
use crate::error::Result;
use tch::{TchError, Tensor};

/// Where the zeros go around a convolution's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Padding {
    /// As many on every side.
    Even(i64),
    /// TensorFlow's SAME with a stride: what is odd goes right and below.
    Same,
}

/// A convolution with the batch normalisation that follows it folded in.
#[derive(Debug)]
pub struct Conv {
    /// `[out, in / groups, k, k]`, channels last in memory.
    weight: Tensor,
    /// `[out]`.
    bias: Tensor,
    kernel: i64,
    stride: i64,
    groups: i64,
    padding: Padding,
}

impl Conv {
    /// Takes the convolution `conv` (no bias) and the batch normalisation `norm` from the checkpoint and folds them:
    /// with s = gamma / sqrt(variance + epsilon), weight' = s * weight and bias' = beta - s * mean.
    ///
    /// `stride` 1 or 2 with TensorFlow's SAME padding.
    pub fn same(
        parameters: &Parameters,
        conv: &str,
        norm: &str,
        epsilon: f64,
        stride: i64,
        groups: i64,
    ) -> Result<Self> {
        let weight = parameters.get(&format!("{conv}.weight"))?;
        let [gamma, beta, mean, variance] = ["weight", "bias", "running_mean", "running_var"]
            .map(|part| parameters.get(&format!("{norm}.{part}")).map(|tensor| tensor.to_kind(tch::Kind::Double)));
        let scale = gamma? / (variance? + epsilon).sqrt();
        let bias = (beta? - &scale * mean?).to_kind(tch::Kind::Float);
        let weight = (weight.to_kind(tch::Kind::Double) * scale.view([-1, 1, 1, 1])).to_kind(tch::Kind::Float);
        let kernel = weight.size()[2];
        let padding = if stride == 1 { Padding::Even(kernel / 2) } else { Padding::Same };
        Ok(Self { weight: channels_last(&weight), bias, kernel, stride, groups, padding })
    }

    /// The convolution on `[N, in, H, W]`, without what follows it.
    pub fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        let convolve = |input: &Tensor, padding: i64| {
            input.f_conv2d(&self.weight, Some(&self.bias), [self.stride; 2], [padding; 2], [1, 1], self.groups)
        };
        match self.padding {
            Padding::Even(zeros) => convolve(input, zeros),
            Padding::Same => convolve(&pad_same(input, self.kernel, self.stride)?, 0),
        }
    }

    /// The same tensors for another thread.
    pub fn share(&self) -> Self {
        Self { weight: self.weight.shallow_clone(), bias: self.bias.shallow_clone(), ..*self }
    }
}

/// Pads `[N, C, H, W]` so that a strided convolution without padding gives ceil(H / stride) rows.
fn pad_same(input: &Tensor, kernel: i64, stride: i64) -> Result<Tensor, TchError> {
    let (_, _, height, width) = input.size4()?;
    let total = |side: i64| (((side + stride - 1) / stride - 1) * stride + kernel - side).max(0);
    let (down, across) = (total(height), total(width));
    input.f_constant_pad_nd([across / 2, across - across / 2, down / 2, down - down / 2])
}

/// The same values with the channels of a pixel beside each other in memory, which oneDNN's kernels prefer.
pub fn channels_last(tensor: &Tensor) -> Tensor {
    tensor.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2])
}

/// min(max(x, 0), 6), in place.
pub fn relu6(mut tensor: Tensor) -> Result<Tensor, TchError> {
    tensor.f_clamp_(0.0, 6.0)
}
