//! Folders and paths of Predict: what is listed, and what a typed or pasted path means.

use super::jobs::JobReply;
use super::widgets::cut_front;
use faceprobe_core::dataset::walk::{is_image_name, is_of_others};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::predict::PassedOver;
use faceprobe_core::predict::folder::look_through;
use percent_encoding::percent_decode_str;
use std::fs;
use std::path::{Path, PathBuf};

/// A line of the file browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub path: PathBuf,
    pub name: String,
    pub folder: bool,
    /// By its name or its first bytes; decoding decides in the end.
    pub image: bool,
}

/// What a path that somebody typed stands for: a folder to list, or an image to predict.
///
/// # Errors
/// When there is nothing of this name, or it cannot be read.
pub fn open(text: &str, from: &Path) -> Result<JobReply> {
    let typed = expand(&clean(text));
    let path = if typed.is_absolute() { typed } else { from.join(typed) };
    let path = path.canonicalize().map_err(|error| {
        // A sentence has to fit the message line, however long the path is.
        let shown = cut_front(&path.display().to_string(), 100);
        match error.kind() {
            std::io::ErrorKind::NotFound => Error::failed(format!("{shown}: no such file or folder.")),
            _ => Error::failed(format!("{shown}: cannot be opened ({error}).")),
        }
    })?;
    if path.is_dir() {
        let (entries, others) = list(&path)?;
        return Ok(JobReply::Listed { folder: path, entries, others, select: None, predict: false });
    }
    let folder = path.parent().unwrap_or(Path::new("/")).to_owned();
    let (mut entries, others) = list(&folder).unwrap_or_default();
    if !entries.iter().any(|entry| entry.path == path) {
        // A file without the ending of an image, or in a folder that cannot be listed: predicted all the same.
        entries.push(entry(path.clone(), false, true));
    }
    Ok(JobReply::Listed { folder, entries, others, select: Some(path), predict: true })
}

/// What terminals make of a file that is dropped on them or pasted: quotes, `file://`, backslashes before spaces.
pub fn clean(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    for quote in ['\'', '"'] {
        if let Some(inner) = line.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return inner.to_owned();
        }
    }
    if let Some(rest) = line.strip_prefix("file://") {
        return percent_decode_str(rest).decode_utf8_lossy().into_owned();
    }
    line.replace("\\ ", " ").replace("\\(", "(").replace("\\)", ")").replace("\\'", "'").replace("\\&", "&")
}

/// `~` and `~/…` with the home folder in place.
pub fn expand(text: &str) -> PathBuf {
    match (text.strip_prefix('~'), std::env::var_os("HOME")) {
        (Some(""), Some(home)) => home.into(),
        (Some(rest), Some(home)) if rest.starts_with('/') => Path::new(&home).join(rest.trim_start_matches('/')),
        _ => text.into(),
    }
}

fn entry(path: PathBuf, folder: bool, image: bool) -> Entry {
    let name = path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
    // A name may hold anything; control characters would reach the terminal.
    let name = name.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    Entry { path, name, folder, image }
}

/// From so many files on, a folder is first shown as its names promise.
const MANY: usize = 500;

/// A large folder as the names of its files promise; none for one that is read at once anyway.
pub fn promised(folder: &Path) -> Option<Vec<Entry>> {
    let read = fs::read_dir(folder).ok()?;
    let named = |found: fs::DirEntry| {
        let kind = found.file_type().ok()?;
        let name = found.file_name();
        let name = name.to_string_lossy();
        let is_image = !kind.is_dir() && is_image_name(&name);
        (!is_of_others(&name) && (kind.is_dir() || is_image)).then(|| entry(found.path(), kind.is_dir(), is_image))
    };
    let mut entries: Vec<Entry> = read.flatten().filter_map(named).collect();
    entries.sort_by(|a, b| b.folder.cmp(&a.folder).then_with(|| a.name.cmp(&b.name)));
    Some(entries).filter(|entries| entries.len() >= MANY)
}

/// Folders first, then images, each by name, as `predict FOLDER` finds them; and what else there is, counted by reason.
///
/// # Errors
/// When the folder cannot be read.
pub fn list(folder: &Path) -> Result<(Vec<Entry>, PassedOver)> {
    let found = look_through(folder, false)
        .map_err(|reason| Error::failed(format!("{}: {reason}.", cut_front(&folder.display().to_string(), 100))))?;
    let mut folders: Vec<Entry> = found.folders.into_iter().map(|path| entry(path, true, false)).collect();
    folders.sort_by(|a, b| a.name.cmp(&b.name));
    folders.extend(found.images.into_iter().map(|path| entry(path, false, true)));
    Ok((folders, found.passed))
}
