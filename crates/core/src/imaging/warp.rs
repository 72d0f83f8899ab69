//! Extracts a rotated, scaled and shifted square from an image.

use super::{Pixels, Region, Similarity, average};

/// The square of `side` pixels whose positions `to_picture` maps into the image; positions are relative to the upper
/// left edge, so the centre of the first pixel is at 0.5. Outside the image its edge is repeated. For downscaling, the
/// image is first averaged over whole pixels, then filtered with a widened triangle, so that nothing aliases. `side`
/// must not be zero.
pub fn warp(picture: &Pixels, to_picture: &Similarity, side: usize) -> Pixels {
    let source = Source::under(picture, to_picture, side);
    // Support of an output pixel in the source: a triangle widened by the remaining scale.
    let reach = [0, 1].map(|axis| (to_picture.scale() / source.step[axis]).max(1.0));
    let mut rgb = Vec::with_capacity(side * side * 3);
    for row in 0..side {
        for column in 0..side {
            let at = to_picture.apply([column as f64 + 0.5, row as f64 + 0.5]);
            rgb.extend(source.sample(at, reach).map(|value| value.round() as u8));
        }
    }
    Pixels { width: side, height: side, rgb, room: None }
}

/// The part of the image under a crop, reduced by an integer factor for downscaling.
struct Source {
    /// Rows of `red green blue`, 0 to 255.
    values: Vec<f32>,
    size: [usize; 2],
    /// Its origin in the image.
    start: [f64; 2],
    /// Pixels of the image per pixel of this part, along x and y.
    step: [f64; 2],
}

impl Source {
    fn under(picture: &Pixels, to_picture: &Similarity, side: usize) -> Self {
        let end = side as f64;
        let corners = [[0.0, 0.0], [end, 0.0], [0.0, end], [end, end]].map(|corner| to_picture.apply(corner));
        let margin = 2.0 * to_picture.scale() + 2.0;
        let reduce = to_picture.scale().floor().max(1.0);
        let limits = [picture.width(), picture.height()];
        let along = |axis: usize| {
            let places = corners.map(|corner| corner[axis]);
            let low = places.iter().copied().fold(f64::INFINITY, f64::min) - margin;
            let high = places.iter().copied().fold(f64::NEG_INFINITY, f64::max) + margin;
            // Casts saturate; outside the image, its last pixel is repeated.
            let first = (low.max(0.0) as usize).min(limits[axis] - 1);
            let last = (high.max(0.0).ceil() as usize).clamp(first + 1, limits[axis]);
            (first, last - first, ((last - first) as f64 / reduce).ceil().max(1.0) as usize)
        };
        let [(left, width, columns), (top, height, rows)] = [along(0), along(1)];
        let values = average(picture, Region { left, top, width, height }, columns, rows);
        let step = [width as f64 / columns as f64, height as f64 / rows as f64];
        Self { values, size: [columns, rows], start: [left as f64, top as f64], step }
    }

    /// The weighted average around a position of the image.
    fn sample(&self, at: [f64; 2], reach: [f64; 2]) -> [f32; 3] {
        let taps = [0, 1].map(|axis| {
            // In pixels of this part, from the centre of its first.
            let middle = (at[axis] - self.start[axis]) / self.step[axis] - 0.5;
            let first = (middle - reach[axis]).floor() as i64 + 1;
            let last = (middle + reach[axis]).ceil() as i64 - 1;
            (middle, first, last.max(first))
        });
        let weight = |axis: usize, tap: i64| (1.0 - (tap as f64 - taps[axis].0).abs() / reach[axis]).max(0.0) as f32;
        let inside = |axis: usize, tap: i64| tap.clamp(0, self.size[axis] as i64 - 1) as usize;
        let mut sum = [0.0_f32; 3];
        let mut total = 0.0_f32;
        for y in taps[1].1..=taps[1].2 {
            let down = weight(1, y);
            let row = inside(1, y) * self.size[0];
            for x in taps[0].1..=taps[0].2 {
                let share = down * weight(0, x);
                let pixel = (row + inside(0, x)) * 3;
                (0..3).for_each(|channel| sum[channel] += share * self.values[pixel + channel]);
                total += share;
            }
        }
        sum.map(|sum| sum / total)
    }
}
