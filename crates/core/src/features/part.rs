//! One part of a store on disk: some hundred rows and their keys, as two `.npy` files, and the checksums of both.

use super::checksum::{Checksums, Hashing};
use super::half::Half;
use super::identity::Dtype;
use crate::dataset::ContentHash;
use crate::error::{AtPath, Error, Result};
use crate::own_files;
use crate::owner::Owner;
use crate::scratch;
use crate::workspace::persist_shared;
use memmap2::{Mmap, UncheckedAdvice};
use ndarray::{ArrayView2, ArrayViewMut1};
use ndarray_npy::{ViewElement, ViewNpyExt, WriteNpyExt};
use std::fs;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Suffix of the files of a damaged part that was set aside.
const ASIDE: &str = ".damaged";

/// The name of a part: `00003`, the global numbering before version 0.2, or `WRITER-00003`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PartName {
    /// Globally numbered parts come first.
    named_by_writer: bool,
    stem: String,
}

impl PartName {
    pub fn new(writer: &str, number: u32) -> Self {
        Self { named_by_writer: true, stem: format!("{writer}-{number:05}") }
    }

    fn parse(stem: &str) -> Option<Self> {
        if let Ok(number) = stem.parse::<u32>() {
            let counted = format!("{number:05}") == stem;
            return counted.then(|| Self { named_by_writer: false, stem: stem.to_owned() });
        }
        let (writer, number) = stem.rsplit_once('-')?;
        let fits = Owner::parse(writer).is_some() && number.len() >= 5 && number.bytes().all(|b| b.is_ascii_digit());
        fits.then(|| Self { named_by_writer: true, stem: stem.to_owned() })
    }

    /// The file with the rows.
    pub fn rows(&self, folder: &Path) -> PathBuf {
        folder.join(format!("part-{}.npy", self.stem))
    }

    /// The file with the keys.
    pub fn keys(&self, folder: &Path) -> PathBuf {
        folder.join(format!("part-{}.keys.npy", self.stem))
    }

    /// The file with the checksums.
    pub fn checksums(&self, folder: &Path) -> PathBuf {
        folder.join(format!("part-{}.sha256", self.stem))
    }

    /// Whether the process that wrote it, or was writing it, is known to be dead.
    fn is_of_the_dead(&self) -> bool {
        self.named_by_writer && Owner::parse(&self.stem).is_some_and(|owner| owner.is_dead())
    }
}

/// The parts in a store's folder, in order; none if there is no such folder.
///
/// A part exists once its last file does: the keys. Before version 0.2 that was the file of rows.
pub(super) fn names(folder: &Path) -> Result<Vec<PartName>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::file(folder, error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let file = entry.at(folder)?.file_name();
        let stem = file.to_str().and_then(|file| file.strip_prefix("part-")).and_then(|file| file.strip_suffix(".npy"));
        let Some(stem) = stem else { continue };
        let (stem, is_keys) = stem.strip_suffix(".keys").map_or((stem, false), |stem| (stem, true));
        names.extend(PartName::parse(stem).filter(|name| name.named_by_writer == is_keys));
    }
    names.sort_unstable();
    Ok(names)
}

/// Removes the remains of writers that are known to be dead: temporary files, and parts without their last file.
/// `none_before`: no process of a version before 0.2 is writing, so temporary files without an owner are remains too.
pub(super) fn remove_remains(folder: &Path, none_before: bool) -> Result<()> {
    for entry in fs::read_dir(folder).at(folder)? {
        let path = entry.at(folder)?.path();
        let Some(file) = path.file_name().and_then(|file| file.to_str()) else { continue };
        let remains = if let Some(rest) = file.strip_prefix(scratch::PREFIX) {
            Owner::parse(rest).map_or(none_before, |owner| owner.is_dead())
        } else if let Some(rest) = file.strip_prefix("part-") {
            let stem = rest.strip_suffix(".npy").or_else(|| rest.strip_suffix(".sha256"));
            let name = stem.and_then(PartName::parse);
            name.is_some_and(|name| name.is_of_the_dead() && !name.keys(folder).exists())
        } else {
            false
        };
        if remains {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(Error::file(&path, error)),
                _ => {}
            }
        }
    }
    Ok(())
}

/// A complete part, memory-mapped.
pub(super) struct Part {
    pub name: PartName,
    map: Mmap,
    pub rows: usize,
    /// Offset of the first row.
    start: usize,
    row_bytes: usize,
    dtype: Dtype,
    /// Its checksums; none for a part of an earlier version.
    stated: Option<Checksums>,
    keys_sum: ContentHash,
    /// Whether its rows have been verified.
    pub verified: bool,
}

/// The result of opening a part.
pub(super) enum Found {
    Whole(Part),
    /// Not a part of this store, and why.
    Damaged(String),
    Gone,
}

/// The result of verifying the rows of a part.
pub(super) enum Verdict {
    /// The rows match their checksum.
    Sound,
    /// There is no checksum and the rows look valid; these are their checksums.
    New(Checksums),
    /// The rows do not match their checksum, or contain non-finite values.
    Damaged(String),
}

