//! `attributes.csv`: what a data set states about its samples beyond the columns of the manifest.
//!
//! It is a file of its own, so that the bytes of a manifest, and with them its hash and every model trained on it,
//! remain the same as before attributes were introduced.

use super::sample::Sample;
use crate::error::{AtPath, Error, Result};
use crate::text::{printable, read_back};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

/// The bytes of `attributes.csv` for samples in manifest order; none if no sample has attributes.
pub(super) fn to_csv(samples: &[Sample]) -> Result<Option<Vec<u8>>, csv::Error> {
    let columns: BTreeSet<&str> =
        samples.iter().flat_map(|sample| sample.attributes.keys().map(String::as_str)).collect();
    if columns.is_empty() {
        return Ok(None);
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    let record = |cells: &mut dyn Iterator<Item = &str>| -> Vec<String> {
        cells.map(|cell| printable(cell).into_owned()).collect()
    };
    writer.write_record(record(&mut ["source", "path"].into_iter().chain(columns.iter().copied())))?;
    for sample in samples {
        let values = columns.iter().map(|column| sample.attributes.get(*column).map_or("", String::as_str));
        writer.write_record(record(&mut [sample.source.as_str(), &sample.path].into_iter().chain(values)))?;
    }
    writer.into_inner().map(Some).map_err(|error| csv::Error::from(error.into_error()))
}

/// Adds the attributes in the file at `path` to the samples.
///
/// # Errors
/// If the file cannot be read or is not such a table.
pub(super) fn read_into(samples: &mut [Sample], path: &Path, bytes: &[u8]) -> Result<()> {
    let mut reader = csv::Reader::from_reader(bytes);
    let header = reader.headers().at(path)?.clone();
    if header.get(0) != Some("source") || header.get(1) != Some("path") {
        return Err(Error::file(path, "line 1 must begin with source,path; run data prepare again"));
    }
    let mut known: HashMap<(String, String), BTreeMap<String, String>> = HashMap::new();
    for record in reader.records() {
        let record = record.at(path)?;
        let text = |index: usize| read_back(record.get(index).unwrap_or_default()).into_owned();
        let values = header.iter().zip(record.iter()).skip(2).filter(|(_, value)| !value.is_empty());
        let values = values.map(|(column, value)| (read_back(column).into_owned(), read_back(value).into_owned()));
        let values = values.collect();
        known.insert((text(0), text(1)), values);
    }
    for sample in samples {
        sample.attributes = known.remove(&(sample.source.clone(), sample.path.clone())).unwrap_or_default();
    }
    Ok(())
}
