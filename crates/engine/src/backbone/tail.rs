//! The stages behind a cut, for training: what their parameters are, how gradients flow through them, and the same
//! stages for use.
//!
//! While they are trained, batch normalisation keeps the statistics of the pretrained network. It is then a factor and
//! an offset per channel, folded into the convolution before it: the network that gradients flow through is
//! convolutions with biases, activations, sums and pooling, and nothing is normalised, stored or differentiated per
//! pixel. The folding and its gradients are the caller's ([`TailConv`] says how).

use super::layers::{MaxPool, activate};
use super::{Arithmetic, BackboneInfo, Parameters, Stage, StageInfo, build, depthwise, stored};
use faceprobe_core::backbone::blueprint::{self, ConvPlan, Form, Norm, StagePlan, Step};
use faceprobe_core::error::Result;
use std::collections::BTreeMap;
use tch::{Device, Kind, TchError, Tensor};

/// The stages after stage `cut` of a network.
pub struct Tail {
    info: &'static BackboneInfo,
    input: StageInfo,
    plan: Vec<StagePlan>,
}

/// One convolution of the tail.
#[derive(Debug, Clone, PartialEq)]
pub struct TailConv {
    /// Its kernel in the checkpoint, `[out, in / groups, rows, columns]`.
    pub weight: String,
    pub shape: [usize; 4],
    pub offset: TailOffset,
    /// What the output is multiplied by before residual and activation.
    pub scale: f64,
}

/// What is added to a convolution's sums.
#[derive(Debug, Clone, PartialEq)]
pub enum TailOffset {
    /// A parameter of this name, `[out]`.
    Bias(String),
    /// Batch normalisation: parameters `NAME.weight`, `NAME.bias`, `NAME.running_mean`, `NAME.running_var`, each
    /// `[out]`, and its epsilon.
    Norm(String, f64),
    /// Nothing.
    None,
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

    /// The convolutions in the order in which [`Tail::forward`] takes them.
    pub fn convolutions(&self) -> Vec<TailConv> {
        let all = self.plan.iter().flat_map(|stage| blueprint::convolutions(&stage.form));
        all.map(|conv| TailConv {
            weight: format!("{}.weight", conv.name),
            shape: [conv.output, conv.input / conv.groups, conv.kernel[0], conv.kernel[1]],
            offset: match &conv.norm {
                Norm::Bias => TailOffset::Bias(format!("{}.bias", conv.name)),
                Norm::Batch(norm, epsilon) => TailOffset::Norm(norm.clone(), *epsilon),
                Norm::None => TailOffset::None,
            },
            scale: conv.scale,
        })
        .collect()
    }

    /// The averaged last stage, `[N, features]` in 32 bits, of the cut's output `[N, C, H, W]`, with gradients. `folded`
    /// holds kernel and offset of each convolution with normalisation and scale folded in; input, kernels and offsets
    /// are of one kind, which is what the convolutions are computed in.
    pub fn forward(&self, input: &Tensor, folded: &[(Tensor, Tensor)]) -> Result<Tensor, TchError> {
        let mut folded = folded.iter();
        let mut x = input.shallow_clone();
        for stage in &self.plan {
            x = through(&stage.form, &x, &mut folded)?;
        }
        x.f_mean_dim([2, 3].as_slice(), false, Kind::Float)
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
    /// The last stage, `[N, features, H, W]`, of the cut's output `[N, C, H, W]`.
    pub fn last(&self, input: &Tensor) -> Result<Tensor, TchError> {
        tch::no_grad(|| self.stages.iter().try_fold(input.shallow_clone(), |x, stage| stage.layer.forward(&x)))
    }

    /// The same stages over the same tensors, for another thread.
    pub fn share(&self) -> Self {
        Self { stages: self.stages.iter().map(Stage::share).collect() }
    }
}

/// Kernels and offsets not yet used.
type Folded<'a> = std::slice::Iter<'a, (Tensor, Tensor)>;

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
        // Such networks are not cut.
        Step::Embed(_) | Step::Block(_) | Step::LayerNorm(_) | Step::ConvNext(_) => {
            Err(TchError::Shape("only convolutions are trained here".into()))
        }
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
fn sums(conv: &ConvPlan, input: &Tensor, folded: &mut Folded<'_>) -> Result<Tensor, TchError> {
    let Some((weight, offset)) = folded.next() else {
        return Err(TchError::Shape("there are fewer kernels than convolutions".into()));
    };
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
