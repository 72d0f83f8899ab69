//! A network as its file writes it down, from which everything else follows: the list of its parameters, the shape of
//! every stage, and the network itself (the engine's affair). So the three cannot disagree, and a network's file is its
//! description only.

use super::StageInfo;
use super::convnext::ConvNextPlan;
use super::tokens::{BlockPlan, DensePlan, EmbedPlan, LayerNormPlan};

/// What follows a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    None,
    Relu,
    /// min(max(x, 0), 6).
    Relu6,
}

/// Padding of a convolution's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// TensorFlow's SAME: the output has ceil(side / stride) rows, and an odd row or column of padding is below or to
    /// the right. For square odd kernels with stride 1 or 2, or any odd kernel with stride 1.
    Same,
    /// Rows above and below, columns left and right.
    Fixed([i64; 2]),
}

impl Padding {
    /// Output positions along a side for a kernel of `kernel`.
    pub fn places(self, side: usize, kernel: usize, stride: usize) -> usize {
        match self {
            Self::Same => side.div_ceil(stride),
            Self::Fixed([rows, _]) => (side + 2 * rows as usize - kernel) / stride + 1,
        }
    }
}

/// One stage of a network.
pub struct StagePlan {
    /// The reference implementation's name, where it has one.
    pub name: String,
    pub form: Form,
}

impl StagePlan {
    pub fn new(name: impl Into<String>, form: impl Into<Form>) -> Self {
        Self { name: name.into(), form: form.into() }
    }
}

/// The layers of a stage. A branch is a sequence of steps.
pub enum Form {
    Chain(Vec<Step>),
    /// Branches over the same input, concatenated along the channels.
    Mixed(Vec<Vec<Step>>),
    /// `activation(join(mixed branches) + input)`; scale and activation are those of `join`.
    Residual(Vec<Vec<ConvPlan>>, ConvPlan),
    /// `activation(sum of branches)`, all over the same input; a branch without steps is the input itself.
    Sum(Vec<Vec<Step>>, Activation),
}

/// The inverted bottleneck of the MobileNet family: 1 x 1 expansion, depthwise convolution, 1 x 1 projection. MobileNet
/// v1's depthwise separable convolution is one without expansion.
pub struct BottleneckPlan {
    /// None where the block does not expand its input.
    pub expand: Option<ConvPlan>,
    pub depthwise: ConvPlan,
    pub project: ConvPlan,
    /// Whether the input is added to the output.
    pub residual: bool,
}

impl From<BottleneckPlan> for Form {
    fn from(block: BottleneckPlan) -> Self {
        Self::Chain(vec![block.into()])
    }
}

impl From<BottleneckPlan> for Step {
    fn from(block: BottleneckPlan) -> Self {
        Self::Bottleneck(Box::new(block))
    }
}

impl From<ConvPlan> for Form {
    fn from(conv: ConvPlan) -> Self {
        Self::Chain(vec![conv.into()])
    }
}

impl From<Step> for Form {
    fn from(step: Step) -> Self {
        Self::Chain(vec![step])
    }
}

/// One layer.
pub enum Step {
    Conv(ConvPlan),
    Bottleneck(Box<BottleneckPlan>),
    /// max(x, 0), where it does not follow a convolution.
    Relu,
    /// Max pooling over `kernel` x `kernel`; padding is ignored.
    MaxPool {
        kernel: usize,
        stride: usize,
        padding: Padding,
    },
    /// Average pooling over `kernel` x `kernel` (odd) with stride 1; padding is not counted.
    AveragePool {
        kernel: usize,
    },
    /// Patch embedding, from an image to tokens.
    Embed(Box<EmbedPlan>),
    /// A transformer block, tokens to tokens.
    Block(BlockPlan),
    /// Over tokens, or over the channels of every position.
    LayerNorm(LayerNormPlan),
    /// ConvNeXt's block, feature maps to feature maps.
    ConvNext(ConvNextPlan),
}

impl From<ConvPlan> for Step {
    fn from(conv: ConvPlan) -> Self {
        Self::Conv(conv)
    }
}

/// A convolution with batch normalisation or bias, and activation.
#[derive(Debug, Clone)]
pub struct ConvPlan {
    /// Prefix of its parameters, without `.weight`.
    pub name: String,
    pub norm: Norm,
    /// Input and output channels.
    pub input: usize,
    pub output: usize,
    /// Rows and columns.
    pub kernel: [usize; 2],
    pub stride: usize,
    pub padding: Padding,
    pub groups: usize,
    pub activation: Activation,
    /// What the output is multiplied by before residual and activation.
    pub scale: f64,
}

/// The bias or batch normalisation of a convolution.
#[derive(Debug, Clone)]
pub enum Norm {
    /// `NAME.bias` of the convolution itself.
    Bias,
    /// The batch normalisation of this name with its epsilon.
    Batch(String, f64),
    /// Nothing.
    None,
}

impl ConvPlan {
    /// Output rows (and columns) for `side`.
    pub fn side(&self, side: usize) -> usize {
        self.padding.places(side, self.kernel[0], self.stride)
    }

    pub(super) fn parameters(&self, list: &mut Vec<(String, Vec<usize>)>) {
        let [rows, columns] = self.kernel;
        list.push((format!("{}.weight", self.name), vec![self.output, self.input / self.groups, rows, columns]));
        match &self.norm {
            Norm::Bias => list.push((format!("{}.bias", self.name), vec![self.output])),
            Norm::Batch(norm, _) => list.extend(
                ["weight", "bias", "running_mean", "running_var"]
                    .map(|part| (format!("{norm}.{part}"), vec![self.output])),
            ),
            Norm::None => {}
        }
    }
}

