//! The part of an image that the network gets.

use crate::face::{Alignment, Face};
use faceprobe_core::imaging::{Pixels, warp};
use faceprobe_core::predict::{Detect, Placement};

/// The region of an image for the network.
pub(super) struct Crop {
    /// Not yet resized to the network's input.
    pub pixels: Pixels,
    pub placement: Placement,
}

/// The crop of a face. Outside the image its edge is repeated.
pub(super) fn of_face(picture: &Pixels, face: &Face, detect: Detect, alignment: Alignment) -> Crop {
    let Alignment { template, side } = alignment;
    let to_picture = if detect == Detect::Align { face.aligned(template, side) } else { face.upright(template, side) };
    Crop { pixels: warp(picture, &to_picture, side), placement: Placement::of(&to_picture, side, picture) }
}
