//! Files that are written where a user says. What this program did not make is overwritten only when the user insists, and
//! what it was given to read never.
//!
//! Which files it made, a ledger in the workspace says (`cache/written.jsonl`): their paths and the SHA-256 of what was
//! written. A file that was edited since has another, and is the user's.

use crate::error::{AtPath, Error, Result};
use crate::workspace::{Workspace, write_whole};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, Metadata, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// A line of the ledger.
#[derive(Serialize, Deserialize)]
struct Written {
    path: PathBuf,
    sha256: String,
}

/// Writes outputs of one command.
#[derive(Debug, Clone)]
pub struct Outputs {
    ledger: PathBuf,
    force: bool,
    /// Device and number of files that are read.
    inputs: Vec<(u64, u64)>,
    /// Folders whose files are read, resolved.
    folders: Vec<PathBuf>,
}

/// What is at a path that is to be written.
enum There {
    /// A new file can be made.
    Nothing,
    /// A file of this program's, or one that may be overwritten.
    Replaceable,
    /// A terminal, a pipe: it is written to and not replaced.
    Stream,
}

impl Outputs {
    /// For a command in this workspace; with `force` files are overwritten that the program did not make.
    pub fn new(workspace: &Workspace, force: bool) -> Self {
        let ledger = workspace.root().join("cache/written.jsonl");
        Self { ledger, force, inputs: Vec::new(), folders: Vec::new() }
    }

    /// Names a file, or a folder of files, that the command reads: it is never overwritten, whatever its name is spelt like.
    pub fn keep(&mut self, input: &Path) {
        if let Ok(facts) = fs::metadata(input) {
            if facts.is_dir() {
                self.folders.extend(input.canonicalize());
            } else {
                self.inputs.push(identity(&facts));
            }
        }
    }

    /// Refuses a path that may not be written, before anything is computed.
    ///
    /// # Errors
    /// As wrong usage: an input; a file that the program did not make; something that is no file.
    pub fn check(&self, path: &Path) -> Result<()> {
        self.look(path).map(|_| ())
    }

    /// Writes the file whole or not at all, unless [`Outputs::check`] refuses it.
    ///
    /// # Errors
    /// As [`Outputs::check`]; a folder that cannot be written.
    pub fn write(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        match self.look(path)? {
            There::Stream => {
                return OpenOptions::new().write(true).open(path).and_then(|mut file| file.write_all(bytes)).at(path);
            }
            There::Nothing => write_new(path, bytes)?,
            // A link stays one: what it leads to is replaced.
            There::Replaceable => write_whole(&path.canonicalize().at(path)?, bytes)?,
        }
        self.remember(path, bytes)
    }

    fn look(&self, path: &Path) -> Result<There> {
        let facts = match fs::metadata(path) {
            Ok(facts) => facts,
            Err(error) if error.kind() == ErrorKind::NotFound && fs::symlink_metadata(path).is_ok() => {
                return Err(refused(path, "is a link to a file that is not there; name another file"));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(There::Nothing),
            Err(error) => return Err(Error::at(path, error)),
        };
        let kind = facts.file_type();
        if kind.is_dir() {
            return Err(refused(path, "is a folder; name a file"));
        }
        if kind.is_char_device() || kind.is_fifo() {
            return Ok(There::Stream);
        }
        if !kind.is_file() {
            return Err(refused(path, "is not an ordinary file; name another"));
        }
        if self.inputs.contains(&identity(&facts)) {
            return Err(refused(path, "is what is read, and would be overwritten; name another file"));
        }
        let made = self.is_own(path);
        let among_inputs =
            || path.canonicalize().is_ok_and(|path| self.folders.iter().any(|folder| path.starts_with(folder)));
        if !made && among_inputs() {
            return Err(refused(path, "may be among what is read, and would be overwritten; name a folder elsewhere"));
        }
        if !made && !self.force {
            return Err(refused(path, "exists and was not made here; name another file, or overwrite it with --force"));
        }
        Ok(There::Replaceable)
    }

    /// Whether a file is as this program has written it.
    fn is_own(&self, path: &Path) -> bool {
        let (Ok(path), Ok(bytes)) = (path.canonicalize(), fs::read(path)) else { return false };
        let Ok(ledger) = fs::File::open(&self.ledger) else { return false };
        let sha256 = digest(&bytes);
        let lines = BufReader::new(ledger).lines().map_while(|line| line.ok());
        let mut written = lines.filter_map(|line| serde_json::from_str::<Written>(&line).ok());
        written.any(|written| written.path == path && written.sha256 == sha256)
    }

    fn remember(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        let path = path.canonicalize().at(path)?;
        // A name that is not UTF-8 is not remembered: the file then counts as the user's.
        let Ok(mut line) = serde_json::to_vec(&Written { path, sha256: digest(bytes) }) else { return Ok(()) };
        line.push(b'\n');
        let folder = self.ledger.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).at(folder)?;
        let file = OpenOptions::new().create(true).append(true).open(&self.ledger);
        file.and_then(|mut file| file.write_all(&line)).at(&self.ledger)
    }
}

