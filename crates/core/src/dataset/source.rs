//! Sources of labelled photographs: `adapter:path`, and the rows read there.

use super::adapter::{self, Layout};
use super::reasons::Drops;
use super::report::Tally;
use super::sample::Split;
use super::table::Said;
use crate::error::{Error, Result};
use crate::path_text::{self, text_of};
use crate::text::printable;
use faceprobe_settings::text_value;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::LazyLock;

/// A layout of labels and images that the program can read: one of [`adapter::REGISTRY`].
#[derive(Clone, Copy)]
pub struct Adapter(&'static Layout);

impl Adapter {
    /// The layout of the Adience benchmark, in which the program writes its own sample.
    pub const ADIENCE: Self = Self(&adapter::adience::LAYOUT);

    /// All adapters, in the order of help texts.
    pub fn all() -> impl Iterator<Item = Self> {
        adapter::REGISTRY.iter().map(|layout| Self(layout))
    }

    /// The adapter of that name.
    pub fn find(name: &str) -> Option<Self> {
        Self::all().find(|adapter| adapter.name().eq_ignore_ascii_case(name))
    }

    /// The name before the colon of a source.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// A description of the path after the colon, for help and errors.
    pub fn expects(self) -> &'static str {
        self.0.expects
    }
}

impl fmt::Debug for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl PartialEq for Adapter {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Adapter {}

impl Serialize for Adapter {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Adapter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::find(&name).ok_or_else(|| serde::de::Error::custom(format!("'{name}' is no layout of a data set")))
    }
}

/// One `--source`: an adapter and its path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceSpec {
    pub adapter: Adapter,
    #[serde(with = "path_text")]
    pub path: PathBuf,
}

impl SourceSpec {
    /// Refuses a path that does not exist or that no setting can hold.
    ///
    /// # Errors
    /// As wrong usage.
    pub fn check(&self) -> Result<()> {
        if self.path.to_string_lossy().contains(char::is_control) {
            return Err(Error::usage(format!(
                "The path of the source {} has control characters; rename the folder, or name it through a link without any.",
                printable(&text_of(&self.path))
            )));
        }
        match self.path.metadata() {
            Ok(_) => Ok(()),
            Err(error) => Err(Error::usage(format!(
                "{}: cannot be read ({error}); {} takes {}.",
                self.path.display(),
                self.adapter,
                self.adapter.expects()
            ))),
        }
    }

    /// Reads the label files (and, if labels are in file names, the folder listing); decodes no image.
    ///
    /// # Errors
    /// If the layout is missing altogether. Errors of single rows are in [`SourceRows::problems`].
    pub fn read(&self) -> Result<SourceRows> {
        let path = self.path.canonicalize().map_err(|error| {
            Error::file(
                &self.path,
                format!("cannot be read ({error}); {} takes {}", self.adapter, self.adapter.expects()),
            )
        })?;
        if path.is_dir() == self.adapter.0.is_file {
            return Err(Error::usage(format!(
                "{}: {} takes {}.",
                self.path.display(),
                self.adapter,
                self.adapter.expects()
            )));
        }
        (self.adapter.0.read)(&path)
    }
}

impl fmt::Display for SourceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.adapter, text_of(&self.path))
    }
}

impl FromStr for SourceSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = text.split_once(':').and_then(|(name, path)| {
            let adapter = Adapter::find(name)?;
            (!path.is_empty()).then(|| Self { adapter, path: path_text::from_text(&at_home(path)) })
        });
        found.ok_or_else(|| {
            let adapters: Vec<String> =
                Adapter::all().map(|adapter| format!("{}:PATH ({})", adapter, adapter.expects())).collect();
            Error::usage(format!("'{text}' is not a source; write one of {}", adapters.join(", ")))
        })
    }
}

/// The source syntaxes, for refusals.
static FORMS: LazyLock<String> = LazyLock::new(|| {
    let forms: Vec<String> = adapter::REGISTRY
        .iter()
        .map(|layout| format!("{}:{}", layout.name, if layout.is_file { "FILE" } else { "DIR" }))
        .collect();
    match forms.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => forms.concat(),
    }
});

text_value!(SourceSpec, "LAYOUT:PATH", &FORMS, ["folder:/data/faces", "csv:/data/labels.csv"]);

/// Expands a leading `~/` to the home folder: no shell expands it after a colon.
fn at_home(path: &str) -> String {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => format!("{}/{rest}", text_of(Path::new(&home))),
        _ => path.to_owned(),
    }
}

/// A name for each source, unique and independent of its path: the adapter's, then `adience-2` and so on.
pub fn source_names(sources: &[SourceSpec]) -> Vec<String> {
    let name = |index: usize| {
        let adapter = sources[index].adapter;
        match sources[..index].iter().filter(|earlier| earlier.adapter == adapter).count() {
            0 => adapter.name().to_owned(),
            earlier => format!("{adapter}-{}", earlier + 1),
        }
    };
    (0..sources.len()).map(name).collect()
}

/// One row of a label file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRow {
    /// The path of the image, which need not exist: relative to [`SourceRows::root`] with `/` between folders and no
    /// `..`; absolute only where a CSV file says so and the file is outside the root.
    pub path: String,
    /// The label as written; empty if there is none.
    pub raw_label: String,
    /// Index into [`SourceRows::classes`]; none if the label is unknown.
    pub class: Option<usize>,
    pub subject: Option<String>,
    pub age: Option<String>,
    pub fold: Option<u32>,
    /// The official split, if the data set has one.
    pub split: Option<Split>,
    /// Rows with the same key refer to the same photograph.
    pub key: String,
    /// The group of near-duplicates found by an audit: a division that keeps subjects together keeps groups together
    /// too. Adapters set none.
    pub group: Option<String>,
    /// Further columns, by name.
    pub attributes: BTreeMap<String, String>,
}

/// The result of reading one source.
#[derive(Debug, Clone)]
pub struct SourceRows {
    /// The absolute folder that paths are relative to.
    pub root: PathBuf,
    /// Alphabetical, which for the genders is `["female", "male"]`.
    pub classes: [String; 2],
    /// In the order of the label files; by path if labels are in file names.
    pub rows: Vec<RawRow>,
    /// Malformed rows: `file line N: what is wrong`.
    pub problems: Tally,
    /// Files that are not rows, if labels are in names: they are left out for these reasons.
    pub set_aside: Drops,
    pub warnings: Vec<String>,
    /// The images are drawings of this program's own (a file `SYNTHETIC.txt` says so).
    pub synthetic: bool,
    /// Several label files merged into one, if the data set has several.
    pub merged: Option<Vec<u8>>,
}

impl SourceRows {
    /// A source before anything is read.
    pub fn new(root: &Path, classes: [String; 2]) -> Self {
        Self {
            root: root.to_owned(),
            classes,
            rows: Vec::new(),
            problems: Tally::default(),
            set_aside: Drops::default(),
            warnings: Vec::new(),
            synthetic: root.join("SYNTHETIC.txt").exists(),
            merged: None,
        }
    }

    /// The rows and notes of a table.
    pub(super) fn rows_and_said(&mut self) -> (&mut Vec<RawRow>, Said<'_>) {
        let Self { rows, problems, warnings, .. } = self;
        (rows, Said { problems, warnings })
    }
}
