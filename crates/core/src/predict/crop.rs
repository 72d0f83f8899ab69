//! The part of an image that the network gets.

use crate::imaging::{Pixels, Similarity};
use faceprobe_settings::choices;
use serde::{Deserialize, Serialize};

choices! {
    /// Face detection mode.
    pub enum Detect {
        /// None: the whole image.
        None = "none",
        /// The upright square around a face.
        Detect = "detect",
        /// The square around a face, rotated and scaled so that eyes, nose and mouth are at the positions of the
        /// training data.
        Align = "align",
    }
}

/// The position of a crop in its image: `u = a[0] . (x, y, 1)`, `v = a[1] . (x, y, 1)` for the point x, y of the
/// upright image, as fractions of its width and height. Inside the crop, u and v are in 0..=1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Placement(pub [[f64; 3]; 2]);

impl Placement {
    /// The whole image.
    pub const WHOLE: Self = Self([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]);

    /// A square of `side` pixels that `to_picture` maps into an image.
    pub fn of(to_picture: &Similarity, side: usize, picture: &Pixels) -> Self {
        let Similarity { a, b, shift: [x, y] } = to_picture.inverse();
        let (width, height, side) = (picture.width() as f64, picture.height() as f64, side as f64);
        Self([[a, -b, x], [b, a, y]].map(|[x, y, one]| [x * width / side, y * height / side, one / side]))
    }

    /// u and v of a point.
    pub fn apply(&self, x: f64, y: f64) -> [f64; 2] {
        self.0.map(|[a, b, c]| a * x + b * y + c)
    }
}
