//! The stages behind a cut, for training: what their parameters are, how gradients flow through them, and the same
//! stages for use.
//!
//! While they are trained, batch normalisation keeps the statistics of the pretrained network. It is then a factor and
//! an offset per channel, folded into the convolution before it, as LayerScale is into the dense layer before it: the
//! network that gradients flow through is convolutions and dense layers with biases, activations, sums and pooling, and
//! nothing is batch-normalised, stored or differentiated per pixel. The folding and its gradients are the caller's
//! ([`TailLayer`] says how).

use super::block_gradients::{block, conv_next, layer_norm};
use super::layers::{MaxPool, activate};
use super::{Arithmetic, BackboneInfo, Parameters, Stage, StageInfo, build, depthwise, pooling, stored};
use faceprobe_core::backbone::blueprint::{self, ConvPlan, Form, LayerPlan, Norm, StagePlan, Step};
use faceprobe_core::error::Result;
use std::collections::BTreeMap;
use tch::{Device, Kind, TchError, Tensor};

/// The stages after stage `cut` of a network.
pub struct Tail {
    info: &'static BackboneInfo,
    input: StageInfo,
    plan: Vec<StagePlan>,
}

/// One layer of the tail that has parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct TailLayer {
    /// Its weight in the checkpoint: a kernel `[out, in / groups, rows, columns]`, a dense layer's `[out, in]`, a layer
    /// normalisation's `[channels]`.
    pub weight: String,
    pub shape: Vec<usize>,
    pub offset: TailOffset,
    /// What the output is multiplied by before residual and activation.
    pub scale: f64,
}

/// What is added to a layer's sums.
#[derive(Debug, Clone, PartialEq)]
pub enum TailOffset {
    /// A parameter of this name, `[out]`.
    Bias(String),
    /// The same; and then each output is multiplied by the parameter of the second name, one number for each.
    Scaled(String, String),
    /// Batch normalisation: parameters `NAME.weight`, `NAME.bias`, `NAME.running_mean`, `NAME.running_var`, each
    /// `[out]`, and its epsilon.
    Norm(String, f64),
    /// Nothing.
    None,
}

impl TailLayer {
    fn of(layer: LayerPlan) -> Self {
        let named = |name: &str, part: &str| format!("{name}.{part}");
        match layer {
            LayerPlan::Conv(conv) => Self {
                weight: named(&conv.name, "weight"),
                shape: vec![conv.output, conv.input / conv.groups, conv.kernel[0], conv.kernel[1]],
                offset: match conv.norm {
                    Norm::Bias => TailOffset::Bias(named(&conv.name, "bias")),
                    Norm::Batch(norm, epsilon) => TailOffset::Norm(norm, epsilon),
                    Norm::None => TailOffset::None,
                },
                scale: conv.scale,
            },
            LayerPlan::Dense(dense) => {
                let bias = named(&dense.name, "bias");
                Self {
                    weight: named(&dense.name, "weight"),
                    shape: vec![dense.output, dense.input],
                    offset: match dense.scale {
                        Some((scale, _)) => TailOffset::Scaled(bias, scale),
                        None => TailOffset::Bias(bias),
                    },
                    scale: 1.0,
                }
            }
            LayerPlan::Norm(norm) => Self {
                weight: named(&norm.name, "weight"),
                shape: vec![norm.channels],
                offset: TailOffset::Bias(named(&norm.name, "bias")),
                scale: 1.0,
            },
        }
    }
}

impl Tail {
    /// The stages behind stage `cut` (counted from 0).
    ///
    /// # Errors
    /// A stage that does not exist or is the last; a user-supplied file, which cannot be cut.
    pub fn new(info: &'static BackboneInfo, cut: usize) -> Result<Self> {
        let (input, plan) = info.behind(cut)?;
        Ok(Self { info, input, plan })
    }

    /// The stage whose output it takes.
    pub fn input(&self) -> StageInfo {
        self.input.clone()
    }

    /// Output channels: the values per image after global average pooling.
    pub fn features(&self) -> usize {
        self.info.features
    }

    /// Names and shapes of all its parameters, statistics included, in the order of the network.
    pub fn parameters(&self) -> Vec<(String, Vec<usize>)> {
        blueprint::parameters(&self.plan)
    }

    /// The pretrained values of [`Tail::parameters`].
    ///
    /// # Errors
    /// Weights that were not fetched, or whose checksum differs from the one recorded.
    pub fn pretrained(&self) -> Result<BTreeMap<String, Tensor>> {
        let mut loaded = stored::load(self.info, Device::Cpu)?.tensors;
        let own = self.parameters();
        loaded.retain(|name, _| own.iter().any(|(own, _)| own == name));
        Ok(loaded)
    }

    /// The layers in the order in which [`Tail::forward`] takes them.
    pub fn layers(&self) -> Vec<TailLayer> {
        self.plan.iter().flat_map(|stage| blueprint::layers(&stage.form)).map(TailLayer::of).collect()
    }

    /// The averaged last stage, `[N, features]` in 32 bits, of the cut's output `[N, C, H, W]` or tokens `[N, T, C]`, with
    /// gradients; of tokens, the average of the patches. `folded` holds weight and offset of each layer with batch
    /// normalisation and scale folded in; input, weights and offsets are of one kind, which is what is computed in.
    pub fn forward(&self, input: &Tensor, folded: &[(Tensor, Tensor)]) -> Result<Tensor, TchError> {
        let mut folded = folded.iter();
        let mut x = input.shallow_clone();
        for stage in &self.plan {
            x = through(&stage.form, &x, &mut folded)?;
        }
        maps(&x)?.f_mean_dim([2, 3].as_slice(), false, Kind::Float)
    }

