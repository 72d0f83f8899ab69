//! EfficientNet-Lite: MBConv blocks without squeeze-and-excitation, ReLU6 throughout.
//!
//! M. Tan and Q. V. Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019;
//! the Lite variants are those of TensorFlow's TPU repository (`efficientnet/lite/efficientnet_lite_builder.py`):
//! no squeeze-and-excitation, ReLU6 in place of swish, stem and head not scaled with width.
//! Padding is TensorFlow's SAME, which is uneven for stride 2. Names are those of the published checkpoint.

use super::layers::{Conv, Loader, conv_bn, depthwise_bn, shape_bn};
use super::weights::Shapes;
use tch::{TchError, Tensor};

/// Batch normalisation's epsilon in TensorFlow's checkpoints.
const EPSILON: f64 = 1e-3;

/// One stage of Table 1: how often its block is repeated, kernel, stride of the first block, expansion, channels in
/// and out (width multiplier 1.0, as in Lite0).
struct Stage {
    repeats: usize,
    kernel: i64,
    stride: i64,
    expansion: i64,
    channels_in: i64,
    channels_out: i64,
}

const fn stage(repeats: usize, kernel: i64, stride: i64, expansion: i64, channels_in: i64, channels_out: i64) -> Stage {
    Stage { repeats, kernel, stride, expansion, channels_in, channels_out }
}

const STEM: i64 = 32;
const STAGES: [Stage; 7] = [
    stage(1, 3, 1, 1, 32, 16),
    stage(2, 3, 2, 6, 16, 24),
    stage(2, 5, 2, 6, 24, 40),
    stage(3, 3, 2, 6, 40, 80),
    stage(3, 5, 1, 6, 80, 112),
    stage(4, 5, 2, 6, 112, 192),
    stage(1, 3, 1, 6, 192, 320),
];
const HEAD: i64 = 1280;

/// One MBConv block with batch normalisation folded into its convolutions.
struct Block {
    expand: Option<Conv>,
    depthwise: Conv,
    project: Conv,
    residual: bool,
}

impl Block {
    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        let expanded = match &self.expand {
            Some(expand) => expand.forward_relu6(input)?,
            None => input.shallow_clone(),
        };
        let mixed = self.depthwise.forward_relu6(&expanded)?;
        let mut output = self.project.forward(&mixed)?;
        if self.residual {
            let _ = output.f_add_(input)?;
        }
        Ok(output)
    }
}

/// EfficientNet-Lite0 up to its last 1x1 convolution; the classifier is left out.
pub(super) struct EfficientNetLite0 {
    stem: Conv,
    blocks: Vec<Block>,
    head: Conv,
}

impl EfficientNetLite0 {
    /// Takes the checkpoint's tensors by name.
    pub(super) fn new(loader: &Loader<'_>) -> Result<Self, TchError> {
        let stem = conv_bn(loader, "_conv_stem", "_bn0", 2, EPSILON)?;
        let mut blocks = Vec::new();
        for (index, (stage, first)) in each_block().enumerate() {
            let name = |part: &str| format!("_blocks.{index}.{part}");
            let stride = if first { stage.stride } else { 1 };
            let expand = if stage.expansion == 1 {
                None
            } else {
                Some(conv_bn(loader, &name("_expand_conv"), &name("_bn0"), 1, EPSILON)?)
            };
            blocks.push(Block {
                expand,
                depthwise: depthwise_bn(loader, &name("_depthwise_conv"), &name("_bn1"), stride, EPSILON)?,
                project: conv_bn(loader, &name("_project_conv"), &name("_bn2"), 1, EPSILON)?,
                residual: !first,
            });
        }
        let head = conv_bn(loader, "_conv_head", "_bn1", 1, EPSILON)?;
        Ok(Self { stem, blocks, head })
    }

    /// Activations after the last convolution: N x 3 x 224 x 224 to N x 1280 x 7 x 7.
    pub(super) fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        let mut x = self.stem.forward_relu6(input)?;
        for block in &self.blocks {
            x = block.forward(&x)?;
        }
        self.head.forward_relu6(&x)
    }
}

/// Each block's stage, and whether it is the first of it.
fn each_block() -> impl Iterator<Item = (&'static Stage, bool)> {
    STAGES.iter().flat_map(|stage| (0..stage.repeats).map(move |repeat| (stage, repeat == 0)))
}

/// Every tensor the network needs, with its shape.
pub(super) fn shapes() -> Shapes {
    let mut shapes = Shapes::new();
    let mut conv = |name: String, bn: String, shape: [i64; 4]| {
        shapes.insert(format!("{name}.weight"), shape.to_vec());
        shape_bn(&mut shapes, &bn, shape[0]);
    };
    conv("_conv_stem".into(), "_bn0".into(), [STEM, 3, 3, 3]);
    for (index, (stage, first)) in each_block().enumerate() {
        let name = |part: &str| format!("_blocks.{index}.{part}");
        let channels_in = if first { stage.channels_in } else { stage.channels_out };
        let middle = channels_in * stage.expansion;
        if stage.expansion != 1 {
            conv(name("_expand_conv"), name("_bn0"), [middle, channels_in, 1, 1]);
        }
        conv(name("_depthwise_conv"), name("_bn1"), [middle, 1, stage.kernel, stage.kernel]);
        conv(name("_project_conv"), name("_bn2"), [stage.channels_out, middle, 1, 1]);
    }
    conv("_conv_head".into(), "_bn1".into(), [HEAD, 320, 1, 1]);
    shapes
}
