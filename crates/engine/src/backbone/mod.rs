//! Pretrained networks with their weights, on libtorch and our kernels. Their plans and the registry are in
//! [`faceprobe_core::backbone`].

mod allocator;
mod block_gradients;
mod bottleneck;
mod build;
mod convnext_block;
mod convolution;
mod depthwise;
pub mod device;
mod layers;
mod network;
pub mod onnx;
mod onnx_limits;
pub mod pooling;
mod residual;
mod stored;
mod sum;
mod tail;
mod tensor_slices;
pub mod torchscript;
mod transformer;

pub use allocator::tune_allocator;
pub use faceprobe_core::backbone::*;
pub use network::Network;
pub use stored::detector;
pub use tail::{Tail, TailLayer, TailNetwork, TailOffset};

use faceprobe_core::backbone::blueprint::{Activation, Padding};
use faceprobe_core::error::{Error, Result};
use layers::Layer;
use std::collections::BTreeMap;
use tch::Tensor;

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

/// A checkpoint's tensors by name, on the device that uses them.
struct Parameters {
    tensors: BTreeMap<String, Tensor>,
    /// The arithmetic of the network; the tensors themselves are f32.
    arithmetic: Arithmetic,
}

impl Parameters {
    fn get(&self, name: &str) -> Result<&Tensor> {
        self.tensors.get(name).ok_or_else(|| Error::failed(format!("The weights lack `{name}`.")))
    }
}
