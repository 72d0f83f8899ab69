//! A face detector with generated weights.

use crate::patterns::uniform;

/// `parameter` of `fixtures/face_reference.py`: the numbers of a parameter of the face detector.
pub fn detector_parameter(salt: &str, name: &str, shape: &[usize]) -> Vec<f32> {
    let gain = match () {
        () if ["conv4_1", "dense5_1", "dense6_1"].iter().any(|layer| name.contains(layer)) => 2.0,
        () if ["conv4_2", "dense5_2", "dense6_2"].iter().any(|layer| name.contains(layer)) => 0.2,
        () => 1.0,
    };
    let spread = (24.0 / shape[1..].iter().product::<usize>() as f64).sqrt();
    uniform(&format!("{salt}{name}"), shape.iter().product())
        .map(|u| match () {
            () if name.contains("prelu") => 0.25 + 0.2 * u,
            () if name.ends_with("bias") => 0.2 * u,
            () => u * gain * spread,
        })
        .map(|value| value as f32)
        .collect()
}
