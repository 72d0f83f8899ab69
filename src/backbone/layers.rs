//! Convolutions with batch normalisation folded in, as frozen networks use them.

use super::checkpoint::Weights;
use super::weights::Shapes;
use tch::{Device, TchError, Tensor};

/// Gives a network its tensors by name.
pub(super) struct Loader<'a> {
    pub weights: &'a Weights,
    pub device: Device,
}

impl Loader<'_> {
    fn get(&self, name: &str) -> Result<Tensor, TchError> {
        // Completeness was checked when the weights were stored and is checked again when they are read.
        let weight = self
            .weights
            .get(name)
            .ok_or_else(|| TchError::FileFormat(format!("the weights have no tensor {name}")))?;
        let shape: Vec<i64> = weight.shape.iter().map(|size| *size as i64).collect();
        Tensor::f_from_slice(&weight.values)?.f_view(shape.as_slice())
    }
}

/// Adds the four tensors of a batch normalisation over `channels`.
pub(super) fn shape_bn(shapes: &mut Shapes, name: &str, channels: i64) {
    for part in ["weight", "bias", "running_mean", "running_var"] {
        shapes.insert(format!("{name}.{part}"), vec![channels]);
    }
}

/// A convolution with TensorFlow's SAME padding.
pub(super) struct Conv {
    weight: Tensor,
    bias: Tensor,
    stride: i64,
    groups: i64,
    kernel: i64,
}

impl Conv {
    /// N x C x H x W to N x C' x ceil(H / stride) x ceil(W / stride).
    pub(super) fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        let size = input.size();
        let (top, bottom) = self.padding(size[2]);
        let (left, right) = self.padding(size[3]);
        let (weight, bias) = (&self.weight, Some(&self.bias));
        let stride = [self.stride, self.stride];
        if top == bottom && left == right {
            return input.f_conv2d(weight, bias, stride, [top, left], [1, 1], self.groups);
        }
        // The convolution pads evenly; where SAME is uneven, the extra row and column are added before.
        let padded = input.f_constant_pad_nd([left, right, top, bottom])?;
        padded.f_conv2d(weight, bias, stride, [0, 0], [1, 1], self.groups)
    }

    /// [`Conv::forward`], then min(max(x, 0), 6) in place.
    pub(super) fn forward_relu6(&self, input: &Tensor) -> Result<Tensor, TchError> {
        self.forward(input)?.f_clamp_(0.0, 6.0)
    }

    /// Rows added before and after `size` of them.
    fn padding(&self, size: i64) -> (i64, i64) {
        let output = (size + self.stride - 1) / self.stride;
        let total = ((output - 1) * self.stride + self.kernel - size).max(0);
        (total / 2, total - total / 2)
    }
}

/// A convolution `conv` without bias followed by the batch normalisation `bn`, as one convolution with bias: the
/// weights are scaled by gamma / sqrt(variance + epsilon) per output channel.
pub(super) fn conv_bn(loader: &Loader<'_>, conv: &str, bn: &str, stride: i64, epsilon: f64) -> Result<Conv, TchError> {
    folded(loader, conv, bn, stride, epsilon, false)
}

/// The same for a depthwise convolution: one group per channel.
pub(super) fn depthwise_bn(
    loader: &Loader<'_>,
    conv: &str,
    bn: &str,
    stride: i64,
    epsilon: f64,
) -> Result<Conv, TchError> {
    folded(loader, conv, bn, stride, epsilon, true)
}

fn folded(
    loader: &Loader<'_>,
    conv: &str,
    bn: &str,
    stride: i64,
    epsilon: f64,
    depthwise: bool,
) -> Result<Conv, TchError> {
    // In f64, so that folding costs no accuracy.
    let double = tch::Kind::Double;
    let weight = loader.get(&format!("{conv}.weight"))?.f_to_kind(double)?;
    let part = |name: &str| loader.get(&format!("{bn}.{name}"))?.f_to_kind(double);
    let scale = part("weight")?.f_div(&part("running_var")?.f_add_scalar(epsilon)?.f_sqrt()?)?;
    let bias = part("bias")?.f_sub(&part("running_mean")?.f_mul(&scale)?)?;
    let folded = weight.f_mul(&scale.f_view([-1, 1, 1, 1])?)?;
    let kernel = folded.size()[2];
    let groups = if depthwise { folded.size()[0] } else { 1 };
    let place = |tensor: Tensor| tensor.f_to_kind(tch::Kind::Float)?.f_to_device(loader.device);
    Ok(Conv { weight: channels_last(place(folded)?)?, bias: place(bias)?, stride, groups, kernel })
}

/// The same values in memory order N, H, W, C, which convolutions on a CPU read fastest.
pub(super) fn channels_last(tensor: Tensor) -> Result<Tensor, TchError> {
    tensor.f_permute([0, 2, 3, 1])?.f_contiguous()?.f_permute([0, 3, 1, 2])
}
