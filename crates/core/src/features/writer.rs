//! Adds parts to a store. Any number of processes on any number of machines may do so at the same time.

use super::half::Half;
use super::part::{self, PartName};
use super::rows::Rows;
use super::store::Store;
use crate::claim::Claim;
use crate::dataset::ContentHash;
use crate::error::{AtPath, Error, Result};
use crate::monitor::{Monitor, Update};
use crate::own_files;
use crate::owner::writer_name;
use crate::workspace::persist;
use ndarray::Array2;
use ndarray_npy::WritableElement;
use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

/// Maximum size of a part in bytes, so that a kill loses little and few rows of the widest features are held in memory.
const PART_BYTES: usize = 16 << 20;

/// Maximum time per part, so that a kill loses little of a slow network's work either.
const PART_TIME: Duration = Duration::from_secs(30);

/// The same while other processes write too, which may compute again what they do not see yet; and for stores that have
/// some rows already.
const SHARED_PART_TIME: Duration = Duration::from_secs(5);
const SHARED_PART_TIME_OF_SOME: Duration = Duration::from_secs(1);
const SOME_ROWS: usize = 64;

/// Collects rows into parts. Dropping it without [`PartWriter::flush`] loses the rows pushed since the last complete
/// part.
pub struct PartWriter<'a> {
    store: &'a mut Store,
    keys: Vec<ContentHash>,
    rows: Collected,
    part_rows: usize,
    /// Its unique name, and the number of its next part.
    name: String,
    next: u32,
    /// Whether another writer was observed.
    shared: bool,
    /// When the last part was written, or the writer was created.
    since: Instant,
    _sign: Option<Claim>,
    _lock: Option<File>,
}

enum Collected {
    F32(Vec<f32>),
    F16(Vec<Half>),
    U16(Vec<u16>),
}

