//! The user's decisions on images, in `data/decisions.csv`: keep, drop, or relabel.
//!
//! Decisions refer to the SHA-256 of the image file, so they hold in every data set and under every name of the image.
//! The raw data is never changed: the next preparation applies the decisions.

use super::label::{gender_class, genders, normal};
use super::sample::ContentHash;
use crate::claim::Claim;
use crate::error::{AtPath, Error, Result};
use crate::own_files;
use crate::text::{excerpt, is_control, printable, read_back};
use crate::workspace::{Workspace, write_whole};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const HEADER: [&str; 5] = ["hash", "decision", "label", "path", "decided"];

/// What to do with an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// It is correct; audits stop listing it.
    Keep,
    /// The next preparation leaves it out.
    Drop,
    /// The next preparation gives it this label.
    Relabel(String),
}

impl Decision {
    /// Parses a decision from its two columns.
    ///
    /// # Errors
    /// An unknown word, or a label where none is allowed or one is needed.
    pub fn parse(word: &str, label: Option<&str>) -> Result<Self, String> {
        let label = label.map(str::trim).filter(|label| !label.is_empty());
        match (word.trim(), label) {
            ("keep", None) => Ok(Self::Keep),
            ("drop", None) => Ok(Self::Drop),
            ("relabel", Some(label)) if label.len() <= 200 && !label.contains(is_control) => {
                Ok(Self::Relabel(label.to_owned()))
            }
            ("relabel", None) => Err("relabel needs the new label".into()),
            ("keep" | "drop", Some(_)) => Err(format!("{} takes no label", word.trim())),
            _ => Err(format!("'{}' is none of keep, drop and relabel LABEL", excerpt(word))),
        }
    }

    /// `keep`, `drop` or `relabel`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Drop => "drop",
            Self::Relabel(_) => "relabel",
        }
    }

    /// The new label, or nothing.
    pub fn label(&self) -> &str {
        match self {
            Self::Relabel(label) => label,
            _ => "",
        }
    }
}

/// A decision with information for the reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decided {
    pub decision: Decision,
    /// The path of the image at the time of the decision; informative only.
    pub path: String,
    /// RFC 3339, UTC.
    pub decided: String,
}

/// A decision to add, or with none, to remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub image: ContentHash,
    pub decision: Option<Decision>,
    /// The path of the image; informative only.
    pub path: String,
}

/// All decisions of a workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decisions {
    by_hash: BTreeMap<ContentHash, Decided>,
}

impl Decisions {
    /// `data/decisions.csv`.
    pub fn file(workspace: &Workspace) -> PathBuf {
        workspace.root().join("data/decisions.csv")
    }

    /// The decisions of a workspace; none where there is no file.
    ///
    /// # Errors
    /// A file that cannot be read or parsed. It holds the user's work, so errors are never skipped.
    pub fn load(workspace: &Workspace) -> Result<Self> {
        let path = Self::file(workspace);
        match own_files::read(&path) {
            Ok(bytes) => parse(&bytes, &path),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Error::file(&path, error)),
        }
    }

    /// The decision on the image with this content.
    pub fn get(&self, hash: &ContentHash) -> Option<&Decision> {
        self.by_hash.get(hash).map(|decided| &decided.decision)
    }

    /// All decisions, by hash.
    pub fn iter(&self) -> impl Iterator<Item = (&ContentHash, &Decided)> {
        self.by_hash.iter()
    }

    pub fn len(&self) -> usize {
        self.by_hash.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_hash.is_empty()
    }

    /// Adds decisions, replacing earlier ones on the same images, and rewrites the file. Waits for other processes that
    /// do the same. Returns the new number of decisions.
    ///
    /// # Errors
    /// As [`Decisions::load`]; a file that cannot be written.
    pub fn add(workspace: &Workspace, news: Vec<(ContentHash, Decision, String)>) -> Result<usize> {
        let some = |(image, decision, path)| Change { image, decision: Some(decision), path };
        Self::change(workspace, news.into_iter().map(some).collect())
    }

    /// Adds and removes decisions.
    ///
    /// # Errors
    /// As [`Decisions::add`].
    pub fn change(workspace: &Workspace, changes: Vec<Change>) -> Result<usize> {
        let path = Self::file(workspace);
        let folder = workspace.root().join("data");
        fs::create_dir_all(&folder).at(&folder)?;
        let _claim = Claim::wait(&folder.join(".decisions.claim"), || true)?;
        let mut all = Self::load(workspace)?;
        let decided = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        for change in changes {
            match change.decision {
                Some(decision) => {
                    let news = Decided { decision, path: change.path, decided: decided.clone() };
                    all.by_hash.insert(change.image, news);
                }
                None => drop(all.by_hash.remove(&change.image)),
            }
        }
        write_whole(&path, &all.to_csv().at(&path)?)?;
        Ok(all.len())
    }

    fn to_csv(&self) -> Result<Vec<u8>, csv::Error> {
        let mut out = csv::Writer::from_writer(Vec::new());
        out.write_record(HEADER)?;
        for (hash, Decided { decision, path, decided }) in &self.by_hash {
            let [label, path] = [decision.label(), path.as_str()].map(printable);
            out.write_record([&hash.to_string(), decision.word(), &label, &path, decided])?;
        }
        out.into_inner().map_err(|error| csv::Error::from(error.into_error()))
    }
}

fn parse(bytes: &[u8], path: &Path) -> Result<Decisions> {
    let mut reader = csv::Reader::from_reader(bytes);
    if *reader.headers().at(path)? != HEADER[..] {
        return Err(Error::file(path, format!("line 1 must be {}", HEADER.join(","))));
    }
    let mut by_hash = BTreeMap::new();
    for row in reader.records() {
        let row = row.at(path)?;
        let line = row.position().map_or(0, csv::Position::line);
        let at_line = |problem: String| Error::file(path, format!("line {line}: {problem}; mend or remove this line"));
        let field = |index: usize| read_back(row.get(index).unwrap_or_default());
        let hash: ContentHash = field(0).parse().map_err(|problem: String| at_line(excerpt(&problem)))?;
        let decision = Decision::parse(&field(1), Some(&field(2))).map_err(at_line)?;
        by_hash.insert(hash, Decided { decision, path: field(3).into_owned(), decided: field(4).into_owned() });
    }
    Ok(Decisions { by_hash })
}

/// The class of a label: its exact name, or another usual spelling of a gender.
pub fn class_of(label: &str, classes: &[String; 2]) -> Option<usize> {
    let written = classes.iter().position(|class| normal(class) == normal(label));
    written.or_else(|| {
        let gender = genders();
        gender_class(label).and_then(|class| classes.iter().position(|name| *name == gender[class]))
    })
}
