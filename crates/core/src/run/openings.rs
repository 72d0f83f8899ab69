//! The record of test openings: which run saw which test split, and when.
//!
//! Whoever opens a test set and then goes on choosing has chosen on the test set. The workbench does not forbid it;
//! it remembers, and says so beside every model made later on the same data. A line that cannot be read may be of any
//! opening, so it counts as one wherever it could be.

use super::RunFolder;
use super::results::ResultRow;
use crate::dataset::Split;
use crate::error::{AtPath, Error, Result};
use crate::own_files;
use crate::seal;
use crate::workspace::Workspace;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

/// A sentence names no more damaged lines than these.
const MOST_NAMED: usize = 5;

/// One opening of a test split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Opening {
    /// RFC 3339, UTC.
    pub at: String,
    pub run: String,
    pub dataset: String,
    /// SHA-256 of the manifest whose test split was opened.
    pub manifest_sha256: String,
    pub test_accuracy: f64,
}

/// A line that is no opening which can be read, and what it may still have been.
#[derive(Debug, Clone, PartialEq)]
struct Unreadable {
    /// Counted from 1.
    line: usize,
    reason: String,
    /// The manifest, where the line still says it.
    manifest_sha256: Option<String>,
    /// The moment of the opening, or of the last readable one before it; openings are written down one after another.
    since: Option<Timestamp>,
}

/// The record of a workspace.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Record {
    path: PathBuf,
    /// Why nothing of it can be read.
    closed: Option<String>,
    openings: Vec<(Timestamp, Opening)>,
    unreadable: Vec<Unreadable>,
    /// Runs whose test split was opened, as their results say, and that no line is of: with manifest, and a moment before it.
    missing: Vec<(String, String, Option<Timestamp>)>,
}

impl Record {
    /// The openings that can be read, oldest first.
    pub fn openings(&self) -> impl ExactSizeIterator<Item = &Opening> {
        self.openings.iter().map(|(_, opening)| opening)
    }

    /// How many times the test split of `manifest_sha256` had been opened when something was made at `created`, lines that
    /// may be of such an opening counted. A moment that cannot be read is taken as one after all openings.
    pub fn before(&self, manifest_sha256: &str, created: &str) -> usize {
        let created = created.parse().unwrap_or(Timestamp::MAX);
        let known = self
            .openings
            .iter()
            .filter(|(moment, opening)| opening.manifest_sha256 == manifest_sha256 && *moment < created);
        let possible = self.unreadable.iter().filter(|line| {
            line.manifest_sha256.as_deref().is_none_or(|of| of == manifest_sha256)
                && line.since.is_none_or(|since| since < created)
        });
        let missing = self.missing.iter().filter(|(_, of, since)| {
            of == manifest_sha256 && since.is_none_or(|since| since < created) && self.closed.is_none()
        });
        known.count() + possible.count() + missing.count() + usize::from(self.closed.is_some())
    }

    /// Takes note of a run that has a test accuracy: where no line tells of its opening, one was lost, and counts all the same.
    fn expect(&mut self, run: &str, manifest_sha256: &str, created: &str) {
        let told = self.openings().any(|known| known.run == run && known.manifest_sha256 == manifest_sha256);
        // A line that cannot be read may be it, and counts already.
        if !told && self.unreadable.is_empty() {
            self.missing.push((run.to_owned(), manifest_sha256.to_owned(), created.parse().ok()));
        }
    }

    /// What cannot be read, what is made of it, and what can be done; none if the record is whole.
    pub fn damage(&self) -> Option<Error> {
        if let Some(reason) = &self.closed {
            return Some(Error::file(
                &self.path,
                format!(
                    "cannot be read ({reason}), so every model is marked as made after a test opening; make the file readable, or \
                     put the record back from a copy."
                ),
            ));
        }
        if let Some((run, ..)) = self.missing.first() {
            return Some(Error::file(
                &self.path,
                format!(
                    "tells of no opening for {run}, whose test split was opened, so every model of its data that was made later is \
                     marked as made after a test opening; put the record back from a copy."
                ),
            ));
        }
        let first = self.unreadable.first()?;
        let numbers: Vec<String> = self.unreadable.iter().take(MOST_NAMED).map(|line| line.line.to_string()).collect();
        let others = match self.unreadable.len() - numbers.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let lines = match (numbers.join(", "), self.unreadable.len()) {
            (number, 1) => format!("line {number} is"),
            (numbers, _) => format!("lines {numbers}{others} are"),
        };
        Some(Error::file(
            &self.path,
            format!(
                "{lines} no test opening that can be read (line {}: {}), so every model that may have been made after it is marked \
                 as made after a test opening; put the record back from a copy, or remove what was no opening.",
                first.line, first.reason
            ),
        ))
    }

