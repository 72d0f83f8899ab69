//! The checksums of a part, in the format of `sha256sum -c`: one line for its rows, one for its keys.

use super::part::{PartName, temporary};
use crate::dataset::ContentHash;
use crate::error::{AtPath, Error, Result};
use crate::own_files;
use crate::workspace::persist;
use sha2::{Digest, Sha256};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// Maximum size of a checksum file; it has some 170 bytes.
const LONGEST: u64 = 1024;

/// The SHA-256 of a part's two files, including their headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Checksums {
    pub rows: ContentHash,
    pub keys: ContentHash,
}

impl Checksums {
    /// Reads the checksums of a part; none if there are none, as for parts of earlier versions.
    ///
    /// # Errors
    /// The inner error says what is wrong with the file; the outer one is a file that cannot be opened.
    pub fn read(folder: &Path, name: &PartName) -> Result<Result<Option<Self>, String>> {
        let path = name.checksums(folder);
        let mut bytes = Vec::new();
        match own_files::open(&path) {
            Ok(file) => file.take(LONGEST).read_to_end(&mut bytes).at(&path)?,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Ok(None)),
            Err(error) => return Err(Error::file(&path, error)),
        };
        let read = std::str::from_utf8(&bytes).ok().and_then(|text| Self::parse(text, folder, name));
        Ok(read.map(Some).ok_or_else(|| "its file of checksums is not what was written".to_owned()))
    }

    /// Writes the checksums of a part.
    pub fn write(&self, folder: &Path, name: &PartName) -> Result<()> {
        let path = name.checksums(folder);
        let mut file = temporary(folder)?;
        file.write_all(self.text(folder, name).as_bytes()).at(&path)?;
        persist(file, &path)
    }

    fn text(&self, folder: &Path, name: &PartName) -> String {
        let line = |sum: ContentHash, path: PathBuf| {
            format!("{sum}  {}\n", path.file_name().unwrap_or_default().to_string_lossy())
        };
        line(self.rows, name.rows(folder)) + &line(self.keys, name.keys(folder))
    }

    fn parse(text: &str, folder: &Path, name: &PartName) -> Option<Self> {
        let mut sums = text.lines().map(|line| line.get(..64)?.parse().ok());
        let read = Self { rows: sums.next()??, keys: sums.next()?? };
        // Names and whitespace must match exactly, otherwise it is the file of another part.
        (read.text(folder, name) == text).then_some(read)
    }
}

/// A writer that hashes everything written through it.
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