/// A layer that has parameters.
pub enum LayerPlan {
    Conv(ConvPlan),
    Dense(DensePlan),
    Norm(LayerNormPlan),
}

impl LayerPlan {
    fn parameters(&self, list: &mut Vec<(String, Vec<usize>)>) {
        match self {
            Self::Conv(conv) => conv.parameters(list),
            Self::Dense(dense) => dense.parameters(list),
            Self::Norm(norm) => norm.parameters(list),
        }
    }
}

impl Step {
    /// Its layers in the order in which they are computed. What an embedding has besides layers is not among them.
    fn layers(&self) -> Vec<LayerPlan> {
        match self {
            Self::Conv(conv) => vec![LayerPlan::Conv(conv.clone())],
            Self::Bottleneck(block) => {
                let convs = block.expand.iter().chain([&block.depthwise, &block.project]);
                convs.cloned().map(LayerPlan::Conv).collect()
            }
            Self::Embed(embed) => {
                let norm = embed.norm.iter().cloned().map(LayerPlan::Norm);
                [LayerPlan::Conv(embed.patches.clone())].into_iter().chain(norm).collect()
            }
            Self::Block(block) => vec![
                LayerPlan::Norm(block.norm(1)),
                LayerPlan::Dense(block.qkv()),
                LayerPlan::Dense(block.proj()),
                LayerPlan::Norm(block.norm(2)),
                LayerPlan::Dense(block.widen()),
                LayerPlan::Dense(block.narrow()),
            ],
            Self::LayerNorm(norm) => vec![LayerPlan::Norm(norm.clone())],
            Self::ConvNext(block) => vec![
                LayerPlan::Conv(block.depthwise()),
                LayerPlan::Norm(block.norm()),
                LayerPlan::Dense(block.widen()),
                LayerPlan::Dense(block.narrow()),
            ],
            Self::Relu | Self::MaxPool { .. } | Self::AveragePool { .. } => Vec::new(),
        }
    }

    fn parameters(&self, list: &mut Vec<(String, Vec<usize>)>) {
        if let Self::Embed(embed) = self {
            embed.own_parameters(list);
        }
        self.layers().iter().for_each(|layer| layer.parameters(list));
    }
}

impl Form {
    /// Its steps, if it has any.
    fn steps(&self) -> impl Iterator<Item = &Step> {
        let chains: Vec<&Vec<Step>> = match self {
            Self::Chain(steps) => vec![steps],
            Self::Mixed(branches) | Self::Sum(branches, _) => branches.iter().collect(),
            Self::Residual(..) => Vec::new(),
        };
        chains.into_iter().flatten()
    }
}

/// The layers of a stage in the order in which they are computed, which is that of the checkpoint.
pub fn layers(form: &Form) -> Vec<LayerPlan> {
    match form {
        Form::Residual(branches, join) => {
            branches.iter().flatten().chain([join]).cloned().map(LayerPlan::Conv).collect()
        }
        _ => form.steps().flat_map(Step::layers).collect(),
    }
}

/// Every parameter's name in the checkpoint, with its shape.
pub fn parameters(plan: &[StagePlan]) -> Vec<(String, Vec<usize>)> {
    let mut list = Vec::new();
    for stage in plan {
        match &stage.form {
            form @ Form::Residual(..) => layers(form).iter().for_each(|layer| layer.parameters(&mut list)),
            form => form.steps().for_each(|step| step.parameters(&mut list)),
        }
    }
    list
}

/// The output shape of every stage for a square image of `side` pixels.
pub fn outline(plan: &[StagePlan], side: usize) -> Vec<StageInfo> {
    let through = |steps: &[Step], from: (usize, usize)| {
        steps.iter().fold(from, |(channels, side), step| match step {
            Step::Conv(conv) => (conv.output, conv.side(side)),
            // The 1 x 1 convolutions keep the sides.
            Step::Bottleneck(block) => (block.project.output, block.depthwise.side(side)),
            Step::MaxPool { kernel, stride, padding } => (channels, padding.places(side, *kernel, *stride)),
            Step::Embed(embed) => (embed.patches.output, embed.patches.side(side)),
            Step::Relu | Step::AveragePool { .. } | Step::Block(_) | Step::LayerNorm(_) | Step::ConvNext(_) => {
                (channels, side)
            }
        })
    };
    let mut at = (3, side);
    let mut class_token = false;
    let mut list = Vec::with_capacity(plan.len());
    for stage in plan {
        at = match &stage.form {
            Form::Chain(steps) => through(steps, at),
            Form::Mixed(branches) => branches.iter().fold((0, 0), |(before, _), steps| {
                let (channels, side) = through(steps, at);
                (before + channels, side)
            }),
            // A residual has the shape of its input.
            Form::Residual(..) => at,
            // All summands have one shape.
            Form::Sum(branches, _) => branches.first().map_or(at, |steps| through(steps, at)),
        };
        class_token |= stage.form.steps().any(|step| matches!(step, Step::Embed(_)));
        list.push(StageInfo { name: stage.name.clone(), channels: at.0, side: at.1, class_token });
    }
    list
}
