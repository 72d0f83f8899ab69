//! Temporary files and folders. Their names contain their owner, so that the next one created in the same folder
//! removes those of killed programs.

use crate::error::{AtPath, Result};
use crate::owner::Owner;
use std::fs;
use std::path::Path;

/// Prefix of their names; the [`Owner`] follows.
pub const PREFIX: &str = ".tmp-";

/// A temporary file in a folder, with this suffix. Its permissions follow the user's umask, since it will become a
/// normal file. Remains of killed programs in the folder are removed.
///
/// # Errors
/// A folder in which no file can be created.
pub fn file(folder: &Path, suffix: &str) -> Result<tempfile::NamedTempFile> {
    clear(folder, PREFIX);
    file_beside(folder, suffix)
}

/// [`file`] without the cleanup, for a folder with many other files that is cleaned elsewhere.
pub(crate) fn file_beside(folder: &Path, suffix: &str) -> Result<tempfile::NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;
    let rights = fs::Permissions::from_mode(0o666);
    let prefix = format!("{PREFIX}{}-", Owner::this());
    tempfile::Builder::new().prefix(&prefix).suffix(suffix).permissions(rights).tempfile_in(folder).at(folder)
}

/// A temporary folder with this prefix. Remains of killed programs with the same prefix are removed.
///
/// # Errors
/// A folder in which none can be created.
pub fn folder(parent: &Path, prefix: &str) -> Result<tempfile::TempDir> {
    clear(parent, prefix);
    tempfile::Builder::new().prefix(&format!("{prefix}{}-", Owner::this())).tempdir_in(parent).at(parent)
}

/// Removes entries with this prefix whose process is known to be dead. Failures are ignored.
fn clear(folder: &Path, prefix: &str) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(prefix)).and_then(Owner::parse);
        if owner.is_some_and(|owner| owner.is_dead()) {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let _ = if is_folder { fs::remove_dir_all(entry.path()) } else { fs::remove_file(entry.path()) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_dead_left_goes_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        let this = Owner::this().to_string();
        // No process of this machine can have started before it, and none has this id.
        let (machine, _) = this.split_once('-').unwrap();
        let dead = format!("{machine}-00000000-7fffffff-1");
        let mine = file(place.path(), "").unwrap();
        let kept = [format!(".tmp-{this}-abc"), ".tmp-abc123".into(), format!("tmp-{dead}-x"), ".tmp-".into()];
        kept.iter().for_each(|name| fs::write(at(name), "").unwrap());
        fs::write(at(&format!(".tmp-{dead}-x")), "").unwrap();
        fs::create_dir_all(at(&format!(".tmp-{dead}-y/z"))).unwrap();
        fs::create_dir(at(&format!(".other-{dead}-y"))).unwrap();
        let other = file(place.path(), ".pt").unwrap();
        let left = fs::read_dir(place.path()).unwrap().count();
        assert_eq!(left, kept.len() + 3, "those, two of ours, and one of another kind");
        assert!(mine.path().exists() && other.path().to_string_lossy().ends_with(".pt"));
        folder(place.path(), ".other-").unwrap();
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), left - 1);
    }
}
