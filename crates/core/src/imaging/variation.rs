//! Offline data augmentation: a fixed set of variations of an image.

use super::{Pixels, Similarity, warp};

/// Number of variations.
pub const VARIATIONS: usize = 8;

/// An image rotated, scaled, shifted and relit slightly. Variations are numbered from 1 and the same for every image,
/// so that their features can be cached.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Variation {
    number: usize,
    /// Degrees, clockwise.
    turn: f64,
    zoom: f64,
    /// To the right and down, as a fraction of the side.
    shift: [f64; 2],
    light: f32,
    contrast: f32,
    /// 0 gives grey, 1 changes nothing.
    colour: f32,
}

/// Each differs from the others in all parameters; together they are centred on the original. Faces stay upright and
/// complete: the ranges are typical differences between cameras and crops.
const ALL: [Variation; VARIATIONS] = [
    of(1, 8.0, 1.12, [0.03, -0.03], [1.15, 1.0, 1.0]),
    of(2, -10.0, 0.92, [-0.04, 0.02], [0.80, 1.1, 1.2]),
    of(3, 4.0, 1.25, [0.05, 0.05], [1.0, 1.3, 0.4]),
    of(4, -5.0, 1.05, [-0.05, -0.04], [1.05, 0.7, 1.3]),
    of(5, 14.0, 1.0, [0.0, 0.04], [0.9, 0.9, 0.7]),
    of(6, -14.0, 1.18, [0.02, 0.0], [1.25, 1.1, 0.9]),
    of(7, -1.0, 0.85, [-0.02, -0.02], [0.95, 1.2, 0.0]),
    of(8, 6.0, 1.35, [0.0, 0.02], [0.7, 0.85, 1.0]),
];

const fn of(number: usize, turn: f64, zoom: f64, shift: [f64; 2], [light, contrast, colour]: [f32; 3]) -> Variation {
    Variation { number, turn, zoom, shift, light, contrast, colour }
}

/// Luma weights of red, green and blue (ITU-R BT.601).
const GREY: [f32; 3] = [0.299, 0.587, 0.114];

impl Variation {
    /// The variation of this number, from 1 to [`VARIATIONS`].
    pub fn numbered(number: usize) -> Option<Self> {
        ALL.get(number.checked_sub(1)?).copied()
    }

    /// For the identity of a store. The version after the name increases when the variations change.
    pub fn describe(&self) -> String {
        format!("variation-v1 {}", self.number)
    }

    /// A variation of a square image; rotation and shift repeat its edge.
    pub fn of(&self, picture: &Pixels) -> Pixels {
        let mut varied = warp(picture, &self.placing(picture.width() as f64), picture.width());
        for pixel in varied.rgb.chunks_exact_mut(3) {
            let values = [0, 1, 2].map(|channel| f32::from(pixel[channel]));
            let grey: f32 = values.iter().zip(GREY).map(|(value, weight)| value * weight).sum();
            for (out, value) in pixel.iter_mut().zip(values) {
                let coloured = grey + self.colour * (value - grey);
                // Casts saturate at 0 and 255.
                *out = (self.light * (128.0 + self.contrast * (coloured - 128.0))).round() as u8;
            }
        }
        varied
    }

    /// The transform from the varied image to the original, `side` pixels wide.
    fn placing(&self, side: f64) -> Similarity {
        let (sine, cosine) = self.turn.to_radians().sin_cos();
        let about_origin = Similarity { a: self.zoom * cosine, b: self.zoom * sine, shift: [0.0; 2] };
        let middle = about_origin.apply([side / 2.0; 2]);
        let shift = [0, 1].map(|axis| side / 2.0 + self.shift[axis] * side - middle[axis]);
        Similarity { shift, ..about_origin }.inverse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lone_pixel(side: usize, at: [usize; 2]) -> Pixels {
        let mut rgb = vec![0u8; side * side * 3];
        rgb[(at[1] * side + at[0]) * 3..][..3].copy_from_slice(&[255, 255, 255]);
        Pixels::new(side, side, rgb).unwrap()
    }

    /// Where the light of a picture is, from its middle.
    fn light_at(picture: &Pixels) -> [f64; 2] {
        let (mut sum, mut at) = (0.0, [0.0; 2]);
        for (place, pixel) in picture.rgb().chunks_exact(3).enumerate() {
            let value = f64::from(pixel[0]);
            let middle = picture.width() as f64 / 2.0;
            sum += value;
            at[0] += value * ((place % picture.width()) as f64 + 0.5 - middle);
            at[1] += value * ((place / picture.width()) as f64 + 0.5 - middle);
        }
        at.map(|at| at / sum)
    }

    #[test]
    fn a_variation_turns_clockwise_enlarges_and_moves() {
        let one = of(1, 90.0, 2.0, [0.0, 0.1], [1.0; 3]);
        // Ten pixels to the right of the centre; rotated by a right angle they are below it, at twice the distance.
        let varied = one.of(&lone_pixel(100, [60, 50]));
        let [x, y] = light_at(&varied);
        assert!((x + 1.0).abs() < 0.6 && (y - 31.0).abs() < 0.6, "{x} {y}");
    }

    #[test]
    fn light_contrast_and_colour_are_applied_in_this_order_backwards() {
        let picture = Pixels::new(1, 1, vec![200, 100, 50]).unwrap();
        let grey: f32 = 0.299 * 200.0 + 0.587 * 100.0 + 0.114 * 50.0;
        let varied = of(1, 0.0, 1.0, [0.0; 2], [0.5, 2.0, 0.0]).of(&picture);
        assert_eq!(varied.rgb(), [(0.5 * (128.0 + 2.0 * (grey - 128.0))).round() as u8; 3]);
        let saturated = of(1, 0.0, 1.0, [0.0; 2], [2.0, 1.0, 1.0]).of(&picture);
        assert_eq!(saturated.rgb(), [255, 200, 100]);
        let unchanged = of(1, 0.0, 1.0, [0.0; 2], [1.0; 3]).of(&picture);
        assert_eq!(unchanged, picture);
    }

    #[test]
    fn every_variation_has_its_number_and_differs() {
        assert!(Variation::numbered(0).is_none() && Variation::numbered(VARIATIONS + 1).is_none());
        let picture = lone_pixel(9, [4, 3]);
        let all: Vec<_> = (1..=VARIATIONS).filter_map(Variation::numbered).collect();
        assert_eq!(all.iter().map(|one| one.number).collect::<Vec<_>>(), (1..=VARIATIONS).collect::<Vec<_>>());
        for (at, one) in all.iter().enumerate() {
            assert!(all[..at].iter().all(|before| before.of(&picture) != one.of(&picture)));
        }
    }
}
