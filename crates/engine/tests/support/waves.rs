//! Images of a few sine waves, different for each seed.

use image::RgbImage;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A square picture of `side` pixels.
pub fn picture(seed: u64, side: u32) -> RgbImage {
    let mut draw = ChaCha8Rng::seed_from_u64(seed);
    let waves: Vec<[f32; 4]> = (0..6)
        .map(|_| {
            [
                draw.random_range(-9.0..9.0),
                draw.random_range(-9.0..9.0),
                draw.random_range(0.0..6.3),
                draw.random_range(10.0..30.0),
            ]
        })
        .collect();
    RgbImage::from_fn(side, side, |x, y| {
        let (x, y) = (x as f32 / side as f32, y as f32 / side as f32);
        let value: f32 = waves.iter().map(|[a, b, phase, height]| height * (a * x + b * y + phase).sin()).sum();
        let value = (128.0 + value).clamp(0.0, 255.0) as u8;
        image::Rgb([value, value / 2 + 40, 255 - value])
    })
}
