//! Results of a depth probe: how well each stage of a backbone separates the classes, by a logistic regression on its
//! features.

use crate::error::{AtPath, Error, Result};
use crate::features::FeatureSpec;
use crate::own_files;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The figures of one stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageFigures {
    /// Its index, for `--tap`.
    pub tap: usize,
    pub name: String,
    /// Values per image.
    pub width: usize,
    /// The penalty chosen on validation.
    pub alpha: f64,
    /// At the threshold chosen on validation.
    pub train_accuracy: f64,
    pub val_accuracy: f64,
}

/// `probe.json` in the run's folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    pub dataset: String,
    #[serde(flatten)]
    pub features: FeatureSpec,
    /// By depth.
    pub stages: Vec<StageFigures>,
}

impl Probe {
    /// The results of a run's probe.
    ///
    /// # Errors
    /// A missing or damaged file.
    pub fn load(run: &Path) -> Result<Self> {
        let path = run.join(FILE);
        crate::seal::value(&own_files::read(&path).at(&path)?).map_err(|what| Error::file(&path, what))
    }

    /// The stage with the highest validation accuracy; ties go to the earliest, which is cheapest.
    pub fn best(&self) -> Option<&StageFigures> {
        self.stages.iter().reduce(|best, stage| if stage.val_accuracy > best.val_accuracy { stage } else { best })
    }
}

/// Penalties of a probe's regressions: wide features need larger ones.
pub const ALPHAS: [f64; 3] = [300.0, 3000.0, 30000.0];

/// The name of the file in the run's folder.
pub const FILE: &str = "probe.json";
