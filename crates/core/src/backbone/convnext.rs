//! ConvNeXt-T, top to bottom.
//!
//! The network of Liu et al., "A ConvNet for the 2020s" (CVPR 2022), as `torchvision.models.convnext_tiny` has it. Stages are
//! the stem, the blocks and the layers between them that halve height and width; they and their parameters have torchvision's names.
//! The normalisation after the global average pooling belongs to the classifier and is left out.

use super::Architecture;
use super::blueprint::{Activation, ConvPlan, Form, Norm, Padding, StagePlan, Step};
use super::tokens::{DensePlan, LayerNormPlan};

/// Channels of the last stage.
pub const FEATURES: usize = 768;
/// Epsilon of the normalisations.
const EPSILON: f64 = 1e-6;
/// Blocks of each width.
const LAYERS: [(usize, usize); 4] = [(3, 96), (3, 192), (9, 384), (3, FEATURES)];

/// What the registry needs to know.
pub const CONVNEXT_TINY: Architecture = Architecture::Plan(plan);

/// A block: 7 x 7 depthwise convolution, normalisation, fourfold expansion, projection, scale, residual.
#[derive(Debug, Clone)]
pub struct ConvNextPlan {
    /// Prefix of its layers' names: `features.1.0`.
    pub name: String,
    pub width: usize,
}

impl ConvNextPlan {
    /// The depthwise 7 x 7 kernels.
    pub fn depthwise(&self) -> ConvPlan {
        let padding = Padding::Fixed([3, 3]);
        ConvPlan { groups: self.width, padding, ..conv(&format!("{}.block.0", self.name), [self.width; 2], 7, 1) }
    }

    pub fn norm(&self) -> LayerNormPlan {
        norm(format!("{}.block.2", self.name), self.width)
    }

    /// Hidden width of the MLP.
    pub fn hidden(&self) -> usize {
        4 * self.width
    }

    pub fn widen(&self) -> DensePlan {
        DensePlan { name: format!("{}.block.3", self.name), input: self.width, output: self.hidden(), scale: None }
    }

    pub fn narrow(&self) -> DensePlan {
        DensePlan {
            name: format!("{}.block.5", self.name),
            input: self.hidden(),
            output: self.width,
            scale: Some((format!("{}.layer_scale", self.name), vec![self.width, 1, 1])),
        }
    }
}

fn plan() -> Vec<StagePlan> {
    let mut stages = Vec::new();
    let mut input = 3;
    for (number, (blocks, width)) in LAYERS.into_iter().enumerate() {
        // The stem and the downsampling layers are modules between those of the blocks.
        let name = format!("features.{}", 2 * number);
        let form = if number == 0 {
            let stem = conv(&format!("{name}.0"), [input, width], 4, 4);
            vec![stem.into(), Step::LayerNorm(norm(format!("{name}.1"), width))]
        } else {
            let halving = conv(&format!("{name}.1"), [input, width], 2, 2);
            vec![Step::LayerNorm(norm(format!("{name}.0"), input)), halving.into()]
        };
        stages.push(StagePlan::new(name, Form::Chain(form)));
        for block in 0..blocks {
            let name = format!("features.{}.{block}", 2 * number + 1);
            stages.push(StagePlan::new(name.clone(), Step::ConvNext(ConvNextPlan { name, width })));
        }
        input = width;
    }
    stages
}

fn norm(name: String, channels: usize) -> LayerNormPlan {
    LayerNormPlan { name, channels, epsilon: EPSILON }
}

/// A convolution with bias and without padding or activation.
fn conv(name: &str, [input, output]: [usize; 2], kernel: usize, stride: usize) -> ConvPlan {
    ConvPlan {
        name: name.into(),
        norm: Norm::Bias,
        input,
        output,
        kernel: [kernel; 2],
        stride,
        padding: Padding::Fixed([0, 0]),
        groups: 1,
        activation: Activation::None,
        scale: 1.0,
    }
}
