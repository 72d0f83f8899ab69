//! Unpacks untrusted archives.
//!
//! Only regular files and folders: no links, devices or pipes. Every path stays inside the folder, and the number and
//! size of files are limited, whatever the archive claims. It is unpacked into a new folder that is renamed when it is
//! complete.

use crate::error::{AtPath, Error, Result};
use crate::monitor::{Monitor, Update};
use crate::text::excerpt;
use flate2::read::MultiGzDecoder;
use std::cell::Cell;
use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};
use tar::{Archive, EntryType};

/// The limits of an archive.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Files and folders.
    pub entries: u64,
    /// Bytes of one file.
    pub file: u64,
    /// Bytes of all files.
    pub total: u64,
}

/// Bytes between two files: headers, long names, padding. Names are read into memory before they can be checked.
const BETWEEN: u64 = 1 << 20;
/// Bytes after the last file.
const BEHIND: u64 = 64 << 20;
const DEEPEST: usize = 16;

/// Unpacks the gzipped tar `archive` into the new folder `into` and returns the number of files. First removes what an
/// earlier attempt left in `into`; after a failure, removes what this one wrote.
///
/// # Errors
/// A damaged archive; an entry that is neither file nor folder or would leave the folder; more than the limits; a full
/// disk; [`crate::error::ErrorKind::Stopped`].
pub fn unpack(archive: &Path, into: &Path, limits: &Limits, monitor: &dyn Monitor) -> Result<u64> {
    remove(into)?;
    fs::create_dir_all(into).at(into)?;
    let unpacked = read(archive, into, limits, monitor);
    if unpacked.is_err() {
        remove(into)?;
    }
    unpacked
}

/// Removes a folder with its contents; links in it are removed, not followed.
fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::file(folder, error)),
        _ => Ok(()),
    }
}

fn read(archive: &Path, into: &Path, limits: &Limits, monitor: &dyn Monitor) -> Result<u64> {
    let file = File::open(archive).at(archive)?;
    let mut progress = Progress::new(file.metadata().at(archive)?.len(), monitor);
    let consumed = Rc::new(Cell::new(0));
    let allowed = Rc::new(Cell::new(0));
    let counted = Counted { inner: BufReader::with_capacity(256 << 10, file), count: Rc::clone(&consumed) };
    let budget = Budget { inner: MultiGzDecoder::new(counted), allowed: Rc::clone(&allowed) };
    let mut tar = Archive::new(budget);
    let damaged = |error: &dyn std::fmt::Display| Error::file(archive, format!("cannot be unpacked ({error})"));
    let refused = |name: &str, what: &str| Error::file(archive, format!("holds '{}', {what}", excerpt(name)));
    let mut entries = tar.entries().map_err(|error| damaged(&error))?;
    let (mut seen, mut files, mut total) = (0u64, 0u64, 0u64);
    let mut block = vec![0; 256 << 10];
    loop {
        allowed.set(BETWEEN);
        let Some(entry) = entries.next() else { break };
        let mut entry = entry.map_err(|error| damaged(&error))?;
        seen += 1;
        if seen > limits.entries {
            return Err(Error::file(
                archive,
                format!("holds more than {} files; it is not the archive it should be", limits.entries),
            ));
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let path = match inside(&name) {
            Ok(path) => into.join(path),
            Err(what) => return Err(refused(&name, what)),
        };
        match entry.header().entry_type() {
            // `git archive` writes this entry first.
            EntryType::XGlobalHeader => {}
            EntryType::Directory => fs::create_dir_all(&path).at(&path)?,
            EntryType::Regular => {
                let size = entry.size();
                total = total.saturating_add(size);
                if size > limits.file || total > limits.total {
                    let what = "which makes it larger than such an archive can be";
                    return Err(refused(&name, what));
                }
                allowed.set(size.saturating_add(BETWEEN));
                if let Some(folder) = path.parent() {
                    fs::create_dir_all(folder).at(folder)?;
                }
                let mut out = File::create(&path).at(&path)?;
                let mut written = 0;
                loop {
                    if monitor.stopped() {
                        return Err(Error::stopped());
                    }
                    match entry.read(&mut block).map_err(|error| damaged(&error))? {
                        0 => break,
                        count => {
                            out.write_all(&block[..count]).at(&path)?;
                            written += count as u64;
                        }
                    }
                }
                if written != size {
                    return Err(damaged(&format!("it ends in the middle of '{}'", excerpt(&name))));
                }
                files += 1;
                progress.tell(consumed.get());
            }
            kind => return Err(refused(&name, &format!("which is neither a file nor a folder ({})", title(kind)))),
        }
    }
    // After the last file come padding and the checksum that verifies the transfer.
    allowed.set(BEHIND);
    io::copy(&mut tar.into_inner(), &mut io::sink()).map_err(|error| damaged(&error))?;
    if files == 0 {
        return Err(Error::file(archive, "holds no files"));
    }
    Ok(files)
}

fn title(kind: EntryType) -> &'static str {
    match kind {
        EntryType::Symlink => "a symbolic link",
        EntryType::Link => "a hard link",
        EntryType::Char | EntryType::Block => "a device",
        EntryType::Fifo => "a pipe",
        _ => "of a kind that data sets do not need",
    }
}

/// The path of an entry, if it stays inside the folder.
fn inside(name: &str) -> Result<PathBuf, &'static str> {
    if name.contains(['\0', '\u{FFFD}']) {
        return Err("which is no file name");
    }
    let mut path = PathBuf::new();
    for part in Path::new(name).components() {
        match part {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Err("a path that leaves the folder it is unpacked into");
            }
        }
    }
    if path.components().count() > DEEPEST { Err("a path of too many folders") } else { Ok(path) }
}

/// A reader that passes only as many bytes as are allowed at the moment.
struct Budget<R> {
    inner: R,
    allowed: Rc<Cell<u64>>,
}

impl<R: Read> Read for Budget<R> {
    fn read(&mut self, block: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(block)?;
        let left = self.allowed.get().checked_sub(count as u64);
        self.allowed.set(left.ok_or_else(|| io::Error::other("there is more between its files than a header"))?);
        Ok(count)
    }
}

/// Counts the bytes read from the archive itself.
struct Counted<R> {
    inner: R,
    count: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, block: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(block)?;
        self.count.set(self.count.get() + count as u64);
        Ok(count)
    }
}

/// Reports the progress of reading the archive a few times per second.
struct Progress<'a> {
    monitor: &'a dyn Monitor,
    total: u64,
    marks: VecDeque<(Instant, u64)>,
}

impl<'a> Progress<'a> {
    const EVERY: Duration = Duration::from_millis(200);
    const OVER: usize = 25;

    fn new(total: u64, monitor: &'a dyn Monitor) -> Self {
        Self { monitor, total, marks: VecDeque::from([(Instant::now(), 0)]) }
    }

    fn tell(&mut self, done: u64) {
        let now = Instant::now();
        if self.marks.back().is_some_and(|(last, _)| now - *last < Self::EVERY) {
            return;
        }
        self.marks.push_back((now, done));
        if self.marks.len() > Self::OVER {
            self.marks.pop_front();
        }
        let Some(&(since, before)) = self.marks.front() else { return };
        let rate = (done - before) as f64 / (now - since).as_secs_f64().max(1e-3);
        let remaining = (rate > 0.0).then(|| self.total.saturating_sub(done) as f64 / rate);
        self.monitor.update(Update::Progress { done, total: self.total, unit: "bytes".into(), rate, remaining });
    }
}
