//! EfficientNet-Lite0, top to bottom.
//!
//! The network of Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks" (ICML 2019,
//! table 1), as its authors simplified it for small devices (TensorFlow `tpu/models/official/efficientnet/lite`):
//! no squeeze-and-excitation, ReLU6 instead of swish, and the stem and the head keep their width at every scale.
//! timm calls the same network `tf_efficientnet_lite0`.

use super::layers::{Activation, Conv, ConvShape, InvertedBottleneck, Offset, Padding};
use super::{Architecture, Parameters, Stage as Built, StageInfo};
use crate::error::Result;

/// TensorFlow's epsilon of batch normalisation in these networks.
const EPSILON: f64 = 1e-3;
const STEM: i64 = 32;
/// Side of the input in pixels.
const INPUT: usize = 224;
/// Length of the feature vector.
pub const HEAD: i64 = 1280;

/// A row of the paper's table: blocks of one kind, the first of which has the stride and changes the width.
struct Stage {
    repeats: usize,
    kernel: i64,
    stride: i64,
    /// How many times wider a block is inside.
    expansion: i64,
    output: i64,
}

const fn stage(repeats: usize, kernel: i64, stride: i64, expansion: i64, output: i64) -> Stage {
    Stage { repeats, kernel, stride, expansion, output }
}

/// The stages of Lite0 from 112 x 112 down to 7 x 7 (for 224 pixels; the stem has halved them once).
const STAGES: [Stage; 7] = [
    stage(1, 3, 1, 1, 16),
    stage(2, 3, 2, 6, 24),
    stage(2, 5, 2, 6, 40),
    stage(3, 3, 2, 6, 80),
    stage(3, 5, 1, 6, 112),
    stage(4, 5, 2, 6, 192),
    stage(1, 3, 1, 6, 320),
];

/// What the registry needs to know.
pub const LITE0: Architecture = Architecture { parameters, unused, stages, build };

/// One block with its place in the whole.
struct BlockShape {
    input: i64,
    inside: i64,
    output: i64,
    kernel: i64,
    stride: i64,
    expands: bool,
}

fn block_shapes() -> Vec<BlockShape> {
    let mut input = STEM;
    let mut shapes = Vec::new();
    for stage in &STAGES {
        for repeat in 0..stage.repeats {
            shapes.push(BlockShape {
                input,
                inside: input * stage.expansion,
                output: stage.output,
                kernel: stage.kernel,
                stride: if repeat == 0 { stage.stride } else { 1 },
                expands: stage.expansion > 1,
            });
            input = stage.output;
        }
    }
    shapes
}

/// Every parameter's name in the checkpoint, with its shape.
fn parameters() -> Vec<(String, Vec<usize>)> {
    let mut list: Vec<(String, Vec<i64>)> = Vec::new();
    let mut conv = |name: &str, norm: &str, output: i64, input: i64, kernel: i64| {
        list.push((format!("{name}.weight"), vec![output, input, kernel, kernel]));
        list.extend(
            ["weight", "bias", "running_mean", "running_var"].map(|part| (format!("{norm}.{part}"), vec![output])),
        );
    };
    conv("_conv_stem", "_bn0", STEM, 3, 3);
    let blocks = block_shapes();
    for (index, block) in blocks.iter().enumerate() {
        let of = |part: &str| format!("_blocks.{index}.{part}");
        if block.expands {
            conv(&of("_expand_conv"), &of("_bn0"), block.inside, block.input, 1);
        }
        conv(&of("_depthwise_conv"), &of("_bn1"), block.inside, 1, block.kernel);
        conv(&of("_project_conv"), &of("_bn2"), block.output, block.inside, 1);
    }
    conv("_conv_head", "_bn1", HEAD, blocks.last().map_or(STEM, |block| block.output), 1);
    list.into_iter().map(|(name, shape)| (name, shape.into_iter().map(|side| side as usize).collect())).collect()
}

/// The classifier, and the counters that only training reads.
fn unused(name: &str) -> bool {
    name.ends_with(".num_batches_tracked") || name.starts_with("_fc.")
}

fn stages() -> Vec<StageInfo> {
    let mut side = INPUT / 2;
    let mut list = vec![StageInfo { name: "stem".into(), channels: STEM as usize, side }];
    for (index, block) in block_shapes().iter().enumerate() {
        side = side.div_ceil(block.stride as usize);
        list.push(StageInfo { name: format!("blocks.{index}"), channels: block.output as usize, side });
    }
    list.push(StageInfo { name: "head".into(), channels: HEAD as usize, side });
    list
}

fn build(parameters: &Parameters) -> Result<Vec<Built>> {
    let conv = |name: &str, norm: &str, stride: i64, groups: i64, activation: Activation| {
        let shape = ConvShape { stride, padding: Padding::Same, groups, activation };
        Conv::load(parameters, name, Offset::BatchNorm(norm, EPSILON), shape)
    };
    let mut stages = vec![Built::new("stem", conv("_conv_stem", "_bn0", 2, 1, Activation::Relu6)?)];
    for (index, shape) in block_shapes().iter().enumerate() {
        let of = |part: &str| format!("_blocks.{index}.{part}");
        let expand = shape.expands.then(|| conv(&of("_expand_conv"), &of("_bn0"), 1, 1, Activation::Relu6));
        let depthwise = conv(&of("_depthwise_conv"), &of("_bn1"), shape.stride, shape.inside, Activation::Relu6)?;
        let project = conv(&of("_project_conv"), &of("_bn2"), 1, 1, Activation::None)?;
        let residual = shape.stride == 1 && shape.input == shape.output;
        let block = InvertedBottleneck::new(expand.transpose()?, depthwise, project, residual);
        stages.push(Built::new(format!("blocks.{index}"), block));
    }
    // Global average pooling, dropout and the classifier, which follow in the paper, are left out.
    stages.push(Built::new("head", conv("_conv_head", "_bn1", 1, 1, Activation::Relu6)?));
    Ok(stages)
}