impl Part {
    /// Opens a part and checks it against its header, its keys and the store's row format, and its keys against their
    /// checksum; [`Part::verify`] checks the rows. Calls `take` with the key of each row, in order.
    pub fn open(
        folder: &Path,
        name: &PartName,
        dtype: Dtype,
        width: usize,
        take: &mut dyn FnMut(ContentHash),
    ) -> Result<Found> {
        let path = name.rows(folder);
        let Some(map) = map_if_there(&path)? else {
            // Set aside or joined by another process since the folder was listed.
            return Ok(Found::Gone);
        };
        let rows = match shape(&map, dtype) {
            Ok((rows, found)) if found == width => rows,
            Ok((_, found)) => return Ok(Found::Damaged(format!("has {found} values per row instead of {width}"))),
            Err(reason) => return Ok(Found::Damaged(reason)),
        };
        forget(&map);
        // Read before the keys, which are set aside before the checksums: so a part that is just being set aside never
        // looks like one without checksums.
        let stated = match Checksums::read(folder, name)? {
            Ok(stated) => stated,
            Err(reason) => return Ok(Found::Damaged(reason)),
        };
        let Some(keys) = map_if_there(&name.keys(folder))? else {
            let gone = name.named_by_writer && !path.exists();
            return Ok(if gone { Found::Gone } else { Found::Damaged("its file of keys is missing".into()) });
        };
        match view::<u8>(&keys) {
            Ok(keys) if keys.dim() == (rows, 32) => {}
            Ok(keys) => {
                let (found, bytes) = keys.dim();
                return Ok(Found::Damaged(format!("has {rows} rows but {found} keys of {bytes} bytes")));
            }
            Err(reason) => return Ok(Found::Damaged(format!("its file of keys cannot be read: {reason}"))),
        }
        let keys_sum = ContentHash::of(&keys);
        if stated.is_some_and(|stated| stated.keys != keys_sum) {
            return Ok(Found::Damaged("its keys do not fit their checksum".into()));
        }
        // The keys are at the end of the file, whose shape was checked.
        let (each, _) = keys[keys.len() - rows * 32..].as_chunks::<32>();
        each.iter().for_each(|key| take(ContentHash(*key)));
        let row_bytes = width * dtype.bytes();
        let start = map.len() - rows * row_bytes;
        Ok(Found::Whole(Self {
            name: name.clone(),
            map,
            rows,
            start,
            row_bytes,
            dtype,
            stated,
            keys_sum,
            verified: false,
        }))
    }

    /// Reads all rows and verifies them.
    pub fn verify(&self) -> Verdict {
        let rows = ContentHash::of(&self.map);
        match self.stated {
            Some(stated) if stated.rows == rows => Verdict::Sound,
            Some(_) => Verdict::Damaged("its rows do not fit their checksum".into()),
            None => match self.not_a_number() {
                Some(row) => Verdict::Damaged(format!("row {row} holds a value that is not a finite number")),
                None => Verdict::New(Checksums { rows, keys: self.keys_sum }),
            },
        }
    }

    /// The first row, counted from 0, with a non-finite value.
    fn not_a_number(&self) -> Option<usize> {
        let values = &self.map[self.start..];
        let value = match self.dtype {
            Dtype::F32 | Dtype::Bf16 => {
                let (values, _) = values.as_chunks::<4>();
                values.iter().position(|value| !f32::from_le_bytes(*value).is_finite())
            }
            Dtype::F16 => {
                let (values, _) = values.as_chunks::<2>();
                values.iter().position(|value| !Half::value(*value).is_finite())
            }
            Dtype::U16 => None,
        };
        value.map(|value| value * self.dtype.bytes() / self.row_bytes)
    }

    fn row(&self, row: usize) -> &[u8] {
        let begin = self.start + row * self.row_bytes;
        &self.map[begin..begin + self.row_bytes]
    }

    /// Copies a row of a [`Dtype::F32`] part.
    pub fn copy_f32(&self, row: usize, out: ArrayViewMut1<'_, f32>) {
        copy(self.row(row), out, f32::from_le_bytes);
    }

    /// Copies a row of a [`Dtype::U16`] part.
    pub fn copy_u16(&self, row: usize, out: ArrayViewMut1<'_, u16>) {
        copy(self.row(row), out, u16::from_le_bytes);
    }

    /// Copies a row of a [`Dtype::F16`] part as f32; the conversion is exact.
    pub fn copy_f16_as_f32(&self, row: usize, out: ArrayViewMut1<'_, f32>) {
        copy(self.row(row), out, Half::value);
    }

    /// Copies a row of a [`Dtype::U16`] part as the other type; the conversion is exact.
    pub fn copy_u16_as_f32(&self, row: usize, out: ArrayViewMut1<'_, f32>) {
        copy(self.row(row), out, |bytes| f32::from(u16::from_le_bytes(bytes)));
    }
}

fn copy<const N: usize, T>(bytes: &[u8], mut out: ArrayViewMut1<'_, T>, value: impl Fn([u8; N]) -> T) {
    let (values, _) = bytes.as_chunks::<N>();
    match out.as_slice_mut() {
        // Equal types become one block copy.
        Some(out) => out.iter_mut().zip(values).for_each(|(out, bytes)| *out = value(*bytes)),
        None => out.iter_mut().zip(values).for_each(|(out, bytes)| *out = value(*bytes)),
    }
}

