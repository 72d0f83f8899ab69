//! Convolutions with folded batch normalisation, residual and activation, on our kernels or libtorch's, whichever is
//! faster.

use super::device::kind_of;
use super::layers::Layer;
use super::tensor_slices::{channels_last, computed, values};
use super::{Activation, Padding, Parameters};
use faceprobe_core::error::{Error, Result};
use faceprobe_kernel::{Bounds, Convolution, Panels, Window};
use std::sync::Arc;
use tch::{Device, Kind, TchError, Tensor};

/// The bias or batch normalisation of a convolution, by its names in the checkpoint.
#[derive(Debug, Clone, Copy)]
pub enum Offset<'a> {
    /// `NAME.bias` of the convolution itself.
    Bias,
    /// The batch normalisation of this name (`weight`, `bias`, `running_mean`, `running_var`) with its epsilon.
    BatchNorm(&'a str, f64),
    /// Nothing.
    None,
}

/// How a convolution is applied.
#[derive(Debug, Clone, Copy)]
pub struct ConvShape {
    pub stride: i64,
    pub padding: Padding,
    pub groups: i64,
    pub activation: Activation,
}

impl ConvShape {
    /// The range of its activation.
    pub(super) fn bounds(&self) -> Bounds {
        match self.activation {
            Activation::None => Bounds::NONE,
            Activation::Relu => Bounds { low: 0.0, high: f32::INFINITY },
            Activation::Relu6 => Bounds { low: 0.0, high: 6.0 },
        }
    }
}

/// A convolution with bias or batch normalisation (folded into the kernel), an optional residual, and the activation.
#[derive(Debug)]
pub struct Conv {
    pub(super) shape: ConvShape,
    /// Rows and columns of the kernel.
    kernel: [i64; 2],
    engine: Engine,
}

/// The implementation that computes a convolution.
#[derive(Debug)]
enum Engine {
    Own(Convolution),
    Torch {
        /// `[out, in / groups, k, k]`.
        weight: Tensor,
        /// `[out]`.
        bias: Tensor,
        /// The kernel padded with a leading row and column of zeros, for SAME with stride 2 on even sides.
        widened: Option<Tensor>,
    },
}

/// The parameters of a convolution, before an implementation is chosen.
#[derive(Debug)]
pub struct Folded {
    pub(super) shape: ConvShape,
    /// `[out, in / groups, k, k]`, contiguous, in 32 bits.
    pub(super) weight: Tensor,
    /// `[out]`.
    pub(super) bias: Tensor,
    /// Shape of the weight.
    pub(super) sides: [usize; 4],
    /// The arithmetic it is computed in.
    kind: Kind,
}

impl Folded {
    /// Takes `NAME.weight` (`[out, in / groups, k, k]`) and its offset from the checkpoint. Batch normalisation is
    /// folded: with s = gamma / sqrt(variance + epsilon), weight' = s * weight and bias' = beta - s * mean. So is
    /// `scale`, by which the output before residual and activation is multiplied; the residual branches of
    /// Inception-ResNet have one.
    pub fn load(parameters: &Parameters, name: &str, offset: Offset<'_>, shape: ConvShape, scale: f64) -> Result<Self> {
        let double = |name: String| parameters.get(&name).map(|tensor| tensor.to_kind(Kind::Double));
        let mut weight = double(format!("{name}.weight"))?;
        let bias = match offset {
            Offset::Bias => double(format!("{name}.bias"))?,
            Offset::None => {
                Tensor::zeros([weight.size().first().copied().unwrap_or(0)], (Kind::Double, weight.device()))
            }
            Offset::BatchNorm(norm, epsilon) => {
                let (gamma, beta) = (double(format!("{norm}.weight"))?, double(format!("{norm}.bias"))?);
                let (mean, variance) =
                    (double(format!("{norm}.running_mean"))?, double(format!("{norm}.running_var"))?);
                let factor = gamma / (variance + epsilon).sqrt();
                weight = factor.view([-1, 1, 1, 1]) * weight;
                beta - factor * mean
            }
        };
        Self::of(parameters, name, (weight * scale).to_kind(Kind::Float), (bias * scale).to_kind(Kind::Float), shape)
    }

    /// From a kernel `[out, in / groups, k, k]` and a bias `[out]`, both f32; `name` is the checkpoint's, for errors.
    pub(super) fn of(
        parameters: &Parameters,
        name: &str,
        weight: Tensor,
        bias: Tensor,
        shape: ConvShape,
    ) -> Result<Self> {
        let weight = weight.contiguous();
        let (outputs, channels, height, width) = weight
            .size4()
            .map_err(|_| Error::failed(format!("The weights `{name}.weight` are not those of a convolution.")))?;
        let sides = [outputs, channels, height, width].map(|side| side as usize);
        Ok(Self { shape, weight, bias, sides, kind: kind_of(parameters.arithmetic) })
    }

    /// Whether our kernels support it and are faster here.
    pub fn is_own(&self) -> bool {
        self.kind == Kind::Float && self.could_be_own()
    }

