//! What the networks are built of: convolutions with batch normalisation folded in, and stages in a row.

use super::Parameters;
use super::kernel::{self, Bottleneck, Bounds, Depthwise, Direct, Panels, Window, Winograd};
use crate::error::{Error, Result};
use std::sync::Arc;
use tch::{Device, Kind, TchError, Tensor};

/// What follows a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    None,
    Relu,
    /// min(max(x, 0), 6).
    Relu6,
}

impl Activation {
    fn bounds(self) -> Bounds {
        match self {
            Self::None => Bounds::NONE,
            Self::Relu => Bounds { low: 0.0, high: f32::INFINITY },
            Self::Relu6 => Bounds { low: 0.0, high: 6.0 },
        }
    }
}

/// How much is put around the input of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// As TensorFlow's SAME does: ceil(side / stride) rows come out, and where the zeros cannot be shared evenly, the
    /// odd one is below and to the right. Square odd kernels with stride 1 or 2, or any odd kernel with stride 1.
    Same,
    /// Rows above and below, columns left and right.
    Fixed([i64; 2]),
}

/// What turns a convolution's sums into its output, by its names in the checkpoint.
#[derive(Debug, Clone, Copy)]
pub enum Offset<'a> {
    /// `NAME.bias` of the convolution itself.
    Bias,
    /// The batch normalisation of this name (`weight`, `bias`, `running_mean`, `running_var`) with its epsilon.
    BatchNorm(&'a str, f64),
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
    /// Stride 1, SAME padding, one group, ReLU.
    pub const RELU: Self = Self { stride: 1, padding: Padding::Same, groups: 1, activation: Activation::Relu };
}

/// A convolution with what follows it: offset or batch normalisation (folded into the kernel), a residual if there is
/// one, and the activation.
#[derive(Debug)]
pub struct Conv {
    shape: ConvShape,
    /// Rows and columns of the kernel.
    kernel: [i64; 2],
    /// `[out, in / groups, k, k]`.
    weight: Tensor,
    /// `[out]`.
    bias: Tensor,
    engine: Engine,
}

/// What computes a convolution.
#[derive(Debug)]
enum Engine {
    Direct(Arc<Direct>),
    Winograd(Arc<Winograd>),
    /// With the kernel once more with a row and a column of zeros before it, for SAME with stride 2 on even sides.
    Torch {
        widened: Option<Tensor>,
    },
}

impl Conv {
    /// Takes `NAME.weight` (`[out, in / groups, k, k]`) and its offset from the checkpoint. Batch normalisation is
    /// folded: with s = gamma / sqrt(variance + epsilon), weight' = s * weight and bias' = beta - s * mean.
    pub fn load(parameters: &Parameters, name: &str, offset: Offset<'_>, shape: ConvShape) -> Result<Self> {
        Self::load_scaled(parameters, name, offset, shape, 1.0)
    }

    /// [`Conv::load`] with the output before residual and activation multiplied by `scale`, as the residual branches
    /// of Inception-ResNet are; it is folded into the kernel too.
    pub fn load_scaled(
        parameters: &Parameters,
        name: &str,
        offset: Offset<'_>,
        shape: ConvShape,
        scale: f64,
    ) -> Result<Self> {
        let double = |name: String| parameters.get(&name).map(|tensor| tensor.to_kind(Kind::Double));
        let mut weight = double(format!("{name}.weight"))?;
        let bias = match offset {
            Offset::Bias => double(format!("{name}.bias"))?,
            Offset::BatchNorm(norm, epsilon) => {
                let (gamma, beta) = (double(format!("{norm}.weight"))?, double(format!("{norm}.bias"))?);
                let (mean, variance) =
                    (double(format!("{norm}.running_mean"))?, double(format!("{norm}.running_var"))?);
                let factor = gamma / (variance + epsilon).sqrt();
                weight = weight * factor.view([-1, 1, 1, 1]);
                beta - factor * mean
            }
        };
        let weight = (weight * scale).to_kind(Kind::Float).contiguous();
        let bias = (bias * scale).to_kind(Kind::Float);
        let (outputs, channels, height, width) = weight
            .size4()
            .map_err(|_| Error::failed(format!("The weights `{name}.weight` are not those of a convolution.")))?;
        let kernel = [height, width];
        let here = weight.device() == Device::Cpu && kernel::available();
        if here && shape.groups == 1 {
            let sides = [outputs, channels, height, width].map(|side| side as usize);
            let (values, offsets) = (values(&weight), values(&bias));
            let winograd = (shape.stride == 1).then(|| Winograd::new(values, sides, offsets)).flatten();
            let engine = match winograd {
                Some(winograd) => Engine::Winograd(Arc::new(winograd)),
                None => Engine::Direct(Arc::new(Direct::new(values, sides, offsets))),
            };
            return Ok(Self { shape, kernel, weight, bias, engine });
        }
        let widened = (shape.padding == Padding::Same && shape.stride == 2)
            .then(|| channels_last(&weight.constant_pad_nd([1, 0, 1, 0])));
        Ok(Self { shape, kernel, weight: channels_last(&weight), bias, engine: Engine::Torch { widened } })
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
        let run = |outputs: usize, apply: &dyn Fn(&[f32], usize, [usize; 2], &Window, Option<&[f32]>, &mut [f32])| {
            let input = by_place(input)?;
            let (images, rows, columns, _) = input.size4()?;
            let side = [rows as usize, columns as usize];
            let window = self.window(side);
            let [rows, columns] = window.output(side).ok_or_else(|| too_small(side))?;
            let residual = residual.map(by_place).transpose()?;
            let mut output = new_places([images, rows as i64, columns as i64, outputs as i64])?;
            let values_out = values_mut(&mut output);
            apply(values(&input), images as usize, side, &window, residual.as_ref().map(values), values_out);
            output.f_permute([0, 3, 1, 2])
        };
        let bounds = self.shape.activation.bounds();
        match &self.engine {
            Engine::Direct(conv) => run(conv.outputs(), &|input, images, side, window, residual, output| {
                conv.apply(input, images, side, window, residual, bounds, output);
            }),
            Engine::Winograd(conv) => run(conv.outputs(), &|input, images, side, window, residual, output| {
                conv.apply(input, images, side, window, residual, bounds, output);
            }),
            Engine::Torch { widened } => {
                let mut sums = self.torch(input, widened.as_ref())?;
                if let Some(residual) = residual {
                    sums = sums.f_add_(residual)?;
                }
                match self.shape.activation {
                    Activation::None => Ok(sums),
                    Activation::Relu => sums.f_relu_(),
                    Activation::Relu6 => sums.f_clamp_(0.0, 6.0),
                }
            }
        }
    }

