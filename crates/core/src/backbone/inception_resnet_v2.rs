//! Inception-ResNet-v2, top to bottom.
//!
//! The network of Szegedy, Ioffe, Vanhoucke and Alemi, "Inception-v4, Inception-ResNet and the Impact of Residual
//! Connections on Learning" (AAAI 2017), figure 15, with the widths of its authors' code (TensorFlow slim), which
//! `keras.applications.InceptionResNetV2` and timm's `inception_resnet_v2` follow. Parameters have timm's names; so have
//! the stages, but for the residual blocks, which Keras numbers by kind.
//!
//! Keras has no gamma in its batch normalisation; in timm's checkpoint it is 1.

use super::Architecture;
use super::blueprint::{Activation, ConvPlan, Form, Norm, Padding, StagePlan, Step};

/// Channels of the last stage.
pub const FEATURES: usize = 1536;
/// Epsilon of batch normalisation.
const EPSILON: f64 = 1e-3;
/// Channels of the three kinds of residual blocks, at 35 x 35, 17 x 17 and 8 x 8.
const A: usize = 320;
const B: usize = 1088;
const C: usize = 2080;

/// What the registry needs to know.
pub const INCEPTION_RESNET_V2: Architecture = Architecture::Plan(plan);

/// The pooling between the parts.
const MAX_POOL: Step = Step::MaxPool { kernel: 3, stride: 2, padding: Padding::Fixed([0, 0]) };

/// Convolution `NAME.conv` with `NAME.bn` and ReLU; SAME padding, stride 1.
fn conv(name: impl Into<String>, input: usize, output: usize, kernel: [usize; 2]) -> ConvPlan {
    let name = name.into();
    ConvPlan {
        norm: Norm::Batch(format!("{name}.bn"), EPSILON),
        name: format!("{name}.conv"),
        input,
        output,
        kernel,
        stride: 1,
        padding: Padding::Same,
        groups: 1,
        activation: Activation::Relu,
        scale: 1.0,
    }
}

/// The same without padding.
fn valid(conv: ConvPlan) -> ConvPlan {
    ConvPlan { padding: Padding::Fixed([0, 0]), ..conv }
}

/// The same with stride 2 and without padding.
fn reducing(conv: ConvPlan) -> ConvPlan {
    ConvPlan { stride: 2, ..valid(conv) }
}

/// A sequence of convolutions, numbered below `name` in the checkpoint.
fn branch(name: &str, input: usize, convolutions: &[(usize, [usize; 2])]) -> Vec<ConvPlan> {
    let mut from = input;
    let mut list = Vec::new();
    for (place, &(output, kernel)) in convolutions.iter().enumerate() {
        list.push(conv(format!("{name}.{place}"), from, output, kernel));
        from = output;
    }
    list
}

/// `branch` as steps.
fn steps(branch: Vec<ConvPlan>) -> Vec<Step> {
    branch.into_iter().map(Step::from).collect()
}

/// `branch`, whose last convolution has stride 2.
fn reducing_branch(name: &str, input: usize, convolutions: &[(usize, [usize; 2])]) -> Vec<Step> {
    let mut list = branch(name, input, convolutions);
    if let Some(last) = list.pop() {
        list.push(reducing(last));
    }
    steps(list)
}

fn plan() -> Vec<StagePlan> {
    let stage = |name: &str, form: Form| StagePlan::new(name, form);
    let numbered = |kind: &str, place: usize, form: Form| StagePlan::new(format!("{kind}_{}", place + 1), form);
    // The stem: 299 x 299 to 35 x 35.
    let mut stages = vec![
        stage("conv2d_1a", reducing(conv("conv2d_1a", 3, 32, [3, 3])).into()),
        stage("conv2d_2a", valid(conv("conv2d_2a", 32, 32, [3, 3])).into()),
        stage("conv2d_2b", conv("conv2d_2b", 32, 64, [3, 3]).into()),
        stage("maxpool_3a", Form::from(MAX_POOL)),
        stage("conv2d_3b", valid(conv("conv2d_3b", 64, 80, [1, 1])).into()),
        stage("conv2d_4a", valid(conv("conv2d_4a", 80, 192, [3, 3])).into()),
        stage("maxpool_5a", Form::from(MAX_POOL)),
        stage("mixed_5b", mixed_5b()),
    ];
    stages.extend((0..10).map(|i| numbered("block35", i, block35(&format!("repeat.{i}")))));
    stages.push(stage("mixed_6a", mixed_6a()));
    stages.extend((0..20).map(|i| numbered("block17", i, block17(&format!("repeat_1.{i}")))));
    stages.push(stage("mixed_7a", mixed_7a()));
    stages.extend((0..9).map(|i| numbered("block8", i, block8(&format!("repeat_2.{i}"), 0.2, Activation::Relu))));
    stages.push(stage("block8_10", block8("block8", 1.0, Activation::None)));
    stages.push(stage("conv2d_7b", conv("conv2d_7b", C, FEATURES, [1, 1]).into()));
    stages
}

