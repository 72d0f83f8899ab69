//! One part of a store on disk: some hundred rows and their keys, as two `.npy` files.

use super::half::Half;
use super::identity::Dtype;
use crate::dataset::ContentHash;
use crate::error::{AtPath, Error, Result};
use crate::workspace::persist;
use memmap2::Mmap;
use ndarray::{ArrayView2, ArrayViewMut1};
use ndarray_npy::{ViewElement, ViewNpyExt, WriteNpyExt};
use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

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

/// The numbers of the parts in a store's folder, ascending; none when there is no such folder.
pub(super) fn numbers(folder: &Path) -> Result<Vec<u32>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::file(folder, error)),
    };
    let mut numbers = Vec::new();
    for entry in entries {
        let name = entry.at(folder)?.file_name();
        let digits = name.to_str().and_then(|name| name.strip_prefix("part-")?.strip_suffix(".npy"));
        let number = digits.and_then(|digits| digits.parse::<u32>().ok());
        // Only the name this number is written under: not the keys, a damaged part, or something foreign.
        numbers.extend(number.filter(|&number| rows_path(folder, number).file_name() == Some(&name)));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// A whole part, mapped into memory.
pub(super) struct Part {
    pub number: u32,
    map: Mmap,
    /// Where the first row begins.
    start: usize,
    row_bytes: usize,
}

/// What was found under a part's name.
pub(super) enum Found {
    Whole(Part, Vec<ContentHash>),
    /// Something that is not a part of this store, and why.
    Damaged(String),
    Gone,
}

impl Part {
    /// Opens part `number` and checks it against its header, its keys and the store's row format.
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
        let Some(keys_map) = map_if_there(&keys_path(folder, number))? else {
            return Ok(Found::Damaged("its file of keys is missing".into()));
        };
        let keys = match view::<u8>(&keys_map) {
            Ok(keys) if keys.dim() == (rows, 32) => keys,
            Ok(keys) => {
                let (found, bytes) = keys.dim();
                return Ok(Found::Damaged(format!("has {rows} rows but {found} keys of {bytes} bytes")));
            }
            Err(reason) => return Ok(Found::Damaged(format!("its file of keys cannot be read: {reason}"))),
        };
        let keys = keys.rows().into_iter().map(|row| ContentHash(std::array::from_fn(|byte| row[byte]))).collect();
        let row_bytes = width * dtype.bytes();
        let start = map.len() - rows * row_bytes;
        Ok(Found::Whole(Self { number, map, start, row_bytes }, keys))
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

/// Writes part `number`: keys first, so that rows are never without keys. `keys` has one entry per row.
pub(super) fn write(folder: &Path, number: u32, keys: &[ContentHash], rows: &impl WriteNpyExt) -> Result<()> {
    let key_bytes: Vec<u8> = keys.iter().flat_map(|key| key.0).collect();
    let path = keys_path(folder, number);
    let key_rows = ArrayView2::from_shape((keys.len(), 32), &key_bytes).at(&path)?;
    write_npy(&path, &key_rows)?;
    write_npy(&rows_path(folder, number), rows)
}

fn write_npy(path: &Path, array: &impl WriteNpyExt) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(folder).at(folder)?;
    let mut buffer = BufWriter::with_capacity(1 << 16, file.as_file_mut());
    array.write_npy(&mut buffer).at(path)?;
    buffer.flush().at(path)?;
    drop(buffer);
    persist(file, path)
}

/// The shape (rows, width) that the header of part `number` states, when it agrees with the file's length.
pub(super) fn stated_shape(folder: &Path, number: u32, dtype: Dtype) -> Option<(usize, usize)> {
    shape(&map_if_there(&rows_path(folder, number)).ok()??, dtype).ok()
}

/// Maps a file; `None` when there is none.
fn map_if_there(path: &Path) -> Result<Option<Mmap>> {
    let file = match File::open(path) {
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