    /// SAME with stride 2 on an even side needs one row of zeros more below than above. Zeros in front of the kernel
    /// have the same effect as leaving out the upper row of padding, and spare a padded copy of the input, which costs
    /// as much as the convolution.
    fn torch(&self, input: &Tensor, widened: Option<&Tensor>) -> Result<Tensor, TchError> {
        let even = input.size().last().is_some_and(|side| side % 2 == 0);
        let weight = widened.filter(|_| even).unwrap_or(&self.weight);
        let padding = match self.shape.padding {
            Padding::Same => self.kernel.map(|side| (side - 1) / 2),
            Padding::Fixed(padding) => padding,
        };
        input.f_conv2d(weight, Some(&self.bias), [self.shape.stride; 2], padding, [1, 1], self.shape.groups)
    }

    /// The window over an input of `side` rows and columns.
    fn window(&self, side: [usize; 2]) -> Window {
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

    /// The same tensors for another thread.
    pub fn share(&self) -> Self {
        let engine = match &self.engine {
            Engine::Direct(conv) => Engine::Direct(Arc::clone(conv)),
            Engine::Winograd(conv) => Engine::Winograd(Arc::clone(conv)),
            Engine::Torch { widened } => Engine::Torch { widened: widened.as_ref().map(Tensor::shallow_clone) },
        };
        Self { weight: self.weight.shallow_clone(), bias: self.bias.shallow_clone(), engine, ..*self }
    }
}

/// The inverted bottleneck of the MobileNet family: widen with 1 x 1 (or not), filter each channel, narrow with 1 x 1,
/// add what came in (or not).
#[derive(Debug)]
pub struct InvertedBottleneck {
    expand: Option<Conv>,
    depthwise: Conv,
    project: Conv,
    residual: bool,
    /// All of it in one, where the processor's kernels can.
    fused: Option<Arc<Bottleneck>>,
}

impl InvertedBottleneck {
    /// From its convolutions, each with its own activation.
    pub fn new(expand: Option<Conv>, depthwise: Conv, project: Conv, residual: bool) -> Self {
        let fused = Self::fuse(expand.as_ref(), &depthwise, &project, residual).map(Arc::new);
        Self { expand, depthwise, project, residual, fused }
    }