/// Writes a part: rows, checksums, and last the keys, which complete it. `keys` has one entry per row.
pub(super) fn write(folder: &Path, name: &PartName, keys: &[ContentHash], rows: &impl WriteNpyExt) -> Result<()> {
    let key_bytes: Vec<u8> = keys.iter().flat_map(|key| key.0).collect();
    let (rows_path, keys_path) = (name.rows(folder), name.keys(folder));
    let key_rows = ArrayView2::from_shape((keys.len(), 32), &key_bytes).at(&keys_path)?;
    let (rows_file, rows_sum) = write_npy(&rows_path, rows)?;
    let (keys_file, keys_sum) = write_npy(&keys_path, &key_rows)?;
    let whole = persist_shared(rows_file, &rows_path)
        .and_then(|()| Checksums { rows: rows_sum, keys: keys_sum }.write(folder, name))
        .and_then(|()| persist_shared(keys_file, &keys_path));
    if whole.is_err() {
        // No other process can complete it.
        for path in [&keys_path, &rows_path, &name.checksums(folder)] {
            let _ = fs::remove_file(path);
        }
    }
    whole
}

/// A temporary file in a store's folder, with its writer in the name.
pub(super) fn temporary(folder: &Path) -> Result<NamedTempFile> {
    scratch::file_beside(folder, "")
}

/// Writes an array to a temporary file for `path`.
fn write_npy(path: &Path, array: &impl WriteNpyExt) -> Result<(NamedTempFile, ContentHash)> {
    let mut file = temporary(path.parent().unwrap_or(Path::new(".")))?;
    let mut hashing = Hashing::new(file.as_file_mut());
    let mut buffer = BufWriter::with_capacity(1 << 16, &mut hashing);
    array.write_npy(&mut buffer).at(path)?;
    buffer.flush().at(path)?;
    drop(buffer);
    let sum = hashing.sum();
    Ok((file, sum))
}

/// Renames a damaged part, first the file that completes it; returns the new name of the rows. Another process may be
/// doing the same.
pub(super) fn set_aside(folder: &Path, name: &PartName) -> Result<PathBuf> {
    let aside = |path: &Path| {
        let mut name = path.as_os_str().to_owned();
        name.push(ASIDE);
        PathBuf::from(name)
    };
    let (rows, keys) = (name.rows(folder), name.keys(folder));
    let [first, second] = if name.named_by_writer { [&keys, &rows] } else { [&rows, &keys] };
    for path in [first, second, &name.checksums(folder)] {
        match fs::rename(path, aside(path)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(Error::file(path, error)),
            _ => {}
        }
    }
    Ok(aside(&rows))
}

/// Deletes a part whose rows are all in another; first the file that completes it.
pub(super) fn remove(folder: &Path, name: &PartName) -> Result<()> {
    let (rows, keys) = (name.rows(folder), name.keys(folder));
    let [first, second] = if name.named_by_writer { [keys, rows] } else { [rows, keys] };
    for path in [first, second, name.checksums(folder)] {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(Error::file(&path, error)),
            _ => {}
        }
    }
    Ok(())
}

/// The shape (rows, width) in the header of a part, if it agrees with the file's length.
pub(super) fn stated_shape(folder: &Path, name: &PartName, dtype: Dtype) -> Option<(usize, usize)> {
    shape(&map_if_there(&name.rows(folder)).ok()??, dtype).ok()
}

/// Maps a file; `None` if it does not exist.
fn map_if_there(path: &Path) -> Result<Option<Mmap>> {
    let file = match own_files::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::file(path, error)),
    };
    // SAFETY: a part and its keys get their names by a rename after the last byte was flushed, and are never written to
    // afterwards; setting aside and deleting keep the mapped bytes alive until the map is dropped.
    unsafe { Mmap::map(&file) }.map(Some).at(path)
}

/// Releases the pages that reading the header has loaded, some 64 KB around it: a store has thousands of parts.
fn forget(map: &Mmap) {
    // SAFETY: the map is of a file and is never written to; released pages are loaded from the file again.
    let _ = unsafe { map.unchecked_advise(UncheckedAdvice::DontNeed) };
}

fn shape(bytes: &[u8], dtype: Dtype) -> Result<(usize, usize), String> {
    match dtype {
        Dtype::F32 | Dtype::Bf16 => view::<f32>(bytes).map(|rows| rows.dim()),
        Dtype::F16 => view::<Half>(bytes).map(|rows| rows.dim()),
        Dtype::U16 => view::<u16>(bytes).map(|rows| rows.dim()),
    }
}

fn view<T: ViewElement>(bytes: &[u8]) -> Result<ArrayView2<'_, T>, String> {
    let array = ArrayView2::<T>::view_npy(bytes).map_err(|error| error.to_string())?;
    if array.is_standard_layout() { Ok(array) } else { Err("is in Fortran order".into()) }
}
