//! Labels of runs: a title, a note and a pin by the user. The run's name does not change.

use super::folder::RunFolder;
use crate::error::{AtPath, Error, Result};
use crate::own_files;
use crate::text::is_control;
use crate::workspace::write_whole;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `label.json` in a run's folder; absent without a label.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Label {
    /// Shown next to the run's name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Pinned runs are listed first.
    #[serde(default)]
    pub pinned: bool,
}

/// Maximum length of a title in characters: it is shown in a table.
const TITLE: usize = 80;

/// Maximum length of a note in characters.
const NOTE: usize = 4000;

/// The path of a run's label.
pub fn path(run: &RunFolder) -> PathBuf {
    run.path().join("label.json")
}

impl Label {
    /// The label of a run; empty without a file.
    ///
    /// # Errors
    /// A damaged file.
    pub fn load(run: &RunFolder) -> Result<Self> {
        let path = path(run);
        match own_files::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .map_err(|error| Error::file(&path, format!("is not a label ({error}); remove the file"))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Error::file(&path, error)),
        }
    }

    /// Writes the label atomically.
    ///
    /// # Errors
    /// A title or a note that is too long, or a folder that cannot be written to.
    pub fn save(&self, run: &RunFolder) -> Result<()> {
        for (what, text, most) in [("title", &self.title, TITLE), ("note", &self.note, NOTE)] {
            let length = text.chars().count();
            if length > most {
                return Err(Error::usage(format!("A {what} has {most} characters at most; this one has {length}.")));
            }
        }
        let path = path(run);
        write_whole(&path, crate::text::json_value(self).at(&path)?.as_bytes())
    }

    /// Sets a title; control characters become spaces.
    pub fn set_title(&mut self, text: &str) {
        self.title = clean(text, false);
    }

    /// Sets a note, which may have several lines.
    pub fn set_note(&mut self, text: &str) {
        self.note = clean(text, true);
    }
}

fn clean(text: &str, lines: bool) -> String {
    let kept: String = text.chars().map(|c| if is_control(c) && !(lines && c == '\n') { ' ' } else { c }).collect();
    kept.trim().to_owned()
}
