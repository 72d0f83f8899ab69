//! What the networks are built of.

use super::Parameters;
use crate::error::Result;
use tch::{Kind, TchError, Tensor};

/// A convolution with the batch normalisation that follows it folded in, padded as TensorFlow's SAME does.
#[derive(Debug)]
pub struct Conv {
    /// `[out, in / groups, k, k]`, channels last in memory; k is odd.
    weight: Tensor,
    /// The same kernel with a row and a column of zeros before it, for stride 2 on even sides.
    widened: Option<Tensor>,
    /// `[out]`.
    bias: Tensor,
    stride: i64,
    groups: i64,
    /// Rows of zeros above and below: (k - 1) / 2.
    padding: i64,
}

impl Conv {
    /// Takes the convolution `conv` (no bias) and the batch normalisation `norm` from the checkpoint and folds them:
    /// with s = gamma / sqrt(variance + epsilon), weight' = s * weight and bias' = beta - s * mean.
    ///
    /// `stride` is 1 or 2.
    pub fn same(
        parameters: &Parameters,
        conv: &str,
        norm: &str,
        epsilon: f64,
        stride: i64,
        groups: i64,
    ) -> Result<Self> {
        let double = |name: String| parameters.get(&name).map(|tensor| tensor.to_kind(Kind::Double));
        let weight = double(format!("{conv}.weight"))?;
        let (gamma, beta) = (double(format!("{norm}.weight"))?, double(format!("{norm}.bias"))?);
        let (mean, variance) = (double(format!("{norm}.running_mean"))?, double(format!("{norm}.running_var"))?);
        let scale = gamma / (variance + epsilon).sqrt();
        let bias = (beta - &scale * mean).to_kind(Kind::Float);
        let weight = (weight * scale.view([-1, 1, 1, 1])).to_kind(Kind::Float);
        let widened = (stride == 2).then(|| channels_last(&weight.constant_pad_nd([1, 0, 1, 0])));
        let padding = (weight.size()[2] - 1) / 2;
        Ok(Self { weight: channels_last(&weight), widened, bias, stride, groups, padding })
    }

    /// The convolution of a square `[N, in, S, S]` to ceil(S / stride) rows, without what follows it.
    ///
    /// SAME with stride 2 on an even side needs one row of zeros more below than above. Zeros in front of the kernel
    /// have the same effect as leaving out the upper row of padding, and spare a padded copy of the input, which costs
    /// as much as the convolution.
    pub fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        let even = input.size().last().is_some_and(|side| side % 2 == 0);
        let weight = self.widened.as_ref().filter(|_| even).unwrap_or(&self.weight);
        input.f_conv2d(weight, Some(&self.bias), [self.stride; 2], [self.padding; 2], [1, 1], self.groups)
    }

    /// The same tensors for another thread.
    pub fn share(&self) -> Self {
        Self {
            weight: self.weight.shallow_clone(),
            widened: self.widened.as_ref().map(Tensor::shallow_clone),
            bias: self.bias.shallow_clone(),
            ..*self
        }
    }
}

/// The same values with the channels of a pixel beside each other in memory, which oneDNN's kernels prefer.
pub fn channels_last(tensor: &Tensor) -> Tensor {
    tensor.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2])
}

/// min(max(x, 0), 6), in place.
pub fn relu6(mut tensor: Tensor) -> Result<Tensor, TchError> {
    tensor.f_clamp_(0.0, 6.0)
}
