//! `summary.json`: what the journal of a run comes to up to some line, so that a thousand long journals need not be read
//! to list the runs. A help and no more: a reader that has no reason to believe it reads the journal from its beginning.

use super::facts::Facts;
use super::folder::RunFolder;
use super::follower::Follower;
use crate::dataset::ContentHash;
use crate::own_files;
use crate::scratch;
use serde::{Deserialize, Serialize};
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// A client that had to read more than this, in bytes, leaves a summary for the next.
pub(super) const WORTH: u64 = 16 << 10;
/// A worker leaves one whenever it has written so much, in bytes, and when it ends.
pub const OFTEN: u64 = 1 << 20;
/// So much of either end of the summarised part tells whether the journal is the one that was summarised.
const END: u64 = 512;
/// No summary is longer.
const LONGEST: u64 = 1 << 20;
/// What a summary means: one of another number is not believed.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Summary {
    format: u32,
    /// Bytes of the journal that are summarised, a line end the last of them.
    length: u64,
    /// SHA-256 of both ends of them.
    ends: String,
    facts: Facts,
}

/// A follower of a run's journal that begins where the summary ends, if there is one that can be believed.
pub(super) fn follower(run: &RunFolder) -> Follower<Facts> {
    let journal = run.events_path();
    match load(&run.summary_path()).filter(|summary| ends(&journal, summary.length).as_ref() == Some(&summary.ends)) {
        Some(summary) => Follower::from(journal, summary.length, summary.facts),
        None => Follower::new(journal),
    }
}

/// Writes what `follower` knows, unless that cannot be done: a workspace may be read-only.
pub(super) fn keep(run: &RunFolder, follower: &Follower<Facts>) {
    let _ = write(run, follower);
}

/// Brings the summary up to the end of the journal.
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

/// Around the checksum, which is of all that follows.
const BEFORE: &str = "{\"checksum\":\"";
const AFTER: &str = "\",\"summary\":";

/// No flush to disk: what a power cut leaves of it is not believed.
fn write(run: &RunFolder, follower: &Follower<Facts>) -> Option<()> {
    let length = follower.line();
    let ends = ends(&run.events_path(), length)?;
    let summary = Summary { format: FORMAT, length, ends, facts: follower.state().clone() };
    let mut rest = serde_json::to_vec(&summary).ok()?;
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
