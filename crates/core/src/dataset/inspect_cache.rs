//! The cache of inspection results, `cache/inspected.csv`.

use super::inspect::Stamp;
use super::sample::ContentHash;
use crate::error::{AtPath, Result};
use crate::own_files;
use crate::text::{printable, read_back};
use crate::workspace::write_whole;
use std::collections::BTreeMap;
use std::path::Path;

/// The header. Increase the version when [`super::inspect::decodes`] judges files differently.
const HEADER: [&str; 5] = ["path (version 2)", "size", "modified_ns", "sha256", "problem"];
/// The first line, with the checksum of the rest.
const CHECKSUM: &str = "checksum ";

/// The hash of an image file, or why it cannot be used.
pub type Known = Result<ContentHash, String>;

/// Files by absolute path, with their stamp at the time of inspection.
#[derive(Debug, Default)]
pub struct Cache {
    files: BTreeMap<String, (u64, i128, Known)>,
}

impl Cache {
    /// The cache in `file`; empty if it is absent, damaged or of another version.
    pub fn load(file: &Path) -> Self {
        own_files::read(file).ok().and_then(|bytes| parse(&bytes)).map_or_else(Self::default, |files| Self { files })
    }

    /// The result for a file, if it has not changed since.
    pub fn get(&self, path: &Path, stamp: &Stamp) -> Option<Known> {
        let (size, modified, known) = self.files.get(path.to_str()?)?;
        (stamp.regular && *size == stamp.size && *modified == stamp.modified).then(|| known.clone())
    }

    /// Adds results and writes the whole cache if there are new ones; entries that another preparation added meanwhile
    /// are kept. Files that could not be read are not cached: the cause may be temporary.
    pub fn extend_and_save<'a>(
        &mut self,
        news: impl Iterator<Item = (&'a Path, &'a Stamp, &'a Known)>,
        file: &Path,
    ) -> Result<()> {
        let mut changed = false;
        self.files.extend(Self::load(file).files);
        for (path, stamp, known) in news {
            let transient = matches!(known, Err(reason) if reason.starts_with("cannot be read"));
            if let (Some(path), false, true) = (path.to_str(), transient, stamp.regular) {
                self.files.insert(path.to_owned(), (stamp.size, stamp.modified, known.clone()));
                changed = true;
            }
        }
        if changed { write_whole(file, &self.to_csv().at(file)?) } else { Ok(()) }
    }

    fn to_csv(&self) -> Result<Vec<u8>, csv::Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(HEADER)?;
        for (path, (size, modified, known)) in &self.files {
            let (hash, problem) = match known {
                Ok(hash) => (hash.to_string(), ""),
                Err(problem) => (String::new(), problem.as_str()),
            };
            let [path, problem] = [path.as_str(), problem].map(printable);
            writer.write_record([&*path, &size.to_string(), &modified.to_string(), &hash, &problem])?;
        }
        let rows = writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
        Ok([format!("{CHECKSUM}{}\n", ContentHash::of(&rows)).as_bytes(), &rows].concat())
    }
}

fn parse(bytes: &[u8]) -> Option<BTreeMap<String, (u64, i128, Known)>> {
    let (checksum, rows) = bytes.strip_prefix(CHECKSUM.as_bytes())?.split_at_checked(64)?;
    let rows = rows.strip_prefix(b"\n")?;
    if ContentHash::of(rows).to_string().as_bytes() != checksum {
        return None;
    }
    let mut reader = csv::Reader::from_reader(rows);
    if *reader.headers().ok()? != HEADER[..] {
        return None;
    }
    let file = |row: csv::StringRecord| {
        let known = match row.get(3)? {
            "" => Err(read_back(row.get(4)?).into_owned()),
            hash => Ok(hash.parse().ok()?),
        };
        Some((read_back(row.get(0)?).into_owned(), (row.get(1)?.parse().ok()?, row.get(2)?.parse().ok()?, known)))
    };
    reader.records().map(|row| file(row.ok()?)).collect()
}
