//! MobileNet v1, top to bottom.
//!
//! The network of Howard, Zhu, Chen and others, "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision
//! Applications" (2017), table 1, width 1. Stages and parameters are named as the layers of
//! `keras.applications.MobileNet`. In the weights that are known here, batch normalisation is folded into kernels and
//! biases.

use super::blueprint::{Activation, BottleneckPlan, ConvPlan, Form, Norm, Padding, StagePlan};
use super::{Architecture, Head};

/// Channels of the last stage.
pub const FEATURES: usize = 1024;
/// Channels of the first stage.
const STEM: usize = 32;

/// Channels and stride of each depthwise separable convolution.
const SEPARABLE: [(usize, usize); 13] = [
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (1024, 2),
    (FEATURES, 1),
];

/// What the registry needs to know.
pub const MOBILENET_V1: Architecture = Architecture::Plan(plan);

/// The gender classifier that the authors trained on the network after training it on identities; their age classifier
/// is not used here.
pub const GENDER: Head =
    Head { layers: &[("feats", FEATURES, 256), ("gender_pred", 256, 1)], classes: ["female", "male"] };

fn plan() -> Vec<StagePlan> {
    let mut stages = vec![StagePlan::new("conv1", ConvPlan { stride: 2, ..conv("conv1".into(), [3, STEM], 3) })];
    let mut input = STEM;
    for (number, (output, stride)) in (1..).zip(SEPARABLE) {
        stages.push(StagePlan::new(format!("conv_pw_{number}"), separable(number, [input, output], stride)));
        input = output;
    }
    stages
}

/// The depthwise separable convolution: a depthwise and a pointwise convolution. It is an inverted bottleneck without
/// expansion and residual, with an activation at its end.
fn separable(number: usize, [input, output]: [usize; 2], stride: usize) -> Form {
    let depthwise = conv(format!("conv_dw_{number}"), [input, input], 3);
    BottleneckPlan {
        expand: None,
        depthwise: ConvPlan { stride, groups: input, ..depthwise },
        project: conv(format!("conv_pw_{number}"), [input, output], 1),
        residual: false,
    }
    .into()
}

/// A convolution with its bias and ReLU6; TensorFlow's SAME padding, stride 1.
fn conv(name: String, [input, output]: [usize; 2], kernel: usize) -> ConvPlan {
    ConvPlan {
        name,
        norm: Norm::Bias,
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
