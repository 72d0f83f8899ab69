//! Xception, top to bottom.
//!
//! The network of Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions" (CVPR 2017), figure 5, as
//! `keras.applications.Xception` has it. Stages are blocks; they and parameters are named as the layers there. What Keras
//! has in one layer, the two kernels of a separable convolution, is `NAME.depthwise` and `NAME.pointwise` here, and the
//! convolution beside block N, which has no name there, is `blockN_shortcut`.

use super::Architecture;
use super::blueprint::{Activation, BottleneckPlan, ConvPlan, Form, Norm, Padding, StagePlan, Step};

/// Channels of the last stage.
pub const FEATURES: usize = 2048;
/// Epsilon of batch normalisation.
const EPSILON: f64 = 1e-3;
/// Channels of the middle flow.
const MIDDLE: usize = 728;

/// What the registry needs to know.
pub const XCEPTION: Architecture = Architecture::Plan(plan);

fn plan() -> Vec<StagePlan> {
    let stem = |name: &str, channels, stride| {
        let padding = Padding::Fixed([0, 0]);
        ConvPlan { stride, padding, activation: Activation::Relu, ..conv(name, &format!("{name}_bn"), channels, 3) }
    };
    let mut stages = Vec::new();
    let mut stage = |name: &str, form: Form| stages.push(StagePlan::new(name, form));
    // Entry flow: 299 x 299 to 19 x 19.
    stage("block1_conv1", stem("block1_conv1", [3, 32], 2).into());
    stage("block1_conv2", stem("block1_conv2", [32, 64], 1).into());
    stage("block2", reducing(2, [64, 128, 128]));
    stage("block3", reducing(3, [128, 256, 256]));
    stage("block4", reducing(4, [256, MIDDLE, MIDDLE]));
    // Middle flow: the same block eight times.
    for block in 5..=12 {
        stage(&format!("block{block}"), middle(block));
    }
    // Exit flow: to 10 x 10.
    stage("block13", reducing(13, [MIDDLE, MIDDLE, 1024]));
    for (number, channels) in [(1, [1024, 1536]), (2, [1536, FEATURES])] {
        let name = format!("block14_sepconv{number}");
        stage(&name, separable(&name, channels, Activation::Relu).into());
    }
    stages
}

/// Two separable convolutions and a pooling, with a 1 x 1 convolution as shortcut; both halve the sides. The second
/// block's input has passed a ReLU already.
fn reducing(block: usize, [input, inside, output]: [usize; 3]) -> Form {
    let name = |number: usize| format!("block{block}_sepconv{number}");
    let mut steps = Vec::new();
    if block > 2 {
        steps.push(Step::Relu);
    }
    steps.push(separable(&name(1), [input, inside], Activation::Relu));
    steps.push(separable(&name(2), [inside, output], Activation::None));
    steps.push(Step::MaxPool { kernel: 3, stride: 2, padding: Padding::Same });
    let shortcut = format!("block{block}_shortcut");
    let shortcut = ConvPlan { stride: 2, ..conv(&shortcut, &format!("{shortcut}_bn"), [input, output], 1) };
    Form::Sum(vec![steps, vec![shortcut.into()]], Activation::None)
}

/// Three separable convolutions with a residual. Each is preceded by a ReLU.
fn middle(block: usize) -> Form {
    let mut steps = vec![Step::Relu];
    for number in 1..=3 {
        let activation = if number < 3 { Activation::Relu } else { Activation::None };
        steps.push(separable(&format!("block{block}_sepconv{number}"), [MIDDLE, MIDDLE], activation));
    }
    Form::Sum(vec![steps, Vec::new()], Activation::None)
}

/// A separable convolution with its batch normalisation: a depthwise and a pointwise convolution without anything
/// between them.
fn separable(name: &str, [input, output]: [usize; 2], activation: Activation) -> Step {
    let depthwise = conv(&format!("{name}.depthwise"), "", [input, input], 3);
    let pointwise = conv(&format!("{name}.pointwise"), &format!("{name}_bn"), [input, output], 1);
    BottleneckPlan {
        expand: None,
        depthwise: ConvPlan { norm: Norm::None, groups: input, ..depthwise },
        project: ConvPlan { activation, ..pointwise },
        residual: false,
    }
    .into()
}

/// A convolution with batch normalisation; SAME padding, stride 1, no activation.
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
        activation: Activation::None,
        scale: 1.0,
    }
}
