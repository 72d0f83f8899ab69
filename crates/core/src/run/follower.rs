//! Folding a journal into a state, from some line on, as far as it has grown.

use super::journal::{Entry, JournalReader};
use crate::error::Result;
use std::path::PathBuf;

/// A state that entries of a journal are taken into one after the other.
pub trait Fold: Default {
    /// Takes one entry in.
    fn take(&mut self, entry: Entry);
}

/// A journal and what it comes to so far.
#[derive(Debug)]
pub struct Follower<F> {
    reader: JournalReader,
    state: F,
}

impl<F: Fold> Follower<F> {
    /// A follower that has read nothing of the journal at `path`, which need not be there yet.
    pub fn new(path: PathBuf) -> Self {
        Self { reader: JournalReader::new(path), state: F::default() }
    }

    /// A follower that goes on from `state`, which the journal comes to before the line that begins at byte `line`.
    pub(super) fn from(path: PathBuf, line: u64, state: F) -> Self {
        Self { reader: JournalReader::from(path, line), state }
    }

    /// Reads a few megabytes at most; false at the end.
    ///
    /// # Errors
    /// A journal that is there and cannot be read.
    pub fn read_piece(&mut self) -> Result<bool> {
        let piece = self.reader.read()?;
        if piece.anew {
            self.state = F::default();
        }
        piece.entries.into_iter().for_each(|entry| self.state.take(entry));
        Ok(piece.more)
    }

    /// Reads all there is; true if that was something.
    ///
    /// # Errors
    /// A journal that is there and cannot be read.
    pub fn read_to_end(&mut self) -> Result<bool> {
        let mut changed = false;
        while self.read_piece()? {
            changed = true;
        }
        Ok(changed)
    }

    /// What was read comes to this.
    pub fn state(&self) -> &F {
        &self.state
    }

    /// The same, when nothing more is to be read.
    pub fn into_state(self) -> F {
        self.state
    }

    /// Where the first line begins that was not taken in, in bytes.
    pub fn line(&self) -> u64 {
        self.reader.line()
    }
}
