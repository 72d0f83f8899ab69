//! A labelled photograph, its content hash, and its split.

use crate::error::{AtPath, Result};
use faceprobe_settings::choices;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// SHA-256 of an image file's bytes: the key of everything computed from it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentHash(pub [u8; 32]);

impl ContentHash {
    /// The hash of bytes in memory.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The hash of a file's content.
    pub fn of_file(path: &Path) -> Result<Self> {
        Ok(Self::of(&std::fs::read(path).at(path)?))
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ContentHash {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes)
            .map_err(|_| format!("'{text}' is not a SHA-256 in 64 hexadecimal digits"))?;
        Ok(Self(bytes))
    }
}

choices! {
    /// The splits of a data set.
    pub enum Split {
        /// Models are trained on it.
        Train = "train",
        /// Settings, epochs and thresholds are chosen on it.
        Val = "val",
        /// Opened after all choices are made.
        Test = "test",
    }
}

/// A labelled photograph of a prepared data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The name of the source it came from, a key of [`super::Manifest::roots`].
    pub source: String,
    /// The image file, relative to the root of its source, with `/` between folders on every system.
    pub path: String,
    /// Index into [`super::Manifest::classes`]; class 1 is the positive class.
    pub class: usize,
    pub split: Split,
    /// The person, if the data set names it; unique together with the source.
    pub subject: Option<String>,
    /// The age group in the data set's notation, with known damage repaired.
    pub age: Option<String>,
    /// The official cross-validation fold, if the data set has one.
    pub fold: Option<u32>,
    /// SHA-256 of the file's bytes when the set was prepared.
    pub hash: ContentHash,
    /// Further columns of the data set (FairFace: `race`), by name; results can be grouped by any of them.
    pub attributes: BTreeMap<String, String>,
}

impl Sample {
    /// The value of a column for this sample, if it is known. The columns of every set are `age`, `subject`, `fold`,
    /// `source` and `label`; the others are [`Self::attributes`].
    pub fn value(&self, column: &str, classes: &[String; 2]) -> Option<String> {
        match column {
            "age" => self.age.clone(),
            "subject" => self.subject.clone(),
            "fold" => self.fold.map(|fold| fold.to_string()),
            "source" => Some(self.source.clone()),
            "label" => classes.get(self.class).cloned(),
            other => self.attributes.get(other).cloned(),
        }
    }
}
