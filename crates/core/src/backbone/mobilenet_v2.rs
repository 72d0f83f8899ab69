//! MobileNetV2, top to bottom.
//!
//! The network of Sandler, Howard, Zhu, Zhmoginov and Chen, "MobileNetV2: Inverted Residuals and Linear Bottlenecks"
//! (CVPR 2018), table 2, width 1. Stage i is `features[i]` of `torchvision.models.mobilenet_v2`, and parameters have its
//! names. `keras.applications.MobileNetV2` differs in two respects on which the weights depend: the epsilon
//! of batch normalisation, and where the zeros go around the input of a stride of 2.

use super::Architecture;
use super::blueprint::{Activation, BottleneckPlan, ConvPlan, Form, Norm, Padding, StagePlan};

/// Channels of the last stage.
pub const FEATURES: usize = 1280;
/// Channels of the first stage.
const STEM: usize = 32;

/// What the registry needs to know: torchvision's variant.
pub const TORCHVISION: Architecture =
    Architecture::Plan(|| plan(Variant { epsilon: 1e-5, padding: Padding::Fixed([1, 1]) }));
/// Keras' variant.
pub const KERAS: Architecture = Architecture::Plan(|| plan(Variant { epsilon: 1e-3, padding: Padding::Same }));

/// The differences of the two variants.
#[derive(Clone, Copy)]
struct Variant {
    epsilon: f64,
    /// Padding of the 3 x 3 convolutions.
    padding: Padding,
}

/// A row of the paper's table 2: `repeats` bottlenecks; the first has the stride and changes the width.
struct Row {
    /// Expansion ratio t.
    expansion: usize,
    /// c.
    output: usize,
    /// n.
    repeats: usize,
    /// s.
    stride: usize,
}

const fn row(expansion: usize, output: usize, repeats: usize, stride: usize) -> Row {
    Row { expansion, output, repeats, stride }
}

const TABLE: [Row; 7] = [
    row(1, 16, 1, 1),
    row(6, 24, 2, 2),
    row(6, 32, 3, 2),
    row(6, 64, 4, 2),
    row(6, 96, 3, 1),
    row(6, 160, 3, 2),
    row(6, 320, 1, 1),
];

impl Variant {
    /// Convolution `conv` of the checkpoint with batch normalisation `norm`.
    fn conv(self, conv: String, norm: String, channels: [usize; 2], kernel: usize) -> ConvPlan {
        ConvPlan {
            name: conv,
            norm: Norm::Batch(norm, self.epsilon),
            input: channels[0],
            output: channels[1],
            kernel: [kernel; 2],
            stride: 1,
            padding: if kernel == 1 { Padding::Fixed([0, 0]) } else { self.padding },
            groups: 1,
            activation: Activation::Relu6,
            scale: 1.0,
        }
    }

    /// The inverted residual: 1 x 1 expansion, depthwise convolution, 1 x 1 projection, with a residual where the
    /// shapes agree.
    fn bottleneck(self, name: &str, input: usize, row: &Row, stride: usize) -> Form {
        let inside = input * row.expansion;
        let expand = (row.expansion > 1)
            .then(|| self.conv(format!("{name}.conv.0.0"), format!("{name}.conv.0.1"), [input, inside], 1));
        // Unlike the first two, the projection is not in a group with its normalisation.
        let place = usize::from(expand.is_some());
        let (conv, norm) = (format!("{name}.conv.{place}.0"), format!("{name}.conv.{place}.1"));
        let depthwise = self.conv(conv, norm, [inside, inside], 3);
        let (conv, norm) = (format!("{name}.conv.{}", place + 1), format!("{name}.conv.{}", place + 2));
        let project = self.conv(conv, norm, [inside, row.output], 1);
        BottleneckPlan {
            expand,
            depthwise: ConvPlan { stride, groups: inside, ..depthwise },
            project: ConvPlan { activation: Activation::None, ..project },
            residual: stride == 1 && input == row.output,
        }
        .into()
    }
}

fn plan(variant: Variant) -> Vec<StagePlan> {
    let unit = |place: usize, channels: [usize; 2], kernel: usize| {
        variant.conv(format!("features.{place}.0"), format!("features.{place}.1"), channels, kernel)
    };
    let mut stages = vec![StagePlan::new("features.0", ConvPlan { stride: 2, ..unit(0, [3, STEM], 3) })];
    let mut input = STEM;
    for row in &TABLE {
        for repeat in 0..row.repeats {
            let name = format!("features.{}", stages.len());
            let stride = if repeat == 0 { row.stride } else { 1 };
            let form = variant.bottleneck(&name, input, row, stride);
            stages.push(StagePlan::new(name, form));
            input = row.output;
        }
    }
    let last = stages.len();
    stages.push(StagePlan::new(format!("features.{last}"), unit(last, [input, FEATURES], 1)));
    stages
}
