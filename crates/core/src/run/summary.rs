//! `summary.json`: the state of a run's journal up to some line, so that listing runs does not read a thousand long
//! journals. It is a cache: without a valid summary, the journal is read from its beginning.

use super::facts::Facts;
use super::folder::RunFolder;
use super::follower::Follower;
use crate::dataset::ContentHash;
use crate::own_files;
use crate::scratch;
use crate::text::json;
use serde::{Deserialize, Serialize};
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// A client that had to read more than this, in bytes, writes a summary.
pub(super) const WORTH: u64 = 16 << 10;
/// A worker writes a summary each time it has written so many bytes, and when it ends.
pub const OFTEN: u64 = 1 << 20;
/// Bytes at both ends of the summarised part that identify the journal.
const END: u64 = 512;
/// Maximum size of a summary.
const LONGEST: u64 = 1 << 20;
/// The version of the format; other versions are ignored.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Summary {
    format: u32,
    /// Number of bytes of the journal that are summarised, ending with a line end.
    length: u64,
    /// SHA-256 of both ends of them.
    ends: String,
    facts: Facts,
}

/// A follower of a run's journal that starts at the end of the summary, if there is a valid one.
pub(super) fn follower(run: &RunFolder) -> Follower<Facts> {
    let journal = run.events_path();
    match load(&run.summary_path()).filter(|summary| ends(&journal, summary.length).as_ref() == Some(&summary.ends)) {
        Some(summary) => Follower::from(journal, summary.length, summary.facts),
        None => Follower::new(journal),
    }
}

/// Writes the state of `follower`, if possible: a workspace may be read-only.
pub(super) fn keep(run: &RunFolder, follower: &Follower<Facts>) {
    let _ = write(run, follower);
}

/// Updates the summary to the end of the journal.
pub fn renew(run: &RunFolder) {
    let mut follower = follower(run);
    if follower.read_to_end().is_ok() {
        keep(run, &follower);
    }
}

fn load(path: &Path) -> Option<Summary> {
    let mut text = Vec::new();
    own_files::open(path).ok()?.take(LONGEST).read_to_end(&mut text).ok()?;
    let (checksum, rest) = text.strip_prefix(BEFORE.as_bytes())?.split_at_checked(64)?;
    let rest = rest.strip_prefix(AFTER.as_bytes())?;
    if ContentHash::of(rest).to_string().as_bytes() != checksum {
        return None;
    }
    let summary: Summary = serde_json::from_slice(rest.strip_suffix(b"}")?).ok()?;
    (summary.format == FORMAT).then_some(summary)
}

/// The JSON around the checksum, which covers all that follows.
const BEFORE: &str = "{\"checksum\":\"";
const AFTER: &str = "\",\"summary\":";

/// No flush to disk: a summary damaged by a power cut is ignored.
fn write(run: &RunFolder, follower: &Follower<Facts>) -> Option<()> {
    let length = follower.line();
    let ends = ends(&run.events_path(), length)?;
    let summary = Summary { format: FORMAT, length, ends, facts: follower.state().clone() };
    let mut rest = json(serde_json::to_string(&summary).ok()?).into_bytes();
    rest.push(b'}');
    let mut file = scratch::file(run.path(), "").ok()?;
    file.write_all(format!("{BEFORE}{}{AFTER}", ContentHash::of(&rest)).as_bytes()).ok()?;
    file.write_all(&rest).ok()?;
    file.persist(run.summary_path()).ok()?;
    Some(())
}

/// The hash of both ends of the first `length` bytes of a journal; none if it is shorter, or no line ends there.
fn ends(journal: &Path, length: u64) -> Option<String> {
    let file = own_files::open(journal).ok()?;
    let size = usize::try_from(length.min(END)).ok()?;
    let mut bytes = vec![0; 2 * size];
    file.read_exact_at(&mut bytes[..size], 0).ok()?;
    file.read_exact_at(&mut bytes[size..], length - size as u64).ok()?;
    bytes.ends_with(b"\n").then(|| ContentHash::of(&bytes).to_string())
}
