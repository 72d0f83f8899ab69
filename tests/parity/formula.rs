//! Pictures and weights by formulas, the same as in `fixtures/parity_reference.py`.

use faceprobe::backbone::BackboneInfo;
use faceprobe::imaging::Pixels;
use std::collections::BTreeMap;
use tch::Tensor;

/// `picture` of the fixture scripts.
pub fn picture(number: u32, side: usize) -> Pixels {
    let mut rgb = Vec::with_capacity(side * side * 3);
    for y in 0..side as u32 {
        for x in 0..side as u32 {
            for c in 0..3_u32 {
                let mut h = x.wrapping_mul(73_856_093)
                    ^ y.wrapping_mul(19_349_663)
                    ^ c.wrapping_mul(83_492_791)
                    ^ number.wrapping_mul(2_654_435_761);
                h ^= h >> 13;
                h = h.wrapping_mul(0x5BD1_E995);
                h ^= h >> 15;
                let wave = ((x * (number + 2) + y * (number + 1)) >> 1) & 255;
                let wave = wave.min(255 - wave);
                rgb.push((wave + (h & 63) + 16 * c) as u8);
            }
        }
    }
    Pixels::new(side, side, rgb).unwrap()
}

/// `uniform` of the fixture script: numbers in -1/2 .. 1/2 that follow from a name.
pub fn uniform(name: &str, count: usize) -> impl Iterator<Item = f64> + use<> {
    let seed = name.bytes().fold(0x811C_9DC5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    (0..count as u32).map(move |counter| {
        let mut h = counter.wrapping_mul(0x9E37_79B1).wrapping_add(seed);
        h ^= h >> 16;
        h = h.wrapping_mul(0x85EB_CA6B);
        h ^= h >> 13;
        h = h.wrapping_mul(0xC2B2_AE35);
        h ^= h >> 16;
        f64::from(h >> 8) / f64::from(1 << 24) - 0.5
    })
}

/// `parameter` of the fixture script.
fn parameter(name: &str, shape: &[usize], gammas: bool) -> Tensor {
    let count = shape.iter().product();
    let u = uniform(name, count);
    let values: Vec<f32> = match (name.rsplit('.').next(), shape) {
        (Some("weight"), [_, inputs, rows, columns]) => {
            let scale = (24.0 / (inputs * rows * columns) as f64).sqrt();
            u.map(|u| (u * scale) as f32).collect()
        }
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
