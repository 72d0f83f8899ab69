//! Counts the faces in each image.
//!
//! Counts are cached in `cache/faces.csv` by the hash of the file, for one detector: other weights invalidate the
//! cache.

use super::by_content::Cache;
use crate::face::Detector;
use faceprobe_core::dataset::ContentHash;
use faceprobe_core::error::Result;
use faceprobe_core::imaging::decode_for_faces;
use faceprobe_core::monitor::{Monitor, Update};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use tch::Device;

/// Increase when the same image can have another count than before.
const VERSION: u32 = 1;

/// Counts the faces of images. Called from several threads.
pub trait CountFaces: Sync {
    /// Identifies everything but the image that the count depends on.
    fn identity(&self) -> String;

    /// The faces in the bytes of an image file.
    ///
    /// # Errors
    /// A reason without the file's name.
    fn count(&self, bytes: &[u8]) -> Result<usize, String>;
}

/// The cascade of [`crate::face`].
pub struct Cascade {
    /// Detectors that no thread uses at present.
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
        // The images are already spread over threads.
        tch::set_num_threads(1);
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let own = idle().pop();
        let detector = own.unwrap_or_else(|| self.first.lock().unwrap_or_else(PoisonError::into_inner).share());
        let faces = detector.detect(&picture).map_err(|error| error.to_string());
        idle().push(detector);
        Ok(faces?.len())
    }
}

/// The number of faces in files, by the hash of their content. Files that cannot be decoded are reported to the monitor
/// and left out.
///
/// # Errors
/// A stop; counts made until then are kept.
pub fn faces_of(
    files: &[(ContentHash, PathBuf)],
    count: &dyn CountFaces,
    cache: &Path,
    monitor: &dyn Monitor,
) -> Result<BTreeMap<ContentHash, usize>> {
    let header = ["hash".to_owned(), format!("faces ({})", count.identity())];
    let to_csv = |known: &BTreeMap<ContentHash, usize>| to_csv(known, &header);
    let cache = Cache { path: cache, what: "faces", load: &|| load(cache, &header), to_csv: &to_csv };
    let counted = |path: &Path| {
        let bytes = std::fs::read(path).map_err(|error| format!("cannot be read ({error})"));
        let skipped = |reason| monitor.update(Update::Skipped { path: path.display().to_string(), reason });
        bytes.and_then(|bytes| count.count(&bytes)).map_err(skipped).ok()
    };
    cache.completed(files, 50, counted, monitor)
}

fn to_csv(known: &BTreeMap<ContentHash, usize>, header: &[String; 2]) -> Result<Vec<u8>, csv::Error> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(header)?;
    for (hash, count) in known {
        out.write_record([hash.to_string(), count.to_string()])?;
    }
    out.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}

/// The cached counts of this detector; empty where the cache is of another detector or damaged, since it can be
/// recomputed.
fn load(cache: &Path, header: &[String; 2]) -> BTreeMap<ContentHash, usize> {
    let Ok(mut reader) = csv::Reader::from_path(cache) else { return BTreeMap::new() };
    if !reader.headers().is_ok_and(|found| *found == header[..]) {
        return BTreeMap::new();
    }
    let row = |row: csv::StringRecord| Some((row.get(0)?.parse().ok()?, row.get(1)?.parse().ok()?));
    reader.records().flatten().filter_map(row).collect()
}
