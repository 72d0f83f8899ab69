//! A cache of values computed once per file, keyed by the hash of its content.

use faceprobe_core::dataset::ContentHash;
use faceprobe_core::error::{AtPath, Error, Result};
use faceprobe_core::monitor::{Monitor, Update};
use faceprobe_core::workspace::write_whole;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Writes a cache as a table.
pub(super) type ToCsv<'a, T> = &'a dyn Fn(&BTreeMap<ContentHash, T>) -> Result<Vec<u8>, csv::Error>;

/// A cache file and how it is read and written.
pub(super) struct Cache<'a, T> {
    pub path: &'a Path,
    /// Its content, for messages.
    pub what: &'static str,
    /// Reads it.
    pub load: &'a dyn Fn() -> BTreeMap<ContentHash, T>,
    /// The file's content.
    pub to_csv: ToCsv<'a, T>,
}

impl<T: Copy + Send> Cache<'_, T> {
    /// Computes the missing values of `files` in parallel and reports progress after each `step` files. Files for which
    /// `look` returns nothing are not in the result.
    /// # Errors
    /// A stop; what was worked out until then is kept.
    pub fn completed(
        self,
        files: &[(ContentHash, PathBuf)],
        step: u64,
        look: impl Fn(&Path) -> Option<T> + Sync,
        monitor: &dyn Monitor,
    ) -> Result<BTreeMap<ContentHash, T>> {
        let mut known = (self.load)();
        let mut missing: Vec<&(ContentHash, PathBuf)> =
            files.iter().filter(|(hash, _)| !known.contains_key(hash)).collect();
        missing.sort_unstable();
        missing.dedup_by_key(|(hash, _)| *hash);
        let (done, total, began) = (AtomicU64::new(0), missing.len() as u64, Instant::now());
        let found: Vec<(ContentHash, T)> = missing
            .par_iter()
            .filter_map(|(hash, path)| {
                if monitor.stopped() {
                    return None;
                }
                let seen = look(path);
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                if done.is_multiple_of(step) || done == total {
                    let rate = done as f64 / began.elapsed().as_secs_f64().max(1e-6);
                    let remaining = Some((total - done) as f64 / rate);
                    monitor.update(Update::Progress { done, total, unit: "images".into(), rate, remaining });
                }
                Some((*hash, seen?))
            })
            .collect();
        if !found.is_empty() {
            // Entries that another audit added meanwhile are kept.
            known.extend((self.load)());
            known.extend(found);
            let bytes = (self.to_csv)(&known).at(self.path);
            if let Err(error) = bytes.and_then(|bytes| write_whole(self.path, &bytes)) {
                let text = format!("The cache of {} was not written: {error}", self.what);
                monitor.update(Update::Note { text });
            }
        }
        if monitor.stopped() {
            return Err(Error::stopped());
        }
        Ok(files.iter().filter_map(|(hash, _)| Some((*hash, *known.get(hash)?))).collect())
    }
}
