//! Reads image files. Never blocks on pipes or devices.

use crate::error::{Error, Result};
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::fs::{FileType, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

/// Maximum file size; no photograph is larger.
pub(super) const MOST_BYTES: u64 = 1 << 30;

/// Reads a regular file of at most 1 GiB.
///
/// # Errors
/// Anything else, with a message for each kind.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let refused = |error: &std::io::Error| Error::file(path, reason(error));
    // Checked before it is opened: opening alone can have effects on a device.
    let facts = std::fs::metadata(path).map_err(|error| refused(&error))?;
    check(path, facts.file_type())?;
    // The file may have been replaced since; opening a pipe must not block.
    let file = OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path);
    let file = file.map_err(|error| refused(&error))?;
    let facts = file.metadata().map_err(|error| refused(&error))?;
    check(path, facts.file_type())?;
    if facts.len() > MOST_BYTES {
        return Err(Error::file(path, "is larger than 1 GiB, which no photograph is"));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(facts.len()).unwrap_or(0));
    file.take(MOST_BYTES).read_to_end(&mut bytes).map_err(|error| refused(&error))?;
    Ok(bytes)
}

fn check(path: &Path, kind: FileType) -> Result<()> {
    let what = match kind {
        kind if kind.is_file() => return Ok(()),
        kind if kind.is_dir() => "is a folder, not an image; name the files in it",
        kind if kind.is_fifo() => "is a named pipe, not an image file; pass an image's bytes with 'predict - < PIPE'",
        kind if kind.is_socket() => "is a socket, not an image file",
        kind if kind.is_block_device() || kind.is_char_device() => "is a device, not an image file",
        _ => "is not an ordinary file",
    };
    Err(Error::file(path, what))
}

/// A system error in words that say what to do.
pub(super) fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "there is no such file".into(),
        ErrorKind::PermissionDenied => "may not be read by you".into(),
        ErrorKind::NotADirectory => "leads through a file as if it were a folder; there can be nothing below it".into(),
        ErrorKind::InvalidFilename => "has a name longer than this file system takes".into(),
        _ if Errno::from_io_error(error) == Some(Errno::LOOP) => "is a link that leads back to itself".into(),
        _ => error.to_string(),
    }
}
