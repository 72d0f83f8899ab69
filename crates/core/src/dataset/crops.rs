//! Face crops of a data set's images, as files of their own.
//!
//! This module does not detect faces: a [`Cropper`] makes the crops. A crop's file is named after the hash of the
//! image's bytes, in a folder named after everything else that determines the crop. So an existing crop is always the
//! right one, an interrupted preparation resumes, and another seed or size crops nothing twice.

use super::inspect::Meter;
use super::report::Tally;
use super::sample::{ContentHash, Sample};
use crate::error::{AtPath, Error, Result};
use crate::monitor::{Monitor, Update};
use crate::text::{excerpt, printable};
use crate::workspace::{Workspace, write_whole};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Makes crops on several threads.
pub trait Cropper: Sync {
    /// Identifies everything but the image that a crop depends on.
    fn identity(&self) -> String;

    /// The state for one thread.
    fn worker(&self) -> Box<dyn CropThread + '_>;
}

/// Makes crops on one thread.
pub trait CropThread {
    /// The crop of an image file, as the bytes of a PNG; none if no face was found.
    ///
    /// # Errors
    /// A reason without the file's name.
    fn crop(&mut self, bytes: &[u8]) -> Result<Option<Vec<u8>>, String>;
}

/// The result of cropping.
#[derive(Debug, Default)]
pub struct Cropped {
    /// Images that have a crop.
    pub count: usize,
    /// Images without a crop, with the reason.
    pub whole: Tally,
    /// The bytes of `crops.csv`, which maps crops to images.
    pub table: Vec<u8>,
}

/// The folder for the crops of `cropper`: shared by all sets, unless earlier versions of the program have already
/// stored crops of the set `name` with the set.
pub fn folder_of(workspace: &Workspace, name: &str, cropper: &dyn Cropper) -> PathBuf {
    let identity = &ContentHash::of(cropper.identity().as_bytes()).to_string()[..16];
    let own = workspace.prepared(name).join("aligned").join(identity);
    if own.is_dir() { own } else { workspace.root().join("data/aligned").join(identity) }
}

/// Crops the images of all samples into `target`, and makes those samples refer to their crops: `-aligned` is appended
/// to the source's name, which is added to `roots`. Images that cannot be cropped stay whole. Restores the manifest
/// order afterwards.
///
/// # Errors
/// A folder that cannot be written; a stop, after which finished crops are kept.
pub fn crop_all(
    samples: &mut [Sample],
    roots: &mut BTreeMap<String, PathBuf>,
    target: &Path,
    cropper: &dyn Cropper,
    monitor: &dyn Monitor,
) -> Result<Cropped> {
    std::fs::create_dir_all(target).at(target)?;
    let target = target.canonicalize().at(target)?;
    let outcomes = in_threads(samples, roots, &target, cropper, monitor)?;
    let mut cropped = Cropped::default();
    let mut table = csv::Writer::from_writer(Vec::new());
    let list = Path::new("crops.csv");
    table.write_record(["source", "path", "crop", "why_whole"]).at(list)?;
    let mut row = |cells: [&str; 4]| table.write_record(cells.map(|cell| printable(cell).into_owned())).at(list);
    for (sample, outcome) in samples.iter_mut().zip(outcomes) {
        let crop = crop_name(sample.hash);
        match outcome {
            Ok(hash) => {
                row([&sample.source, &sample.path, &crop, ""])?;
                let source = format!("{}-aligned", sample.source);
                roots.entry(source.clone()).or_insert_with(|| target.clone());
                cropped.count += 1;
                (sample.source, sample.path, sample.hash) = (source, crop, hash);
            }
            Err(reason) => {
                row([&sample.source, &sample.path, "", &reason])?;
                cropped.whole.add(|| format!("{}: {reason}", sample.path));
            }
        }
    }
    cropped.table = table.into_inner().map_err(|error| error.into_error()).at(list)?;
    samples.sort_by(|a, b| (a.split, &a.source, &a.path).cmp(&(b.split, &b.source, &b.path)));
    Ok(cropped)
}

/// The hash of a crop, or the reason why there is none.
type Outcome = Result<ContentHash, String>;

/// The path of an image's crop, in the folder of crops.
fn crop_name(picture: ContentHash) -> String {
    let hash = picture.to_string();
    format!("{}/{hash}.png", &hash[..2])
}

/// The content hash of a sample's original image: a crop of `data prepare --align` is named after it, so a crop and the
/// whole image are recognised as the same image.
pub fn picture_of(sample: &Sample) -> ContentHash {
    let stem = Path::new(&sample.path).file_stem().and_then(|stem| stem.to_str());
    let original = stem.filter(|_| sample.source.ends_with("-aligned")).and_then(|stem| stem.parse().ok());
    original.unwrap_or(sample.hash)
}

/// Crops the images on all allowed threads.
fn in_threads(
    samples: &[Sample],
    roots: &BTreeMap<String, PathBuf>,
    target: &Path,
    cropper: &dyn Cropper,
    monitor: &dyn Monitor,
) -> Result<Vec<Outcome>> {
    let meter = Meter::new(monitor, samples.len());
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(samples.len()));
    let work = || -> Result<()> {
        let mut worker = cropper.worker();
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(sample) = samples.get(place) else { return Ok(()) };
            if monitor.stopped() {
                return Err(Error::stopped());
            }
            let picture =
                roots.get(&sample.source).map_or_else(|| PathBuf::from(&sample.path), |root| root.join(&sample.path));
            let outcome = one(&picture, &target.join(crop_name(sample.hash)), worker.as_mut())?;
            if let Err(reason) = &outcome {
                let path = excerpt(&picture.to_string_lossy());
                monitor.update(Update::Skipped { path, reason: format!("{reason}; the whole picture stays") });
            }
            done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((place, outcome));
            meter.step();
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..rayon::current_num_threads().max(1)).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| {
            thread.join().unwrap_or_else(|_| Err(Error::failed("A thread that made crops gave up; see the run's log.")))
        })
    })?;
    let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_by_key(|(place, _)| *place);
    Ok(done.into_iter().map(|(_, outcome)| outcome).collect())
}

/// The crop of one image, made if it does not exist.
fn one(picture: &Path, crop: &Path, worker: &mut dyn CropThread) -> Result<Outcome> {
    // Renamed when it is complete.
    if let Ok(bytes) = std::fs::read(crop) {
        return Ok(Ok(ContentHash::of(&bytes)));
    }
    let made = std::fs::read(picture)
        .map_err(|error| format!("cannot be read ({error})"))
        .and_then(|bytes| worker.crop(&bytes));
    Ok(match made {
        Ok(Some(bytes)) => {
            write_whole(crop, &bytes)?;
            Ok(ContentHash::of(&bytes))
        }
        Ok(None) => Err("no face was found".into()),
        Err(reason) => Err(excerpt(&reason)),
    })
}
