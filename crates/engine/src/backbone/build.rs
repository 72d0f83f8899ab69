//! Builds a network's layers from its plan and its parameters.

use super::bottleneck::InvertedBottleneck;
use super::convnext_block::ConvNext;
use super::convolution::{Conv, ConvShape, Folded, Offset};
use super::layers::{AveragePool, Chain, Concat, Layer, MaxPool, Relu};
use super::residual::Residual;
use super::sum::Sum;
use super::transformer::{Block, Embed, LayerNorm};
use super::{Activation, Parameters, Stage};
use faceprobe_core::backbone::blueprint::{ConvPlan, Form, Norm, StagePlan, Step};
use faceprobe_core::error::Result;
use rayon::prelude::*;

/// The stages with their weights. Folding is sequential; packing the weights for the kernels runs on all processors.
///
/// # Errors
/// A parameter that is missing or has the wrong shape.
pub fn build(plan: &[StagePlan], parameters: &Parameters) -> Result<Vec<Stage>> {
    let folded = plan.iter().map(|stage| Ok((stage.name.clone(), Parts::load(&stage.form, parameters)?)));
    let folded = folded.collect::<Result<Vec<_>>>()?;
    Ok(folded.into_par_iter().map(|(name, parts)| Stage { name, layer: parts.layer() }).collect())
}

/// A [`Form`] with its parameters.
enum Parts {
    Chain(Vec<Part>),
    Mixed(Vec<Vec<Part>>),
    Residual(Vec<Vec<Folded>>, Folded),
    Sum(Vec<Vec<Part>>, Activation),
}

/// A [`Step`] with its parameters.
enum Part {
    Conv(Folded),
    Bottleneck(Box<Bottleneck>),
    Plain(Box<dyn Layer>),
}

/// An inverted bottleneck with its parameters.
struct Bottleneck {
    expand: Option<Folded>,
    depthwise: Folded,
    project: Folded,
    residual: bool,
}

impl Parts {
    fn load(form: &Form, parameters: &Parameters) -> Result<Self> {
        let chain = |steps: &Vec<Step>| steps.iter().map(|step| Part::load(step, parameters)).collect();
        Ok(match form {
            Form::Chain(steps) => Self::Chain(chain(steps)?),
            Form::Mixed(branches) => Self::Mixed(branches.iter().map(chain).collect::<Result<_>>()?),
            Form::Residual(branches, join) => {
                let load = |branch: &Vec<ConvPlan>| branch.iter().map(|conv| folded(conv, parameters)).collect();
                Self::Residual(branches.iter().map(load).collect::<Result<_>>()?, folded(join, parameters)?)
            }
            Form::Sum(branches, activation) => {
                Self::Sum(branches.iter().map(chain).collect::<Result<_>>()?, *activation)
            }
        })
    }

    fn layer(self) -> Box<dyn Layer> {
        match self {
            Self::Chain(steps) => chain(steps),
            Self::Mixed(branches) => Box::new(Concat(branches.into_iter().map(chain).collect())),
            Self::Residual(branches, join) => Box::new(Residual::new(branches, join)),
            Self::Sum(branches, activation) => sum(branches, activation),
        }
    }
}

impl Part {
    fn load(step: &Step, parameters: &Parameters) -> Result<Self> {
        Ok(match *step {
            Step::Conv(ref conv) => Self::Conv(folded(conv, parameters)?),
            Step::Bottleneck(ref block) => Self::Bottleneck(Box::new(Bottleneck {
                expand: block.expand.as_ref().map(|expand| folded(expand, parameters)).transpose()?,
                depthwise: folded(&block.depthwise, parameters)?,
                project: folded(&block.project, parameters)?,
                residual: block.residual,
            })),
            Step::Relu => Self::Plain(Box::new(Relu)),
            Step::MaxPool { kernel, stride, padding } => {
                Self::Plain(Box::new(MaxPool { kernel: kernel as i64, stride: stride as i64, padding }))
            }
            Step::AveragePool { kernel } => Self::Plain(Box::new(AveragePool { kernel: kernel as i64 })),
            Step::Embed(ref embed) => Self::Plain(Box::new(Embed::load(embed, parameters)?)),
            Step::Block(ref block) => Self::Plain(Box::new(Block::load(block, parameters)?)),
            Step::ConvNext(ref block) => Self::Plain(Box::new(ConvNext::load(block, parameters)?)),
            Step::LayerNorm(ref norm) => Self::Plain(Box::new(LayerNorm::load(norm, parameters)?)),
        })
    }

    fn layer(self) -> Box<dyn Layer> {
        match self {
            Self::Conv(folded) => Box::new(Conv::new(folded)),
            Self::Bottleneck(block) => {
                let Bottleneck { expand, depthwise, project, residual } = *block;
                Box::new(InvertedBottleneck::new(expand, depthwise, project, residual))
            }
            Self::Plain(layer) => layer,
        }
    }
}

/// The sum of branches. If a branch ends in a convolution, that convolution adds the other branches before it stores
/// its output.
fn sum(mut branches: Vec<Vec<Part>>, activation: Activation) -> Box<dyn Layer> {
    let ends_in_convolution = |branch: &Vec<Part>| matches!(branch.last(), Some(Part::Conv(_)));
    let adding = branches.iter().position(ends_in_convolution).map(|place| branches.swap_remove(place));
    let adding = adding.and_then(|mut branch| match branch.pop() {
        Some(Part::Conv(mut last)) => {
            last.shape.activation = activation;
            Some((chain(branch), Conv::new(last)))
        }
        _ => None,
    });
    Box::new(Sum::new(branches.into_iter().map(chain).collect(), adding, activation))
}

fn chain(steps: Vec<Part>) -> Box<dyn Layer> {
    let mut layers: Vec<Box<dyn Layer>> = steps.into_iter().map(Part::layer).collect();
    match layers.pop() {
        Some(only) if layers.is_empty() => only,
        last => {
            layers.extend(last);
            Box::new(Chain(layers))
        }
    }
}

/// A convolution with its parameters, batch normalisation folded in.
fn folded(conv: &ConvPlan, parameters: &Parameters) -> Result<Folded> {
    let offset = match &conv.norm {
        Norm::Bias => Offset::Bias,
        Norm::Batch(norm, epsilon) => Offset::BatchNorm(norm, *epsilon),
        Norm::None => Offset::None,
    };
    let shape = ConvShape {
        stride: conv.stride as i64,
        padding: conv.padding,
        groups: conv.groups as i64,
        activation: conv.activation,
    };
    Folded::load(parameters, &conv.name, offset, shape, conv.scale)
}
