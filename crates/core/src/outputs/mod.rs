//! Writes files to user-chosen paths. Files that this program did not create are overwritten only with --force, and
//! inputs never.
//!
//! A [`ledger`] in the workspace records the files it created: a file is its own as long as its content is what was
//! written. Commands call [`check`](Outputs::check) before they compute anything, and [`write`](Outputs::write)
//! afterwards, which checks again and never replaces a file that appeared in between.

mod ledger;
mod streamed;

use crate::error::{AtPath, Error, Result};
use crate::scratch;
use crate::workspace::{Workspace, persist_new, write_whole};
use ledger::{Ledger, Record};
use std::collections::HashSet;
use std::fs::{self, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Device and inode of a file, independent of links and spellings of its path.
type Identity = (u64, u64);

/// Writes the outputs of one command.
#[derive(Debug)]
pub struct Outputs {
    ledger: Ledger,
    /// Folders with the workspace's own files: runs, caches, prepared sets.
    needed: Vec<PathBuf>,
    force: bool,
    /// The inputs of the command.
    inputs: HashSet<Identity>,
    /// The outputs of the command.
    written: HashSet<Identity>,
}

/// The present state of an output path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputState {
    /// The path is free.
    Free,
    /// A terminal, a pipe or a device: it is written to, not replaced.
    Stream,
    /// A file as this program wrote it.
    Own,
    /// A file that this program did not create, or that was changed since.
    Foreign,
}

/// The same, with the resolved path and the refusal.
enum ResolvedOutput {
    Free,
    Stream,
    Own(PathBuf),
    Foreign(PathBuf, Error),
    Never(Error),
}

impl Outputs {
    /// For a command in this workspace; `force` allows overwriting foreign files.
    pub fn new(workspace: &Workspace, force: bool) -> Self {
        let needed = [workspace.runs(), workspace.root().join("cache"), workspace.all_prepared()];
        Self {
            ledger: Ledger::new(workspace),
            needed: needed.iter().filter_map(|folder| folder.canonicalize().ok()).collect(),
            force,
            inputs: HashSet::new(),
            written: HashSet::new(),
        }
    }

    /// Registers an input of the command: it is never overwritten, however its path is spelt. Anything but a file is
    /// ignored.
    pub fn keep(&mut self, input: &Path) {
        if let Ok(facts) = fs::metadata(input)
            && facts.is_file()
        {
            self.inputs.insert(identity(&facts));
        }
    }

    /// The present state of a path.
    ///
    /// # Errors
    /// As wrong usage, a path that can never be written: an input, a folder, one of the workspace's own files.
    pub fn standing(&mut self, path: &Path) -> Result<OutputState> {
        match self.look(path)? {
            ResolvedOutput::Free => Ok(OutputState::Free),
            ResolvedOutput::Stream => Ok(OutputState::Stream),
            ResolvedOutput::Own(_) => Ok(OutputState::Own),
            ResolvedOutput::Foreign(..) => Ok(OutputState::Foreign),
            ResolvedOutput::Never(error) => Err(error),
        }
    }

    /// Refuses a path that must not be written, before anything is computed.
    ///
    /// # Errors
    /// As wrong usage: an input; a foreign file; something that is not a file. A folder in which no file can be
    /// created.
    pub fn check(&mut self, path: &Path) -> Result<()> {
        match self.look(path)? {
            ResolvedOutput::Never(error) => Err(error),
            ResolvedOutput::Foreign(_, error) if !self.force => Err(error),
            ResolvedOutput::Stream => Ok(()),
            ResolvedOutput::Own(real) | ResolvedOutput::Foreign(real, _) => takes_files(folder_of(&real)),
            ResolvedOutput::Free => takes_files(folder_of(path)),
        }
    }

    /// Writes the file atomically, unless [`Outputs::check`] refuses it, and creates its parent folders.
    ///
    /// # Errors
    /// As [`Outputs::check`]; a folder that cannot be written.
    pub fn write(&mut self, path: &Path, bytes: &[u8]) -> Result<()> {
        match self.look(path)? {
            ResolvedOutput::Never(error) => Err(error),
            ResolvedOutput::Foreign(_, error) if !self.force => Err(error),
            ResolvedOutput::Stream => stream(path, bytes),
            // A link is kept: its target is replaced.
            ResolvedOutput::Own(real) | ResolvedOutput::Foreign(real, _) => self.replace(&real, bytes),
            ResolvedOutput::Free if self.create(path, bytes)? => Ok(()),
            ResolvedOutput::Free => Err(refused(path, "appeared while this command was at work; name another file")),
        }
    }