    /// The same stages on these parameters for use, on the kernels that features are computed with.
    ///
    /// # Errors
    /// A parameter that is missing or has the wrong shape.
    pub fn network(&self, parameters: BTreeMap<String, Tensor>) -> Result<TailNetwork> {
        let parameters = Parameters { tensors: parameters, arithmetic: Arithmetic::F32 };
        Ok(TailNetwork { stages: tch::no_grad(|| build::build(&self.plan, &parameters))? })
    }
}

/// The tail for inference, without gradients.
pub struct TailNetwork {
    stages: Vec<Stage>,
}

impl TailNetwork {
    /// The last stage, `[N, features, H, W]` (of tokens, the patches), of the cut's output `[N, C, H, W]` or `[N, T, C]`.
    pub fn last(&self, input: &Tensor) -> Result<Tensor, TchError> {
        let last = || self.stages.iter().try_fold(input.shallow_clone(), |x, stage| stage.layer.forward(&x));
        tch::no_grad(|| maps(&last()?))
    }

    /// The same stages over the same tensors, for another thread.
    pub fn share(&self) -> Self {
        Self { stages: self.stages.iter().map(Stage::share).collect() }
    }
}

/// Maps as they are, and tokens as the maps of their patches.
fn maps(output: &Tensor) -> Result<Tensor, TchError> {
    if output.dim() == 3 { pooling::patches(output) } else { Ok(output.shallow_clone()) }
}

/// Weights and offsets not yet used.
pub(super) type Folded<'a> = std::slice::Iter<'a, (Tensor, Tensor)>;

/// Weight and offset of the next layer.
pub(super) fn next<'a>(folded: &mut Folded<'a>) -> Result<&'a (Tensor, Tensor), TchError> {
    folded.next().ok_or_else(|| TchError::Shape("there are fewer weights than layers".into()))
}

fn through(form: &Form, input: &Tensor, folded: &mut Folded<'_>) -> Result<Tensor, TchError> {
    match form {
        Form::Chain(steps) => chain(steps, input, folded),
        Form::Mixed(branches) => mixed(branches, input, folded),
        Form::Residual(branches, join) => {
            let through = |branch: &Vec<ConvPlan>, folded: &mut Folded<'_>| {
                let mut convolutions = branch.iter();
                convolutions
                    .try_fold(input.shallow_clone(), |x, conv| activate(conv.activation, sums(conv, &x, folded)?))
            };
            let outputs = branches.iter().map(|branch| through(branch, folded)).collect::<Result<Vec<_>, _>>()?;
            let inside = together(&outputs)?;
            activate(join.activation, sums(join, &inside, folded)?.f_add(input)?)
        }
        Form::Sum(branches, activation) => {
            let mut sum: Option<Tensor> = None;
            for branch in branches {
                let output = chain(branch, input, folded)?;
                sum = Some(match sum {
                    Some(sum) => sum.f_add(&output)?,
                    None => output,
                });
            }
            let none = || TchError::Shape("a sum has no branches".into());
            activate(*activation, sum.ok_or_else(none)?)
        }
    }
}

fn chain(steps: &[Step], input: &Tensor, folded: &mut Folded<'_>) -> Result<Tensor, TchError> {
    steps.iter().try_fold(input.shallow_clone(), |x, step| match step {
        Step::Conv(conv) => activate(conv.activation, sums(conv, &x, folded)?),
        Step::Bottleneck(block) => {
            let mut inside = x.shallow_clone();
            for conv in block.expand.iter().chain([&block.depthwise, &block.project]) {
                inside = activate(conv.activation, sums(conv, &inside, folded)?)?;
            }
            if block.residual { inside.f_add(&x) } else { Ok(inside) }
        }
        Step::Relu => x.f_relu(),
        // It is the first stage, and a cut is behind that.
        Step::Embed(_) => Err(TchError::Shape("tokens are made before any cut".into())),
        Step::Block(plan) => block(plan, &x, folded),
        Step::LayerNorm(plan) => layer_norm(plan, &x, folded),
        Step::ConvNext(plan) => conv_next(plan, &x, folded),
        Step::MaxPool { kernel, stride, padding } => {
            MaxPool { kernel: *kernel as i64, stride: *stride as i64, padding: *padding }.apply(&x)
        }
        Step::AveragePool { kernel } => {
            x.f_avg_pool2d([*kernel as i64; 2], [1; 2], [*kernel as i64 / 2; 2], false, false, None::<i64>)
        }
    })
}

fn mixed(branches: &[Vec<Step>], input: &Tensor, folded: &mut Folded<'_>) -> Result<Tensor, TchError> {
    let outputs = branches.iter().map(|steps| chain(steps, input, folded)).collect::<Result<Vec<_>, _>>()?;
    together(&outputs)
}

/// Concatenates tensors along their channels.
fn together(outputs: &[Tensor]) -> Result<Tensor, TchError> {
    match outputs {
        [one] => Ok(one.shallow_clone()),
        several => Tensor::f_cat(several, 1),
    }
}

/// A convolution without its activation.
pub(super) fn sums(conv: &ConvPlan, input: &Tensor, folded: &mut Folded<'_>) -> Result<Tensor, TchError> {
    let (weight, offset) = next(folded)?;
    if conv.groups > 1 && conv.groups == conv.input {
        return depthwise::sums(conv, input, weight, offset);
    }
    let run = |input: &Tensor, padding: [i64; 2]| {
        input.f_conv2d(weight, Some(offset), [conv.stride as i64; 2], padding, [1, 1], conv.groups as i64)
    };
    let [[above, below], [left, right]] = depthwise::margins(conv, &input.size());
    if above == below && left == right {
        return run(input, [above, left]);
    }
    run(&input.f_constant_pad_nd([left, right, above, below])?, [0, 0])
}
