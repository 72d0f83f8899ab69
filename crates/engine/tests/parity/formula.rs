//! Weights by formulas, the same as in `fixtures/parity_reference.py`.

use crate::patterns::uniform;
use faceprobe_engine::backbone::BackboneInfo;
use std::collections::BTreeMap;
use tch::Tensor;

/// `parameter` of the fixture script.
fn parameter(name: &str, shape: &[usize], gammas: bool) -> Tensor {
    let count = shape.iter().product();
    let u = uniform(name, count);
    let values: Vec<f32> = match (name.rsplit('.').next(), shape) {
        (Some("weight"), [_, inputs, rows, columns]) => {
            let scale = (24.0 / (inputs * rows * columns) as f64).sqrt();
            u.map(|u| (u * scale) as f32).collect()
        }
        (Some("weight"), [_, inputs]) => u.map(|u| (u * (12.0 / *inputs as f64).sqrt()) as f32).collect(),
        (Some("weight"), _) if !gammas => vec![1.0; count],
        (Some("weight"), _) => u.map(|u| (1.0 + 0.2 * u) as f32).collect(),
        (Some("running_var"), _) => u.map(|u| (1.0 + 0.5 * u) as f32).collect(),
        _ => u.map(|u| (0.2 * u) as f32).collect(),
    };
    Tensor::from_slice(&values).view(shape.iter().map(|&side| side as i64).collect::<Vec<_>>().as_slice())
}

/// All parameters of a network; with all gammas 1 where the reference has none.
pub fn parameters(info: &BackboneInfo, gammas: bool) -> BTreeMap<String, Tensor> {
    info.parameters()
        .into_iter()
        .map(|(name, shape)| {
            let tensor = parameter(&name, &shape, gammas);
            (name, tensor)
        })
        .collect()
}
