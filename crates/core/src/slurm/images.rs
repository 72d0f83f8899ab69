//! Copies of images on the disk of the node that a task runs on.
//!
//! A file system that many nodes share feels every opening of a small file. Where the user wants it, an image is copied to the
//! node's own disk when a task reads it for the first time, and read there from then on. The folder is the task's alone and goes
//! with it. A copy is known by the hash of its bytes, as rows of features are, and believed only while they have it: so nothing
//! that is computed depends on whether there are copies, and none is ever the only one.

use crate::dataset::ContentHash;
use crate::error::Result;
use crate::scratch;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// The variable that tells a worker where its task keeps copies.
pub const VARIABLE: &str = "FACEPROBE_IMAGE_COPIES";

/// What a task's folder is called, before the name of its owner.
const PREFIX: &str = "faceprobe-images-";

/// Of the node's disk so much stays free for others: 1 GB, and a tenth of it.
const SPARED: u64 = 1 << 30;

/// The folder of a task's copies, in `$TMPDIR`. It goes when this is dropped; what killed tasks left goes when the next begins.
///
/// # Errors
/// A `$TMPDIR` in which no folder can be made.
pub fn folder() -> Result<tempfile::TempDir> {
    scratch::folder(&std::env::temp_dir(), PREFIX)
}

/// Reads images through the copies of a task.
#[derive(Debug)]
pub struct ImageCopies {
    folder: PathBuf,
    /// Bytes of free space below which nothing is copied.
    spared: u64,
    read: AtomicU64,
    copied: AtomicU64,
}

impl ImageCopies {
    /// Copies in a folder that exists.
    pub fn new(folder: PathBuf) -> Self {
        let all = rustix::fs::statvfs(&folder).map_or(0, |disk| disk.f_blocks.saturating_mul(disk.f_frsize));
        Self { folder, spared: SPARED.max(all / 10), read: AtomicU64::new(0), copied: AtomicU64::new(0) }
    }

    /// The bytes of an image: those of its copy, or else those of the file, which is copied if there is room.
    ///
    /// # Errors
    /// A file that cannot be read. Copies that cannot be made or read are none.
    pub fn read(&self, key: &ContentHash, path: &Path) -> std::io::Result<Vec<u8>> {
        let copy = self.folder.join(key.to_string());
        if let Ok(bytes) = std::fs::read(&copy)
            && ContentHash::of(&bytes) == *key
        {
            self.read.fetch_add(1, Ordering::Relaxed);
            return Ok(bytes);
        }
        let bytes = std::fs::read(path)?;
        if ContentHash::of(&bytes) == *key && self.has_room(bytes.len() as u64) && self.keep(&copy, &bytes).is_ok() {
            self.copied.fetch_add(1, Ordering::Relaxed);
        }
        Ok(bytes)
    }

    fn has_room(&self, bytes: u64) -> bool {
        let free = rustix::fs::statvfs(&self.folder).map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
        free.is_ok_and(|free| free >= self.spared.saturating_add(bytes))
    }

    /// Nothing is flushed: a copy that a crash tears is not believed.
    fn keep(&self, copy: &Path, bytes: &[u8]) -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(bytes)?;
        file.persist(copy).map(|_| ()).map_err(|error| error.error)
    }

    /// What became of the images that were read, in a sentence.
    pub fn words(&self) -> String {
        format!(
            "{} images were copied to {}, {} were read from there",
            self.copied.load(Ordering::Relaxed),
            self.folder.display(),
            self.read.load(Ordering::Relaxed)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn an_image_is_copied_once_and_its_copy_is_believed_only_while_it_is_the_same() {
        let place = tempfile::tempdir().unwrap();
        let (folder, path) = (place.path().join("copies"), place.path().join("image.png"));
        fs::create_dir(&folder).unwrap();
        fs::write(&path, "an image").unwrap();
        let key = ContentHash::of(b"an image");
        let copies = ImageCopies { spared: 0, ..ImageCopies::new(folder.clone()) };
        let counts = || (copies.copied.load(Ordering::Relaxed), copies.read.load(Ordering::Relaxed));
        assert_eq!(copies.read(&key, &path).unwrap(), b"an image");
        fs::rename(&path, place.path().join("away")).unwrap();
        assert_eq!((copies.read(&key, &path).unwrap(), counts()), (b"an image".to_vec(), (1, 1)), "from the copy");
        fs::rename(place.path().join("away"), &path).unwrap();
        fs::write(folder.join(key.to_string()), "an ima").unwrap();
        assert_eq!((copies.read(&key, &path).unwrap(), counts()), (b"an image".to_vec(), (2, 1)), "it was torn");

        // What was changed since it was prepared is no copy of what was, and where there is no room there are no copies.
        fs::write(&path, "another").unwrap();
        let other = ContentHash::of(b"one that is not there");
        assert_eq!(copies.read(&other, &path).unwrap(), b"another");
        let full = ImageCopies { spared: u64::MAX, ..ImageCopies::new(folder.clone()) };
        assert_eq!(full.read(&ContentHash::of(b"another"), &path).unwrap(), b"another");
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(copies.read(&ContentHash::of(b"another"), &path).unwrap(), b"another", "the disk is gone");
        assert_eq!(counts(), (2, 1));
    }
}
