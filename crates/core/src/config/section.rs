//! A section of the configuration: its keys and values, each with its position in the file.

use crate::error::{Error, Result};
use crate::path_text::text_of as path_text;
use faceprobe_settings::{Refusal, Settings, infos, nearest, text_of};
use serde_json::Value;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// A position in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub file: Arc<Path>,
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Dotted for nested tables: `runs.stop`.
    pub key: String,
    pub key_at: Place,
    /// Position of the value.
    pub at: Place,
    /// Never an object.
    pub value: Value,
}

/// One section, merged from the files that have it.
#[derive(Debug, Clone)]
pub struct Section {
    name: &'static str,
    /// Where the section begins in a file.
    pub(super) at: Option<Place>,
    entries: Vec<Entry>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", path_text(&self.file), self.line, self.column)
    }
}

impl Place {
    /// A refusal at this position; the sentence is without its full stop.
    pub fn refuse(&self, sentence: impl fmt::Display) -> Error {
        let sentence = sentence.to_string();
        let end = if sentence.ends_with(['.', '?']) { "" } else { "." };
        Error::usage(format!("{self}: {sentence}{end}"))
    }
}

impl Entry {
    /// The refusal of the value; the sentence is without its full stop.
    pub fn refuse(&self, sentence: impl fmt::Display) -> Error {
        self.at.refuse(sentence)
    }

    /// The value as one or several strings: `"S"` and `["S", "F9"]`.
    ///
    /// # Errors
    /// Any other type.
    pub fn words(&self) -> Result<Vec<&str>> {
        let wrong =
            || self.refuse(format!("{} must be words in quotes or a list of them, not {}", self.key, self.value));
        match &self.value {
            Value::String(text) => Ok(vec![text]),
            Value::Array(parts) => parts.iter().map(|part| part.as_str().ok_or_else(wrong)).collect(),
            _ => Err(wrong()),
        }
    }
}

impl Section {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, at: None, entries: Vec::new() }
    }

    /// `keys`, `screen`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its keys, in the order of the files.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry of a key.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    pub(super) fn put_entry(&mut self, entry: Entry) {
        match self.entries.iter_mut().find(|known| known.key == entry.key) {
            Some(known) => *known = entry,
            None => self.entries.push(entry),
        }
    }

    /// Merges another section over this one, key by key.
    pub(super) fn put(&mut self, other: Self) {
        self.at = other.at.or(self.at.take());
        other.entries.into_iter().for_each(|entry| self.put_entry(entry));
    }

    /// The settings of this section; missing keys have their defaults.
    ///
    /// # Errors
    /// As wrong usage: an unknown key, a value of another type or out of range, with its position in the file.
    pub fn read<S: Settings>(&self) -> Result<S> {
        let infos = infos::<S>();
        let mut pairs = Vec::new();
        for entry in &self.entries {
            let Some(info) = infos.iter().find(|info| info.name == entry.key) else {
                let near = nearest(&entry.key, infos.iter().map(|info| info.name));
                let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
                return Err(entry.key_at.refuse(format!("{} is not known in [{}]{near}", entry.key, self.name)));
            };
            let text = text_of(&entry.value, info).map_err(|refusal| entry.refuse(refusal.for_key()))?;
            pairs.push((info.name, text));
        }
        faceprobe_settings::read(&pairs).map_err(|refused| match refused.first() {
            Some(refusal) => self.refuse(refusal),
            None => Error::usage(format!("[{}] is refused.", self.name)),
        })
    }

    /// A refusal at the position of its key, or of the section if the key is not given.
    fn refuse(&self, refusal: &Refusal) -> Error {
        let at = self.get(&refusal.setting).map(|entry| &entry.at).or(self.at.as_ref());
        match at {
            Some(at) => at.refuse(refusal.for_key()),
            None => Error::usage(format!("[{}]: {}.", self.name, refusal.for_key())),
        }
    }
}
