//! Outputs written piece by piece, because they can be larger than memory.

use super::{Outputs, ResolvedOutput, folder_of, refused};
use crate::error::{AtPath, Error, Result};
use crate::scratch;
use crate::workspace::{persist, persist_new};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::Path;

impl Outputs {
    /// [`Outputs::write`] of a file that `fill` writes piece by piece.
    ///
    /// # Errors
    /// As [`Outputs::write`], and errors of `fill`; a stream, to which such a file cannot be written.
    pub fn write_with(&mut self, path: &Path, fill: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
        let there = match self.look(path)? {
            ResolvedOutput::Never(error) => return Err(error),
            ResolvedOutput::Foreign(_, error) if !self.force => return Err(error),
            ResolvedOutput::Stream => return Err(refused(path, "is not an ordinary file; name another")),
            ResolvedOutput::Own(real) | ResolvedOutput::Foreign(real, _) => Some(real),
            ResolvedOutput::Free => None,
        };
        let target = there.as_deref().unwrap_or(path);
        let folder = folder_of(target);
        fs::create_dir_all(folder).at(folder)?;
        let mut file = scratch::file(folder, "")?;
        let mut out = BufWriter::with_capacity(1 << 20, Summing { to: file.as_file_mut(), sum: Sha256::new() });
        fill(&mut out)?;
        let sum = out.into_inner().map_err(|error| Error::at(path, error.into_error()))?.sum;
        let real = folder.canonicalize().at(folder)?.join(target.file_name().unwrap_or_default());
        self.ledger.note_sum(&real, hex::encode(sum.finalize()));
        let persisted = if there.is_some() { persist(file, target) } else { persist_new(file, target) };
        match persisted {
            Err(error) if error.io() == Some(ErrorKind::AlreadyExists) => {
                Err(refused(path, "appeared while this command was at work; name another file"))
            }
            persisted => persisted.map(|()| self.remember(&real)),
        }
    }
}

/// A writer that hashes its data.
struct Summing<W> {
    to: W,
    sum: Sha256,
}

impl<W: Write> Write for Summing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.to.write(bytes)?;
        self.sum.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
