//! What a person writes on a run: a title, a note, a pin. The run's name stays as it is.

use super::folder::RunFolder;
use crate::error::{AtPath, Error, Result};
use crate::own_files;
use crate::text::is_control;
use crate::workspace::write_whole;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `label.json` in a run's folder; absent where nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Label {
    /// Shown beside the run's name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Pinned runs are listed first.
    #[serde(default)]
    pub pinned: bool,
}

/// The longest title, in characters: it stands in a table.
const TITLE: usize = 80;

/// The longest note, in characters.
const NOTE: usize = 4000;

/// Where the label of a run lies.
pub fn path(run: &RunFolder) -> PathBuf {
    run.path().join("label.json")
}

impl Label {
    /// The label of a run; an empty one where nothing was written.
    ///
    /// # Errors
    /// A file that is damaged.
    pub fn load(run: &RunFolder) -> Result<Self> {
        let path = path(run);
        match own_files::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .map_err(|error| Error::file(&path, format!("is not a label ({error}); remove the file"))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Error::file(&path, error)),
        }
    }

    /// Writes the label into the run's folder, whole or not at all.
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

    /// Sets a title; control characters, which would reach the terminal, become spaces.
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
