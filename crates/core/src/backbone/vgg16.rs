//! VGG16, top to bottom.
//!
//! The network of Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition" (ICLR
//! 2015), configuration D of table 1, without its three fully connected layers. Stages are named as the layers of
//! `keras.applications.VGG16`, parameters as in `torchvision.models.vgg16`.

use super::Architecture;
use super::blueprint::{Activation, ConvPlan, Norm, Padding, StagePlan, Step};

/// Channels of the last stage.
pub const FEATURES: usize = 512;

/// What the registry needs to know.
pub const VGG16: Architecture = Architecture::Plan(plan);

/// Convolutions of each block, and their channels.
const BLOCKS: [(usize, usize); 5] = [(2, 64), (2, 128), (3, 256), (3, 512), (3, FEATURES)];

fn plan() -> Vec<StagePlan> {
    let mut stages = Vec::new();
    let mut input = 3;
    // The index in torchvision's `features`, where each convolution is followed by its ReLU as a layer of its own.
    let mut place = 0;
    for (block, (convolutions, width)) in (1..).zip(BLOCKS) {
        for convolution in 1..=convolutions {
            let conv = ConvPlan {
                name: format!("features.{place}"),
                norm: Norm::Bias,
                input,
                output: width,
                kernel: [3, 3],
                stride: 1,
                padding: Padding::Same,
                groups: 1,
                activation: Activation::Relu,
                scale: 1.0,
            };
            stages.push(StagePlan::new(format!("block{block}_conv{convolution}"), conv));
            input = width;
            place += 2;
        }
        stages.push(StagePlan::new(
            format!("block{block}_pool"),
            Step::MaxPool { kernel: 2, stride: 2, padding: Padding::Fixed([0, 0]) },
        ));
        place += 1;
    }
    stages
}
