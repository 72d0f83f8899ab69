//! Adding parts to a store, one process at a time.

use super::half::Half;
use super::part;
use super::rows::Rows;
use super::store::Store;
use crate::dataset::ContentHash;
use crate::error::{AtPath, Error, Result};
use crate::monitor::{Monitor, Update};
use crate::own_files;
use crate::workspace::write_whole;
use ndarray::Array2;
use ndarray_npy::WritableElement;
use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};

/// A part is ended at this size even if it has fewer rows than asked for, so that a kill never costs much and rows in
/// memory stay few for the widest features.
const PART_BYTES: usize = 16 << 20;

/// A part is ended after this time even if it has fewer rows than asked for, so that a kill never costs much of a slow
/// network's work either.
const PART_TIME: Duration = Duration::from_secs(30);

/// How often a waiting writer looks whether the other one has finished.
const LOCK_POLL: Duration = Duration::from_millis(100);

/// Collects rows into parts. Holds the store's lock; rows pushed since the last whole part are lost when it is dropped
/// without [`PartWriter::flush`].
pub struct PartWriter<'a> {
    store: &'a mut Store,
    keys: Vec<ContentHash>,
    rows: Collected,
    part_rows: usize,
    /// When the last part was written, or the first row could have come.
    since: Instant,
    _lock: File,
}

enum Collected {
    F32(Vec<f32>),
    F16(Vec<Half>),
    U16(Vec<u16>),
}

impl<'a> PartWriter<'a> {
    /// Waits for the lock of the store's folder (made if need be), picks up what another process has written in the
    /// meantime, sets damaged parts aside and removes what a kill left behind.
    ///
    /// Each part gets `part_rows` rows, fewer where that would be more than 16 MB.
    ///
    /// # Errors
    /// [`Error::stopped`] when the user stops while waiting; a folder that cannot be written.
    pub fn open(store: &'a mut Store, part_rows: usize, monitor: &dyn Monitor) -> Result<Self> {
        let folder = store.folder().to_path_buf();
        fs::create_dir_all(&folder).at(&folder)?;
        let lock = lock(&store.lock_path(), monitor)?;
        remove_temporaries(&folder)?;
        let identity = serde_json::to_vec_pretty(store.identity()).at(&folder)?;
        if own_files::read(&store.identity_path()).ok().as_ref() != Some(&identity) {
            write_whole(&store.identity_path(), &identity)?;
        }
        store.refresh()?;
        set_aside(store, monitor)?;
        let rows = match store.identity().dtype {
            super::Dtype::F32 | super::Dtype::Bf16 => Collected::F32(Vec::new()),
            super::Dtype::F16 => Collected::F16(Vec::new()),
            super::Dtype::U16 => Collected::U16(Vec::new()),
        };
        let row_bytes = store.identity().width.max(1) * store.identity().dtype.bytes();
        let part_rows = part_rows.min(PART_BYTES / row_bytes).max(1);
        Ok(Self { store, keys: Vec::new(), rows, part_rows, since: Instant::now(), _lock: lock })
    }

    /// [`Store::verify`] for one who holds the lock: parts that do not fit their checksums are set aside.
    ///
    /// # Errors
    /// As [`Store::verify`]; a folder that cannot be written.
    pub fn verify(&mut self, keys: &[ContentHash], monitor: &dyn Monitor) -> Result<()> {
        let new = self.store.verified(keys, monitor)?;
        self.store.write_checksums(&new)?;
        set_aside(self.store, monitor)
    }

    /// The store, with every part written so far.
    pub fn store(&self) -> &Store {
        self.store
    }

    /// Adds rows, writing each part that becomes full. `keys[i]` is the hash of the image of row `i`.
    ///
    /// # Errors
    /// Rows of another type or width than the store's, or a disk that refuses; rows of earlier parts are safe.
    pub fn push(&mut self, keys: &[ContentHash], rows: &Rows) -> Result<()> {
        let width = self.store.identity().width;
        if rows.dim() != (keys.len(), width) {
            let (found, values) = rows.dim();
            return Err(Error::file(
                self.store.folder(),
                format!("cannot take {found} rows of {values} values for {} images of {width} values", keys.len()),
            ));
        }
        for (index, key) in keys.iter().enumerate() {
            match (&mut self.rows, rows) {
                (Collected::F32(all), Rows::F32(rows)) => all.extend(rows.row(index)),
                (Collected::F16(all), Rows::F32(rows)) => {
                    all.extend(rows.row(index).iter().map(|&value| Half::of(value)));
                }
                (Collected::U16(all), Rows::U16(rows)) => all.extend(rows.row(index)),
                _ => return Err(Error::file(self.store.folder(), "cannot take rows of another number format")),
            }
            self.keys.push(*key);
            if self.keys.len() == self.part_rows {
                self.flush()?;
            }
        }
        if is_due(self.keys.len(), self.part_rows, self.since.elapsed()) { self.flush() } else { Ok(()) }
    }

