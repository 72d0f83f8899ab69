//! What the networks are built of: convolutions with batch normalisation folded in, and stages in a row.

use super::Parameters;
use crate::error::{Error, Result};
use tch::{Kind, TchError, Tensor};

/// What follows a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    None,
    Relu,
    /// min(max(x, 0), 6).
    Relu6,
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

/// A convolution with what follows it: offset or batch normalisation (folded into the kernel), a residual if there is
/// one, and the activation.
#[derive(Debug)]
pub struct Conv {
    /// `[out, in / groups, k, k]`, channels last in memory.
    weight: Tensor,
    /// The same kernel with a row and a column of zeros before it, for SAME with stride 2 on even sides.
    widened: Option<Tensor>,
    /// `[out]`.
    bias: Tensor,
    shape: ConvShape,
    padding: [i64; 2],
}

impl Conv {
    /// Takes `NAME.weight` (`[out, in / groups, k, k]`) and its offset from the checkpoint. Batch normalisation is
    /// folded: with s = gamma / sqrt(variance + epsilon), weight' = s * weight and bias' = beta - s * mean. So is
    /// `scale`, by which the output before residual and activation is multiplied; the residual branches of
    /// Inception-ResNet have one.
    pub fn load(parameters: &Parameters, name: &str, offset: Offset<'_>, shape: ConvShape, scale: f64) -> Result<Self> {
        let double = |name: String| parameters.get(&name).map(|tensor| tensor.to_kind(Kind::Double));
        let mut weight = double(format!("{name}.weight"))?;
        let bias = match offset {
            Offset::Bias => double(format!("{name}.bias"))?,
            Offset::BatchNorm(norm, epsilon) => {
                let (gamma, beta) = (double(format!("{norm}.weight"))?, double(format!("{norm}.bias"))?);
                let (mean, variance) =
                    (double(format!("{norm}.running_mean"))?, double(format!("{norm}.running_var"))?);
                let factor = gamma / (variance + epsilon).sqrt();
                weight = factor.view([-1, 1, 1, 1]) * weight;
                beta - factor * mean
            }
        };
        let weight = (weight * scale).to_kind(Kind::Float);
        let bias = (bias * scale).to_kind(Kind::Float);
        let (_, _, height, width) = weight
            .size4()
            .map_err(|_| Error::failed(format!("The weights `{name}.weight` are not those of a convolution.")))?;
        let padding = match shape.padding {
            Padding::Same => [(height - 1) / 2, (width - 1) / 2],
            Padding::Fixed(padding) => padding,
        };
        let widened = (shape.padding == Padding::Same && shape.stride == 2)
            .then(|| channels_last(&weight.constant_pad_nd([1, 0, 1, 0])));
        Ok(Self { weight: channels_last(&weight), widened, bias, shape, padding })
    }

    /// `activation(conv(input))` of `[N, in, H, W]`.
    ///
    /// SAME with stride 2 on an even side needs one row of zeros more below than above. Zeros in front of the kernel
    /// have the same effect as leaving out the upper row of padding, and spare a padded copy of the input, which costs
    /// as much as the convolution.
    pub fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        self.activate(self.sums(input)?)
    }

    /// `activation(conv(input) + residual)`; neither argument is changed.
    pub fn forward_add(&self, input: &Tensor, residual: &Tensor) -> Result<Tensor, TchError> {
        self.activate(self.sums(input)?.f_add_(residual)?)
    }

    fn sums(&self, input: &Tensor) -> Result<Tensor, TchError> {
        let even = input.size().last().is_some_and(|side| side % 2 == 0);
        let weight = self.widened.as_ref().filter(|_| even).unwrap_or(&self.weight);
        input.f_conv2d(weight, Some(&self.bias), [self.shape.stride; 2], self.padding, [1, 1], self.shape.groups)
    }

    fn activate(&self, mut sums: Tensor) -> Result<Tensor, TchError> {
        match self.shape.activation {
            Activation::None => Ok(sums),
            Activation::Relu => sums.f_relu_(),
            Activation::Relu6 => sums.f_clamp_(0.0, 6.0),
        }
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

/// The inverted bottleneck of the MobileNet family: widen with 1 x 1 (or not), filter each channel, narrow with 1 x 1,
/// add what came in (or not).
pub struct InvertedBottleneck {
    expand: Option<Conv>,
    depthwise: Conv,
    project: Conv,
    residual: bool,
}

impl InvertedBottleneck {
    /// From its convolutions, each with its own activation.
    pub fn new(expand: Option<Conv>, depthwise: Conv, project: Conv, residual: bool) -> Self {
        Self { expand, depthwise, project, residual }
    }
}

impl Layer for InvertedBottleneck {
    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        let filtered = match &self.expand {
            Some(expand) => self.depthwise.forward(&expand.forward(input)?)?,
            None => self.depthwise.forward(input)?,
        };
        if self.residual { self.project.forward_add(&filtered, input) } else { self.project.forward(&filtered) }
    }

    fn share(&self) -> Box<dyn Layer> {
        let (depthwise, project) = (self.depthwise.share(), self.project.share());
        Box::new(Self { expand: self.expand.as_ref().map(Conv::share), depthwise, project, residual: self.residual })
    }
}

/// The largest value of each `kernel` x `kernel` places, without padding.
pub struct MaxPool {
    pub kernel: i64,
    pub stride: i64,
}

impl Layer for MaxPool {
    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        input.f_max_pool2d([self.kernel; 2], [self.stride; 2], [0; 2], [1; 2], false)
    }

    fn share(&self) -> Box<dyn Layer> {
        Box::new(Self { ..*self })
    }
}

/// The average of each `kernel` x `kernel` places (odd) with stride 1. At the edge it is the average of the places that
/// are there, as with TensorFlow's SAME.
pub struct AveragePool {
    pub kernel: i64,
}

impl Layer for AveragePool {
    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        input.f_avg_pool2d([self.kernel; 2], [1; 2], [self.kernel / 2; 2], false, false, None::<i64>)
    }

    fn share(&self) -> Box<dyn Layer> {
        Box::new(Self { ..*self })
    }
}

/// Layers one after another.
pub struct Chain(pub Vec<Box<dyn Layer>>);

impl Layer for Chain {
    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        self.0.iter().try_fold(input.shallow_clone(), |x, layer| layer.forward(&x))
    }

    fn share(&self) -> Box<dyn Layer> {
        Box::new(Self(self.0.iter().map(|layer| layer.share()).collect()))
    }
}

/// Layers over the same input, their channels behind each other.
pub struct Concat(pub Vec<Box<dyn Layer>>);

impl Layer for Concat {
    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        let outputs = self.0.iter().map(|layer| layer.forward(input)).collect::<Result<Vec<_>, _>>()?;
        Tensor::f_cat(&outputs, 1)
    }

    fn share(&self) -> Box<dyn Layer> {
        Box::new(Self(self.0.iter().map(|layer| layer.share()).collect()))
    }
}

/// `join(branches(input)) + input`; scale and activation are `join`'s.
pub struct Residual {
    pub branches: Box<dyn Layer>,
    pub join: Conv,
}

impl Layer for Residual {
    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        self.join.forward_add(&self.branches.forward(input)?, input)
    }

    fn share(&self) -> Box<dyn Layer> {
        Box::new(Self { branches: self.branches.share(), join: self.join.share() })
    }
}
