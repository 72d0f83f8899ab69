//! Which part of a picture the network is shown.

use crate::imaging::{Pixels, Similarity};
use faceprobe_settings::choices;
use serde::{Deserialize, Serialize};

choices! {
    /// How faces are looked for.
    pub enum Detect {
        /// Not at all: the whole picture, as in the study.
        None = "none",
        /// The upright square around a face.
        Detect = "detect",
        /// The square around a face turned and scaled so that eyes, nose and mouth lie where they do in the training data.
        Align = "align",
    }
}

/// Where a crop lies in its picture: `u = a[0] . (x, y, 1)`, `v = a[1] . (x, y, 1)` for the point x, y of the upright
/// picture in shares of its width and height. Inside the crop, u and v are in 0..=1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Placement(pub [[f64; 3]; 2]);

impl Placement {
    /// All of the picture.
    pub const WHOLE: Self = Self([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]);

    /// A square of `side` pixels that `to_picture` takes into a picture.
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
