//! Face detection and alignment.
//!
//! Detection is the cascade of Zhang, Zhang, Li and Qiao (IEEE Signal Processing Letters, 2016) with the weights and the
//! arithmetic of the `facenet-pytorch` package, version 2.6.0 ([`detector`]); alignment is a similarity transform of the
//! five landmarks ([`align`]).

mod align;
mod boxes;
mod crops;
mod detector;
mod networks;

pub use align::{align, landmarks_of};
pub use boxes::{Candidate, Overlap, candidates, suppress};
pub use crops::{FaceCropper, subject};
pub use detector::{Detector, smallest_face};
pub use faceprobe_core::imaging::{Alignment, Template};
pub use networks::Stage;

use serde::{Deserialize, Serialize};

/// A detected face, in pixels of the upright image; the centre of the first pixel is at 0, 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Face {
    /// Left, top, right, bottom; may extend beyond the image.
    pub bbox: [f32; 4],
    /// Probability of a face, 0.7..=1.
    pub score: f32,
    /// Left and right eye (as seen in the image), nose, left and right corner of the mouth; x and y each.
    pub landmarks: [[f32; 2]; 5],
}

impl Face {
    /// Area of the box in pixels.
    pub fn area(&self) -> f32 {
        (self.bbox[2] - self.bbox[0]) * (self.bbox[3] - self.bbox[1])
    }
}
