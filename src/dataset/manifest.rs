//! The prepared data set on disk: `manifest.csv`, `report.json` and `sources.json` in one folder.

use super::sample::{Sample, Split};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A prepared data set.
///
/// `manifest.csv` holds nothing that depends on the machine, so that the same inputs and seed give the same bytes
/// anywhere; where the sources lie is in `sources.json` beside it.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// The name of the prepared set: its folder's name.
    pub name: String,
    /// The folder with `manifest.csv`.
    pub folder: PathBuf,
    /// Class names from the data set, `["female", "male"]` here; index 1 is the positive class.
    pub classes: [String; 2],
    /// Ordered by split, then source and path.
    pub samples: Vec<Sample>,
    /// Source name to the absolute folder its paths are relative to.
    pub roots: BTreeMap<String, PathBuf>,
    pub seed: u64,
    /// SHA-256 (hexadecimal) of the bytes of `manifest.csv`.
    pub sha256: String,
}

impl Manifest {
    /// The samples of one split, in manifest order.
    pub fn split(&self, split: Split) -> impl Iterator<Item = &Sample> {
        self.samples.iter().filter(move |sample| sample.split == split)
    }

    /// Where the image of a sample lies on this machine.
    pub fn path_of(&self, sample: &Sample) -> PathBuf {
        self.roots.get(&sample.source).map_or_else(|| PathBuf::from(&sample.path), |root| root.join(&sample.path))
    }
}
