//! The ledger of files written to user-chosen paths: `cache/written.jsonl`, one line per file.

use crate::error::{AtPath, Result};
use crate::own_files;
use crate::workspace::Workspace;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// The ledger's knowledge of an existing file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Record {
    AsWritten,
    /// Its content differs from all that was written under its name.
    Changed,
    Unknown,
}

/// A line of the ledger.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    /// As [`Ledger::key`] makes it.
    path: String,
    /// SHA-256 of the content, in hex.
    sha256: String,
}

/// The ledger of a workspace, read on first use.
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

    /// Looks up the file at `real`, a path without links.
    ///
    /// # Errors
    /// A file whose content must be compared and cannot be read.
    pub fn of(&mut self, real: &Path) -> Result<Record> {
        let key = self.key(real);
        let Some(hashes) = self.known().get(&key) else {
            return Ok(Record::Unknown);
        };
        let hash = hash(real).at(real)?;
        Ok(if hashes.contains(&hash) { Record::AsWritten } else { Record::Changed })
    }

    /// Records that these bytes are about to be written to `real`. It is recorded first, so that a kill in between
    /// leaves no unrecorded file; the previous content has its own line.
    pub fn note(&mut self, real: &Path, bytes: &[u8]) {
        self.note_sum(real, hex::encode(Sha256::digest(bytes)));
    }

    /// The same for bytes with a known SHA-256, in hex.
    pub fn note_sum(&mut self, real: &Path, sha256: String) {
        let line = Line { path: self.key(real), sha256 };
        // If it cannot be recorded, the next command treats the file as foreign and requires --force.
        let _ = self.append(&line);
        self.known().entry(line.path).or_default().push(line.sha256);
    }

    fn append(&self, line: &Line) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        // In one write, so that the lines of two programs do not mix; with a leading line end, since a killed program
        // may have left a torn line.
        let mut text = vec![b'\n'];
        serde_json::to_writer(&mut text, line)?;
        text.push(b'\n');
        own_files::append(&self.path)?.write_all(&text)
    }

    /// The hashes of written files, by key. An absent or unreadable ledger is empty.
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

    /// A unique text for a path: relative to the workspace if it is inside, so that a workspace can be moved; non-ASCII
    /// bytes in hex.
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
