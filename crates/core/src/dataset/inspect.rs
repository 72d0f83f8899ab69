//! Inspects image files: hashes their bytes and checks that they can be decoded.

use super::inspect_cache::{Cache, Known};
use super::sample::ContentHash;
use crate::error::{Error, Result};
use crate::imaging;
use crate::monitor::{Monitor, Update};
use crate::text::excerpt;
use rayon::prelude::*;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Maximum file size; photographs have a few megabytes.
const LARGEST_FILE: u64 = 64 << 20;

/// Metadata of a file from the file system, without opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// False for folders, pipes and devices, which are never opened.
    pub regular: bool,
    /// In bytes.
    pub size: u64,
    /// Time of the last modification, in nanoseconds since 1970.
    pub modified: i128,
}

impl Stamp {
    /// The stamp of `path` with links followed; none if it does not exist.
    pub fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self {
            regular: metadata.is_file(),
            size: metadata.len(),
            modified: i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec()),
        })
    }
}

/// Reads and decodes the files in parallel, except those that `cache_file` lists unchanged. Returns for each the hash
/// of its bytes, or why it cannot be used. At any time there is one image in memory per thread.
///
/// # Errors
/// A stop; results so far are in the cache.
pub fn inspect(
    files: &[(PathBuf, Stamp)],
    cache_file: &Path,
    monitor: &dyn Monitor,
) -> Result<Vec<Result<ContentHash, String>>> {
    let mut cache = Cache::load(cache_file);
    let meter = Meter::new(monitor, files.len());
    let found: Vec<Option<(Known, bool)>> = files
        .par_iter()
        .map(|(path, stamp)| {
            if monitor.stopped() {
                return None;
            }
            let cached = cache.get(path, stamp);
            let is_new = cached.is_none();
            let known = cached.unwrap_or_else(|| look_at(path, stamp, monitor));
            if let Err(reason) = &known {
                let path = excerpt(&path.to_string_lossy());
                monitor.update(Update::Skipped { path, reason: reason.clone() });
            }
            meter.step();
            Some((known, is_new))
        })
        .collect();
    let news = files.iter().zip(&found).filter_map(|((path, stamp), found)| match found {
        Some((known, true)) => Some((path.as_path(), stamp, known)),
        _ => None,
    });
    // Without the cache, only the next preparation takes longer.
    if let Err(error) = cache.extend_and_save(news, cache_file) {
        monitor.update(Update::Note { text: format!("The inspection cache was not written: {error}") });
    }
    found.into_iter().map(|found| found.map(|(known, _)| known).ok_or_else(Error::stopped)).collect()
}

/// Reads one file and records its deficiencies; the reason if it is not a usable image.
fn look_at(path: &Path, stamp: &Stamp, monitor: &dyn Monitor) -> Known {
    if !stamp.regular {
        return Err("is not a regular file".into());
    }
    if stamp.size > LARGEST_FILE {
        return Err(format!("has {} MiB; no photograph is that large", stamp.size >> 20));
    }
    let bytes = std::fs::read(path).map_err(|error| format!("cannot be read ({error})"))?;
    imaging::decode(&bytes).map_err(|reason| excerpt(&reason))?;
    if let Some(note) = imaging::mended(&bytes) {
        monitor.update(Update::Note { text: format!("{}: {note}", excerpt(&path.to_string_lossy())) });
    }
    Ok(ContentHash::of(&bytes))
}

/// Counts files over all threads and reports progress about ten times a second.
pub(super) struct Meter<'a> {
    monitor: &'a dyn Monitor,
    total: u64,
    state: Mutex<MeterState>,
}

struct MeterState {
    done: u64,
    told: Instant,
    /// Times of the last seconds with the count at each.
    window: VecDeque<(Instant, u64)>,
}

impl<'a> Meter<'a> {
    const EVERY: Duration = Duration::from_millis(100);
    const WINDOW: usize = 30;

    pub(super) fn new(monitor: &'a dyn Monitor, total: usize) -> Self {
        let now = Instant::now();
        let state = MeterState { done: 0, told: now, window: VecDeque::from([(now, 0)]) };
        Self { monitor, total: total as u64, state: Mutex::new(state) }
    }

    pub(super) fn step(&self) {
        let Ok(mut state) = self.state.lock() else { return };
        state.done += 1;
        let (now, done) = (Instant::now(), state.done);
        if done < self.total && now - state.told < Self::EVERY {
            return;
        }
        let (since, before) = state.window.front().copied().unwrap_or((now, 0));
        state.told = now;
        state.window.push_back((now, done));
        if state.window.len() > Self::WINDOW {
            state.window.pop_front();
        }
        let rate = (done - before) as f64 / (now - since).as_secs_f64().max(1e-6);
        let remaining = Some((self.total - done) as f64 / rate.max(1e-6));
        // Sent under the lock, so that progress is monotonic.
        self.monitor.update(Update::Progress { done, total: self.total, unit: "files".into(), rate, remaining });
    }
}
