//! One part of a store on disk: some hundred rows and their keys, as two `.npy` files, and the checksums of both.

use super::checksum::{self, Checksums, Hashing};
use super::half::Half;
use super::identity::Dtype;
use crate::dataset::ContentHash;
use crate::error::{AtPath, Error, Result};
use crate::own_files;
use crate::workspace::{persist, temporary};
use memmap2::Mmap;
use ndarray::{ArrayView2, ArrayViewMut1};
use ndarray_npy::{ViewElement, ViewNpyExt, WriteNpyExt};
use std::fs;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// What temporary files begin with; those that a kill left behind are removed by the next writer.
pub(super) const TEMPORARY: &str = ".tmp-";

/// The file with the rows of part `number`.
pub(super) fn rows_path(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("part-{number:05}.npy"))
}

/// The file with the keys of part `number`.
pub(super) fn keys_path(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("part-{number:05}.keys.npy"))
}

/// What the name of each file of a part that was set aside ends with.
const ASIDE: &str = ".damaged";

/// The numbers of the parts in a store's folder, ascending; none when there is no such folder.
pub(super) fn numbers(folder: &Path) -> Result<Vec<u32>> {
    numbers_before(folder, "")
}

/// A number above those of all parts, those set aside included, so that nothing that was set aside is overwritten.
pub(super) fn next_number(folder: &Path) -> Result<u32> {
    let last = numbers(folder)?.into_iter().chain(numbers_before(folder, ASIDE)?).max();
    Ok(last.map_or(0, |last| last + 1))
}