    /// Writes to the first of these names that is free, or whose file an earlier command of this program wrote. Foreign
    /// files and those of this command are kept. Returns the name.
    ///
    /// # Errors
    /// A file that cannot be written; no usable name.
    pub fn write_first(&mut self, names: impl IntoIterator<Item = PathBuf>, bytes: &[u8]) -> Result<PathBuf> {
        for name in names {
            match self.look(&name)? {
                ResolvedOutput::Own(real) if !self.has_written(&real) => {
                    return self.replace(&real, bytes).map(|()| name);
                }
                ResolvedOutput::Free if self.create(&name, bytes)? => return Ok(name),
                _ => {}
            }
        }
        Err(no_name())
    }

    /// Writes to the first of these names that is free, and replaces nothing. Returns the name.
    ///
    /// # Errors
    /// A file that cannot be written; no usable name.
    pub fn write_new(&mut self, names: impl IntoIterator<Item = PathBuf>, bytes: &[u8]) -> Result<PathBuf> {
        for name in names {
            if matches!(self.look(&name)?, ResolvedOutput::Free) && self.create(&name, bytes)? {
                return Ok(name);
            }
        }
        Err(no_name())
    }

    fn look(&mut self, path: &Path) -> Result<ResolvedOutput> {
        let never = |what: &str| Ok(ResolvedOutput::Never(refused(path, what)));
        let facts = match fs::metadata(path) {
            Ok(facts) => facts,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return if fs::symlink_metadata(path).is_ok() {
                    never("is a link to a file that is not there; remove it or name another file")
                } else if path.file_name().is_none() || path.as_os_str().as_encoded_bytes().ends_with(b"/") {
                    never("is a folder; name a file")
                } else {
                    Ok(ResolvedOutput::Free)
                };
            }
            Err(error) => return Err(Error::at(path, error)),
        };
        let kind = facts.file_type();
        if kind.is_dir() {
            return never("is a folder; name a file");
        }
        if self.inputs.contains(&identity(&facts)) {
            return never("is what is read, and would be overwritten; name another file");
        }
        if is_stream(path) {
            return Ok(ResolvedOutput::Stream);
        }
        if !kind.is_file() {
            return never("is not an ordinary file; name another");
        }
        let real = path.canonicalize().at(path)?;
        let why = match self.ledger.of(&real)? {
            // A write-protected file is protected on purpose.
            Record::AsWritten if facts.permissions().mode() & 0o222 != 0 => return Ok(ResolvedOutput::Own(real)),
            Record::AsWritten => "is protected against writing",
            _ if self.needed.iter().any(|folder| real.starts_with(folder)) => {
                return never("is a file that this workspace needs; name another file");
            }
            Record::Changed => "was changed since it was made here",
            Record::Unknown => "exists and was not made here",
        };
        let error = refused(path, &format!("{why}; name another file, or overwrite it with --force"));
        Ok(ResolvedOutput::Foreign(real, error))
    }

    /// False if a file with that name has appeared.
    fn create(&mut self, path: &Path, bytes: &[u8]) -> Result<bool> {
        let folder = folder_of(path);
        fs::create_dir_all(folder).at(folder)?;
        let mut file = scratch::file(folder, "")?;
        file.write_all(bytes).at(path)?;
        let real = folder.canonicalize().at(folder)?.join(path.file_name().unwrap_or_default());
        self.ledger.note(&real, bytes);
        match persist_new(file, path) {
            Err(error) if error.io() == Some(ErrorKind::AlreadyExists) => Ok(false),
            persisted => persisted.map(|()| self.remember(&real)).map(|()| true),
        }
    }

    fn replace(&mut self, real: &Path, bytes: &[u8]) -> Result<()> {
        self.ledger.note(real, bytes);
        write_whole(real, bytes).map(|()| self.remember(real))
    }

    fn remember(&mut self, real: &Path) {
        self.written.extend(fs::metadata(real).ok().map(|facts| identity(&facts)));
    }

    fn has_written(&self, real: &Path) -> bool {
        fs::metadata(real).is_ok_and(|facts| self.written.contains(&identity(&facts)))
    }
}

