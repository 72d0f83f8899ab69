//! The report of a preparation: `report.json` next to the manifest, shown by the Data screen too.

use super::division::{Fold, SplitMethod};
use super::followed::{DecisionMap, ruling};
use crate::error::{AtPath, Error, Result};
use crate::imaging::Alignment;
use crate::own_files;
use crate::text::brief;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Examples per count.
const EXAMPLES: usize = 5;

/// A count with its first few examples, as text that is safe to print.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    pub count: usize,
    pub examples: Vec<String>,
}

impl Tally {
    /// Counts one more; `example` is only called if its text is kept.
    pub fn add(&mut self, example: impl FnOnce() -> String) {
        self.add_many(1, example);
    }

    /// Counts several with one example; nothing if there are none.
    pub fn add_many(&mut self, count: usize, example: impl FnOnce() -> String) {
        if count == 0 {
            return;
        }
        self.count += count;
        if self.examples.len() < EXAMPLES {
            self.examples.push(brief(&example()));
        }
    }

    /// Adds another count, and as many of its examples as fit.
    pub fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.examples.extend(other.examples);
        self.examples.truncate(EXAMPLES);
    }
}

/// One reason for leaving rows out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// A short fixed name such as `passed_over`, `not_an_image`, `unknown_label`, `repeated_row`, `missing_file`, `undecodable`,
    /// `decided`, `duplicate_image`, `contradicting_labels`, `not_sampled`.
    pub reason: String,
    /// The description for the user.
    pub explanation: String,
    /// Number of rows left out.
    pub count: usize,
    /// Up to five examples: paths, with the detail where there is one.
    pub examples: Vec<String>,
}

/// The number of samples of each class in a split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitCount {
    /// `train`, `val` or `test`.
    pub split: String,
    /// Samples per class, in the order of `classes`.
    pub per_class: [usize; 2],
}

/// The report of one preparation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrepareReport {
    /// The name of the prepared set.
    pub name: String,
    /// True if the images are the program's own drawings, not photographs.
    pub synthetic: bool,
    /// `adapter:path` of each source as it was given.
    pub sources: Vec<String>,
    pub seed: u64,
    pub classes: [String; 2],
    /// Rows read from the label files, before anything was dropped; where labels are in names, the number of files.
    pub rows: usize,
    /// Raw label values as written (`f`, `m`, `u`, `(empty)`) and how many rows have each.
    pub raw_labels: BTreeMap<String, usize>,
    /// Repeated (user, face, image) keys, however often each repeats; counted as rows beyond the first.
    pub repeated_keys: usize,
    /// Rows whose image file exists.
    pub images_present: usize,
    /// In the order of the checks.
    pub dropped: Vec<Dropped>,
    /// Samples that passed every check, per class; the splits are drawn from these.
    pub usable: [usize; 2],
    pub splits: Vec<SplitCount>,
    /// Age group to samples per class, over usable samples.
    pub ages: BTreeMap<String, [usize; 2]>,
    /// Fold to samples per class, over usable samples; empty where the data set has no folds.
    pub folds: BTreeMap<String, [usize; 2]>,
    /// Distinct subjects among the usable samples, where the data set names them.
    pub subjects: Option<usize>,
    /// The alignment of the crops; none for whole images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alignment: Option<Alignment>,
    /// With an alignment: images without a detected face, which stay whole.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub without_face: usize,
    /// The decisions about images that were followed, as `drop HASH` and `relabel HASH LABEL`: all that were stated for this
    /// set, or those of the workspace that are about its images.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub followed: Vec<String>,
    /// SHA-256 of `manifest.csv`.
    pub manifest_sha256: String,
    /// SHA-256 of `attributes.csv`, if the data set has attributes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes_sha256: Option<String>,
    /// The method of division.
    #[serde(default)]
    pub split: SplitMethod,
    /// The fold of a cross-validation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fold: Option<Fold>,
    /// Warnings to read before trusting the split.
    pub warnings: Vec<String>,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl PrepareReport {
    /// The decisions about images that were followed; none where it cannot be told which, as earlier versions kept no
    /// record of them.
    pub fn rulings(&self) -> Option<DecisionMap> {
        if self.followed.is_empty() {
            let dropped = self.dropped.iter().any(|dropped| dropped.reason == "decided");
            let relabelled = self.warnings.iter().any(|warning| warning.contains("the label that was decided"));
            return (!dropped && !relabelled).then(DecisionMap::new);
        }
        self.followed.iter().map(|text| ruling(text).ok()).collect()
    }

    /// Reads `report.json` in the folder of a prepared data set.
    ///
    /// # Errors
    /// If it does not exist or is not a report.
    pub fn load(folder: &Path) -> Result<Self> {
        let path = folder.join("report.json");
        let bytes = own_files::read(&path).at(&path)?;
        crate::seal::value(&bytes).map_err(|error| {
            Error::file(&path, format!("is not a report of this program ({error}); run data prepare again"))
        })
    }
}