    /// [`PartWriter::push`] of those rows that the store does not have.
    ///
    /// # Errors
    /// As [`PartWriter::push`].
    pub fn push_new(&mut self, keys: &[ContentHash], rows: &Rows) -> Result<()> {
        let new: Vec<usize> = self.store.missing(keys);
        if new.len() == keys.len() {
            return self.push(keys, rows);
        }
        let keys: Vec<ContentHash> = new.iter().map(|&index| keys[index]).collect();
        self.push(&keys, &rows.select(&new))
    }

    /// Writes what was collected as a part, however short. Nothing happens when nothing was.
    pub fn flush(&mut self) -> Result<()> {
        if self.keys.is_empty() {
            return Ok(());
        }
        let folder = self.store.folder().to_path_buf();
        let shape = (self.keys.len(), self.store.identity().width);
        let number = part::next_number(&folder)?;
        match &mut self.rows {
            Collected::F32(all) => write(&folder, number, &self.keys, shape, std::mem::take(all)),
            Collected::F16(all) => write(&folder, number, &self.keys, shape, std::mem::take(all)),
            Collected::U16(all) => write(&folder, number, &self.keys, shape, std::mem::take(all)),
        }?;
        self.keys.clear();
        self.since = Instant::now();
        self.store.add_own(number)
    }
}

/// Whether so many rows are written as a part that holds `full`, so long after the part before them.
fn is_due(rows: usize, full: usize, since: Duration) -> bool {
    rows > 0 && (rows >= full || since >= PART_TIME)
}

fn write<T: WritableElement>(
    folder: &Path,
    number: u32,
    keys: &[ContentHash],
    shape: (usize, usize),
    values: Vec<T>,
) -> Result<()> {
    part::write(folder, number, keys, &Array2::from_shape_vec(shape, values).at(folder)?)
}

/// Takes the exclusive lock, which the system releases when the process ends in whatever way.
fn lock(path: &Path, monitor: &dyn Monitor) -> Result<File> {
    let file = own_files::lock(path).map_err(|error| {
        if own_files::is_link(path) {
            return Error::at(path, error);
        }
        let advice =
            "rows are missing or damaged and cannot be written here; make the folder writable, or use a copy of it";
        Error::file(path, format!("{advice} ({error})"))
    })?;
    let mut told = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => {
                let advice = "cannot be locked; put the workspace on a file system with file locks";
                return Err(Error::file(path, format!("{advice} ({error})")));
            }
            Err(TryLockError::WouldBlock) => {
                if !told {
                    let text =
                        format!("{} is held: another extraction fills this store; waiting for it.", path.display());
                    monitor.update(Update::Note { text });
                    told = true;
                }
                if monitor.stopped() {
                    return Err(Error::stopped());
                }
                std::thread::sleep(LOCK_POLL);
            }
        }
    }
}

/// Whoever holds the lock is the only one who writes, so every temporary file is the remains of a kill.
fn remove_temporaries(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).at(folder)? {
        let path = entry.at(folder)?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(part::TEMPORARY)) {
            fs::remove_file(&path).at(&path)?;
        }
    }
    Ok(())
}

/// Sets the parts aside that are known to be damaged, and says so.
fn set_aside(store: &mut Store, monitor: &dyn Monitor) -> Result<()> {
    for damaged in store.take_damaged() {
        let aside = part::set_aside(store.folder(), damaged.number)?;
        let text = format!(
            "{} was damaged ({}); it was renamed to {} and its rows are computed again.",
            damaged.path.display(),
            damaged.reason,
            aside.display()
        );
        monitor.update(Update::Note { text });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Dtype, StoreIdentity};
    use super::*;
    use crate::monitor::Silent;
    use ndarray::Array2;

    #[test]
    fn a_part_is_due_when_it_is_full_or_half_a_minute_has_gone_by() {
        let (early, late) = (PART_TIME - Duration::from_millis(1), Duration::from_secs(30));
        assert!(is_due(512, 512, early) && is_due(1, 512, late));
        assert!(!is_due(511, 512, early) && !is_due(0, 512, late));
    }

    #[test]
    fn rows_of_a_slow_extraction_are_kept_before_their_part_is_full() {
        let folder = tempfile::tempdir().unwrap();
        let text = || "test".to_owned();
        let (backbone, weights, preprocessing, tap, pool) = (text(), text(), text(), text(), text());
        let identity = StoreIdentity { backbone, weights, preprocessing, tap, pool, dtype: Dtype::F32, width: 2 };
        let mut store = Store::open(folder.path(), &identity).unwrap();
        let mut writer = PartWriter::open(&mut store, 512, &Silent).unwrap();
        let row = |byte: u8| ([ContentHash([byte; 32])], Rows::F32(Array2::from_elem((1, 2), f32::from(byte))));
        let (keys, rows) = row(1);
        writer.push(&keys, &rows).unwrap();
        assert_eq!(Store::open(folder.path(), &identity).unwrap().len(), 0);
        let Some(long_ago) = Instant::now().checked_sub(PART_TIME) else { return };
        writer.since = long_ago;
        let (keys, rows) = row(2);
        writer.push(&keys, &rows).unwrap();
        assert_eq!(Store::open(folder.path(), &identity).unwrap().len(), 2);
    }
}
