//! ResNet-50, top to bottom.
//!
//! The network of He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition" (CVPR 2016), table 1, as
//! `torchvision.models.resnet50` and timm's `resnet50` have it: a block's stride is in its 3 x 3 convolution (the paper
//! has it in the first 1 x 1). Stages are the stem and the blocks; parameters have torchvision's names.

use super::Architecture;
use super::blueprint::{Activation, ConvPlan, Form, Norm, Padding, StagePlan, Step};

/// Channels of the last stage.
pub const FEATURES: usize = 2048;
/// Epsilon of batch normalisation.
const EPSILON: f64 = 1e-5;
/// Ratio of a block's output width to its inner width.
const EXPANSION: usize = 4;

/// What the registry needs to know.
pub const RESNET_50: Architecture = Architecture::Plan(plan);

/// Blocks of each layer, and their inner width.
const LAYERS: [(usize, usize); 4] = [(3, 64), (4, 128), (6, 256), (3, 512)];

fn plan() -> Vec<StagePlan> {
    let stem = ConvPlan { stride: 2, activation: Activation::Relu, ..conv("conv1", "bn1", [3, 64], 7) };
    let pool = Step::MaxPool { kernel: 3, stride: 2, padding: Padding::Fixed([1, 1]) };
    let mut stages = vec![StagePlan::new("stem", Form::Chain(vec![stem.into(), pool]))];
    let mut input = 64;
    for (layer, (blocks, width)) in (1..).zip(LAYERS) {
        for place in 0..blocks {
            let name = format!("layer{layer}.{place}");
            // The first layer follows a pooling that has halved the sides already.
            let stride = if place == 0 && layer > 1 { 2 } else { 1 };
            stages.push(StagePlan::new(&name, bottleneck(&name, input, width, stride)));
            input = width * EXPANSION;
        }
    }
    stages
}

/// The bottleneck: 1 x 1 reduction, 3 x 3 convolution, 1 x 1 expansion, and the residual, projected where its shape
/// differs.
fn bottleneck(name: &str, input: usize, width: usize, stride: usize) -> Form {
    let output = width * EXPANSION;
    let part = |number: usize, channels: [usize; 2], kernel: usize| {
        conv(&format!("{name}.conv{number}"), &format!("{name}.bn{number}"), channels, kernel)
    };
    let rectified = |conv: ConvPlan| ConvPlan { activation: Activation::Relu, ..conv };
    let steps: Vec<Step> = vec![
        rectified(part(1, [input, width], 1)).into(),
        rectified(ConvPlan { stride, ..part(2, [width, width], 3) }).into(),
        part(3, [width, output], 1).into(),
    ];
    let shortcut = if input == output {
        Vec::new()
    } else {
        let shortcut = conv(&format!("{name}.downsample.0"), &format!("{name}.downsample.1"), [input, output], 1);
        vec![ConvPlan { stride, ..shortcut }.into()]
    };
    Form::Sum(vec![steps, shortcut], Activation::Relu)
}

/// A convolution with batch normalisation, padded as wide as its kernel reaches; stride 1, no activation.
fn conv(name: &str, norm: &str, [input, output]: [usize; 2], kernel: usize) -> ConvPlan {
    ConvPlan {
        name: name.into(),
        norm: Norm::Batch(norm.into(), EPSILON),
        input,
        output,
        kernel: [kernel; 2],
        stride: 1,
        padding: Padding::Fixed([kernel as i64 / 2; 2]),
        groups: 1,
        activation: Activation::None,
        scale: 1.0,
    }
}
