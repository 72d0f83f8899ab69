//! Export of features for other programs: `features.npy` (rows x width, `<f4`), `labels.csv` with one line for each row
//! in the same order, and `features.json` with the identity of the features.

use super::{FeatureRows, FeatureSpec, Store, StoreIdentity, StoreRows};
use crate::dataset::{ContentHash, Manifest, Sample};
use crate::error::{AtPath, Result};
use crate::monitor::Monitor;
use crate::outputs::Outputs;
use crate::text::printable;
use crate::workspace::Workspace;
use serde::Serialize;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The columns of `labels.csv` for every set; attributes follow.
pub const COLUMNS: [&str; 9] = ["path", "source", "split", "label", "class", "subject", "age", "fold", "hash"];

/// Size of the rows held in memory at once, in bytes.
const AT_ONCE: usize = 16 << 20;

/// The three files of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Files {
    pub features: PathBuf,
    pub labels: PathBuf,
    /// The identity of the features.
    pub about: PathBuf,
}

impl Files {
    /// The files in this folder.
    pub fn of(folder: &Path) -> Self {
        let at = |name| folder.join(name);
        Self { features: at("features.npy"), labels: at("labels.csv"), about: at("features.json") }
    }

    /// Refuses a folder whose files must not be overwritten, before anything is computed.
    ///
    /// # Errors
    /// As [`Outputs::check`].
    pub fn check(&self, outputs: &mut Outputs) -> Result<()> {
        [&self.features, &self.labels, &self.about].into_iter().try_for_each(|path| outputs.check(path))
    }
}

/// The content of `features.json`, also printed by the command line as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exported {
    pub dataset: String,
    pub manifest_sha256: String,
    /// Class names; `class` in `labels.csv` is an index into them.
    pub classes: [String; 2],
    pub rows: usize,
    /// Values per row.
    pub width: usize,
    /// Images of the set that could not be read and have no row.
    pub left_out: usize,
    /// The identity of the features.
    pub identity: StoreIdentity,
}

/// The stores of these features, and how many images of a prepared set have no row in them.
///
/// # Errors
/// Invalid features; a store that cannot be read.
pub fn stores(
    workspace: &Workspace,
    features: &FeatureSpec,
    manifest: &Manifest,
    monitor: &dyn Monitor,
) -> Result<(Vec<Store>, usize)> {
    let keys: Vec<ContentHash> = manifest.samples.iter().map(|sample| sample.hash).collect();
    let folder = workspace.features();
    let mut stores =
        features.identities()?.iter().map(|identity| Store::open(&folder, identity)).collect::<Result<Vec<_>>>()?;
    stores.iter_mut().try_for_each(|store| store.verify(&keys, monitor))?;
    let missing = stores.iter().map(|store| store.missing(&keys).len()).max().unwrap_or(0);
    Ok((stores, missing))
}

/// Writes the rows of all images of a prepared set, in manifest order. `stores` are those of `identity`, with verified
/// rows; images without a row are left out.
///
/// # Errors
/// As [`Outputs::write`]; a store that lost a row meanwhile.
pub fn export(
    outputs: &mut Outputs,
    files: &Files,
    manifest: &Manifest,
    stores: &[&Store],
    identity: &StoreIdentity,
) -> Result<Exported> {
    let there = |sample: &&Sample| stores.iter().all(|store| store.contains(&sample.hash));
    let samples: Vec<&Sample> = manifest.samples.iter().filter(there).collect();
    let rows = StoreRows::new(stores, samples.iter().map(|sample| sample.hash).collect())?;
    let exported = Exported {
        dataset: manifest.name.clone(),
        manifest_sha256: manifest.sha256.clone(),
        classes: manifest.classes.clone(),
        rows: samples.len(),
        width: rows.width(),
        left_out: manifest.samples.len() - samples.len(),
        identity: identity.clone(),
    };
    outputs.write(&files.labels, &labels(&samples, &manifest.classes).at(&files.labels)?)?;
    outputs.write(&files.about, crate::text::json_value(&exported).at(&files.about)?.as_bytes())?;
    outputs.write_with(&files.features, |out| write_npy(&rows, out, &files.features))?;
    Ok(exported)
}

/// Writes the rows as `.npy`, version 1.0.
fn write_npy(rows: &dyn FeatureRows, out: &mut dyn Write, path: &Path) -> Result<()> {
    let (count, width) = (rows.len(), rows.width());
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({count}, {width}), }}");
    // Magic, version, length and header together are padded to a multiple of 64 bytes and end with a line feed.
    let begin = 10;
    let padded = (begin + header.len() + 1).next_multiple_of(64) - begin;
    header.extend(std::iter::repeat_n(' ', padded - header.len() - 1));
    header.push('\n');
    let length = u16::try_from(header.len()).at(path)?;
    out.write_all(b"\x93NUMPY\x01\x00").at(path)?;
    out.write_all(&length.to_le_bytes()).at(path)?;
    out.write_all(header.as_bytes()).at(path)?;
    let all: Vec<usize> = (0..count).collect();
    let at_once = (AT_ONCE / (4 * width.max(1))).max(1);
    let mut values = Vec::new();
    let mut bytes = Vec::new();
    for block in all.chunks(at_once) {
        values.resize(block.len() * width, 0f32);
        rows.copy_rows(block, &mut values)?;
        bytes.clear();
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        out.write_all(&bytes).at(path)?;
    }
    Ok(())
}

/// One line per sample; unknown values are empty.
fn labels(samples: &[&Sample], classes: &[String; 2]) -> Result<Vec<u8>, csv::Error> {
    let attributes: BTreeSet<&str> =
        samples.iter().flat_map(|sample| sample.attributes.keys().map(String::as_str)).collect();
    // An attribute may have the name of a fixed column; pandas would rename it by numbering.
    let named = |attribute: &&str| {
        let mut name = (*attribute).to_owned();
        while COLUMNS.contains(&name.as_str()) || (name != *attribute && attributes.contains(name.as_str())) {
            name.push('_');
        }
        name
    };
    let mut out = csv::Writer::from_writer(Vec::new());
    let head = COLUMNS.map(str::to_owned).into_iter().chain(attributes.iter().map(named));
    let shown = |cell: String| printable(&cell).into_owned();
    out.write_record(head.map(shown).collect::<Vec<_>>())?;
    for sample in samples {
        let Sample { source, path, class, split, subject, age, fold, hash, attributes: of } = sample;
        let fold = fold.map(|fold| fold.to_string()).unwrap_or_default();
        let (class_text, hash) = (class.to_string(), hash.to_string());
        let known = |text: &Option<String>| text.clone().unwrap_or_default();
        let own = [
            path.clone(),
            source.clone(),
            split.name().to_owned(),
            classes[*class].clone(),
            class_text,
            known(subject),
            known(age),
            fold,
            hash,
        ];
        let others = attributes.iter().map(|name| of.get(*name).cloned().unwrap_or_default());
        out.write_record(own.into_iter().chain(others).map(shown))?;
    }
    out.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}
