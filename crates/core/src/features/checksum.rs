//! The checksums of a part, in a file that `sha256sum -c` takes: one line for its rows, one for its keys.

use super::part::{keys_path, rows_path};
use crate::dataset::ContentHash;
use crate::error::{AtPath, Error, Result};
use crate::own_files;
use crate::workspace::write_whole;
use sha2::{Digest, Sha256};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// A file of checksums has some 170 bytes.
const LONGEST: u64 = 1024;

/// The file with the checksums of part `number`.
pub(super) fn path(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("part-{number:05}.sha256"))
}

/// The SHA-256 of a part's two files, headers included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Checksums {
    pub rows: ContentHash,
    pub keys: ContentHash,
}

impl Checksums {
    /// What is written down for part `number`; none where nothing is, as for parts of earlier versions.
    ///
    /// # Errors
    /// Within, what is wrong with the file; without, a file that cannot be opened.
    pub fn read(folder: &Path, number: u32) -> Result<Result<Option<Self>, String>> {
        let path = path(folder, number);
        let mut bytes = Vec::new();
        match own_files::open(&path) {
            Ok(file) => file.take(LONGEST).read_to_end(&mut bytes).at(&path)?,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Ok(None)),
            Err(error) => return Err(Error::file(&path, error)),
        };
        let read = std::str::from_utf8(&bytes).ok().and_then(|text| Self::parse(text, folder, number));
        Ok(read.map(Some).ok_or_else(|| "its file of checksums is not what was written".to_owned()))
    }

    /// Writes them down for part `number`.
    pub fn write(&self, folder: &Path, number: u32) -> Result<()> {
        write_whole(&path(folder, number), self.text(folder, number).as_bytes())
    }

    fn text(&self, folder: &Path, number: u32) -> String {
        let line = |sum: ContentHash, path: PathBuf| {
            format!("{sum}  {}\n", path.file_name().unwrap_or_default().to_string_lossy())
        };
        line(self.rows, rows_path(folder, number)) + &line(self.keys, keys_path(folder, number))
    }

    fn parse(text: &str, folder: &Path, number: u32) -> Option<Self> {
        let mut sums = text.lines().map(|line| line.get(..64)?.parse().ok());
        let read = Self { rows: sums.next()??, keys: sums.next()?? };
        // Names, spaces and line ends are as they are written, or it is the file of another part.
        (read.text(folder, number) == text).then_some(read)
    }
}

/// Takes the checksum of what goes through it to a file.
pub(super) struct Hashing<W> {
    inner: W,
    hash: Sha256,
}

impl<W: Write> Hashing<W> {
    pub fn new(inner: W) -> Self {
        Self { inner, hash: Sha256::new() }
    }

    /// The checksum of everything that was written.
    pub fn sum(self) -> ContentHash {
        ContentHash(self.hash.finalize().into())
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
