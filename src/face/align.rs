//! Crops in which every face lies in the same place.

use super::Face;
use crate::imaging::{Alignment, Pixels, Similarity, Template, warp};

/// Where a template has a face, as shares of the side of the crop.
struct Place {
    landmarks: [[f32; 2]; 5],
    /// Centre and side (square root of the area) of the detector's box, for faces whose landmarks are of no use.
    centre: [f64; 2],
    side: f64,
}

const LOOSE: Place =
    Place { landmarks: [[0.4, 0.4], [0.6, 0.4], [0.5, 0.5], [0.42, 0.6], [0.58, 0.6]], centre: [0.5, 0.5], side: 0.4 };

const TIGHT: Place = Place {
    landmarks: [[0.34, 0.4], [0.66, 0.4], [0.5, 0.58], [0.37, 0.75], [0.63, 0.75]],
    centre: [0.5, 0.5],
    side: 0.6,
};

fn place(template: Template) -> &'static Place {
    match template {
        Template::Loose => &LOOSE,
        Template::Tight => &TIGHT,
    }
}

/// Where a template has the five landmarks, as shares of the side of the crop, in the order of [`Face::landmarks`].
pub fn landmarks_of(template: Template) -> [[f32; 2]; 5] {
    place(template).landmarks
}

impl Alignment {
    /// The crop around a face of an upright picture.
    pub fn apply(self, picture: &Pixels, face: &Face) -> Pixels {
        align(picture, face, self.template, self.side)
    }
}

/// The square of `side` pixels (at least 1) in which the landmarks of a face lie, by the best similarity transform, where
/// the template has them. Outside the picture its edge is repeated. Nothing aliases: where the picture shrinks, all its
/// pixels count. Where the landmarks make no sense (all in one place), the crop is upright around the box.
pub fn align(picture: &Pixels, face: &Face, template: Template, side: usize) -> Pixels {
    let side = side.max(1);
    warp(picture, &face.aligned(template, side), side)
}

impl Face {
    /// From the aligned crop of `side` pixels (at least 1) to the picture: what [`align`] does.
    pub fn aligned(&self, template: Template, side: usize) -> Similarity {
        let upright = self.upright(template, side);
        let goal = landmarks_of(template).map(|point| point.map(|share| share * side as f32));
        // What the landmarks say is believed as far as the box says about the same.
        let sane = |to_picture: &Similarity| (0.5..=2.0).contains(&(to_picture.scale() / upright.scale()));
        let aligned = Similarity::between(&self.landmarks, &goal).map(|transform| transform.inverse());
        aligned.filter(sane).unwrap_or(upright)
    }

    /// The same without turning, by the detector's box alone.
    pub fn upright(&self, template: Template, side: usize) -> Similarity {
        around_box(self, place(template), side)
    }
}

/// From the crop to the picture, without turning, by the detector's box alone.
fn around_box(face: &Face, place: &Place, side: usize) -> Similarity {
    let [left, top, right, bottom] = face.bbox.map(f64::from);
    // A box without an area is no face; whatever comes of it must be finite.
    let length = ((right - left).max(1.0) * (bottom - top).max(1.0)).sqrt();
    let scale = length / (place.side * side as f64);
    let middle = [(left + right) / 2.0, (top + bottom) / 2.0];
    let shift = [0, 1].map(|axis| middle[axis] - scale * place.centre[axis] * side as f64);
    Similarity { a: scale, b: 0.0, shift }
}