    /// Takes in the text of the record.
    fn read(path: PathBuf, text: &[u8]) -> Self {
        let mut record = Self { path, ..Self::default() };
        let mut last = None;
        for (line, text) in (1..).zip(text.split(|&byte| byte == b'\n')) {
            if text.trim_ascii().is_empty() {
                continue;
            }
            match opening(text) {
                Ok((moment, opening)) => {
                    last = Some(moment);
                    record.openings.push((moment, opening));
                }
                Err(reason) => {
                    let rest: serde_json::Value = serde_json::from_slice(text).unwrap_or_default();
                    let said = |field: &str| rest.get(field)?.as_str();
                    // What stands in a line that was changed may be what was changed.
                    let said = |field: &str| said(field).filter(|_| seal::is_whole(text));
                    record.unreadable.push(Unreadable {
                        line,
                        reason,
                        manifest_sha256: said("manifest_sha256").filter(|text| is_sha256(text)).map(str::to_owned),
                        since: said("at").and_then(past).or(last),
                    });
                }
            }
        }
        record
    }
}

/// The opening of a line with its moment, or why it is none.
fn opening(line: &[u8]) -> Result<(Timestamp, Opening), String> {
    if !seal::is_whole(line) {
        return Err("it was changed since it was written".to_owned());
    }
    let opening: Opening = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let moment = past(&opening.at).ok_or_else(|| format!("{:?} is no moment that is past", opening.at))?;
    if !is_sha256(&opening.manifest_sha256) {
        return Err(format!("{:?} is no SHA-256", opening.manifest_sha256));
    }
    Ok((moment, opening))
}

/// A moment at which something can have been done. Clocks of machines that share a workspace differ a little.
fn past(text: &str) -> Option<Timestamp> {
    let moment: Timestamp = text.parse().ok()?;
    (moment.duration_since(Timestamp::now()) < SignedDuration::from_hours(24)).then_some(moment)
}

/// As this program writes one.
fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn path(workspace: &Workspace) -> PathBuf {
    workspace.runs().join("test-openings.jsonl")
}

/// Adds an opening to the record. Removing runs does not take it away.
pub fn record(workspace: &Workspace, opening: &Opening) -> Result<()> {
    let path = path(workspace);
    let mut line = seal::line(&serde_json::to_string(opening).at(&path)?).into_bytes();
    line.push(b'\n');
    fs::create_dir_all(workspace.runs()).at(&path)?;
    let mut file = own_files::append(&path).at(&path)?;
    if file.metadata().at(&path)?.len() > 0 {
        // A line that was torn off must not take this one with it.
        let mut last = [0];
        file.seek(SeekFrom::End(-1)).and_then(|_| file.read_exact(&mut last)).at(&path)?;
        if last != *b"\n" {
            line.insert(0, b'\n');
        }
    }
    file.write_all(&line).at(&path)?;
    file.sync_all().at(&path)
}

/// The record as it is. What of it cannot be read is in [`Record::damage`].
pub fn load(workspace: &Workspace) -> Record {
    let path = path(workspace);
    let mut record = match own_files::read(&path) {
        Ok(text) => Record::read(path, &text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Record { path, ..Record::default() },
        Err(error) => return Record { path, closed: Some(error.to_string()), ..Record::default() },
    };
    // The record comes before the scores, so a run with scores is on record, or was.
    for run in RunFolder::list(workspace).unwrap_or_default() {
        if run.scores_path(Split::Test).exists()
            && let Ok(Some(result)) = ResultRow::load(&run)
            && result.test_accuracy.is_some()
        {
            record.expect(&result.run, &result.manifest_sha256, &result.created);
        }
    }
    record
}
