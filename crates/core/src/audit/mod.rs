//! What an audit of a data set looks for, and what it found. The looking is the engine's affair.

mod report;

pub use report::{Audit, Finding, Kind, SeenByRun, Subject, Tally};

use crate::backbone::Pool;
use crate::features::Taps;
use serde::{Deserialize, Serialize};

/// What counts as a finding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Bits of 256 in which the hashes of near duplicates may differ. Among 5,000 FairFace faces, JPEG of quality 50
    /// changes at most 26 bits, halving the size 22, cutting off 2 pixels at each side 22 in 99 of 100; different faces
    /// differ in 30 and more.
    pub bits: u32,
    /// Cosine of standardised features above which images are alike. Of 12.5 million pairs of FairFace faces, on stage 10
    /// of MobileNetV2 in a 4 x 4 grid, three reach 0.8, all of them the same photograph or series.
    pub cosine: f32,
    /// Pixels of the shorter side below which an image is too small.
    pub side: u32,
    /// Mean luma (0 to 255) below which it is too dark, and its standard deviation below which it is flat.
    pub light: f32,
    pub contrast: f32,
    pub features: Wanted,
    /// A trained run that is asked about the labels of the images that it was not trained on.
    pub with: Option<String>,
    /// Whether faces are looked for; none for where the detector's weights are there.
    pub faces: Option<bool>,
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            bits: 28,
            cosine: 0.8,
            side: 64,
            light: 32.0,
            contrast: 12.0,
            features: Wanted::default(),
            with: None,
            faces: None,
            seed: 1,
        }
    }
}

/// What the user wants of the features; nothing said means whatever is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    pub backbone: Option<String>,
    pub tap: Option<Taps>,
    pub pool: Option<Pool>,
}
