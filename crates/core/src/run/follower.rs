//! Folds a journal into a state incrementally.

use super::journal::{Entry, JournalReader};
use crate::error::Result;
use std::path::PathBuf;

/// A state into which the entries of a journal are folded.
pub trait Fold: Default {
    /// Adds one entry.
    fn take(&mut self, entry: Entry);
}

/// A journal and its state so far.
#[derive(Debug)]
pub struct Follower<F> {
    reader: JournalReader,
    state: F,
}

impl<F: Fold> Follower<F> {
    /// A follower at the start of the journal at `path`, which need not exist yet.
    pub fn new(path: PathBuf) -> Self {
        Self { reader: JournalReader::new(path), state: F::default() }
    }

    /// A follower that continues from `state`, which includes all lines before the one at byte `line`.
    pub(super) fn from(path: PathBuf, line: u64, state: F) -> Self {
        Self { reader: JournalReader::from(path, line), state }
    }

    /// Reads at most a few megabytes; false at the end.
    ///
    /// # Errors
    /// A journal that exists and cannot be read.
    pub fn read_piece(&mut self) -> Result<bool> {
        let piece = self.reader.read()?;
        if piece.anew {
            self.state = F::default();
        }
        piece.entries.into_iter().for_each(|entry| self.state.take(entry));
        Ok(piece.more)
    }

    /// Reads up to the end; true if there was anything new.
    ///
    /// # Errors
    /// A journal that exists and cannot be read.
    pub fn read_to_end(&mut self) -> Result<bool> {
        let mut changed = false;
        while self.read_piece()? {
            changed = true;
        }
        Ok(changed)
    }

    /// The present state.
    pub fn state(&self) -> &F {
        &self.state
    }

    /// The final state.
    pub fn into_state(self) -> F {
        self.state
    }

    /// Offset of the first line that was not read, in bytes.
    pub fn line(&self) -> u64 {
        self.reader.line()
    }
}
