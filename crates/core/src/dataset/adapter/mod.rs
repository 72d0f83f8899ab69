//! The readers of label files, one layout a file, and what they share.
//!
//! An adapter reads labels and never opens an image. Label files come from anywhere: whatever is in them, a row is
//! either understood or counted as a problem, and no path leaves the folder of its source unless a CSV file names an
//! absolute one.

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

/// Every layout, in the order help texts list them.
pub static REGISTRY: [&Layout; 7] = [
    &adience::LAYOUT,
    &fairface::LAYOUT,
    &utkface::LAYOUT,
    &celeba::LAYOUT,
    &lfw::LAYOUT,
    &folder::LAYOUT,
    &csv::LAYOUT,
];

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

/// The pictures below the root of a source whose labels are in names; every other file there is counted.
///
/// # Errors
/// A folder that cannot be listed.
fn images(source: &mut SourceRows) -> Result<Walk> {
    let mut walk = walk(&source.root)?;
    source.set_aside.append(std::mem::take(&mut walk.set_aside));
    source.problems.merge(std::mem::take(&mut walk.unnamed));
    Ok(walk)
}

/// `name` if it can be one name in a folder.
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
