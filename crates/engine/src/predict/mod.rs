//! Any image to a label with its probability, and to a map of where in the image that label comes from.
//!
//! [`predict_all`] sends inputs through as many streams as there are threads, and a [`PredictionThread`] of a [`Predictor`] answers
//! for some images at once: bytes, picture, crop, features, score.

pub mod batch;
mod crop;
pub mod explain;
mod neighbours;
mod network_input;
mod predictor;
mod serve;
mod stream;
mod thread;

pub use faceprobe_core::predict::*;
pub use predictor::Predictor;
pub use serve::serve;
pub use stream::predict_all;
pub use thread::{Explained, PredictionThread};

/// A face as `predict --json` tells it.
pub(crate) fn told(face: &crate::face::Face) -> Face {
    Face {
        bounds: face.bbox.map(f64::from),
        landmarks: face.landmarks.iter().map(|point| point.map(f64::from)).collect(),
        score: f64::from(face.score),
    }
}
