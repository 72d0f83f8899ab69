//! Prediction: from an image to a label with its probability, and to a map of the regions that it depends on.
//!
//! [`predict_all`] distributes inputs over one stream per thread. The [`PredictionThread`] of a stream processes
//! several images at once: decoding, face detection and cropping, features, score.

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

/// A face in the form of `predict --json`.
pub(crate) fn told(face: &crate::face::Face) -> Face {
    Face {
        bounds: face.bbox.map(f64::from),
        landmarks: face.landmarks.iter().map(|point| point.map(f64::from)).collect(),
        score: f64::from(face.score),
    }
}
