//! Features for other programs: `features.npy` (rows x width, `<f4`), `labels.csv` with a line for each of its rows in the
//! same order, and `features.json`, which says what the numbers are.

use super::{FeatureRows, FeatureSpec, Store, StoreIdentity, StoreRows};
use crate::dataset::{ContentHash, Manifest, Sample};
use crate::error::{AtPath, Result};
use crate::monitor::Monitor;
use crate::outputs::Outputs;
use crate::workspace::Workspace;
use serde::Serialize;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The columns of `labels.csv` that every set has; those of its attributes follow.
pub const COLUMNS: [&str; 9] = ["path", "source", "split", "label", "class", "subject", "age", "fold", "hash"];

/// What rows are held in memory at once, in bytes.
const AT_ONCE: usize = 16 << 20;

/// The three files of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Files {
    pub features: PathBuf,
    pub labels: PathBuf,
    /// What the numbers are.
    pub about: PathBuf,
}

impl Files {
    /// In this folder.
    pub fn of(folder: &Path) -> Self {
        let at = |name| folder.join(name);
        Self { features: at("features.npy"), labels: at("labels.csv"), about: at("features.json") }
    }

    /// Refuses a folder whose files may not be written, before anything is computed.
    ///
    /// # Errors
    /// As [`Outputs::check`].
    pub fn check(&self, outputs: &mut Outputs) -> Result<()> {
        [&self.features, &self.labels, &self.about].into_iter().try_for_each(|path| outputs.check(path))
    }
}

/// What was exported; `features.json`, and what the command line says as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exported {
    pub dataset: String,
    pub manifest_sha256: String,
    /// Class names; `class` in `labels.csv` is an index into them.
    pub classes: [String; 2],
    pub rows: usize,
    /// Values per row.
    pub width: usize,
    /// Images of the set that have no row, because they cannot be read.
    pub left_out: usize,
    /// Where the numbers come from.
    pub identity: StoreIdentity,
}

/// The stores of these features, and of how many images of a prepared set they have no row.
///
/// # Errors
/// Features that cannot be taken; a store that cannot be read.
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

/// Writes the rows of all images of a prepared set, in the order of its manifest. `stores` are those of `identity`, and
/// their rows were verified; images without a row are left out.
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

/// The rows as `.npy`, version 1.0.
fn write_npy(rows: &dyn FeatureRows, out: &mut dyn Write, path: &Path) -> Result<()> {
    let (count, width) = (rows.len(), rows.width());
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({count}, {width}), }}");
    // Magic, version, length and header together are a multiple of 64 bytes and end with a line end.
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

/// A line for each sample; what is not known of it is empty.
fn labels(samples: &[&Sample], classes: &[String; 2]) -> Result<Vec<u8>, csv::Error> {
    let attributes: BTreeSet<&str> =
        samples.iter().flat_map(|sample| sample.attributes.keys().map(String::as_str)).collect();
    // An attribute may be called as one of the columns is; pandas would take the two apart by numbers.
    let named = |attribute: &&str| {
        let mut name = (*attribute).to_owned();
        while COLUMNS.contains(&name.as_str()) || (name != *attribute && attributes.contains(name.as_str())) {
            name.push('_');
        }
        name
    };
    let mut out = csv::Writer::from_writer(Vec::new());
    let head = COLUMNS.map(str::to_owned).into_iter().chain(attributes.iter().map(named));
    out.write_record(head.collect::<Vec<_>>())?;
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
        out.write_record(own.into_iter().chain(others))?;
    }
    out.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}
