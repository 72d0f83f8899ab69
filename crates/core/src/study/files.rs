//! Finds and reads study files.

use super::file::Study;
use super::parse::parse;
use crate::error::{AtPath, Result};
use crate::toml_text::Mistakes;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Maximum size of a study file.
const LARGEST: u64 = 4 << 20;

/// Tables that only studies have; a file with none of them is not a study.
const TABLES: [&str; 5] = ["[data.", "[model.", "[sweep.", "[features.", "[evaluate."];

/// The `*.toml` files in these folders that are studies, invalid ones included, by name, without duplicates.
pub fn found<'a>(folders: impl IntoIterator<Item = &'a Path>) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in folders {
        let listed = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        files.extend(listed.filter(|path| path.extension().is_some_and(|end| end == "toml") && is_study(path)));
    }
    files.sort();
    files.dedup_by(|one, other| one == other || fs::canonicalize(one).ok() == fs::canonicalize(other).ok());
    files
}

/// Whether a line starts a table of a study.
fn is_study(path: &Path) -> bool {
    text(path)
        .is_ok_and(|text| text.lines().any(|line| TABLES.iter().any(|table| line.trim_start().starts_with(table))))
}

fn text(path: &Path) -> Result<String> {
    // Opening a named pipe or a device would block.
    if !fs::metadata(path).at(path)?.is_file() {
        return Err(crate::error::Error::file(path, "is no file; name the file of a study"));
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes)).at(path)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Reads a study file: the study, or its errors.
///
/// # Errors
/// A file that cannot be read.
pub fn read(path: &Path) -> Result<std::result::Result<Study, Mistakes>> {
    Ok(parse(&text(path)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn studies_are_found_broken_ones_too_and_other_files_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("b.toml", "[data.faces]\nsource = [\"folder:x\"]\n");
        write("a.toml", "title = \"t\"\n  [model.head]\nkindd = 1\n");
        write("Cargo.toml", "[package]\nname = \"x\"\n");
        write("c.txt", "[data.faces]\n");
        fs::create_dir(folder.path().join("d.toml")).unwrap();
        std::os::unix::fs::symlink(folder.path().join("a.toml"), folder.path().join("same.toml")).unwrap();
        let names: Vec<_> = found([folder.path(), folder.path()])
            .iter()
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        assert_eq!(names, ["a.toml", "b.toml", "same.toml"]);
        assert!(read(&folder.path().join("a.toml")).unwrap().is_err());
        assert!(read(&folder.path().join("d.toml")).is_err());
    }
}
