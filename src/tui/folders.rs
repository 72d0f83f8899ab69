//! Folders and paths of Predict: what is listed, and what a typed or pasted path means.

use super::jobs::JobReply;
use super::widgets::cut_front;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::imaging::sniff::{self, Content};
use percent_encoding::percent_decode_str;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A line of the file browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub path: PathBuf,
    pub name: String,
    pub folder: bool,
    /// By its first bytes; decoding decides in the end.
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
        let entries = list(&path)?;
        return Ok(JobReply::Listed { folder: path, entries, select: None, predict: false });
    }
    let folder = path.parent().unwrap_or(Path::new("/")).to_owned();
    let mut entries = list(&folder).unwrap_or_default();
    if !entries.iter().any(|entry| entry.path == path) {
        // A file without the ending of an image, or in a folder that cannot be listed: predicted all the same.
        entries.push(entry(path.clone(), false, true));
    }
    Ok(JobReply::Listed { folder, entries, select: Some(path), predict: true })
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

const IMAGE_ENDINGS: [&str; 8] = ["jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff", "gif"];

/// From so many files on, a folder is first shown as its names promise.
const MANY: usize = 500;

/// What there is in a folder, hidden files left out: folders first, then files, each by name; whether they are images is not
/// known.
fn found(folder: &Path) -> Result<Vec<Entry>> {
    let read = fs::read_dir(folder)
        .map_err(|error| Error::failed(format!("{}: cannot be listed ({error}).", folder.display())))?;
    let mut entries: Vec<Entry> = read
        .flatten()
        .filter(|found| !found.file_name().to_string_lossy().starts_with('.'))
        .filter_map(|found| {
            let path = found.path();
            let kind = found.file_type().ok()?;
            let is_folder = kind.is_dir() || kind.is_symlink() && path.is_dir();
            // Reading from a pipe would wait for ever.
            let is_file = kind.is_file() || kind.is_symlink() && path.is_file();
            (is_folder || is_file).then(|| entry(path, is_folder, false))
        })
        .collect();
    entries.sort_by(|a, b| b.folder.cmp(&a.folder).then_with(|| a.name.cmp(&b.name)));
    Ok(entries)
}

/// A large folder as the names of its files promise; none for one that is read at once anyway.
pub fn promised(folder: &Path) -> Option<Vec<Entry>> {
    let mut entries = found(folder).ok().filter(|entries| entries.len() >= MANY)?;
    for entry in &mut entries {
        entry.image = !entry.folder
            && entry
                .path
                .extension()
                .is_some_and(|ending| IMAGE_ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)));
    }
    entries.retain(|entry| entry.folder || entry.image);
    Some(entries)
}

/// Folders first, then images, each by name; other files and hidden ones are left out. What is an image, its content says.
///
/// # Errors
/// When the folder cannot be read.
pub fn list(folder: &Path) -> Result<Vec<Entry>> {
    let mut entries = found(folder)?;
    let mut head = vec![0; sniff::HEAD];
    for entry in entries.iter_mut().filter(|entry| !entry.folder) {
        entry.image = is_image(&entry.path, &mut head);
    }
    entries.retain(|entry| entry.folder || entry.image);
    Ok(entries)
}

/// Whether a file begins as an image does that this program decodes; one that cannot be read is none.
fn is_image(path: &Path, head: &mut [u8]) -> bool {
    let read = fs::File::open(path).and_then(|mut file| {
        let mut length = 0;
        while length < head.len() {
            match file.read(&mut head[length..])? {
                0 => break,
                more => length += more,
            }
        }
        Ok(length)
    });
    read.is_ok_and(|length| matches!(sniff::content(&head[..length]), Some(Content::Image(_))))
}
