//! Opens and reads feature stores.

use super::checksum::Checksums;
use super::identity::{Dtype, StoreIdentity};
use super::index::{Place, RowIndex};
use super::part::{self, Found, Part, PartName, Verdict};
use crate::dataset::ContentHash;
use crate::error::{AtPath, Error, Result};
use crate::monitor::Monitor;
use crate::own_files;
use ndarray::{Array2, ArrayViewMut1, ArrayViewMut2};
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The rows of one [`StoreIdentity`], open for reading. [`super::PartWriter`] adds rows.
///
/// Rows stay on disk and are memory-mapped; only the keys (40 bytes per row) are in memory.
pub struct Store {
    identity: StoreIdentity,
    folder: PathBuf,
    parts: Vec<Part>,
    index: RowIndex,
    damaged: Vec<DamagedPart>,
}

/// Checksums that a part lacked, and its name.
pub(super) type NewChecksums = Vec<(PartName, Checksums)>;

/// A part that cannot be read, or does not match its checksums. Its rows count as missing; the next writer sets it
/// aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedPart {
    pub path: PathBuf,
    pub reason: String,
    pub(super) name: PartName,
}

impl Store {
    /// Opens the store of `identity` in `folder_of_all_stores` (`cache/features`). Nothing is created or changed: a
    /// store that does not exist yet is empty.
    ///
    /// # Errors
    /// A folder that cannot be read, or that belongs to other features.
    pub fn open(folder_of_all_stores: &Path, identity: &StoreIdentity) -> Result<Self> {
        let mut store = Self {
            identity: identity.clone(),
            folder: folder_of_all_stores.join(identity.folder_name()),
            parts: Vec::new(),
            index: RowIndex::default(),
            damaged: Vec::new(),
        };
        // An unreadable identity.json is harmless, since the folder's name is derived from the identity; the next
        // writer rewrites it. A different identity means that the folder was renamed by hand.
        match read_identity(&store.folder) {
            Some(found) if found != *identity => {
                let what = "holds other features than its name says; rename or remove this folder";
                return Err(Error::file(&store.folder, what));
            }
            _ => store.refresh()?,
        }
        Ok(store)
    }

    /// The identity of the rows.
    pub fn identity(&self) -> &StoreIdentity {
        &self.identity
    }

    /// The folder of this store; it may not exist yet.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The number of distinct images with a row.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether no image has a row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the image with this hash has a row.
    pub fn contains(&self, key: &ContentHash) -> bool {
        self.index.get(key).is_some()
    }

    /// The positions in `keys` of images without a row, in order.
    pub fn missing(&self, keys: &[ContentHash]) -> Vec<usize> {
        (0..keys.len()).filter(|&index| !self.contains(&keys[index])).collect()
    }

    /// Verifies the rows of `keys` against their checksums: all parts that contain them are read once, on all rayon
    /// threads. The rows of a damaged part count as missing from then on; the next writer sets it aside.
    ///
    /// A part of an earlier version has no checksums. It is damaged if a value is not finite; otherwise its checksums
    /// are written now, if possible.
    ///
    /// # Errors
    /// [`Error::stopped`] after a stop.
    pub fn verify(&mut self, keys: &[ContentHash], monitor: &dyn Monitor) -> Result<()> {
        let new = self.verified(keys, monitor)?;
        // If they cannot be written, the next run verifies the part in the same way; that is no reason to fail.
        let _ = self.write_checksums(&new);
        Ok(())
    }

    fn verified(&mut self, keys: &[ContentHash], monitor: &dyn Monitor) -> Result<NewChecksums> {
        let mut new = NewChecksums::new();
        loop {
            let places = keys.iter().filter_map(|key| self.index.get(key)).map(|place| place.part as usize);
            let wanted: BTreeSet<usize> = places.filter(|&part| !self.parts[part].verified).collect();
            let verdicts = wanted.into_par_iter().map(|part| {
                if monitor.stopped() { Err(Error::stopped()) } else { Ok((part, self.parts[part].verify())) }
            });
            let mut damaged = BTreeSet::new();
            for (part, verdict) in verdicts.collect::<Result<Vec<_>>>()? {
                let name = self.parts[part].name.clone();
                self.parts[part].verified = true;
                match verdict {
                    Verdict::Sound => {}
                    Verdict::New(checksums) => new.push((name, checksums)),
                    Verdict::Damaged(reason) => {
                        damaged.insert(part);
                        self.note_damaged(name, reason);
                    }
                }
            }
            if damaged.is_empty() {
                return Ok(new);
            }
            // A damaged part may have hidden sound rows of the same images, which are verified next.
            self.index.retain(|part| !damaged.contains(&(part as usize)));
        }
    }

