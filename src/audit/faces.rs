//! How many faces there are in each image.
//!
//! What was found is kept in `cache/faces.csv` by the hash of the file and belongs to one detector; with other weights all
//! is looked at again.

use crate::dataset::ContentHash;
use crate::error::{AtPath, Error, Result};
use crate::face::Detector;
use crate::imaging::decode_for_faces;
use crate::monitor::{Monitor, Update};
use crate::workspace::write_whole;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use tch::Device;

/// Raise the number when the same picture can have another count than before.
const VERSION: u32 = 1;

/// Counts the faces of pictures, in several threads at once.
pub trait CountFaces: Sync {
    /// Everything besides the picture that decides the count.
    fn identity(&self) -> String;

    /// The faces in the bytes of an image file.
    ///
    /// # Errors
    /// A reason without the file's name.
    fn count(&self, bytes: &[u8]) -> Result<usize, String>;
}

/// The cascade of [`crate::face`].
pub struct Cascade {
    /// Those that no thread uses now.
    idle: Mutex<Vec<Detector>>,
    first: Mutex<Detector>,
    identity: String,
}

impl Cascade {
    /// # Errors
    /// The detector's weights were not fetched.
    pub fn load(device: Device) -> Result<Self> {
        let detector = Detector::load(device)?;
        let identity = format!("version {VERSION}, mtcnn {}", detector.weights_sha256());
        Ok(Self { idle: Mutex::new(Vec::new()), first: Mutex::new(detector), identity })
    }
}

impl CountFaces for Cascade {
    fn identity(&self) -> String {
        self.identity.clone()
    }

    fn count(&self, bytes: &[u8]) -> Result<usize, String> {
        let picture = decode_for_faces(bytes)?;
        // Every thread has pictures of its own; within one there is nothing to share.
        tch::set_num_threads(1);
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let own = idle().pop();
        let detector = own.unwrap_or_else(|| self.first.lock().unwrap_or_else(PoisonError::into_inner).share());
        let faces = detector.detect(&picture).map_err(|error| error.to_string());
        idle().push(detector);
        Ok(faces?.len())
    }
}

/// The number of faces in files, each under the hash of its content. Files that cannot be looked at are told to the
/// monitor and have none.
///
/// # Errors
/// A stop; what was counted until then is kept.
pub fn faces_of(
    files: &[(ContentHash, PathBuf)],
    count: &dyn CountFaces,
    cache: &Path,
    monitor: &dyn Monitor,
) -> Result<BTreeMap<ContentHash, usize>> {
    let header = ["hash".to_owned(), format!("faces ({})", count.identity())];
    let mut known = load(cache, &header);
    let mut missing: Vec<&(ContentHash, PathBuf)> =
        files.iter().filter(|(hash, _)| !known.contains_key(hash)).collect();
    missing.sort_unstable();
    missing.dedup_by_key(|(hash, _)| *hash);
    let (done, total, began) = (AtomicU64::new(0), missing.len() as u64, Instant::now());
    let found: Vec<(ContentHash, usize)> = missing
        .par_iter()
        .filter_map(|(hash, path)| {
            if monitor.stopped() {
                return None;
            }
            let counted = std::fs::read(path)
                .map_err(|error| format!("cannot be read ({error})"))
                .and_then(|bytes| count.count(&bytes));
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            if done.is_multiple_of(50) || done == total {
                let rate = done as f64 / began.elapsed().as_secs_f64().max(1e-6);
                let remaining = Some((total - done) as f64 / rate);
                monitor.update(Update::Progress { done, total, unit: "images".into(), rate, remaining });
            }
            let skipped = |reason| monitor.update(Update::Skipped { path: path.display().to_string(), reason });
            Some((*hash, counted.map_err(skipped).ok()?))
        })
        .collect();
    if !found.is_empty() {
        known.extend(found);
        if let Err(error) = to_csv(&known, &header).at(cache).and_then(|bytes| write_whole(cache, &bytes)) {
            monitor.update(Update::Note { text: format!("The cache of faces was not written: {error}") });
        }
    }
    if monitor.stopped() {
        return Err(Error::stopped());
    }
    Ok(files.iter().filter_map(|(hash, _)| Some((*hash, *known.get(hash)?))).collect())
}

fn to_csv(known: &BTreeMap<ContentHash, usize>, header: &[String; 2]) -> Result<Vec<u8>, csv::Error> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(header)?;
    for (hash, count) in known {
        out.write_record([hash.to_string(), count.to_string()])?;
    }
    out.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}

/// What the cache knows of this detector; nothing where it is of another, or damaged, since it can be made again.
fn load(cache: &Path, header: &[String; 2]) -> BTreeMap<ContentHash, usize> {
    let Ok(mut reader) = csv::Reader::from_path(cache) else { return BTreeMap::new() };
    if !reader.headers().is_ok_and(|found| *found == header[..]) {
        return BTreeMap::new();
    }
    let row = |row: csv::StringRecord| Some((row.get(0)?.parse().ok()?, row.get(1)?.parse().ok()?));
    reader.records().flatten().filter_map(row).collect()
}
