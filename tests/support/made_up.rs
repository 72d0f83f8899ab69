//! Networks with generated weights.

use faceprobe_core::backbone;
use safetensors::{Dtype, tensor::TensorView};
use std::fs;
use std::path::Path;

/// Weights by a formula that keeps activations in bounds.
pub fn weights(network: &str, path: &Path) {
    let info = backbone::find(network).expect("a network of the program's");
    let mut state = 1u32;
    let mut tensors = Vec::new();
    for (name, shape) in info.parameters() {
        let (scale, middle) = match (name.rsplit('.').next(), shape.as_slice()) {
            (Some("weight"), [_, inputs, rows, columns]) => ((24.0 / (inputs * rows * columns) as f32).sqrt(), 0.0),
            (Some("weight"), [_, inputs]) => ((24.0 / *inputs as f32).sqrt(), 0.0),
            (Some("weight" | "running_var"), _) => (0.2, 1.0),
            _ => (0.2, 0.0),
        };
        let values = (0..shape.iter().product()).flat_map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (middle + scale * ((state >> 8) as f32 / (1 << 24) as f32 - 0.5)).to_le_bytes()
        });
        let bytes: Vec<u8> = values.collect();
        tensors.push((name, shape, bytes));
    }
    let views = tensors.iter().map(|(name, shape, bytes)| {
        (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).expect("a tensor"))
    });
    fs::write(path, safetensors::serialize(views, None).expect("safetensors")).expect("a file");
}
