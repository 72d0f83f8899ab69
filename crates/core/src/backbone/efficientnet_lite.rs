//! EfficientNet-Lite0 and Lite2, top to bottom.
//!
//! The networks of Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks" (ICML 2019,
//! table 1), as their authors simplified them for small devices (TensorFlow `tpu/models/official/efficientnet/lite`):
//! no squeeze-and-excitation, ReLU6 instead of swish, and the stem, the head and the depth of the first and the last
//! stage are the same at every scale. timm calls the same networks `tf_efficientnet_lite0` and `tf_efficientnet_lite2`.

use super::Architecture;
use super::blueprint::{Activation, BottleneckPlan, ConvPlan, Form, Norm, Padding, StagePlan};

/// TensorFlow's epsilon of batch normalisation in these networks.
const EPSILON: f64 = 1e-3;
const STEM: usize = 32;
/// Length of the feature vector.
pub const HEAD: usize = 1280;

/// How much wider and deeper than Lite0.
#[derive(Clone, Copy)]
struct Scaling {
    width: f64,
    depth: f64,
}

/// What the registry needs to know.
pub const LITE0: Architecture = Architecture::Plan(|| plan(Scaling { width: 1.0, depth: 1.0 }));
pub const LITE2: Architecture = Architecture::Plan(|| plan(Scaling { width: 1.1, depth: 1.2 }));

/// A row of the paper's table: blocks of one kind; the first has the stride and changes the width.
struct Stage {
    repeats: usize,
    kernel: usize,
    stride: usize,
    /// Expansion ratio.
    expansion: usize,
    output: usize,
}

const fn stage(repeats: usize, kernel: usize, stride: usize, expansion: usize, output: usize) -> Stage {
    Stage { repeats, kernel, stride, expansion, output }
}

/// The stages of Lite0 from 112 x 112 to 7 x 7 (for 224 pixels, after the stem with stride 2).
const STAGES: [Stage; 7] = [
    stage(1, 3, 1, 1, 16),
    stage(2, 3, 2, 6, 24),
    stage(2, 5, 2, 6, 40),
    stage(3, 3, 2, 6, 80),
    stage(3, 5, 1, 6, 112),
    stage(4, 5, 2, 6, 192),
    stage(1, 3, 1, 6, 320),
];

impl Scaling {
    /// The width of a stage: a multiple of 8, and not less than nine tenths of the exact one.
    fn channels(self, channels: usize) -> usize {
        let exact = channels as f64 * self.width;
        let rounded = ((exact + 4.0) / 8.0) as usize * 8;
        if (rounded as f64) < 0.9 * exact { rounded + 8 } else { rounded.max(8) }
    }

    /// The blocks of a stage.
    fn repeats(self, stage: usize) -> usize {
        let repeats = STAGES[stage].repeats;
        let fixed = stage == 0 || stage == STAGES.len() - 1;
        if fixed { repeats } else { (repeats as f64 * self.depth).ceil() as usize }
    }
}

fn plan(scaling: Scaling) -> Vec<StagePlan> {
    let stem = ConvPlan { stride: 2, ..conv("_conv_stem", "_bn0", [3, STEM], 3) };
    let mut stages = vec![StagePlan::new("stem", stem)];
    let mut input = STEM;
    let mut index = 0;
    for (number, stage) in STAGES.iter().enumerate() {
        let output = scaling.channels(stage.output);
        for repeat in 0..scaling.repeats(number) {
            let stride = if repeat == 0 { stage.stride } else { 1 };
            stages.push(StagePlan::new(format!("blocks.{index}"), block(index, [input, output], stage, stride)));
            input = output;
            index += 1;
        }
    }
    // Global average pooling, dropout and the classifier of the paper are left out.
    stages.push(StagePlan::new("head", conv("_conv_head", "_bn1", [input, HEAD], 1)));
    stages
}

/// The inverted bottleneck (MBConv): 1 x 1 expansion, depthwise convolution, 1 x 1 projection, with a residual where
/// the shapes agree.
fn block(index: usize, [input, output]: [usize; 2], stage: &Stage, stride: usize) -> Form {
    let of = |part: &str| format!("_blocks.{index}.{part}");
    let inside = input * stage.expansion;
    let expand = conv(&of("_expand_conv"), &of("_bn0"), [input, inside], 1);
    let depthwise = conv(&of("_depthwise_conv"), &of("_bn1"), [inside, inside], stage.kernel);
    let project = conv(&of("_project_conv"), &of("_bn2"), [inside, output], 1);
    BottleneckPlan {
        expand: (stage.expansion > 1).then_some(expand),
        depthwise: ConvPlan { stride, groups: inside, ..depthwise },
        project: ConvPlan { activation: Activation::None, ..project },
        residual: stride == 1 && input == output,
    }
    .into()
}

/// A convolution of the checkpoint with its batch normalisation and ReLU6; TensorFlow's SAME padding, stride 1.
fn conv(name: &str, norm: &str, [input, output]: [usize; 2], kernel: usize) -> ConvPlan {
    ConvPlan {
        name: name.into(),
        norm: Norm::Batch(norm.into(), EPSILON),
        input,
        output,
        kernel: [kernel; 2],
        stride: 1,
        padding: Padding::Same,
        groups: 1,
        activation: Activation::Relu6,
        scale: 1.0,
    }
}