    fn fuse(expand: Option<&Conv>, depthwise: &Conv, project: &Conv, residual: bool) -> Option<Bottleneck> {
        if depthwise.weight.device() != Device::Cpu || !kernel::available() {
            return None;
        }
        let (channels, _, rows, columns) = depthwise.weight.size4().ok()?;
        if depthwise.shape.groups != channels || rows != columns || project.shape.activation != Activation::None {
            return None;
        }
        // The kernel of a depthwise convolution has one input channel, so both orders in memory are the same.
        let weight = depthwise.weight.contiguous();
        let (side, stride) = (rows as usize, depthwise.shape.stride as usize);
        let conv = Depthwise::new(values(&weight), channels as usize, side, stride, values(&depthwise.bias))?;
        Some(Bottleneck {
            expand: match expand {
                Some(expand) => Some((expand.pointwise()?, expand.shape.activation.bounds())),
                None => None,
            },
            middle: conv,
            middle_bounds: depthwise.shape.activation.bounds(),
            project: project.pointwise()?,
            residual,
        })
    }
}

impl Conv {
    /// The weights of a 1 x 1 convolution with stride 1, packed; none for any other.
    fn pointwise(&self) -> Option<Panels> {
        let plain = self.kernel == [1, 1] && self.shape.stride == 1 && self.shape.groups == 1;
        let (outputs, channels, _, _) = self.weight.size4().ok().filter(|_| plain)?;
        let weight = self.weight.view([outputs, channels]).transpose(0, 1).contiguous();
        Some(Panels::pack(values(&weight), channels as usize, outputs as usize, values(&self.bias)))
    }
}

impl Layer for InvertedBottleneck {
    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        if let Some(fused) = &self.fused {
            let input = by_place(input)?;
            let (images, rows, columns, _) = input.size4()?;
            let side = [rows as usize, columns as usize];
            let window = self.depthwise.window(side);
            let [rows, columns] = window.output(side).ok_or_else(|| too_small(side))?;
            let mut output = new_places([images, rows as i64, columns as i64, fused.outputs() as i64])?;
            fused.apply(values(&input), side, &window, values_mut(&mut output));
            return output.f_permute([0, 3, 1, 2]);
        }
        let filtered = match &self.expand {
            Some(expand) => self.depthwise.forward(&expand.forward(input)?)?,
            None => self.depthwise.forward(input)?,
        };
        if self.residual { self.project.forward_add(&filtered, input) } else { self.project.forward(&filtered) }
    }

    fn share(&self) -> Box<dyn Layer> {
        Box::new(Self {
            expand: self.expand.as_ref().map(Conv::share),
            depthwise: self.depthwise.share(),
            project: self.project.share(),
            residual: self.residual,
            fused: self.fused.clone(),
        })
    }
}

fn too_small(side: [usize; 2]) -> TchError {
    TchError::Shape(format!("{} x {} places are too few for the window", side[0], side[1]))
}

/// `[N, C, H, W]` as contiguous `[N, H, W, C]` in 32-bit floats; copies nothing where it lies so already.
fn by_place(tensor: &Tensor) -> Result<Tensor, TchError> {
    if tensor.device() != Device::Cpu || tensor.kind() != Kind::Float {
        return Err(TchError::Shape("the kernels take 32-bit floats in the processor's memory".into()));
    }
    tensor.f_permute([0, 2, 3, 1])?.f_contiguous()
}

/// A tensor of this shape whose values are to be written.
fn new_places(shape: [i64; 4]) -> Result<Tensor, TchError> {
    Tensor::f_empty(shape, (Kind::Float, Device::Cpu))
}

/// The values of a contiguous tensor of 32-bit floats in the processor's memory.
fn values(tensor: &Tensor) -> &[f32] {
    assert!(tensor.is_contiguous() && tensor.kind() == Kind::Float && tensor.device() == Device::Cpu);
    if tensor.numel() == 0 {
        return &[];
    }
    // SAFETY: checked above: `numel` floats lie in order from the data pointer on. The tensor lives as long as the
    // slice, and nothing here changes a tensor after it was handed on.
    unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast::<f32>(), tensor.numel()) }
}

/// [`values`] for writing, of a tensor that was just made and has no other name.
fn values_mut(tensor: &mut Tensor) -> &mut [f32] {
    assert!(tensor.is_contiguous() && tensor.kind() == Kind::Float && tensor.device() == Device::Cpu);
    if tensor.numel() == 0 {
        return &mut [];
    }
    // SAFETY: as in `values`, and the borrow of a tensor without shallow clones is the only way to its memory. The
    // memory of `empty` holds arbitrary bytes, each of which is some float; every one is written before it is read.
    unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast::<f32>(), tensor.numel()) }
}

/// The same values with the channels of a pixel beside each other in memory, which oneDNN's kernels prefer.
pub fn channels_last(tensor: &Tensor) -> Tensor {
    tensor.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2])
}

/// One stage of a network. Its output is never changed by a later stage, so that features can be taken from it.
pub trait Layer: Send {
    /// `[N, C, H, W]` to `[N, C', H', W']`, without gradients.
    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError>;

    /// The same stage over the same tensors, for another thread.
    fn share(&self) -> Box<dyn Layer>;
}

impl Layer for Conv {
    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        Conv::forward(self, input)
    }

    fn share(&self) -> Box<dyn Layer> {
        Box::new(Conv::share(self))
    }
}