/// Writes a file that must not be there yet, whole or not at all.
fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).at(folder)?;
    let mut file = tempfile::Builder::new().prefix(".tmp-").tempfile_in(folder).at(folder)?;
    file.write_all(bytes).at(path)?;
    crate::workspace::persist_new(file, path)
}

fn refused(path: &Path, what: &str) -> Error {
    Error::usage(format!("{}: {what}.", path.display()))
}

fn identity(facts: &Metadata) -> (u64, u64) {
    (facts.dev(), facts.ino())
}

fn digest(bytes: &[u8]) -> String {
    crate::backbone::weights::hex(&Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn place() -> (tempfile::TempDir, Workspace) {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::open(folder.path()).unwrap();
        (folder, workspace)
    }

    #[test]
    fn only_what_was_made_here_and_not_edited_since_is_overwritten() {
        let (folder, workspace) = place();
        let outputs = Outputs::new(&workspace, false);
        let own = folder.path().join("tables/own.csv");
        outputs.write(&own, b"one").unwrap();
        outputs.write(&own, b"two").unwrap();
        assert_eq!(fs::read(&own).unwrap(), b"two");
        fs::write(&own, "two, and a note of mine").unwrap();
        let refusal = outputs.write(&own, b"three").unwrap_err();
        assert!(refusal.to_string().contains("--force") && refusal.kind() == crate::error::ErrorKind::Usage);
        Outputs::new(&workspace, true).write(&own, b"three").unwrap();
        assert_eq!(fs::read(&own).unwrap(), b"three");
        // Moved elsewhere it is the user's; so is what another program left under the name.
        let moved = folder.path().join("moved.csv");
        fs::rename(&own, &moved).unwrap();
        assert!(outputs.check(&moved).is_err());
        assert!(outputs.check(folder.path()).unwrap_err().to_string().contains("is a folder"));
        fs::remove_file(folder.path().join("cache/written.jsonl")).unwrap();
        outputs.check(&own).unwrap();
    }

    #[test]
    fn inputs_are_never_overwritten_however_they_are_spelt() {
        let (folder, workspace) = place();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("album")).unwrap();
        fs::write(at("album/a.png"), "a photograph").unwrap();
        fs::write(at("photo.jpg"), "a photograph").unwrap();
        symlink(at("photo.jpg"), at("link.png")).unwrap();
        fs::hard_link(at("photo.jpg"), at("hard.png")).unwrap();
        symlink(at("nowhere"), at("dangling.png")).unwrap();
        let mut outputs = Outputs::new(&workspace, true);
        outputs.keep(&at("photo.jpg"));
        outputs.keep(&at("album"));
        for name in
            ["photo.jpg", "./photo.jpg", "album/../photo.jpg", "link.png", "hard.png", "album/a.png", "dangling.png"]
        {
            assert!(outputs.write(&at(name), b"a map").is_err(), "{name}");
        }
        assert_eq!(fs::read(at("photo.jpg")).unwrap(), b"a photograph");
        assert_eq!(fs::read(at("album/a.png")).unwrap(), b"a photograph");
        // A new name in the same folder is free, and its own the next time.
        outputs.write(&at("album/map.png"), b"a map").unwrap();
        outputs.write(&at("album/map.png"), b"another").unwrap();
        outputs.write(Path::new("/dev/null"), b"a map").unwrap();
    }
}
