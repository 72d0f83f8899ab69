//! Which images are of the same picture, as the last audits found, in `data/alike.csv`.
//!
//! Like decisions, groups go by the SHA-256 of the image file, so they hold in every data set and under every name the
//! image has. The next preparation keeps every group in one split. The file can be removed; then nothing is remembered.

use super::apart::clusters;
use super::sample::ContentHash;
use crate::error::{AtPath, Error, Result};
use crate::workspace::{Workspace, write_whole};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

const HEADER: [&str; 2] = ["hash", "group"];

/// `data/alike.csv`.
pub fn file(workspace: &Workspace) -> PathBuf {
    workspace.root().join("data/alike.csv")
}

/// The group of each image that is in one with others: the hash of one of its images.
///
/// # Errors
/// A file that cannot be read or understood: splits would silently be others.
pub fn load(workspace: &Workspace) -> Result<BTreeMap<ContentHash, ContentHash>> {
    let path = file(workspace);
    match fs::read(&path) {
        Ok(bytes) => parse(&bytes, &path),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(Error::file(&path, error)),
    }
}

/// Remembers what an audit found of the images it looked at: for each of them the group it is in, which is its own hash
/// for an image without others. What is known of other images stays.
///
/// # Errors
/// As [`load`]; a file that cannot be written.
pub fn remember(workspace: &Workspace, found: &BTreeMap<ContentHash, ContentHash>) -> Result<()> {
    let path = file(workspace);
    let folder = workspace.root().join("data");
    fs::create_dir_all(&folder).at(&folder)?;
    let lock_path = folder.join(".alike.lock");
    let lock = File::create(&lock_path).at(&lock_path)?;
    lock.lock().at(&lock_path)?;
    let before = load(workspace)?;
    // What was known of two images that were both looked at now is superseded; other links stay.
    let kept = before.iter().filter(|(hash, group)| !(found.contains_key(hash) && found.contains_key(group)));
    let all = grouped(found.iter().chain(kept).map(|(hash, group)| [*hash, *group]).collect());
    if all == before {
        return Ok(());
    }
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(HEADER).at(&path)?;
    for (hash, group) in &all {
        out.write_record([hash.to_string(), group.to_string()]).at(&path)?;
    }
    write_whole(&path, &out.into_inner().map_err(|error| error.into_error()).at(&path)?)
}

/// The groups that links make, each named after its smallest hash; none of a single image.
fn grouped(links: Vec<[ContentHash; 2]>) -> BTreeMap<ContentHash, ContentHash> {
    let cluster_of = clusters(links.iter().map(|link| link.to_vec()));
    let mut members: BTreeMap<usize, BTreeSet<ContentHash>> = BTreeMap::new();
    for (link, cluster) in links.into_iter().zip(cluster_of) {
        members.entry(cluster).or_default().extend(link);
    }
    let several = members.into_values().filter(|members| members.len() > 1);
    several
        .flat_map(|members| {
            let first = members.first().copied();
            members.into_iter().filter_map(move |hash| Some((hash, first?)))
        })
        .collect()
}

fn parse(bytes: &[u8], path: &Path) -> Result<BTreeMap<ContentHash, ContentHash>> {
    let damaged = || Error::file(path, "is damaged; remove it and audit again");
    let mut reader = csv::Reader::from_reader(bytes);
    if *reader.headers().map_err(|_| damaged())? != HEADER[..] {
        return Err(damaged());
    }
    let hash = |text: Option<&str>| text.and_then(|text| text.parse().ok()).ok_or_else(damaged);
    reader
        .records()
        .map(|row| row.map_err(|_| damaged()).and_then(|row| Ok((hash(row.get(0))?, hash(row.get(1))?))))
        .collect()
}
