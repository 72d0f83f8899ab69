//! Walks a folder: lists images, and counts all other files with the reason.

use super::reasons::{Drops, Reason};
use super::report::Tally;
use crate::error::{AtPath, Result};
use crate::imaging::sniff::{self, Content};
use crate::text::excerpt;
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The files below a folder.
#[derive(Debug, Default)]
pub struct Walk {
    /// Paths of images, relative to the folder and sorted. A file counts as an image by its extension, whatever its
    /// content, or else by its first bytes.
    pub images: Vec<String>,
    /// The other files.
    pub set_aside: Drops,
    /// Files whose names are not UTF-8.
    pub unnamed: Tally,
    /// Immediate sub-folders without images, with their number of files.
    pub without_images: Vec<(String, usize)>,
}

/// Goes through all folders below `root`, each once, with links followed. What belongs to other programs and what is hidden
/// is counted, but not looked at.
///
/// # Errors
/// A folder that cannot be listed.
pub fn walk(root: &Path) -> Result<Walk> {
    let mut walk = Walk::default();
    let mut seen = HashSet::new();
    walk.collect(root, "", &mut seen)?;
    walk.images.sort_unstable();
    Ok(walk)
}

impl Walk {
    /// One folder; `seen` holds folders by device and inode, so that a link to a parent ends. Returns the number of
    /// files below it.
    fn collect(&mut self, folder: &Path, prefix: &str, seen: &mut HashSet<(u64, u64)>) -> Result<usize> {
        let this = fs::metadata(folder).at(folder)?;
        if !seen.insert((this.dev(), this.ino())) {
            return Ok(0);
        }
        let mut entries = Vec::new();
        for entry in fs::read_dir(folder).at(folder)? {
            entries.push(entry.at(folder)?.file_name());
        }
        entries.sort_unstable();
        let mut files = 0;
        for name in entries {
            let path = folder.join(&name);
            let is_folder = path.is_dir();
            let Some(text) = name.to_str() else {
                let count = if is_folder { files_below(&path, seen) } else { 1 };
                let shown = || format!("{prefix}{}: the name is not UTF-8", name.as_encoded_bytes().escape_ascii());
                self.unnamed.add_many(count, shown);
                files += count;
                continue;
            };
            let place = format!("{prefix}{text}");
            if is_of_others(text) {
                let count = if is_folder { files_below(&path, seen) } else { 1 };
                let shown =
                    || if is_folder { format!("{}/ ({count} files)", excerpt(&place)) } else { excerpt(&place) };
                self.set_aside.add_many(Reason::PassedOver, count, shown);
                files += count;
            } else if is_folder {
                let before = self.images.len();
                let count = self.collect(&path, &format!("{place}/"), seen)?;
                if prefix.is_empty() && self.images.len() == before {
                    self.without_images.push((place, count));
                }
                files += count;
            } else {
                files += 1;
                let looked = if is_image_name(text) { Ok(()) } else { look(&path) };
                match looked {
                    Ok(()) => self.images.push(place),
                    Err(reason) => {
                        self.set_aside.add(Reason::NotAnImage, || format!("{}: {reason}", excerpt(&place)));
                    }
                }
            }
        }
        Ok(files)
    }
}

/// How many files are in a folder that nobody looks into; what cannot be listed has none.
pub fn files_below(folder: &Path, seen: &mut HashSet<(u64, u64)>) -> usize {
    let is_new = fs::metadata(folder).is_ok_and(|this| seen.insert((this.dev(), this.ino())));
    let entries = is_new.then(|| fs::read_dir(folder).ok()).flatten().into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).map(|path| if path.is_dir() { files_below(&path, seen) } else { 1 }).sum()
}

/// Whether a name is hidden, or one that systems and programs create among the user's files.
pub fn is_of_others(name: &str) -> bool {
    name.starts_with('.')
        || matches!(
            &*name.to_lowercase(),
            "__macosx"
                | "@eadir"
                | "@recycle"
                | "#recycle"
                | "#snapshot"
                | "$recycle.bin"
                | "system volume information"
                | "lost+found"
                | "__pycache__"
                | "thumbs.db"
                | "ehthumbs.db"
                | "desktop.ini"
                | "icon\r"
        )
}

/// Whether a file has the extension of a supported image format. Only its content tells what it is.
pub fn is_image_name(name: &str) -> bool {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_lowercase());
    matches!(extension.as_deref(), Some("jpg" | "jpeg" | "png" | "webp" | "bmp" | "tif" | "tiff" | "gif"))
}

/// Looks at the beginning of a file.
///
/// # Errors
/// The reason when it is no picture.
pub fn look(path: &Path) -> Result<(), String> {
    let metadata = fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "a link to nothing".to_owned(),
        _ => format!("cannot be read ({error})"),
    })?;
    // Regular files only: opening a pipe would block.
    if !metadata.is_file() {
        return Err("not a regular file".into());
    }
    let mut beginning = Vec::new();
    File::open(path)
        .and_then(|file| file.take(sniff::HEAD as u64).read_to_end(&mut beginning))
        .map_err(|error| format!("cannot be read ({error})"))?;
    match sniff::content(&beginning) {
        // Images of unsupported formats too: decoding them reports the format.
        Some(Content::Image(_) | Content::Foreign(_)) => Ok(()),
        Some(Content::Other(what)) => Err(what.into()),
        None if beginning.is_empty() => Err("an empty file".into()),
        None => Err("not an image".into()),
    }
}
