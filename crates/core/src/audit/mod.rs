//! Settings and results of a data set's audit. The audit itself is in the engine.

mod report;

pub use report::{Audit, Finding, Kind, SeenByRun, Subject, Tally};

use crate::backbone::Pool;
use crate::features::Taps;
use faceprobe_settings::{Rules, settings};
use serde_json::{Map, Value};

settings! {
    /// What counts as a finding, and whom an audit asks.
    pub struct Settings {
        /// Use the predictions of this run too (best: a fine-tuned one) on the images that it was not trained on.
        with: Option<String> = None, text("RUN");
        /// Look for a face in every image; auto: where the weights of mtcnn are there.
        faces: Option<bool> = None, any().or("auto");
        // Among 5,000 FairFace faces, JPEG of quality 50 changes at most 26 bits, halving the size 22, cutting off 2 pixels
        // at each side 22 in 99 of 100; different faces differ in 30 and more.
        /// Bits of 256 in which the hashes of near duplicates may differ.
        bits: u32 = 28, whole(0..=31).unit("bits");
        // Of 12.5 million pairs of FairFace faces, on stage 10 of MobileNetV2 in a 4 x 4 grid, three reach 0.8, all of
        // them the same photograph or series.
        /// Cosine of standardised features above which images are alike.
        cosine: f32 = 0.8, number(-1.0..=1.0).advanced();
        /// Pixels of the shorter side below which an image is too small.
        min_side: u32 = 64, whole(0..=100_000).unit("pixels");
        /// Mean luma (0 to 255) below which an image is too dark.
        light: f32 = 32.0, number(0.0..=255.0).advanced();
        /// Standard deviation of luma below which an image is flat.
        contrast: f32 = 12.0, number(0.0..=255.0).advanced();
        /// Judge labels by the cached features of this network only.
        backbone: Option<String> = None, text("NAME").or("any").advanced();
        /// Judge labels by these stages only.
        tap: Option<Taps> = None, any().or("any").advanced();
        /// Judge labels by features with this pooling only.
        pool: Option<Pool> = None, any().or("any").advanced();
        /// Seed of the folds.
        seed: u64 = 1, any().seed();
    }
}

impl Rules for Settings {
    const EARLIER: &'static [&'static str] = &["side", "features"];

    /// Version 0.1.0 called the smallest side `side` and had an object of what is wanted of the features.
    fn upgrade(object: &mut Map<String, Value>) {
        if let Some(side) = object.remove("side") {
            object.insert("min_side".into(), side);
        }
        if let Some(Value::Object(features)) = object.remove("features") {
            object.extend(features);
        }
    }
}

impl Settings {
    /// The selection of cached features.
    pub fn wanted(&self) -> FeatureFilter {
        FeatureFilter { backbone: self.backbone.clone(), tap: self.tap.clone(), pool: self.pool }
    }
}

/// Restricts the cached features used; by default all that exist.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeatureFilter {
    pub backbone: Option<String>,
    pub tap: Option<Taps>,
    pub pool: Option<Pool>,
}
