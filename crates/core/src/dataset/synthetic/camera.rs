//! From a drawing to a JPEG file: light, lens, sensor.

use super::draws::Draws;
use super::scene::Scene;
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageError};
use tiny_skia::Pixmap;

/// The bytes of the JPEG file that a camera would write of this drawing.
pub(super) fn photograph(drawing: &Pixmap, scene: &Scene) -> Result<Vec<u8>, ImageError> {
    let size = drawing.width() as usize;
    let mut pixels = lit(drawing, scene);
    // Two box blurs are close to a Gaussian of the same variance: each adds (width^2 - 1) / 12.
    let variance = (scene.blur * size as f32).powi(2);
    let radius = (((6.0 * variance + 1.0).sqrt() - 1.0) / 2.0).round() as usize;
    for _ in 0..2 {
        if radius > 0 {
            pixels = blurred(&pixels, size, radius);
        }
    }
    let bytes = sensed(&pixels, scene);
    let mut file = Vec::with_capacity(size * size / 3);
    let side = drawing.width();
    JpegEncoder::new_with_quality(&mut file, scene.jpeg_quality).encode(&bytes, side, side, ExtendedColorType::Rgb8)?;
    Ok(file)
}

/// Tint, fall-off of the light and tone curve; grey levels 0 to 255.
fn lit(drawing: &Pixmap, scene: &Scene) -> Vec<[f32; 3]> {
    let size = drawing.width() as usize;
    let curve: Vec<f32> = (0..=255).map(|level| 255.0 * (level as f32 / 255.0).powf(scene.gamma)).collect();
    let mut pixels = Vec::with_capacity(size * size);
    for (row, line) in drawing.pixels().chunks_exact(size).enumerate() {
        let down = row as f32 / size as f32 - 0.5;
        for (column, pixel) in line.iter().enumerate() {
            let across = column as f32 / size as f32 - 0.5;
            let side = across * scene.light[0] + down * scene.light[1];
            let vignette = 1.0 - 0.35 * (across * across + down * down);
            let light = vignette * (1.0 + 0.45 * scene.contrast * side);
            let levels = [pixel.red(), pixel.green(), pixel.blue()];
            pixels.push(std::array::from_fn(|i| curve[usize::from(levels[i])] * scene.tint[i] * light));
        }
    }
    pixels
}

/// A box blur over `2 * radius + 1` pixels in both directions; the border pixels count as going on.
fn blurred(pixels: &[[f32; 3]], size: usize, radius: usize) -> Vec<[f32; 3]> {
    let rows = slid(pixels, size, radius, size, 1);
    slid(&rows, size, radius, 1, size)
}

/// The sliding mean along lines: line `i` starts at `i * line`, its pixels lie `step` apart.
fn slid(pixels: &[[f32; 3]], size: usize, radius: usize, line: usize, step: usize) -> Vec<[f32; 3]> {
    let mut means = vec![[0.0; 3]; pixels.len()];
    let share = 1.0 / (2 * radius + 1) as f32;
    for start in (0..size).map(|i| i * line) {
        let at = |i: usize| pixels[start + i.min(size - 1) * step];
        let mut sum = at(0).map(|value| value * (radius + 1) as f32);
        for i in 0..radius {
            let [r, g, b] = at(i);
            sum = [sum[0] + r, sum[1] + g, sum[2] + b];
        }
        for i in 0..size {
            let (new, old) = (at(i + radius), at(i.saturating_sub(radius + 1)));
            sum = std::array::from_fn(|c| sum[c] + new[c] - old[c]);
            means[start + i * step] = sum.map(|value| value * share);
        }
    }
    means
}

/// Adds sensor noise, mostly the same on the three colours, and rounds to bytes.
fn sensed(pixels: &[[f32; 3]], scene: &Scene) -> Vec<u8> {
    let draws = &mut Draws::of(scene.texture, "noise", 0);
    let mut bytes = Vec::with_capacity(pixels.len() * 3);
    for pixel in pixels {
        let bits = draws.bits();
        // The sum of two uniform 16-bit numbers has a deviation of 65536 / sqrt(6).
        let grey = ((bits & 0xffff) + (bits >> 16 & 0xffff)) as f32 / 65536.0 - 1.0;
        let grey = grey * 2.449 * scene.noise;
        for (i, &value) in pixel.iter().enumerate() {
            let own = (bits >> (32 + 8 * i) & 0xff) as f32 / 256.0 - 0.5;
            bytes.push((value + grey + own * scene.noise).round().clamp(0.0, 255.0) as u8);
        }
    }
    bytes
}
