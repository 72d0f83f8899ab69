//! Groups of near-duplicates found by the last audit of each data set, in `data/alike.csv`.
//!
//! Like decisions, groups refer to the SHA-256 of the image file, so they hold in every data set and under every name
//! of the image. The next preparation keeps every group in one split. Deleting the file forgets the groups.

use super::group_split::clusters;
use super::sample::ContentHash;
use crate::claim::Claim;
use crate::error::{AtPath, Error, Result};
use crate::own_files;
use crate::workspace::{Workspace, write_whole};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const HEADER: [&str; 3] = ["dataset", "hash", "group"];

/// An image, the representative of its group, and the data set in which this was found.
type Links = BTreeSet<(String, ContentHash, ContentHash)>;

/// `data/alike.csv`.
pub fn file(workspace: &Workspace) -> PathBuf {
    workspace.root().join("data/alike.csv")
}

/// The group of each image that has near-duplicates in any data set, as the smallest hash of its images.
///
/// # Errors
/// A file that cannot be read or parsed: ignoring it would silently change the splits.
pub fn load(workspace: &Workspace) -> Result<BTreeMap<ContentHash, ContentHash>> {
    let links: Vec<[ContentHash; 2]> =
        links(&file(workspace))?.into_iter().map(|(_, hash, group)| [hash, group]).collect();
    let cluster_of = clusters(links.iter().map(|link| link.to_vec()));
    let mut members: BTreeMap<usize, BTreeSet<ContentHash>> = BTreeMap::new();
    for (link, cluster) in links.into_iter().zip(cluster_of) {
        members.entry(cluster).or_default().extend(link);
    }
    let mut groups = BTreeMap::new();
    for members in members.into_values().filter(|members| members.len() > 1) {
        let first = members.first().copied();
        groups.extend(members.into_iter().filter_map(|hash| Some((hash, first?))));
    }
    Ok(groups)
}

/// Stores the groups found by an audit of `dataset`, replacing those of an earlier one: for each image the
/// representative of its group, which is the image itself if it has no near-duplicates.
///
/// # Errors
/// As [`load`]; a file that cannot be written.
pub fn remember(workspace: &Workspace, dataset: &str, found: &BTreeMap<ContentHash, ContentHash>) -> Result<()> {
    let path = file(workspace);
    let folder = workspace.root().join("data");
    fs::create_dir_all(&folder).at(&folder)?;
    let _claim = Claim::wait(&folder.join(".alike.claim"), || true)?;
    let before = links(&path)?;
    let mut all: Links = before.iter().filter(|(of, ..)| of != dataset).cloned().collect();
    let several: BTreeSet<ContentHash> =
        found.iter().filter(|(hash, group)| hash != group).map(|(_, group)| *group).collect();
    let grouped = found.iter().filter(|(_, group)| several.contains(group));
    all.extend(grouped.map(|(hash, group)| (dataset.to_owned(), *hash, *group)));
    if all == before {
        return Ok(());
    }
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(HEADER).at(&path)?;
    for (dataset, hash, group) in &all {
        out.write_record([dataset, &hash.to_string(), &group.to_string()]).at(&path)?;
    }
    write_whole(&path, &out.into_inner().map_err(|error| error.into_error()).at(&path)?)
}

fn links(path: &Path) -> Result<Links> {
    let damaged = || Error::file(path, "is damaged; remove it and audit again");
    let bytes = match own_files::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Links::new()),
        Err(error) => return Err(Error::file(path, error)),
    };
    let mut reader = csv::Reader::from_reader(&bytes[..]);
    if *reader.headers().map_err(|_| damaged())? != HEADER[..] {
        return Err(damaged());
    }
    let hash = |text: Option<&str>| text.and_then(|text| text.parse().ok()).ok_or_else(damaged);
    let link =
        |row: csv::StringRecord| Ok((row.get(0).unwrap_or_default().to_owned(), hash(row.get(1))?, hash(row.get(2))?));
    reader.records().map(|row| row.map_err(|_| damaged()).and_then(link)).collect()
}
