//! Any image to a label with its probability, and to a map of where in the image that label comes from.
//!
//! [`Inputs`] finds what is to be predicted. The worker program answers, asked through [`client`] by the command line and
//! the screens alike.

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

/// The label of an answer that is not sure enough; see [`Options::uncertain_below`].
pub const UNCERTAIN: &str = "uncertain";

/// What a model says of one image, or of one face in it. The names of the fields are a contract of `predict --json`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    pub path: String,
    /// The class told, or `uncertain`; null when there is an error.
    pub label: Option<String>,
    /// Probability of the class that is told (or would be, but for the doubt), in 0..=1, calibrated on validation where
    /// the model has a calibration. The label is told by score and threshold alone, so with a threshold chosen for
    /// something else than accuracy this can be below one half.
    pub probability: Option<f64>,
    /// The model's own probability of the positive class, in 0..=1, not calibrated: what the threshold is held to.
    pub score: Option<f64>,
    /// Scores from here on are told as the positive class.
    pub threshold: f64,
    /// Faces found in the image, the largest first; empty where nobody looked for any.
    pub faces: Vec<Face>,
    /// Null, or a sentence that says why there is no label.
    pub error: Option<String>,
    /// What went into the network: `whole picture`, `detected face`, `aligned face`, or
    /// `whole picture, no face found`.
    pub input: String,
    /// Which of the faces this is of, counted from 0; null where it is of the whole picture.
    #[serde(default)]
    pub face: Option<usize>,
    /// Null, or what else should be known: that the image moves and its first picture was taken.
    #[serde(default)]
    pub note: Option<String>,
    /// The file with the picture and the heat map over it, where one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
    /// Of nearest neighbours, the training images that voted, the most similar first; of other kinds nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub neighbours: Vec<Neighbour>,
    /// The run whose model spoke.
    pub model: String,
    /// From reading to score, in milliseconds; of images that were worked on together, each one's share.
    pub milliseconds: f64,
}

impl Prediction {
    /// What went into the network, with the count of faces: `aligned face, 1 of 3`.
    pub fn input_words(&self) -> String {
        match (self.face, self.faces.len()) {
            (None, _) | (Some(_), 0 | 1) => self.input.clone(),
            (Some(face), count) => format!("{}, {} of {count}", self.input, face + 1),
        }
    }
}

/// A training image that an answer comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Neighbour {
    /// Its file, as the prepared set knows it.
    pub path: String,
    /// The class it was trained with.
    pub label: String,
    /// The cosine of its features and those of the image asked about, in -1..=1.
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
    /// How sure the detector is that it is one, in 0..=1.
    #[serde(default)]
    pub score: f64,
}