    /// Writes the checksums that parts lack.
    fn write_checksums(&self, new: &NewChecksums) -> Result<()> {
        for (name, checksums) in new {
            // Another process may have set the part aside or written its checksums by now.
            if name.rows(&self.folder).exists() && !name.checksums(&self.folder).exists() {
                checksums.write(&self.folder, name)?;
            }
        }
        Ok(())
    }

    /// Parts that could not be read when the store was opened, or were found to be damaged since.
    pub fn damaged(&self) -> &[DamagedPart] {
        &self.damaged
    }

    /// The rows of `keys`, in their order: keys x width. 16-bit values are converted exactly.
    ///
    /// # Errors
    /// An image without a row.
    pub fn rows_f32(&self, keys: &[ContentHash]) -> Result<Array2<f32>> {
        let mut rows = Array2::zeros((keys.len(), self.identity.width));
        self.gather_into(keys, &mut rows.view_mut())?;
        Ok(rows)
    }

    /// Copies the rows of `keys` from the mapped files into `out` (keys x width), so that a store larger than memory
    /// can be processed block by block in one buffer. 16-bit values are converted exactly.
    ///
    /// # Errors
    /// An image without a row (then `out` is partly written), or `out` of another shape.
    pub fn gather_into(&self, keys: &[ContentHash], out: &mut ArrayViewMut2<'_, f32>) -> Result<()> {
        match self.identity.dtype {
            Dtype::F32 | Dtype::Bf16 => self.gather(keys, out, Part::copy_f32),
            Dtype::F16 => self.gather(keys, out, Part::copy_f16_as_f32),
            Dtype::U16 => self.gather(keys, out, Part::copy_u16_as_f32),
        }
    }

    /// [`Store::gather_into`] without conversion, for a [`Dtype::U16`] store.
    ///
    /// # Errors
    /// As [`Store::gather_into`]; also a store of another number format.
    pub fn gather_u16_into(&self, keys: &[ContentHash], out: &mut ArrayViewMut2<'_, u16>) -> Result<()> {
        match self.identity.dtype {
            Dtype::U16 => self.gather(keys, out, Part::copy_u16),
            Dtype::F32 | Dtype::Bf16 | Dtype::F16 => {
                Err(Error::file(&self.folder, "holds floating-point rows, not u16; gather them with gather_into"))
            }
        }
    }

    fn gather<T>(
        &self,
        keys: &[ContentHash],
        out: &mut ArrayViewMut2<'_, T>,
        copy: impl Fn(&Part, usize, ArrayViewMut1<'_, T>),
    ) -> Result<()> {
        if out.dim() != (keys.len(), self.identity.width) {
            let (rows, width) = out.dim();
            let (keys, expected) = (keys.len(), self.identity.width);
            let what = format!("cannot give {keys} rows of {expected} values in an array of {rows} x {width}");
            return Err(Error::file(&self.folder, what));
        }
        for (key, out) in keys.iter().zip(out.rows_mut()) {
            let Some(place) = self.index.get(key) else {
                let missing = self.missing(keys).len();
                let what = format!("lacks {missing} of {} images; run faceprobe extract first", keys.len());
                return Err(Error::file(&self.folder, what));
            };
            copy(&self.parts[place.part as usize], place.row as usize, out);
        }
        Ok(())
    }

    /// The number of parts that were opened.
    pub(super) fn parts(&self) -> usize {
        self.parts.len()
    }

    /// The parts with fewer rows than that.
    pub(super) fn parts_below(&self, rows: usize) -> Vec<PartName> {
        self.parts.iter().filter(|part| part.rows < rows).map(|part| part.name.clone()).collect()
    }

    /// The images whose rows are read from these parts, in the order of parts and rows.
    pub(super) fn keys_in(&self, parts: &[PartName]) -> Vec<ContentHash> {
        let parts: BTreeSet<&PartName> = parts.iter().collect();
        let among = |place: &Place| parts.contains(&self.parts[place.part as usize].name);
        let mut rows: Vec<_> = self.index.iter().filter(|(_, place)| among(place)).collect();
        rows.sort_unstable_by_key(|(_, place)| *place);
        rows.into_iter().map(|(key, _)| key).collect()
    }

    pub(super) fn claim_path(&self) -> PathBuf {
        self.folder.join(".writing.claim")
    }

    pub(super) fn lock_path(&self) -> PathBuf {
        self.folder.join(".lock")
    }

    pub(super) fn identity_path(&self) -> PathBuf {
        self.folder.join(IDENTITY)
    }

    /// Picks up parts that any process has written since the store was opened.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn refresh(&mut self) -> Result<()> {
        let mut known: BTreeSet<PartName> = self.parts.iter().map(|part| part.name.clone()).collect();
        known.extend(self.damaged.iter().map(|damaged| damaged.name.clone()));
        // Parts that are being joined disappear while the folder is read; the joined part exists by then.
        for _ in 0..3 {
            let names: Vec<PartName> =
                part::names(&self.folder)?.into_iter().filter(|name| !known.contains(name)).collect();
            let vanished = self.add(&names)?;
            if !vanished {
                break;
            }
            known.extend(names);
        }
        Ok(())
    }

