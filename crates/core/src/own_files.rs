//! Access to the workspace's own files: those in runs, feature stores and prepared sets.
//!
//! The program creates no links there, so an existing link was put there by someone else (with a copied folder, for
//! example). Its target is neither read nor written, and never truncated. The workspace folder itself, and data, may be
//! links or be reached through one.

use rustix::fs::OFlags;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Opens a file with these options, unless its name is a link.
///
/// # Errors
/// [`io::ErrorKind::Other`] with a message about the link; any error of opening a file.
pub fn open_with(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    // Without O_NONBLOCK, opening a named pipe would block.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    options
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .map_err(|error| if is_link(path) { io::Error::other(LINK) } else { error })
}

/// Whether there is a link of that name.
pub fn is_link(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|facts| facts.is_symlink())
}

/// The message about a link.
const LINK: &str = "is a link, which is not followed here; put the file itself in its place, or remove the link";

/// Opens a file for reading.
///
/// # Errors
/// As [`open_with`].
pub fn open(path: &Path) -> io::Result<File> {
    open_with(OpenOptions::new().read(true), path)
}

/// Reads a whole file.
///
/// # Errors
/// As [`open_with`]; a file that cannot be read.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = open(path)?;
    let mut bytes = Vec::with_capacity(file.metadata().map_or(0, |facts| facts.len() as usize));
    file.read_to_end(&mut bytes).map(|_| bytes)
}

/// Opens a file for appending, and creates it if needed.
///
/// # Errors
/// As [`open_with`].
pub fn append(path: &Path) -> io::Result<File> {
    open_with(OpenOptions::new().create(true).read(true).append(true), path)
}

/// Opens a file for locking, and creates it if needed. Nothing is ever written to it. Only its owner can open it, so
/// that no other user can hold the lock.
///
/// # Errors
/// As [`open_with`].
pub fn lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file = open_with(options.create(true).truncate(false).write(true).mode(0o600), path)?;
    // A file of an earlier version may be readable by others. If it is not ours, its owner decides.
    if file.metadata().is_ok_and(|facts| facts.permissions().mode() & 0o077 != 0) {
        let _ = file.set_permissions(Permissions::from_mode(0o600));
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_link_is_neither_read_nor_written_whatever_it_leads_to() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        fs::write(&target, "precious").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let refused = [open(&link), append(&link), lock(&link)].map(|opened| opened.unwrap_err().to_string());
        assert!(refused.iter().all(|why| why.contains("is a link")), "{refused:?}");
        assert!(read(&link).is_err());
        // A dangling link creates nothing.
        fs::remove_file(&target).unwrap();
        assert!(append(&link).is_err() && lock(&link).is_err() && !target.exists());
    }

    #[test]
    fn a_lock_is_its_owners_alone_and_keeps_what_is_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".lock");
        fs::write(&path, "as it was").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        drop(lock(&path).unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"as it was");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
