//! Paths in a workspace: the folder with `data/`, `cache/` and `runs/`.

use crate::error::{AtPath, Error, Result};
use crate::scratch;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// One study's folder. Opened by [`Workspace::open`]; holds only its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The workspace in `root`, which must be a folder; sub-folders are created when they are first written to.
    pub fn open(root: &Path) -> Result<Self> {
        let root = root.canonicalize().map_err(|error| {
            Error::file(root, format!("cannot be used as workspace ({error}); make the folder or pass --workspace DIR"))
        })?;
        if !root.is_dir() {
            return Err(Error::file(&root, "is not a folder; pass --workspace DIR"));
        }
        Ok(Self { root })
    }

    /// The workspace folder, absolute.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `data/prepared/NAME`: the manifest and report of a prepared data set.
    pub fn prepared(&self, name: &str) -> PathBuf {
        self.root.join("data/prepared").join(name)
    }

    /// `data/prepared`: all prepared data sets.
    pub fn all_prepared(&self) -> PathBuf {
        self.root.join("data/prepared")
    }

    /// `data/sample`: the synthetic sample, generated at run time.
    pub fn sample(&self) -> PathBuf {
        self.root.join("data/sample")
    }

    /// `cache/features`: the feature stores.
    pub fn features(&self) -> PathBuf {
        self.root.join("cache/features")
    }

    /// `runs`: one folder per run.
    pub fn runs(&self) -> PathBuf {
        self.root.join("runs")
    }
}

/// Whether an open file is still the one with that name. After locking a file that others rename or remove, the lock
/// may be of a file that was replaced.
pub fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let same = |a: fs::Metadata, b: fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
    file.metadata().is_ok_and(|own| fs::metadata(path).is_ok_and(|there| same(own, there)))
}

/// Writes `bytes` to `path` atomically: temporary file, flush to disk, rename.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).at(folder)?;
    let mut file = scratch::file(folder, "")?;
    file.write_all(bytes).at(path)?;
    persist(file, path)
}

/// Flushes a temporary file to disk and renames it, so that `path` is never partially written.
pub fn persist(file: tempfile::NamedTempFile, path: &Path) -> Result<()> {
    named(file, path, |file| succeeded(file.persist(path), path))
}

/// [`persist`] that fails if the name is taken.
pub fn persist_new(file: tempfile::NamedTempFile, path: &Path) -> Result<()> {
    named(file, path, |file| rename_new(file, path))
}

/// [`persist_new`] for a folder that several machines write to: by a link, and a check of its effect. Over a network
/// the reply to a link or a rename may be lost after it was executed, and the retry fails.
pub fn persist_shared(file: tempfile::NamedTempFile, path: &Path) -> Result<()> {
    named(file, path, |file| match fs::hard_link(file.path(), path) {
        Ok(()) => Ok(()),
        Err(_) if is_at(file.as_file(), path) => Ok(()),
        Err(_) => rename_new(file, path),
    })
}

fn rename_new(file: tempfile::NamedTempFile, path: &Path) -> std::result::Result<(), tempfile::PersistError> {
    match succeeded(file.persist_noclobber(path), path) {
        // Some file systems support neither links nor exclusive renames: checking first is all that is left.
        Err(error) if error.error.kind() != ErrorKind::AlreadyExists && path.symlink_metadata().is_err() => {
            succeeded(error.file.persist(path), path)
        }
        done => done,
    }
}

/// Whether a file got its name, whatever the system reported.
fn succeeded(
    renamed: std::result::Result<File, tempfile::PersistError>,
    path: &Path,
) -> std::result::Result<(), tempfile::PersistError> {
    match renamed {
        Err(error) if !is_at(error.file.as_file(), path) => Err(error),
        _ => Ok(()),
    }
}

fn named(
    file: tempfile::NamedTempFile,
    path: &Path,
    name: impl FnOnce(tempfile::NamedTempFile) -> Result<(), tempfile::PersistError>,
) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    // The permissions of a replaced file are kept. If it belongs to another user, the new one belongs to us.
    if let Ok(there) = path.symlink_metadata()
        && there.is_file()
    {
        let _ = file.as_file().set_permissions(fs::Permissions::from_mode(there.permissions().mode() & 0o777));
    }
    file.as_file().sync_all().at(path)?;
    name(file).map_err(|error| Error::at(path, error.error))?;
    if let Some(folder) = path.parent() {
        // The rename must reach the disk too. Some file systems do not support this; their error is ignored.
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
    Ok(())
}