/// Inception-A: 35 x 35 x 192 to 35 x 35 x 320.
fn mixed_5b() -> Form {
    Form::Mixed(vec![
        vec![conv("mixed_5b.branch0", 192, 96, [1, 1]).into()],
        steps(branch("mixed_5b.branch1", 192, &[(48, [1, 1]), (64, [5, 5])])),
        steps(branch("mixed_5b.branch2", 192, &[(64, [1, 1]), (96, [3, 3]), (96, [3, 3])])),
        vec![Step::AveragePool { kernel: 3 }, conv("mixed_5b.branch3.1", 192, 64, [1, 1]).into()],
    ])
}

/// Inception-ResNet-A (figure 16).
fn block35(name: &str) -> Form {
    let branches = vec![
        vec![conv(format!("{name}.branch0"), A, 32, [1, 1])],
        branch(&format!("{name}.branch1"), A, &[(32, [1, 1]), (32, [3, 3])]),
        branch(&format!("{name}.branch2"), A, &[(32, [1, 1]), (48, [3, 3]), (64, [3, 3])]),
    ];
    Form::Residual(branches, up(name, 32 + 32 + 64, A, 0.17, Activation::Relu))
}

/// Reduction-A (figure 7): 35 x 35 x 320 to 17 x 17 x 1088.
fn mixed_6a() -> Form {
    Form::Mixed(vec![
        vec![reducing(conv("mixed_6a.branch0", A, 384, [3, 3])).into()],
        reducing_branch("mixed_6a.branch1", A, &[(256, [1, 1]), (256, [3, 3]), (384, [3, 3])]),
        vec![MAX_POOL],
    ])
}

/// Inception-ResNet-B (figure 17).
fn block17(name: &str) -> Form {
    let branches = vec![
        vec![conv(format!("{name}.branch0"), B, 192, [1, 1])],
        branch(&format!("{name}.branch1"), B, &[(128, [1, 1]), (160, [1, 7]), (192, [7, 1])]),
    ];
    Form::Residual(branches, up(name, 192 + 192, B, 0.1, Activation::Relu))
}

/// Reduction-B (figure 18): 17 x 17 x 1088 to 8 x 8 x 2080.
fn mixed_7a() -> Form {
    Form::Mixed(vec![
        reducing_branch("mixed_7a.branch0", B, &[(256, [1, 1]), (384, [3, 3])]),
        reducing_branch("mixed_7a.branch1", B, &[(256, [1, 1]), (288, [3, 3])]),
        reducing_branch("mixed_7a.branch2", B, &[(256, [1, 1]), (288, [3, 3]), (320, [3, 3])]),
        vec![MAX_POOL],
    ])
}

/// Inception-ResNet-C (figure 19).
fn block8(name: &str, scale: f64, activation: Activation) -> Form {
    let branches = vec![
        vec![conv(format!("{name}.branch0"), C, 192, [1, 1])],
        branch(&format!("{name}.branch1"), C, &[(192, [1, 1]), (224, [1, 3]), (256, [3, 1])]),
    ];
    Form::Residual(branches, up(name, 192 + 256, C, scale, activation))
}

/// The 1 x 1 convolution that maps the branches of a residual block to the width of its input, scaled down to stabilise
/// training (section 3.3).
fn up(block: &str, input: usize, output: usize, scale: f64, activation: Activation) -> ConvPlan {
    let plain = valid(conv("", input, output, [1, 1]));
    ConvPlan { name: format!("{block}.conv2d"), norm: Norm::Bias, activation, scale, ..plain }
}