impl<'a> PartWriter<'a> {
    /// Creates the store's folder if needed, picks up parts of other writers, sets damaged parts aside and removes the
    /// remains of dead processes.
    ///
    /// Each part gets `part_rows` rows, fewer if that would exceed 16 MB or while others write too.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn open(store: &'a mut Store, part_rows: usize, monitor: &dyn Monitor) -> Result<Self> {
        let folder = store.folder().to_path_buf();
        // Checked before anything is computed.
        let cannot = |error: Error| {
            let advice =
                "rows are missing or damaged and cannot be written here; make the folder writable, or use a copy";
            Error::file(&folder, format!("{advice} of it ({error})"))
        };
        fs::create_dir_all(&folder).at(&folder).map_err(cannot)?;
        let mut file = part::temporary(&folder).map_err(cannot)?;
        let identity = serde_json::to_vec_pretty(store.identity()).at(&folder)?;
        if own_files::read(&store.identity_path()).ok().as_ref() != Some(&identity) {
            file.write_all(&identity).at(&store.identity_path())?;
            persist(file, &store.identity_path())?;
        }
        // A sign for the others, by which each writer but the first finds an order of its own. Nothing else depends on it.
        let sign = Claim::take_now(&store.claim_path()).ok().flatten();
        let (lock, locked) = lock(&store.lock_path());
        let shared = sign.is_none() || locked;
        part::remove_remains(&folder, lock.is_some())?;
        store.refresh()?;
        set_aside(store, monitor)?;
        let rows = match store.identity().dtype {
            super::Dtype::F32 | super::Dtype::Bf16 => Collected::F32(Vec::new()),
            super::Dtype::F16 => Collected::F16(Vec::new()),
            super::Dtype::U16 => Collected::U16(Vec::new()),
        };
        let row_bytes = store.identity().width.max(1) * store.identity().dtype.bytes();
        let part_rows = part_rows.min(PART_BYTES / row_bytes).max(1);
        let (name, since) = (writer_name(), Instant::now());
        Ok(Self { store, keys: Vec::new(), rows, part_rows, name, next: 0, shared, since, _sign: sign, _lock: lock })
    }

    /// Whether another process writes to this store, as far as can be observed.
    pub fn is_shared(&self) -> bool {
        self.shared
    }

    /// Writes parts as if no other process wrote to this store, because none computes the same rows.
    pub fn set_alone(&mut self) {
        self.shared = false;
    }

    /// Sets another maximum size of parts, in bytes.
    pub(super) fn end_parts_at(&mut self, bytes: usize) {
        let row_bytes = self.store.identity().width.max(1) * self.store.identity().dtype.bytes();
        self.part_rows = (bytes / row_bytes).max(1);
        self.shared = false;
    }

    /// The number of parts that this writer has written.
    pub fn parts_written(&self) -> u32 {
        self.next
    }

    /// [`Store::verify`]; damaged parts are set aside.
    ///
    /// # Errors
    /// As [`Store::verify`]; a folder that cannot be written.
    pub fn verify(&mut self, keys: &[ContentHash], monitor: &dyn Monitor) -> Result<()> {
        self.store.verify(keys, monitor)?;
        set_aside(self.store, monitor)
    }

    /// Picks up parts of other writers, and returns whether there were any.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn refresh(&mut self) -> Result<bool> {
        let before = self.store.parts();
        self.store.refresh()?;
        let new = self.store.parts() > before;
        self.shared |= new;
        Ok(new)
    }

    /// The store, with all parts written so far.
    pub fn store(&self) -> &Store {
        self.store
    }

    /// Adds rows, and writes each part that becomes full. `keys[i]` is the hash of the image of row `i`.
    ///
    /// # Errors
    /// Rows of another type or width than the store's, or a write error; rows of earlier parts are safe.
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
        if is_due(self.keys.len(), self.part_rows, self.shared, self.since.elapsed()) { self.flush() } else { Ok(()) }
    }

    /// [`PartWriter::push`] for those rows that the store lacks.
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

    /// Writes the collected rows as a part, however few. Does nothing if there are none.
    pub fn flush(&mut self) -> Result<()> {
        if self.keys.is_empty() {
            return Ok(());
        }
        let folder = self.store.folder().to_path_buf();
        let shape = (self.keys.len(), self.store.identity().width);
        let name = PartName::new(&self.name, self.next);
        match &mut self.rows {
            Collected::F32(all) => write(&folder, &name, &self.keys, shape, std::mem::take(all)),
            Collected::F16(all) => write(&folder, &name, &self.keys, shape, std::mem::take(all)),
            Collected::U16(all) => write(&folder, &name, &self.keys, shape, std::mem::take(all)),
        }?;
        self.keys.clear();
        self.next += 1;
        self.since = Instant::now();
        self.store.add_own(name)
    }
}

/// Whether a part with so many rows is due, given `full` rows per part and the time since the last one.
fn is_due(rows: usize, full: usize, shared: bool, since: Duration) -> bool {
    let time = match (shared, rows >= SOME_ROWS) {
        (false, _) => PART_TIME,
        (true, false) => SHARED_PART_TIME,
        (true, true) => SHARED_PART_TIME_OF_SOME,
    };
    rows > 0 && (rows >= full || since >= time)
}

fn write<T: WritableElement>(
    folder: &Path,
    name: &PartName,
    keys: &[ContentHash],
    shape: (usize, usize),
    values: Vec<T>,
) -> Result<()> {
    part::write(folder, name, keys, &Array2::from_shape_vec(shape, values).at(folder)?)
}

/// The lock that keeps versions before 0.2 away, if it can be taken; and whether another process holds it.
fn lock(path: &Path) -> (Option<File>, bool) {
    let Ok(file) = own_files::lock(path) else { return (None, false) };
    match file.try_lock() {
        Ok(()) => (Some(file), false),
        Err(TryLockError::WouldBlock) => (None, true),
        // A file system without locks.
        Err(TryLockError::Error(_)) => (None, false),
    }
}

/// Sets aside the parts that are known to be damaged, and reports it.
fn set_aside(store: &mut Store, monitor: &dyn Monitor) -> Result<()> {
    for damaged in store.take_damaged() {
        let aside = part::set_aside(store.folder(), &damaged.name)?;
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
        assert!(is_due(512, 512, false, early) && is_due(1, 512, false, late));
        assert!(!is_due(511, 512, false, early) && !is_due(0, 512, true, late));
        assert!(is_due(1, 512, true, SHARED_PART_TIME), "sooner while others write too");
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