    /// Opens parts and indexes their rows, or records that they are damaged; returns whether one of them was gone.
    fn add(&mut self, names: &[PartName]) -> Result<bool> {
        let mut rows = Vec::new();
        let mut vanished = false;
        for name in names {
            let part = u32::try_from(self.parts.len()).at(&self.folder)?;
            let first = rows.len();
            let mut next = 0..;
            let mut take = |key| rows.extend(next.next().map(|row| (key, Place { part, row })));
            match Part::open(&self.folder, name, self.identity.dtype, self.identity.width, &mut take)? {
                Found::Gone => vanished = true,
                Found::Damaged(reason) => self.note_damaged(name.clone(), reason),
                Found::Whole(part) => {
                    self.parts.push(part);
                    continue;
                }
            }
            rows.truncate(first);
        }
        self.index.add(rows);
        Ok(vanished)
    }

    /// Adds a part that this process has just written.
    pub(super) fn add_own(&mut self, name: PartName) -> Result<()> {
        let before = self.parts.len();
        self.add(&[name])?;
        self.parts[before..].iter_mut().for_each(|part| part.verified = true);
        Ok(())
    }

    fn note_damaged(&mut self, name: PartName, reason: String) {
        let path = name.rows(&self.folder);
        self.damaged.push(DamagedPart { path, reason, name });
    }

    pub(super) fn take_damaged(&mut self) -> Vec<DamagedPart> {
        std::mem::take(&mut self.damaged)
    }
}

const IDENTITY: &str = "identity.json";

fn read_identity(folder: &Path) -> Option<StoreIdentity> {
    serde_json::from_slice(&own_files::read(&folder.join(IDENTITY)).ok()?).ok()
}

/// A store in the list of the Features screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreInfo {
    pub identity: StoreIdentity,
    pub folder: PathBuf,
    /// Number of complete parts.
    pub parts: usize,
    /// Number of rows in them.
    pub rows: usize,
    /// Size of all files of the store.
    pub bytes: u64,
}

/// All stores in `folder_of_all_stores`, by folder name. Reads headers and sizes only; other folders and unreadable
/// parts are left out.
pub fn inventory(folder_of_all_stores: &Path) -> Vec<StoreInfo> {
    let Ok(entries) = fs::read_dir(folder_of_all_stores) else {
        return Vec::new();
    };
    let mut stores: Vec<StoreInfo> = entries.flatten().filter_map(|entry| info(&entry.path())).collect();
    stores.sort_by(|a, b| a.folder.cmp(&b.folder));
    stores
}

fn info(folder: &Path) -> Option<StoreInfo> {
    let identity = read_identity(folder)?;
    let shapes: Vec<(usize, usize)> = part::names(folder)
        .ok()?
        .iter()
        .filter_map(|name| part::stated_shape(folder, name, identity.dtype))
        .filter(|(_, width)| *width == identity.width)
        .collect();
    let bytes = fs::read_dir(folder).ok()?.flatten().filter_map(|entry| entry.metadata().ok()).map(|data| data.len());
    let (parts, rows) = (shapes.len(), shapes.iter().map(|(rows, _)| rows).sum());
    Some(StoreInfo { identity, folder: folder.to_path_buf(), parts, rows, bytes: bytes.sum() })
}
