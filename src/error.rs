//! The one error type: a sentence for a person, and what kind of end it is.

use std::fmt;
use std::path::Path;

/// How a command ends because of an error; the command line turns it into the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The work could not be done (exit code 1).
    Failed,
    /// The request itself was wrong (exit code 2).
    Usage,
    /// The user asked the work to stop; what was finished is kept (exit code 1).
    Stopped,
}

/// One sentence that names the thing, says what is wrong with it and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    sentence: String,
}

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Work that could not be done. `sentence` says what, why and how to mend it.
    pub fn failed(sentence: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Failed, sentence: sentence.into() }
    }

    /// A request that makes no sense as it was put.
    pub fn usage(sentence: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Usage, sentence: sentence.into() }
    }

    /// The user stopped the work.
    pub fn stopped() -> Self {
        Self { kind: ErrorKind::Stopped, sentence: "Stopped; what was finished is kept.".into() }
    }

    /// A file that cannot be used: `path: what is wrong`.
    pub fn file(path: &Path, what: impl fmt::Display) -> Self {
        Self::failed(format!("{}: {what}", path.display()))
    }

    /// How the command ends.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for Error {}

/// Names the file in an I/O or format error.
pub trait AtPath<T> {
    /// Turns the error into one sentence that begins with the path.
    fn at(self, path: &Path) -> Result<T>;
}

impl<T, E: fmt::Display> AtPath<T> for std::result::Result<T, E> {
    fn at(self, path: &Path) -> Result<T> {
        self.map_err(|error| Error::file(path, error))
    }
}
