//! The readers of label files, one layout a file, and what they share.
//!
//! An adapter reads labels and never opens an image. Label files come from anywhere: whatever is in them, a row is
//! either understood or counted as a problem, and no path leaves the folder of its source unless a CSV file names an
//! absolute one.

pub mod adience;
pub mod csv;
pub mod fairface;
pub mod folder;
mod table;
pub mod utkface;

use super::report::Tally;
use super::source::SourceRows;
use crate::error::{AtPath, Result};
use crate::text::excerpt;
use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Every layout, in the order help texts list them.
pub static REGISTRY: [&Layout; 5] =
    [&adience::LAYOUT, &fairface::LAYOUT, &utkface::LAYOUT, &folder::LAYOUT, &csv::LAYOUT];

/// How labels and images of a data set lie on disk, and how they are read.
pub struct Layout {
    /// The name before the colon of a source.
    pub name: &'static str,
    /// What the path after the colon must be, for help and errors.
    pub expects: &'static str,
    /// Whether that is a file; most are folders.
    pub is_file: bool,
    /// Reads the labels at a path that is there; decodes no image.
    pub read: fn(&Path) -> Result<SourceRows>,
}

/// The classes of every gender data set; index 1 is the positive class.
pub fn genders() -> [String; 2] {
    ["female".into(), "male".into()]
}

/// The index in [`genders`] of a label written in one of the usual ways.
pub fn gender_class(label: &str) -> Option<usize> {
    match label.trim().to_lowercase().as_str() {
        "f" | "female" | "woman" | "women" => Some(0),
        "m" | "male" | "man" | "men" => Some(1),
        _ => None,
    }
}

/// `path` in its shortest form, relative to the folder it must stay in.
fn inside(path: &str) -> Result<String, String> {
    if path.starts_with('/') {
        return Err(format!("the path '{}' is absolute", excerpt(path)));
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or_else(|| format!("the path '{}' leaves the folder of the data set", excerpt(path)))?;
            }
            part => parts.push(part),
        }
    }
    if parts.is_empty() || path.contains('\0') {
        return Err(format!("'{}' is not the path of a file", excerpt(path)));
    }
    Ok(parts.join("/"))
}

/// `name` if it can be one name in a folder.
fn file_name<'a>(what: &str, name: &'a str) -> Result<&'a str, String> {
    if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']) {
        return Err(format!("{what} '{}' cannot be part of a file name", excerpt(name)));
    }
    Ok(name)
}

/// None for the ways of writing that a value is not known.
fn known(value: &str) -> Option<String> {
    let unknown =
        matches!(value.to_lowercase().as_str(), "" | "none" | "nan" | "na" | "n/a" | "null" | "unknown" | "?");
    (!unknown).then(|| value.to_owned())
}

/// The paths of the images below `folder`, sorted, relative to it; hidden files and folders are passed over.
fn images_below(folder: &Path, problems: &mut Tally) -> Result<Vec<String>> {
    let mut paths = Vec::new();
    let mut seen = HashSet::new();
    collect(folder, "", &mut seen, &mut paths, problems)?;
    paths.sort_unstable();
    Ok(paths)
}

/// One folder of [`images_below`]; `seen` holds folders by device and inode, so that a link to a parent ends.
fn collect(
    folder: &Path,
    prefix: &str,
    seen: &mut HashSet<(u64, u64)>,
    paths: &mut Vec<String>,
    problems: &mut Tally,
) -> Result<()> {
    let this = fs::metadata(folder).at(folder)?;
    if !seen.insert((this.dev(), this.ino())) {
        return Ok(());
    }
    for name in names_in(folder, problems)? {
        let path = folder.join(&name);
        if path.is_dir() {
            collect(&path, &format!("{prefix}{name}/"), seen, paths, problems)?;
        } else if is_image_name(&name) {
            paths.push(format!("{prefix}{name}"));
        }
    }
    Ok(())
}

/// The names in a folder, sorted, without hidden ones. A name that is not text is a problem.
fn names_in(folder: &Path, problems: &mut Tally) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).at(folder)? {
        match entry.at(folder)?.file_name().into_string() {
            Ok(name) if name.starts_with('.') => {}
            Ok(name) => names.push(name),
            Err(name) => problems.add(|| format!("{}: the file name is not UTF-8", name.display())),
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Whether a file is called like an image that the program reads. What it is, only its content tells.
pub fn is_image_name(name: &str) -> bool {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_lowercase());
    matches!(extension.as_deref(), Some("jpg" | "jpeg" | "png" | "webp" | "bmp" | "tif" | "tiff" | "gif"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside_the_folder() {
        assert_eq!(inside("a/./b//c.jpg").as_deref(), Ok("a/b/c.jpg"));
        assert_eq!(inside("a/../b.jpg").as_deref(), Ok("b.jpg"));
        for path in ["../b.jpg", "a/../../b.jpg", "/etc/passwd", "", ".", "a/..", "a\0b"] {
            assert!(inside(path).is_err(), "{path:?}");
        }
    }
}