/// Whether two paths refer to the same file.
pub fn same_file(one: &Path, other: &Path) -> bool {
    let identity = |path: &Path| fs::metadata(path).ok().map(|facts| identity(&facts));
    identity(one).is_some_and(|one| identity(other) == Some(one))
}

pub const STANDARD_INPUT: &str = "/dev/stdin";
pub const STANDARD_OUTPUT: &str = "/dev/stdout";
const STANDARD_ERROR: &str = "/dev/stderr";

/// Whether this is a terminal, a pipe or a device; or the file that the shell opened as standard output or standard
/// error, which `/dev/stdout` refers to and which would be truncated if it were opened again.
pub fn is_stream(path: &Path) -> bool {
    let kind = fs::metadata(path).map(|facts| facts.file_type());
    kind.is_ok_and(|kind| kind.is_char_device() || kind.is_fifo())
        || [STANDARD_OUTPUT, STANDARD_ERROR].iter().any(|standard| same_file(path, Path::new(standard)))
}

#[allow(
    clippy::disallowed_methods,
    reason = "a whole file in a format that has quoted its values, at a place that is a stream"
)]
fn stream(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || {
        if same_file(path, Path::new(STANDARD_OUTPUT)) {
            let mut out = io::stdout().lock();
            return out.write_all(bytes).and_then(|()| out.flush());
        }
        if same_file(path, Path::new(STANDARD_ERROR)) {
            return io::stderr().lock().write_all(bytes);
        }
        OpenOptions::new().write(true).open(path)?.write_all(bytes)
    };
    match write() {
        // The reader has closed the pipe.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.at(path),
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Checks that files can be created in a folder, or in its nearest existing parent.
///
/// # Errors
/// No file can be created there.
pub fn takes_files(folder: &Path) -> Result<()> {
    let mut nearest = folder;
    while !nearest.exists() {
        if fs::symlink_metadata(nearest).is_ok() {
            return Err(refused(nearest, "is a link to a folder that is not there; remove it or name another folder"));
        }
        nearest = folder_of(nearest);
    }
    // Only an attempt tells: permissions say nothing about a read-only file system.
    let tried = tempfile::tempfile_in(nearest).map(drop);
    tried.map_err(|error| Error::file(nearest, format!("no file can be made there ({error}); name another folder")))
}

fn refused(path: &Path, what: &str) -> Error {
    Error::usage(format!("{}: {what}.", path.display()))
}

fn no_name() -> Error {
    Error::failed("Every name for the file is taken; name another folder.")
}

fn identity(facts: &Metadata) -> Identity {
    (facts.dev(), facts.ino())
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
        let mut outputs = Outputs::new(&workspace, false);
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
        // What there is to overwrite is known without the ledger.
        fs::remove_file(folder.path().join("cache/written.jsonl")).unwrap();
        Outputs::new(&workspace, false).check(&own).unwrap();
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
        outputs.keep(&at("album/a.png"));
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

    #[test]
    fn a_kill_between_ledger_and_file_makes_nothing_foreign_and_names_are_taken_once() {
        let (folder, workspace) = place();
        let real = folder.path().canonicalize().unwrap().join("own.csv");
        let mut outputs = Outputs::new(&workspace, false);
        outputs.write(&real, b"one").unwrap();
        outputs.ledger.note(&real, b"two");
        assert_eq!(Outputs::new(&workspace, false).standing(&real).unwrap(), OutputState::Own);
        fs::write(&real, "two").unwrap();
        assert_eq!(Outputs::new(&workspace, false).standing(&real).unwrap(), OutputState::Own);

        let names = || (1..).map(|number: u32| folder.path().join(format!("map-{number}.png")));
        let name = |path: PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        fs::write(folder.path().join("map-1.png"), "mine").unwrap();
        for expected in ["map-2.png", "map-3.png"] {
            assert_eq!(name(outputs.write_first(names(), b"a map").unwrap()), expected, "of one command");
        }
        let mut next = Outputs::new(&workspace, true);
        assert_eq!(name(next.write_first(names(), b"another").unwrap()), "map-2.png", "the same command again");
        assert_eq!(name(next.write_new(names(), b"a table").unwrap()), "map-4.png");
        assert_eq!(fs::read(folder.path().join("map-1.png")).unwrap(), b"mine");
        // A file that appears between looking and writing is left alone.
        assert!(!outputs.create(&real, b"three").unwrap());
        assert_eq!(fs::read(&real).unwrap(), b"two");
    }
}
