//! Any image to a label with its probability.

pub mod client;
mod predictor;

pub use predictor::Predictor;

use serde::{Deserialize, Serialize};

/// What a model says of one image. The names of the fields are a contract of `predict --json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    pub path: String,
    /// The class told; null when there is an error.
    pub label: Option<String>,
    /// Probability of that label, in 0..=1, calibrated on validation where the model has a calibration. The label is
    /// told by score and threshold alone, so with a threshold chosen for something else than accuracy this can be
    /// below one half.
    pub probability: Option<f64>,
    /// The model's own probability of the positive class, in 0..=1, not calibrated: what the threshold is held to.
    pub score: Option<f64>,
    /// Scores from here on are told as the positive class.
    pub threshold: f64,
    /// Faces found in the image; empty where the whole picture was used.
    pub faces: Vec<Face>,
    /// Null, or a sentence that says why there is no label.
    pub error: Option<String>,
    /// What went into the network: `whole picture`.
    pub input: String,
    /// The run whose model spoke.
    pub model: String,
    /// Decoding and network, in milliseconds.
    pub milliseconds: f64,
}

/// A face in an image, in pixels of the upright image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Face {
    /// Left, top, right, bottom.
    #[serde(rename = "box")]
    pub bounds: [f64; 4],
    /// Five points: eyes, nose, corners of the mouth.
    pub landmarks: Vec<[f64; 2]>,
}
