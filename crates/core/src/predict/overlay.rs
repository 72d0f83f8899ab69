//! A heat map over the picture that it explains.

use super::HeatMap;
use super::crop::Placement;
use crate::imaging::Pixels;

/// matplotlib's `inferno` at eleven places from 0 to 1: brightness rises evenly, for eyes that see few colours too.
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

/// How much of the picture the strongest colour covers.
const COVER: f32 = 0.75;

/// The grey of the line around a crop.
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

/// The picture, at its own size, with the positive part of each map over the place it is of. The strongest place of a
/// map has the brightest colour and hides most of the picture; what has no part in the answer is left as it is.
pub fn overlay(picture: &Pixels, maps: &[(&HeatMap, Placement)]) -> Pixels {
    let (width, height) = (picture.width(), picture.height());
    let mut rgb = picture.rgb().to_vec();
    for (map, placement) in maps {
        // No place has a positive value where everything speaks for the other class.
        let peak = map.peak().max(f32::MIN_POSITIVE);
        // How far u and v go in a pixel of the picture.
        let step = placement.0.map(|[x, y, _]| (x / width as f64).hypot(y / height as f64));
        let crop = *placement != Placement::WHOLE;
        for (y, row) in rgb.chunks_exact_mut(width * 3).enumerate() {
            for (x, pixel) in row.chunks_exact_mut(3).enumerate() {
                let [u, v] = placement.apply((x as f64 + 0.5) / width as f64, (y as f64 + 0.5) / height as f64);
                if !(0.0..=1.0).contains(&u) || !(0.0..=1.0).contains(&v) {
                    continue;
                }
                // Where a crop ends, a line.
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
    // The same number of bytes as before.
    Pixels::new(width, height, rgb).unwrap_or_else(|| picture.clone())
}
