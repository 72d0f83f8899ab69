//! Crops of a data set's pictures, in files of their own.
//!
//! What a crop is of is not known here: a [`Cropper`] makes it. A crop's file is named after the hash of the picture's
//! bytes, in a folder that is named after everything else that decides what it looks like. So a crop that is there is the
//! right one, an interrupted preparation goes on where it was, and another seed or size crops nothing twice.

use super::inspect::Meter;
use super::report::Tally;
use super::sample::{ContentHash, Sample};
use crate::error::{AtPath, Error, Result};
use crate::monitor::{Monitor, Update};
use crate::text::excerpt;
use crate::workspace::{Workspace, write_whole};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Makes crops, in several threads at once.
pub trait Cropper: Sync {
    /// Everything besides the picture that decides what a crop looks like.
    fn identity(&self) -> String;

    /// One for the thread that asks.
    fn worker(&self) -> Box<dyn CropThread + '_>;
}

/// Makes crops in one thread.
pub trait CropThread {
    /// The crop of an image file, as the bytes of a PNG; none where there is nothing to crop to.
    ///
    /// # Errors
    /// A reason without the file's name.
    fn crop(&mut self, bytes: &[u8]) -> Result<Option<Vec<u8>>, String>;
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Cropped {
    /// Pictures that have a crop now.
    pub count: usize,
    /// Pictures that stay whole, with the reason.
    pub whole: Tally,
    /// The bytes of `crops.csv`: which crop is of which picture.
    pub table: Vec<u8>,
}

/// Where the crops of `cropper` are: in one folder for all sets, but with those of the set `name` where earlier versions of
/// the program have begun it.
pub fn folder_of(workspace: &Workspace, name: &str, cropper: &dyn Cropper) -> PathBuf {
    let identity = &ContentHash::of(cropper.identity().as_bytes()).to_string()[..16];
    let own = workspace.prepared(name).join("aligned").join(identity);
    if own.is_dir() { own } else { workspace.root().join("data/aligned").join(identity) }
}

/// Crops the pictures of all samples into `target`, and lets those samples name their crops: the source gets `-aligned`
/// behind its name, which is added to `roots`. What cannot be cropped stays as it is. The samples are in manifest order
/// again afterwards.
///
/// # Errors
/// A folder that cannot be written; a stop, and then the crops made until then are kept.
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
    for (sample, outcome) in samples.iter_mut().zip(outcomes) {
        let crop = crop_name(sample.hash);
        match outcome {
            Ok(hash) => {
                table.write_record([&sample.source, &sample.path, &crop, ""]).at(list)?;
                let source = format!("{}-aligned", sample.source);
                roots.entry(source.clone()).or_insert_with(|| target.clone());
                cropped.count += 1;
                (sample.source, sample.path, sample.hash) = (source, crop, hash);
            }
            Err(reason) => {
                table.write_record([&sample.source, &sample.path, "", &reason]).at(list)?;
                cropped.whole.add(|| format!("{}: {reason}", sample.path));
            }
        }
    }
    cropped.table = table.into_inner().map_err(|error| error.into_error()).at(list)?;
    samples.sort_by(|a, b| (a.split, &a.source, &a.path).cmp(&(b.split, &b.source, &b.path)));
    Ok(cropped)
}

/// The hash of a crop, or why there is none.
type Outcome = Result<ContentHash, String>;

/// Where the crop of a picture is, below the folder of crops.
fn crop_name(picture: ContentHash) -> String {
    let hash = picture.to_string();
    format!("{}/{hash}.png", &hash[..2])
}

/// The picture that a sample is of: a crop of `data prepare --align` is named after the hash of the picture it was cut
/// from, so that it is told to be of the same picture as the whole one.
pub fn picture_of(sample: &Sample) -> ContentHash {
    let stem = Path::new(&sample.path).file_stem().and_then(|stem| stem.to_str());
    let original = stem.filter(|_| sample.source.ends_with("-aligned")).and_then(|stem| stem.parse().ok());
    original.unwrap_or(sample.hash)
}

/// One picture after another, by as many threads as the work may use.
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

/// The crop of one picture, made if it is not there.
fn one(picture: &Path, crop: &Path, worker: &mut dyn CropThread) -> Result<Outcome> {
    // It has its name only once it is whole.
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
