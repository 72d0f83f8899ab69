//! Prediction: from an image to a label with its probability, and to a map of the regions that it depends on.
//!
//! [`Inputs`] enumerates the inputs. The worker answers; the command line and the workbench both use it through
//! [`client`] or [`batch`].

pub mod batch;
pub mod client;
mod crop;
pub mod folder;
mod heat_map;
pub mod input;
mod list;
mod listed;
pub mod overlay;
mod reading;
mod wide;

pub use batch::{Answers, Batch, BatchReply, BatchSummary};
pub use client::{Client, Explanation, Options, Reply, Request};
pub use crop::{Detect, Placement};
pub use folder::PassedOver;
pub use heat_map::{HeatMap, Method};
pub use input::{Inputs, Item, Separator};
pub use reading::read;

use serde::{Deserialize, Serialize};

/// The label of an answer below the required probability; see [`Options::uncertain_below`].
pub const UNCERTAIN: &str = "uncertain";

/// The prediction for one image, or for one face in it. The field names are a contract of `predict --json`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    pub path: String,
    /// The predicted class, or `uncertain`; null if there is an error.
    pub label: Option<String>,
    /// Probability of the predicted class (also if uncertain), in 0..=1, calibrated on validation if the model has a
    /// calibration. The label depends on score and threshold only, so with a threshold chosen for something other than
    /// accuracy this can be below one half.
    pub probability: Option<f64>,
    /// The model's own probability of the positive class, in 0..=1, not calibrated: it is compared with the threshold.
    pub score: Option<f64>,
    /// Scores from here on mean the positive class.
    pub threshold: f64,
    /// Faces detected in the image, the largest first; empty without face detection.
    pub faces: Vec<Face>,
    /// Null, or the reason why there is no label.
    pub error: Option<String>,
    /// The network's input: `whole picture`, `detected face`, `aligned face`, or `whole picture, no face found`.
    pub input: String,
    /// The index of the face; null for the whole image.
    #[serde(default)]
    pub face: Option<usize>,
    /// Null, or a remark: the image is animated and its first frame was used.
    #[serde(default)]
    pub note: Option<String>,
    /// The file with the map drawn over the image, if one was requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
    /// For nearest neighbours, the training images that voted, the most similar first; empty for other kinds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub neighbours: Vec<Neighbour>,
    /// The run of the model.
    pub model: String,
    /// From reading to score, in milliseconds; for images processed together, each one's share.
    pub milliseconds: f64,
}

impl Prediction {
    /// The network's input, with the number of faces: `aligned face, 1 of 3`.
    pub fn input_words(&self) -> String {
        match (self.face, self.faces.len()) {
            (None, _) | (Some(_), 0 | 1) => self.input.clone(),
            (Some(face), count) => format!("{}, {} of {count}", self.input, face + 1),
        }
    }
}

/// A training image that voted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Neighbour {
    /// Its path in the prepared set.
    pub path: String,
    /// Its label.
    pub label: String,
    /// Cosine similarity of its features and those of the input, in -1..=1.
    pub similarity: f64,
}

/// A face in an image, in pixels of the upright image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Face {
    /// Left, top, right, bottom.
    #[serde(rename = "box")]
    pub bounds: [f64; 4],
    /// Five points: left and right eye as seen in the image, nose, left and right corner of the mouth.
    pub landmarks: Vec<[f64; 2]>,
    /// Probability of a face, in 0..=1.
    #[serde(default)]
    pub score: f64,
}
