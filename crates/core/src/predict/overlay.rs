//! Draws a map over its image.

use super::HeatMap;
use super::crop::Placement;
use crate::imaging::Pixels;

/// matplotlib's `inferno`, sampled at eleven points: perceptually uniform, and safe for colour-blind readers.
const COLOURS: [[u8; 3]; 11] = [
    [0, 0, 4],
    [22, 11, 57],
    [66, 10, 104],
    [106, 23, 110],
    [147, 38, 103],
    [188, 55, 84],
    [221, 81, 58],
    [243, 120, 25],
    [252, 165, 10],
    [246, 215, 70],
    [252, 255, 164],
];

/// Opacity of the strongest colour.
const COVER: f32 = 0.75;

/// Grey of the outline around a crop.
const LINE: u8 = 230;

/// The colour of a value in 0..=1.
pub fn colour(value: f32) -> [u8; 3] {
    let at = value.clamp(0.0, 1.0) * (COLOURS.len() - 1) as f32;
    let first = (at as usize).min(COLOURS.len() - 2);
    let share = at - first as f32;
    [0, 1, 2].map(|channel| {
        let (low, high) = (f32::from(COLOURS[first][channel]), f32::from(COLOURS[first + 1][channel]));
        (low + (high - low) * share).round() as u8
    })
}

/// The image at its own size with the positive part of each map over its crop. The strongest position of a map has the
/// brightest colour and hides most of the image; parts without influence are left unchanged.
pub fn overlay(picture: &Pixels, maps: &[(&HeatMap, Placement)]) -> Pixels {
    let (width, height) = (picture.width(), picture.height());
    let mut rgb = picture.rgb().to_vec();
    for (map, placement) in maps {
        // No value is positive if everything supports the other class.
        let peak = map.peak().max(f32::MIN_POSITIVE);
        // Increments of u and v per pixel of the image.
        let step = placement.0.map(|[x, y, _]| (x / width as f64).hypot(y / height as f64));
        let crop = *placement != Placement::WHOLE;
        for (y, row) in rgb.chunks_exact_mut(width * 3).enumerate() {
            for (x, pixel) in row.chunks_exact_mut(3).enumerate() {
                let [u, v] = placement.apply((x as f64 + 0.5) / width as f64, (y as f64 + 0.5) / height as f64);
                if !(0.0..=1.0).contains(&u) || !(0.0..=1.0).contains(&v) {
                    continue;
                }
                // An outline at the edge of a crop.
                if crop && (u.min(1.0 - u) < step[0] || v.min(1.0 - v) < step[1]) {
                    pixel.fill(LINE);
                    continue;
                }
                let value = (map.at(u, v) / peak).clamp(0.0, 1.0);
                let cover = COVER * value;
                for (channel, colour) in pixel.iter_mut().zip(colour(value)) {
                    *channel = (f32::from(*channel) * (1.0 - cover) + f32::from(colour) * cover).round() as u8;
                }
            }
        }
    }
    // The number of bytes is unchanged.
    Pixels::new(width, height, rgb).unwrap_or_else(|| picture.clone())
}
