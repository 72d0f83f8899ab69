//! The error type: a sentence for the user, and the kind of failure.

use crate::path_text::text_of;
use faceprobe_settings::Refusal;
use std::error::Error as StdError;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// The kind of failure; the command line maps it to the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The work could not be done (exit code 1).
    Failed,
    /// The request was invalid (exit code 2).
    Usage,
    /// The user asked the work to stop; what was finished is kept (exit code 1).
    Stopped,
}

/// One sentence that names the object, what is wrong with it and how to fix it; with the underlying error.
#[derive(Debug, Clone)]
pub struct Error {
    kind: ErrorKind,
    sentence: String,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// The result type of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Work that failed. `sentence` says what, why and how to fix it.
    pub fn failed(sentence: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Failed, sentence: sentence.into(), source: None }
    }

    /// An invalid request.
    pub fn usage(sentence: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Usage, sentence: sentence.into(), source: None }
    }

    /// The user stopped the work.
    pub fn stopped() -> Self {
        Self::stopped_with("Stopped; what was finished is kept.")
    }

    /// The same with a sentence about what is kept.
    pub fn stopped_with(sentence: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Stopped, sentence: sentence.into(), source: None }
    }

    /// A file that cannot be used: `path: what is wrong`.
    pub fn file(path: &Path, what: impl fmt::Display) -> Self {
        Self::failed(format!("{}: {what}", text_of(path)))
    }

    /// The same about a file, from an error: one of this program keeps its kind, any other becomes its source.
    pub fn at(path: &Path, error: impl StdError + Send + Sync + 'static) -> Self {
        let sentence = format!("{}: {error}", text_of(path));
        let boxed: Box<dyn StdError + Send + Sync> = Box::new(error);
        match boxed.downcast::<Self>() {
            Ok(own) => Self { kind: own.kind, sentence, source: own.source },
            Err(other) => Self { kind: ErrorKind::Failed, sentence, source: Some(Arc::from(other)) },
        }
    }

    /// The underlying I/O error, if there is one.
    pub fn io(&self) -> Option<std::io::ErrorKind> {
        self.source.as_deref()?.downcast_ref::<std::io::Error>().map(std::io::Error::kind)
    }

    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

/// A refused setting is wrong usage, with the sentence that names it by its option.
impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self { source: Some(Arc::new(refusal.clone())), ..Self::usage(format!("{}.", refusal.for_option())) }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

/// Errors with the same sentence are equal; sources are for logs.
impl PartialEq for Error {
    fn eq(&self, other: &Self) -> bool {
        (self.kind, &self.sentence) == (other.kind, &other.sentence)
    }
}

impl Eq for Error {}

/// Adds the file's name to an I/O or format error.
pub trait AtPath<T> {
    /// Converts the error to one sentence that begins with the path; see [`Error::at`].
    fn at(self, path: &Path) -> Result<T>;
}

impl<T, E: StdError + Send + Sync + 'static> AtPath<T> for std::result::Result<T, E> {
    fn at(self, path: &Path) -> Result<T> {
        self.map_err(|error| Error::at(path, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn an_error_keeps_its_kind_and_its_source_on_the_way_up() {
        let path = Path::new("a/b");
        let denied: Result<()> = Err(io::Error::from(io::ErrorKind::PermissionDenied)).at(path);
        let denied = denied.unwrap_err();
        assert_eq!((denied.kind(), denied.io()), (ErrorKind::Failed, Some(io::ErrorKind::PermissionDenied)));
        assert!(denied.to_string().starts_with("a/b: ") && StdError::source(&denied).is_some());
        for (error, kind) in [(Error::stopped(), ErrorKind::Stopped), (Error::usage("no"), ErrorKind::Usage)] {
            assert_eq!(Err::<(), _>(error).at(path).unwrap_err().kind(), kind);
        }
        let further = Err::<(), _>(denied).at(Path::new("run")).unwrap_err();
        assert_eq!(further.io(), Some(io::ErrorKind::PermissionDenied));
    }
}