    /// Whether our kernels support it, in f32.
    pub fn could_be_own(&self) -> bool {
        self.weight.device() == Device::Cpu && faceprobe_kernel::available()
    }

    /// The same convolution in f32, whatever the arithmetic of the network.
    pub fn in_full(self) -> Self {
        Self { kind: Kind::Float, ..self }
    }

    /// Whether it is a pointwise convolution on our kernels.
    pub fn is_pointwise(&self) -> bool {
        let [.., rows, columns] = self.sides;
        self.is_own() && [rows, columns] == [1, 1] && self.shape.stride == 1 && self.shape.groups == 1
    }
}

impl Conv {
    /// Chooses the fastest implementation.
    pub fn new(folded: Folded) -> Self {
        let own = folded.is_own() && folded.shape.groups == 1;
        let Folded { shape, weight, bias, sides, kind } = folded;
        let kernel = [sides[2], sides[3]].map(|side| side as i64);
        if own {
            let convolution = Convolution::new(values(&weight), sides, shape.stride as usize, values(&bias));
            return Self { shape, kernel, engine: Engine::Own(convolution) };
        }
        let widened = (shape.padding == Padding::Same && shape.stride == 2)
            .then(|| channels_last(&weight.constant_pad_nd([1, 0, 1, 0])).to_kind(kind));
        let (weight, bias) = (channels_last(&weight.to_kind(kind)), bias.to_kind(kind));
        Self { shape, kernel, engine: Engine::Torch { weight, bias, widened } }
    }

    /// `activation(conv(input))` of `[N, in, H, W]`.
    pub fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        self.compute(input, None)
    }

    /// `activation(conv(input) + residual)`; neither argument is changed.
    pub fn forward_add(&self, input: &Tensor, residual: &Tensor) -> Result<Tensor, TchError> {
        self.compute(input, Some(residual))
    }

    fn compute(&self, input: &Tensor, residual: Option<&Tensor>) -> Result<Tensor, TchError> {
        let bounds = self.shape.bounds();
        let window = |side| self.window(side);
        match &self.engine {
            Engine::Own(conv) => computed(input, residual, conv.outputs(), bounds, window, |it| conv.apply(it)),
            Engine::Torch { weight, bias, widened } => {
                // SAME with stride 2 on an even side needs one more row of zeros below than above. Zeros in front of
                // the kernel have the same effect as leaving out the upper row of padding, and save a padded copy of
                // the input, which costs as much as the convolution.
                let even = input.size().last().is_some_and(|side| side % 2 == 0);
                let weight = widened.as_ref().filter(|_| even).unwrap_or(weight);
                let padding = match self.shape.padding {
                    Padding::Same => self.kernel.map(|side| (side - 1) / 2),
                    Padding::Fixed(padding) => padding,
                };
                let stride = [self.shape.stride; 2];
                // The previous layer may use another arithmetic.
                let input = input.f_to_kind(weight.kind())?;
                let mut sums = input.f_conv2d(weight, Some(bias), stride, padding, [1, 1], self.shape.groups)?;
                if let Some(residual) = residual {
                    sums = sums.f_add_(&residual.f_to_kind(weight.kind())?)?;
                }
                match self.shape.activation {
                    Activation::None => Ok(sums),
                    Activation::Relu => sums.f_relu_(),
                    Activation::Relu6 => sums.f_clamp_(0.0, 6.0),
                }
            }
        }
    }

    /// The window over an input of `side` rows and columns.
    pub(super) fn window(&self, side: [usize; 2]) -> Window {
        let kernel = self.kernel.map(|side| side as usize);
        let stride = self.shape.stride as usize;
        let (before, after) = match self.shape.padding {
            Padding::Fixed(padding) => {
                let padding = padding.map(|side| side as usize);
                (padding, padding)
            }
            Padding::Same => {
                let total: [usize; 2] = std::array::from_fn(|axis| {
                    ((side[axis].div_ceil(stride) - 1) * stride + kernel[axis]).saturating_sub(side[axis])
                });
                (total.map(|total| total / 2), total.map(|total| total.div_ceil(2)))
            }
        };
        Window { kernel, stride, before, after }
    }

    /// The packed weights of a 1 x 1 convolution with stride 1 on our kernels; none for any other.
    pub(super) fn pointwise(&self) -> Option<Arc<Panels>> {
        match &self.engine {
            Engine::Own(conv) if self.shape.stride == 1 => conv.pointwise(),
            _ => None,
        }
    }

    /// The same tensors for another thread.
    pub fn share(&self) -> Self {
        let engine = match &self.engine {
            Engine::Own(conv) => Engine::Own(conv.clone()),
            Engine::Torch { weight, bias, widened } => Engine::Torch {
                weight: weight.shallow_clone(),
                bias: bias.shallow_clone(),
                widened: widened.as_ref().map(Tensor::shallow_clone),
            },
        };
        Self { engine, ..*self }
    }
}

impl Layer for Conv {
    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        Conv::forward(self, input)
    }

    fn share(&self) -> Box<dyn Layer> {
        Box::new(Conv::share(self))
    }
}