/// The numbers of the files with rows whose names have `ending` behind.
fn numbers_before(folder: &Path, ending: &str) -> Result<Vec<u32>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::file(folder, error)),
    };
    let mut numbers = Vec::new();
    for entry in entries {
        let name = entry.at(folder)?.file_name();
        let Some(name) = name.to_str().and_then(|name| name.strip_suffix(ending)) else { continue };
        let digits = name.strip_prefix("part-").and_then(|name| name.strip_suffix(".npy"));
        let number = digits.and_then(|digits| digits.parse::<u32>().ok());
        // Only the name this number is written under: not the keys, or something foreign.
        numbers.extend(number.filter(|&number| rows_path(folder, number).ends_with(name)));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// A whole part, mapped into memory.
pub(super) struct Part {
    pub number: u32,
    map: Mmap,
    rows: usize,
    /// Where the first row begins.
    start: usize,
    row_bytes: usize,
    dtype: Dtype,
    keys: Mmap,
    /// What is written down; none for a part of an earlier version.
    stated: Option<Checksums>,
    /// Whether its rows are known to be those that were computed.
    pub verified: bool,
}

/// What was found under a part's name.
pub(super) enum Found {
    Whole(Part),
    /// Something that is not a part of this store, and why.
    Damaged(String),
    Gone,
}

/// What a look at all rows of a part shows.
pub(super) enum Verdict {
    /// They are those that were written.
    Sound,
    /// Nothing says what was written, and nothing is wrong with what is there, of which these are the checksums.
    New(Checksums),
    /// They are not what was written, or not numbers.
    Damaged(String),
}

impl Part {
    /// Opens part `number` and checks it against its header, its keys and the store's row format, and its keys against
    /// their checksum; [`Part::verify`] does so with the rows.
    pub fn open(folder: &Path, number: u32, dtype: Dtype, width: usize) -> Result<Found> {
        let path = rows_path(folder, number);
        let Some(map) = map_if_there(&path)? else {
            // Between the listing of the folder and now: set aside by a writer, or deleted.
            return Ok(Found::Gone);
        };
        let rows = match shape(&map, dtype) {
            Ok((rows, found)) if found == width => rows,
            Ok((_, found)) => return Ok(Found::Damaged(format!("has {found} values per row instead of {width}"))),
            Err(reason) => return Ok(Found::Damaged(reason)),
        };
        // Before the keys, which are set aside before the checksums are: a part that is just being set aside is never
        // taken for one that has no checksums.
        let stated = match Checksums::read(folder, number)? {
            Ok(stated) => stated,
            Err(reason) => return Ok(Found::Damaged(reason)),
        };
        let Some(keys) = map_if_there(&keys_path(folder, number))? else {
            return Ok(Found::Damaged("its file of keys is missing".into()));
        };
        match view::<u8>(&keys) {
            Ok(keys) if keys.dim() == (rows, 32) => {}
            Ok(keys) => {
                let (found, bytes) = keys.dim();
                return Ok(Found::Damaged(format!("has {rows} rows but {found} keys of {bytes} bytes")));
            }
            Err(reason) => return Ok(Found::Damaged(format!("its file of keys cannot be read: {reason}"))),
        }
        if stated.is_some_and(|stated| stated.keys != ContentHash::of(&keys)) {
            return Ok(Found::Damaged("its keys do not fit their checksum".into()));
        }
        let row_bytes = width * dtype.bytes();
        let start = map.len() - rows * row_bytes;
        Ok(Found::Whole(Self { number, map, rows, start, row_bytes, dtype, keys, stated, verified: false }))
    }

    /// The key of each row.
    pub fn keys(&self) -> impl Iterator<Item = ContentHash> {
        // The keys end the file, and its shape was checked.
        let (keys, _) = self.keys[self.keys.len() - self.rows * 32..].as_chunks::<32>();
        keys.iter().map(|key| ContentHash(*key))
    }

    /// Reads all rows and tells whether they are what was written.
    pub fn verify(&self) -> Verdict {
        let rows = ContentHash::of(&self.map);
        match self.stated {
            Some(stated) if stated.rows == rows => Verdict::Sound,
            Some(_) => Verdict::Damaged("its rows do not fit their checksum".into()),
            None => match self.not_a_number() {
                Some(row) => Verdict::Damaged(format!("row {row} holds a value that is not a finite number")),
                None => Verdict::New(Checksums { rows, keys: ContentHash::of(&self.keys) }),
            },
        }
    }

    /// The first row, counted from 0, with a value that is not a finite number.
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

    /// Copies a row of a [`Dtype::F16`] part as numbers of 32 bits; every value is exact.
    pub fn copy_f16_as_f32(&self, row: usize, out: ArrayViewMut1<'_, f32>) {
        copy(self.row(row), out, Half::value);
    }

    /// Copies a row of a [`Dtype::U16`] part as numbers of the other type; every value is exact.
    pub fn copy_u16_as_f32(&self, row: usize, out: ArrayViewMut1<'_, f32>) {
        copy(self.row(row), out, |bytes| f32::from(u16::from_le_bytes(bytes)));
    }
}

fn copy<const N: usize, T>(bytes: &[u8], mut out: ArrayViewMut1<'_, T>, value: impl Fn([u8; N]) -> T) {
    let (values, _) = bytes.as_chunks::<N>();
    match out.as_slice_mut() {
        // The plain slices become one block copy.
        Some(out) => out.iter_mut().zip(values).for_each(|(out, bytes)| *out = value(*bytes)),
        None => out.iter_mut().zip(values).for_each(|(out, bytes)| *out = value(*bytes)),
    }
}

/// Writes part `number`: keys and checksums first, so that rows are never without them. `keys` has one entry per row.
pub(super) fn write(folder: &Path, number: u32, keys: &[ContentHash], rows: &impl WriteNpyExt) -> Result<()> {
    let key_bytes: Vec<u8> = keys.iter().flat_map(|key| key.0).collect();
    let (rows_path, keys_path) = (rows_path(folder, number), keys_path(folder, number));
    let key_rows = ArrayView2::from_shape((keys.len(), 32), &key_bytes).at(&keys_path)?;
    let (keys_file, keys_sum) = write_npy(&keys_path, &key_rows)?;
    let (rows_file, rows_sum) = write_npy(&rows_path, rows)?;
    persist(keys_file, &keys_path)?;
    Checksums { rows: rows_sum, keys: keys_sum }.write(folder, number)?;
    persist(rows_file, &rows_path)
}

/// Writes an array to a temporary file beside `path`.
fn write_npy(path: &Path, array: &impl WriteNpyExt) -> Result<(NamedTempFile, ContentHash)> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = temporary(folder, TEMPORARY, "")?;
    let mut hashing = Hashing::new(file.as_file_mut());
    let mut buffer = BufWriter::with_capacity(1 << 16, &mut hashing);
    array.write_npy(&mut buffer).at(path)?;
    buffer.flush().at(path)?;
    drop(buffer);
    let sum = hashing.sum();
    Ok((file, sum))
}

/// Renames a damaged part, rows first so that they are never without keys; tells the new name of the rows.
pub(super) fn set_aside(folder: &Path, number: u32) -> Result<PathBuf> {
    let aside = |path: &Path| {
        let mut name = path.as_os_str().to_owned();
        name.push(ASIDE);
        PathBuf::from(name)
    };
    let rows = rows_path(folder, number);
    let new = aside(&rows);
    fs::rename(&rows, &new).at(&rows)?;
    for path in [keys_path(folder, number), checksum::path(folder, number)] {
        match fs::rename(&path, aside(&path)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(Error::file(&path, error)),
            _ => {}
        }
    }
    Ok(new)
}

/// The shape (rows, width) that the header of part `number` states, when it agrees with the file's length.
pub(super) fn stated_shape(folder: &Path, number: u32, dtype: Dtype) -> Option<(usize, usize)> {
    shape(&map_if_there(&rows_path(folder, number)).ok()??, dtype).ok()
}

/// Maps a file; `None` when there is none.
fn map_if_there(path: &Path) -> Result<Option<Mmap>> {
    let file = match own_files::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::file(path, error)),
    };
    // SAFETY: a part and its keys get their names by a rename after the last byte was flushed, and nothing writes to
    // them afterwards; setting aside and deleting keep the mapped bytes alive until the map is dropped.
    unsafe { Mmap::map(&file) }.map(Some).at(path)
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
