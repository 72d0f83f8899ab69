//! Face alignment: crops in which every face has the same position and size.

use super::Face;
use faceprobe_core::imaging::{Pixels, Similarity, Template, warp};

/// Where a template places a face, as fractions of the side of the crop.
struct Place {
    landmarks: [[f32; 2]; 5],
    /// Centre and side (square root of the area) of the detector's box, for faces with unusable landmarks.
    centre: [f64; 2],
    side: f64,
}

/// Measured on the 244 images of Adience's `faces` at hand (coarsely upright, the look of `aligned`): medians of what the
/// detector finds over the middle of 240 of them, left and right averaged so that a mirrored picture gives the mirrored
/// crop. Quartiles are 0.03 apart for the eyes and 0.04 for the mouth.
///
/// `cargo bench --bench faces -- FOLDER > FACES.jsonl; python3 crates/engine/tests/fixtures/face_reference.py template FACES.jsonl`
const LOOSE: Place = Place {
    landmarks: [[0.391, 0.412], [0.609, 0.412], [0.5, 0.541], [0.402, 0.643], [0.598, 0.643]],
    centre: [0.5, 0.479],
    side: 0.562,
};

/// Measured in the same way on every 17th of FairFace's training crops (padding 0.25, 224 pixels), 601 of 616. These are cut
/// from the eyebrows to the chin; quartiles are 0.1 apart from left to right, where heads turn, and 0.07 from top to bottom.
const TIGHT: Place = Place {
    landmarks: [[0.314, 0.25], [0.686, 0.25], [0.5, 0.487], [0.336, 0.678], [0.664, 0.678]],
    centre: [0.5, 0.384],
    side: 1.017,
};

fn place(template: Template) -> &'static Place {
    match template {
        Template::Loose => &LOOSE,
        Template::Tight => &TIGHT,
    }
}

/// The five landmarks of a template, as fractions of the side of the crop, in the order of [`Face::landmarks`].
pub fn landmarks_of(template: Template) -> [[f32; 2]; 5] {
    place(template).landmarks
}

/// The crop of `side` pixels (at least 1) to which the best similarity transform of the landmarks maps the face.
/// Outside the image its edge is repeated. Downscaling averages, so nothing aliases. Where the landmarks are degenerate
/// (all in one point), the crop is upright around the box.
pub fn align(picture: &Pixels, face: &Face, template: Template, side: usize) -> Pixels {
    let side = side.max(1);
    warp(picture, &face.aligned(template, side), side)
}

impl Face {
    /// The transform from the aligned crop of `side` pixels (at least 1) to the image, as [`align`] uses it.
    pub fn aligned(&self, template: Template, side: usize) -> Similarity {
        let upright = self.upright(template, side);
        let goal = landmarks_of(template).map(|point| point.map(|share| share * side as f32));
        // The landmarks are trusted as long as they agree roughly with the box.
        let sane = |to_picture: &Similarity| (0.5..=2.0).contains(&(to_picture.scale() / upright.scale()));
        let aligned = Similarity::between(&self.landmarks, &goal).map(|transform| transform.inverse());
        aligned.filter(sane).unwrap_or(upright)
    }

    /// The same without rotation, by the detector's box alone.
    pub fn upright(&self, template: Template, side: usize) -> Similarity {
        around_box(self, place(template), side)
    }
}

/// The transform from the crop to the image, without rotation, by the detector's box alone.
fn around_box(face: &Face, place: &Place, side: usize) -> Similarity {
    let [left, top, right, bottom] = face.bbox.map(f64::from);
    // A box without an area is no face, but the result must be finite.
    let length = ((right - left).max(1.0) * (bottom - top).max(1.0)).sqrt();
    let scale = length / (place.side * side as f64);
    let middle = [(left + right) / 2.0, (top + bottom) / 2.0];
    let shift = [0, 1].map(|axis| middle[axis] - scale * place.centre[axis] * side as f64);
    Similarity { a: scale, b: 0.0, shift }
}
