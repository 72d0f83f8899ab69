//! What the program wrote where a user said: `cache/written.jsonl`, a line for each file that was written.

use crate::error::{AtPath, Result};
use crate::own_files;
use crate::workspace::Workspace;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// What is known of a file that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Record {
    AsWritten,
    /// Its content is none that was written under its name.
    Changed,
    Unknown,
}

/// A line of the ledger.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    /// As [`Ledger::key`] makes it.
    path: String,
    /// Of the content, in hex.
    sha256: String,
}

/// The ledger of a workspace, read when it is first needed.
#[derive(Debug)]
pub(super) struct Ledger {
    path: PathBuf,
    root: PathBuf,
    known: Option<HashMap<String, Vec<String>>>,
}

impl Ledger {
    pub fn new(workspace: &Workspace) -> Self {
        let root = workspace.root().to_owned();
        Self { path: root.join("cache/written.jsonl"), root, known: None }
    }

    /// What is known of the file at `real`, a path without links.
    ///
    /// # Errors
    /// A file whose content has to be looked at and cannot be read.
    pub fn of(&mut self, real: &Path) -> Result<Record> {
        let key = self.key(real);
        let Some(hashes) = self.known().get(&key) else {
            return Ok(Record::Unknown);
        };
        let hash = hash(real).at(real)?;
        Ok(if hashes.contains(&hash) { Record::AsWritten } else { Record::Changed })
    }

    /// Notes that these bytes are about to be written to `real`. That comes first, so that a kill in between leaves no file
    /// of the program's that it does not know; what was there before is still known by its own line.
    pub fn note(&mut self, real: &Path, bytes: &[u8]) {
        self.note_sum(real, hex::encode(Sha256::digest(bytes)));
    }

    /// The same of bytes whose SHA-256, in hex, is known.
    pub fn note_sum(&mut self, real: &Path, sha256: String) {
        let line = Line { path: self.key(real), sha256 };
        // Where it cannot be noted, the next command takes the file for somebody else's and asks for --force.
        let _ = self.append(&line);
        self.known().entry(line.path).or_default().push(line.sha256);
    }

    fn append(&self, line: &Line) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        // In one write, so that two programs do not mix theirs; with a line end before it too, as a killed one may have
        // left a torn line.
        let mut text = vec![b'\n'];
        serde_json::to_writer(&mut text, line)?;
        text.push(b'\n');
        own_files::append(&self.path)?.write_all(&text)
    }

    /// The hashes of what was written, by key. A ledger that is not there or cannot be read knows nothing.
    fn known(&mut self) -> &mut HashMap<String, Vec<String>> {
        self.known.get_or_insert_with(|| {
            let mut known: HashMap<String, Vec<String>> = HashMap::new();
            let lines = own_files::read(&self.path).unwrap_or_default();
            for line in lines.split(|byte| *byte == b'\n') {
                if let Ok(Line { path, sha256 }) = serde_json::from_slice(line) {
                    known.entry(path).or_default().push(sha256);
                }
            }
            known
        })
    }

    /// A path as text that no other path has: relative to the workspace where it is in it, so that a workspace can be
    /// moved; bytes that are not ASCII in hex.
    fn key(&self, real: &Path) -> String {
        real.strip_prefix(&self.root).unwrap_or(real).as_os_str().as_encoded_bytes().escape_ascii().to_string()
    }
}

fn hash(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut block = vec![0; 256 << 10];
    loop {
        match file.read(&mut block)? {
            0 => return Ok(hex::encode(hash.finalize())),
            count => hash.update(&block[..count]),
        }
    }
}
