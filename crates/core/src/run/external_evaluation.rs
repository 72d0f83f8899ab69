//! Figures of an external evaluation: a trained run on another data set than its own.

use crate::dataset::{Manifest, Split};
use crate::error::{AtPath, Error, Result};
use crate::evaluation::{Confusion, Interval, ScoreFigures};
use crate::own_files;
use crate::workspace::Workspace;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The figures of a run on another data set. The field names are a contract of `evaluate --on --json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExternalEvaluation {
    pub run: String,
    /// The prepared set the run was trained on.
    pub trained_on: String,
    /// The prepared set it was scored on.
    pub dataset: String,
    pub manifest_sha256: String,
    /// Whether the images are the program's own drawings.
    pub synthetic: bool,
    /// Images scored.
    pub images: usize,
    /// Images of the set that cannot be read.
    pub unreadable: usize,
    /// Images that are also in the run's own data set, by their split there; none of them is scored.
    pub left_out: LeftOut,
    /// False if the run's own data set was removed or changed, so that no overlap could be excluded.
    pub own_images_known: bool,
    /// Chosen on the validation split of the run's own data.
    pub threshold: f64,
    /// At that threshold, in 0..=1.
    pub accuracy: f64,
    pub interval: Option<Interval>,
    /// Mean of the classes' recalls.
    pub balanced_accuracy: f64,
    pub classes: Vec<ClassFigures>,
    pub confusion: Confusion,
    /// Calibrated ones use the calibration fitted on the run's own validation split.
    #[serde(flatten)]
    pub of_scores: ScoreFigures,
}

/// Images by their split in the run's own data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    pub train: usize,
    pub val: usize,
    pub test: usize,
}

impl LeftOut {
    /// The total.
    pub fn total(&self) -> usize {
        self.train + self.val + self.test
    }

    /// Counts an image of that split.
    pub fn count(&mut self, split: Split) {
        match split {
            Split::Train => self.train += 1,
            Split::Val => self.val += 1,
            Split::Test => self.test += 1,
        }
    }
}

/// One class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassFigures {
    pub class: String,
    pub images: usize,
    /// Recall of the class.
    pub accuracy: Option<f64>,
    pub interval: Option<Interval>,
    /// Precision of the class; null if there are no images of it.
    pub precision: Option<f64>,
}

impl ExternalEvaluation {
    /// The figures written by the run `folder`.
    pub fn load(folder: &Path) -> Result<Self> {
        let path = figures_path(folder);
        let text = own_files::read(&path).at(&path)?;
        crate::seal::value(&text)
            .map_err(|error| Error::file(&path, format!("is not an evaluation ({error}); evaluate again")))
    }
}

/// The path of the run's figures.
pub fn figures_path(folder: &Path) -> PathBuf {
    folder.join("evaluation.json")
}

/// The data set that a user names: by the name of a prepared set, its folder, or its `manifest.csv`.
///
/// # Errors
/// None of these.
pub fn find_dataset(workspace: &Workspace, on: &str) -> Result<Manifest> {
    let path = Path::new(on);
    let folder = if path.file_name().is_some_and(|name| name == "manifest.csv") { path.parent() } else { Some(path) };
    match folder {
        Some(folder) if on.contains('/') || on == "manifest.csv" || on == "." => {
            Manifest::load(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })
        }
        _ => Manifest::load_named(workspace, on),
    }
}
