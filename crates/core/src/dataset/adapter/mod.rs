//! Readers of label files: one layout per file, and shared helpers.
//!
//! An adapter reads labels and never opens an image. Label files are untrusted: a row is either understood or counted
//! as a problem, and no path leaves the folder of its source unless a CSV file names an absolute one.

pub mod adience;
pub mod celeba;
mod columns;
pub mod csv;
pub mod fairface;
pub mod folder;
pub mod lfw;
pub mod utkface;

use super::source::SourceRows;
use super::walk::{Walk, walk};
use crate::error::Result;
use crate::text::excerpt;
use std::path::Path;

/// All layouts, in the order of help texts.
pub static REGISTRY: &[&Layout] = &[
    &adience::LAYOUT,
    &fairface::LAYOUT,
    &utkface::LAYOUT,
    &celeba::LAYOUT,
    &lfw::LAYOUT,
    &folder::LAYOUT,
    &csv::LAYOUT,
];

/// A layout of labels and images on disk, and its reader.
pub struct Layout {
    /// The name before the colon of a source.
    pub name: &'static str,
    /// A description of the path after the colon, for help and errors.
    pub expects: &'static str,
    /// Whether the path is a file; usually it is a folder.
    pub is_file: bool,
    /// Reads the labels at a path that exists; decodes no image.
    pub read: fn(&Path) -> Result<SourceRows>,
}

/// Normalises `path`, which is relative to a folder that it must not leave.
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

/// The images below the root of a source whose labels are in names; all other files there are counted.
///
/// # Errors
/// A folder that cannot be listed.
fn images(source: &mut SourceRows) -> Result<Walk> {
    let mut walk = walk(&source.root)?;
    source.set_aside.append(std::mem::take(&mut walk.set_aside));
    source.problems.merge(std::mem::take(&mut walk.unnamed));
    Ok(walk)
}

/// `name`, if it is valid as a single path component.
fn file_name<'a>(what: &str, name: &'a str) -> Result<&'a str, String> {
    if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']) {
        return Err(format!("{what} '{}' cannot be part of a file name", excerpt(name)));
    }
    Ok(name)
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
