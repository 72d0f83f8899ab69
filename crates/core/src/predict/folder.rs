//! What a folder holds for whoever predicts all of it: images to be answered, and the rest, counted with a reason.

use crate::dataset::walk::{files_below, is_image_name, is_of_others, look};
use crate::path_text::text_of;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What a folder holds and no answer is given for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedOver {
    reasons: Vec<Passed>,
}

/// Those with one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Passed {
    reason: String,
    count: usize,
    /// The first of them.
    example: String,
}

/// Why something is passed over whose content was not looked at.
const OF_OTHERS: &str = "hidden, or of other programs";
const DEEPER: &str = "folders, which --recursive looks into";
const LINKED: &str = "links to folders, which --recursive does not follow";

impl PassedOver {
    /// Whether everything was answered.
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.reasons.iter().map(|passed| passed.count).sum()
    }

    /// Counts some with a reason.
    fn add(&mut self, reason: &str, count: usize, example: &Path) {
        if count == 0 {
            return;
        }
        match self.reasons.iter_mut().find(|passed| passed.reason == reason) {
            Some(passed) => passed.count += count,
            None => {
                let example = text_of(Path::new(example.file_name().unwrap_or(example.as_os_str()))).into_owned();
                self.reasons.push(Passed { reason: reason.to_owned(), count, example });
            }
        }
    }

    /// Counts those of another folder too.
    pub fn join(&mut self, other: Self) {
        for Passed { reason, count, example } in other.reasons {
            self.add(&reason, count, Path::new(&example));
        }
    }

    /// `not an image: 3 (such as notes.txt); an empty file: 1 (b.jpx)`: text from outside, to be printed as such.
    pub fn text(&self) -> String {
        let told = |passed: &Passed| {
            let such = if passed.count > 1 { "such as " } else { "" };
            format!("{}: {} ({such}{})", passed.reason, passed.count, passed.example)
        };
        self.reasons.iter().map(told).collect::<Vec<_>>().join("; ")
    }
}

/// A folder, looked through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folder {
    /// In the order of their names: what has a name or a content like an image.
    pub images: Vec<PathBuf>,
    /// The folders in it and links to such, where they were not looked into.
    pub folders: Vec<PathBuf>,
    /// Everything else.
    pub passed: PassedOver,
}

impl Folder {
    /// What is not answered where somebody asks for the images: folders too.
    pub fn unanswered(self) -> PassedOver {
        let Self { folders, mut passed, .. } = self;
        folders.iter().for_each(|folder| passed.add(DEEPER, 1, folder));
        passed
    }
}

/// Looks through a folder; with `recursive`, through those in it too, each once and without following links. Hidden files
/// and those of other programs are counted, not looked at.
///
/// # Errors
/// A folder that cannot be listed: what is wrong with it.
pub fn look_through(folder: &Path, recursive: bool) -> Result<Folder, String> {
    let mut found = Folder::default();
    let mut seen = HashSet::new();
    let mut left = vec![folder.to_owned()];
    while let Some(folder) = left.pop() {
        // The last in is the first out, so that folders come in order too.
        let mut below = Vec::new();
        for entry in entries(&folder)? {
            let (name, path) = (entry.file_name(), entry.path());
            let name = name.to_string_lossy();
            let kind = entry.file_type().ok();
            let is_folder = kind.is_some_and(|kind| kind.is_dir());
            let is_linked = kind.is_some_and(|kind| kind.is_symlink()) && path.is_dir();
            if is_of_others(&name) {
                // Whoever looks at one folder does not wait for a home's caches to be counted.
                let count = if is_folder && recursive { files_below(&path, &mut seen) } else { 1 };
                found.passed.add(OF_OTHERS, count, &path);
            } else if is_folder && recursive {
                below.push(path);
            } else if is_linked && recursive {
                found.passed.add(LINKED, 1, &path);
            } else if is_folder || is_linked {
                found.folders.push(path);
            } else if is_image_name(&name) {
                found.images.push(path);
            } else {
                match look(&path) {
                    Ok(()) => found.images.push(path),
                    Err(reason) => found.passed.add(&reason, 1, &path),
                }
            }
        }
        left.extend(below.into_iter().rev());
    }
    Ok(found)
}

/// What is in a folder, by name.
fn entries(folder: &Path) -> Result<Vec<fs::DirEntry>, String> {
    let listing = fs::read_dir(folder).map_err(|error| match error.kind() {
        std::io::ErrorKind::PermissionDenied => "is a folder that may not be read by you".to_owned(),
        _ => format!("is a folder that cannot be listed ({error})"),
    })?;
    let mut entries = Vec::new();
    for entry in listing {
        entries.push(entry.map_err(|error| format!("is a folder that cannot be listed to its end ({error})"))?);
    }
    entries.sort_unstable_by_key(fs::DirEntry::file_name);
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    const FOLDERS: [&str; 7] = ["", "a", "a/b", ".cache", "__MACOSX/a", "a/@eaDir", "empty"];
    const NAMES: [&[u8]; 9] =
        [b"x.jpg", b"x", b"x.JFIF", b".x.png", b"x.txt", b"x\xff.jpg", b"\xe2\x80\xae.gif", b"Thumbs.db", b"-"];
    const CONTENTS: [&[u8]; 6] = [
        b"\xFF\xD8\xFF\xE0\0\x10JFIF",
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        b"",
        b"text",
        b"%PDF-1.7\n",
        b"PK\x03\x04\x14\0\x06\0",
    ];

    #[test]
    fn every_file_is_an_image_or_counted_with_a_reason() {
        let folder = tempfile::tempdir().unwrap();
        let mut all = 0;
        for (at, below) in FOLDERS.iter().enumerate() {
            let below = folder.path().join(below);
            std::fs::create_dir_all(&below).unwrap();
            for (nth, name) in NAMES.iter().enumerate().filter(|_| at != 6) {
                std::fs::write(below.join(OsString::from_vec(name.to_vec())), CONTENTS[(nth + at) % CONTENTS.len()])
                    .unwrap();
                all += 1;
            }
        }
        std::os::unix::fs::symlink(folder.path().join("a"), folder.path().join("a link")).unwrap();
        std::os::unix::fs::symlink("nowhere", folder.path().join("broken")).unwrap();
        let deep = look_through(folder.path(), true).unwrap();
        assert_eq!(deep.images.len() + deep.passed.count(), all + 2, "{}", deep.passed.text());
        assert!(deep.folders.is_empty() && deep.passed.text().contains("a link to nothing: 1 (broken)"));

        let flat = look_through(folder.path(), false).unwrap();
        let direct = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(flat.images.len() + flat.folders.len() + flat.passed.count(), direct, "{}", flat.passed.text());
        assert_eq!(flat.folders.len(), 3, "a, its link and empty: {:?}", flat.folders);
        let told = flat.unanswered().text();
        assert!(told.contains("folders, which --recursive looks into: 3 (such as a)"), "{told}");
        assert!(look_through(&folder.path().join("x.jpg"), false).is_err());
    }
}
