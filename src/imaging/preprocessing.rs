//! How a network wants its pictures.

use super::{Pixels, resize};

/// How pixels become the input of a network: squashed to `size` x `size`, then `(x - mean) / std` per channel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Preprocessing {
    /// Side of the square input in pixels.
    pub size: usize,
    /// The named way of resizing: `default` is antialiased bilinear on the upright picture.
    pub mode: &'static str,
    /// Red, green, blue; in grey levels 0..=255.
    pub mean: [f32; 3],
    /// Red, green, blue; in grey levels.
    pub std: [f32; 3],
}

impl Preprocessing {
    /// The `default` mode.
    pub const fn default_mode(size: usize, mean: [f32; 3], std: [f32; 3]) -> Self {
        Self { size, mode: "default", mean, std }
    }

    /// The picture at the size of the input, still in grey levels.
    pub fn resize(&self, picture: &Pixels) -> Pixels {
        resize(picture, self.size)
    }

    /// Every setting that changes values, for the identity of a feature store. The number behind the mode's name
    /// rises when its arithmetic changes.
    pub fn describe(&self) -> String {
        let list = |values: [f32; 3]| values.map(|value| value.to_string()).join(",");
        format!("{}-v1 {} bilinear mean {} std {}", self.mode, self.size, list(self.mean), list(self.std))
    }
}
