//! The record of test openings: which run was scored on which test split, and when.
//!
//! Choosing a model after opening the test split means choosing on the test set. The program does not forbid it, but
//! records openings and marks every model trained later on the same data. An unreadable line may be any opening, so it
//! counts wherever it could apply.

use super::RunFolder;
use super::results::ResultRow;
use crate::claim::Claim;
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

/// Maximum number of damaged lines named in a sentence.
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

/// An unreadable line, and what it may have been.
#[derive(Debug, Clone, PartialEq)]
struct Unreadable {
    /// Counted from 1.
    line: usize,
    reason: String,
    /// The manifest, if it is still readable.
    manifest_sha256: Option<String>,
    /// The time of the opening, or of the last readable one before it; lines are in order of time.
    since: Option<Timestamp>,
}

/// The record of a workspace.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Record {
    path: PathBuf,
    /// The reason why the file cannot be read.
    closed: Option<String>,
    openings: Vec<(Timestamp, Opening)>,
    unreadable: Vec<Unreadable>,
    /// Runs whose test split was opened according to their results, without a line: with manifest, and an earlier time.
    missing: Vec<(String, String, Option<Timestamp>)>,
}

impl Record {
    /// The readable openings, oldest first.
    pub fn openings(&self) -> impl ExactSizeIterator<Item = &Opening> {
        self.openings.iter().map(|(_, opening)| opening)
    }

    /// The number of openings of the test split of `manifest_sha256` before `created`, including unreadable lines that
    /// may be such openings. An invalid time counts as later than all openings.
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

    /// Registers a run with a test accuracy: if no line records its opening, a line was lost, and it counts too.
    fn expect(&mut self, run: &str, manifest_sha256: &str, created: &str) {
        let told = self.openings().any(|known| known.run == run && known.manifest_sha256 == manifest_sha256);
        // An unreadable line may be it, and counts already.
        if !told && self.unreadable.is_empty() {
            self.missing.push((run.to_owned(), manifest_sha256.to_owned(), created.parse().ok()));
        }
    }

    /// The damage of the record, its consequences and its remedy; none if the record is intact.
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

    /// Parses the text of the record.
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
                    // In a modified line, any part may be the modified one.
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

/// The opening of a line with its time, or why it is invalid.
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

/// Whether a time is plausible. Clocks of machines that share a workspace differ slightly.
fn past(text: &str) -> Option<Timestamp> {
    let moment: Timestamp = text.parse().ok()?;
    (moment.duration_since(Timestamp::now()) < SignedDuration::from_hours(24)).then_some(moment)
}

/// In this program's format.
fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn path(workspace: &Workspace) -> PathBuf {
    workspace.runs().join("test-openings.jsonl")
}

/// Appends an opening to the record. Removing runs does not remove it.
pub fn record(workspace: &Workspace, opening: &Opening) -> Result<()> {
    let path = path(workspace);
    let mut line = seal::line(&serde_json::to_string(opening).at(&path)?).into_bytes();
    line.push(b'\n');
    fs::create_dir_all(workspace.runs()).at(&path)?;
    // Two machines that append to one file may overwrite each other's lines.
    let _claim = Claim::wait(&workspace.runs().join(".openings.claim"), || true)?;
    let mut file = own_files::append(&path).at(&path)?;
    if file.metadata().at(&path)?.len() > 0 {
        // A torn line must not damage this one.
        let mut last = [0];
        file.seek(SeekFrom::End(-1)).and_then(|_| file.read_exact(&mut last)).at(&path)?;
        if last != *b"\n" {
            line.insert(0, b'\n');
        }
    }
    file.write_all(&line).at(&path)?;
    file.sync_all().at(&path)
}

/// Reads the record. Unreadable parts are in [`Record::damage`].
pub fn load(workspace: &Workspace) -> Record {
    let path = path(workspace);
    let mut record = match own_files::read(&path) {
        Ok(text) => Record::read(path, &text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Record { path, ..Record::default() },
        Err(error) => return Record { path, closed: Some(error.to_string()), ..Record::default() },
    };
    // The record is written before the scores, so a run with scores is, or was, on record.
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
