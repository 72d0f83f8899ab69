//! Claims: at most one process at a time works on a run, writes a list, fetches into a folder.
//!
//! The folder may be on a file system that several machines share, where locks may be missing or hold on one machine only.
//! So a claim is a file, and no lock:
//!
//! - It is made by `link()`, which only one process succeeds in, whatever the file system answers.
//! - It names its owner: machine, boot, process, start of the process. On the same machine the system knows whether that
//!   process lives. A claim of a dead one is taken over at once.
//! - It holds a number that grows every 5 seconds. Of an owner on another machine nothing else is known: it counts as dead
//!   when its number was seen not to change for [`PATIENCE`]. The clock of the one who looks measures that; no two clocks
//!   are compared.
//! - Taking over is a claim of its own, so that only one process does it, and replaces the file by a rename.
//! - An owner that was frozen for so long, and finds its claim taken over when it goes on, is told ([`Claim::on_loss`],
//!   [`Claim::check`]).

use crate::error::{AtPath, Error, Result};
use crate::own_files;
use crate::owner::{Owner, writer_name};
use crate::scratch;
use crate::workspace::is_at;
use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

pub use crate::slurm::beat::{EVERY, PATIENCE};

/// Interval of looks at a claim that is waited for.
const TICK: Duration = Duration::from_millis(50);
/// The same if its owner is on another machine.
const FAR_TICK: Duration = Duration::from_millis(500);
/// Digits of the number that grows.
const DIGITS: usize = 20;
/// Suffix of the claim of whoever takes a claim over.
const OVER: &str = ".over";
/// How often that may be nested: each time a process was killed in the instant of taking over.
const NESTED: usize = 3;

/// Who holds a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The machine's name; none if it is not told.
    host: Option<String>,
    /// Whether it is a process on this machine, which is known to live.
    pub here: bool,
}

impl Holder {
    /// ` on HOST`, nothing for this machine.
    pub fn place(&self) -> String {
        match (&self.host, self.here) {
            (_, true) => String::new(),
            (Some(host), false) => format!(" on {host}"),
            (None, false) => " on another machine".to_owned(),
        }
    }
}

/// What became of the attempt to take a claim.
#[derive(Debug)]
pub enum Taken {
    Ours(Claim),
    Held(Holder),
}

/// A claim that this process holds. Dropping it gives it up.
pub struct Claim {
    held: Arc<Held>,
}

impl Claim {
    /// Takes a claim, unless a process holds it that lives. Where an owner on another machine may be dead, waits until its
    /// number is seen to grow, or for [`PATIENCE`].
    ///
    /// # Errors
    /// A folder in which no file can be created; a link in place of the file.
    pub fn take(path: &Path) -> Result<Taken> {
        let mut first = None;
        loop {
            match attempt(path, PATIENCE, 0)? {
                Attempt::Ours(claim) => return Ok(Taken::Ours(claim)),
                Attempt::Busy => std::thread::sleep(TICK),
                Attempt::Held(text, holder) => {
                    if holder.here || *first.get_or_insert_with(|| text.clone()) != text {
                        return Ok(Taken::Held(holder));
                    }
                    std::thread::sleep(FAR_TICK);
                }
            }
        }
    }

    /// Takes a claim if nobody holds it who may live, without waiting to see whether one on another machine does.
    ///
    /// # Errors
    /// As [`Claim::take`].
    pub fn take_now(path: &Path) -> Result<Option<Self>> {
        Ok(match attempt(path, PATIENCE, 0)? {
            Attempt::Ours(claim) => Some(claim),
            Attempt::Held(..) | Attempt::Busy => None,
        })
    }

    /// Takes a claim as soon as nobody holds it who may live. `go_on` is asked again and again.
    ///
    /// # Errors
    /// As [`Claim::take`]; [`Error::stopped`] if `go_on` says no.
    pub fn wait(path: &Path, go_on: impl Fn() -> bool) -> Result<Self> {
        loop {
            let tick = match attempt(path, PATIENCE, 0)? {
                Attempt::Ours(claim) => return Ok(claim),
                Attempt::Held(_, holder) if !holder.here => FAR_TICK,
                Attempt::Held(..) | Attempt::Busy => TICK,
            };
            if !go_on() {
                return Err(Error::stopped());
            }
            std::thread::sleep(tick);
        }
    }

    /// Has `tell` called when another process is found to have taken the claim over.
    #[must_use]
    pub fn on_loss(self, tell: impl Fn() + Send + Sync + 'static) -> Self {
        // A claim has one listener.
        let _ = self.held.on_loss.set(Box::new(tell));
        self
    }

    /// # Errors
    /// If another process has taken the claim over.
    pub fn check(&self) -> Result<()> {
        if !self.held.lost.load(Ordering::Relaxed) {
            return Ok(());
        }
        Err(Error::file(
            &self.held.path,
            "was taken over, because this process stood still for too long; the other one goes on, so this one ends",
        ))
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Claim").field(&self.held.path).finish()
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.held.release();
    }
}

/// Who holds a claim now, as far as one look and those before it tell; none if nobody, or a dead process.
///
/// # Errors
/// A link in place of the file.
pub fn holder(path: &Path) -> Result<Option<Holder>> {
    Ok(match look(path, PATIENCE)? {
        Look::Free | Look::Dead(_) => None,
        Look::Held(_, holder) => Some(holder),
    })
}

struct Held {
    path: PathBuf,
    /// The start of the file: no other claim ever has it.
    name: String,
    file: File,
    /// The number, and when it last grew.
    beat: Mutex<(u64, Instant)>,
    lost: AtomicBool,
    on_loss: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl Held {
    /// Whether the file is still ours; none if it cannot be read now.
    fn is_ours(&self) -> Option<bool> {
        match own_files::read(&self.path) {
            Ok(bytes) => Some(bytes.starts_with(self.name.as_bytes())),
            Err(error) if error.kind() == ErrorKind::NotFound => Some(false),
            // A server that does not answer takes nothing away.
            Err(_) => None,
        }
    }

    /// Lets the number grow, if the claim is still ours.
    fn beat(&self) {
        let mut beat = self.beat.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_ours() == Some(false) {
            if !self.lost.swap(true, Ordering::Relaxed)
                && let Some(tell) = self.on_loss.get()
            {
                tell();
            }
            return;
        }
        let number = format!("{:0DIGITS$}", beat.0 + 1);
        // In place, in the file that was opened: one that has taken the name since is not touched.
        let written = self.file.write_all_at(number.as_bytes(), self.name.len() as u64);
        if written.and_then(|()| self.file.sync_data()).is_ok() {
            *beat = (beat.0 + 1, Instant::now());
        }
    }

    fn release(&self) {
        let beat = self.beat.lock().unwrap_or_else(PoisonError::into_inner);
        // From here on no beat follows.
        self.lost.store(true, Ordering::Relaxed);
        // Whoever beats too late may be considered dead, and must not remove the claim of a successor.
        let _alone = if beat.1.elapsed() < PATIENCE / 2 {
            None
        } else {
            match attempt(&with(&self.path, OVER), PATIENCE, NESTED) {
                Ok(Attempt::Ours(claim)) => Some(claim),
                _ => return,
            }
        };
        if self.is_ours() == Some(true) {
            // If it stays, it is that of a process that is dead soon.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// What the file says.
struct Text {
    owner: Owner,
    host: String,
}

impl Text {
    /// Parses `OWNER-NUMBER BEAT HOST`.
    fn parse(text: &[u8]) -> Option<Self> {
        let mut words = std::str::from_utf8(text).ok()?.split_whitespace();
        let owner = Owner::parse(words.next()?)?;
        let host = words.nth(1).filter(|host| is_host(host))?.to_owned();
        Some(Self { owner, host })
    }
}

fn is_host(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

fn this_host() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if is_host(&name) { name } else { "a-machine".to_owned() }
}

/// A look at a claim. The bytes identify what was seen.
enum Look {
    Free,
    Dead(Vec<u8>),
    Held(Vec<u8>, Holder),
}

fn look(path: &Path, patience: Duration) -> Result<Look> {
    let mut told = None;
    let text = match own_files::read(path) {
        Ok(text) => {
            told = Text::parse(&text);
            // One that was killed on a file system without links may have left an empty file.
            if told.is_none() && !text.is_empty() {
                return Err(Error::file(
                    path,
                    "is not a file of this program, and its name is needed; move it elsewhere",
                ));
            }
            text
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            seen().remove(path);
            return Ok(Look::Free);
        }
        // What another user does not show has its times all the same.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            let facts = fs::symlink_metadata(path).at(path)?;
            format!("{} {}.{}", facts.ino(), facts.mtime(), facts.mtime_nsec()).into_bytes()
        }
        Err(error) => return Err(error).at(path),
    };
    let known = told.as_ref().and_then(|told| told.owner.known());
    let is_dead = known.map_or_else(|| watched(path, &text, Instant::now()) >= patience, |lives| !lives);
    let holder = Holder { host: told.map(|told| told.host), here: known.is_some() };
    Ok(if is_dead { Look::Dead(text) } else { Look::Held(text, holder) })
}

/// What this process has seen of claims whose owners only their number tells of, and since when.
type Seen = BTreeMap<PathBuf, (Vec<u8>, Instant)>;

fn seen() -> std::sync::MutexGuard<'static, Seen> {
    static SEEN: Mutex<Seen> = Mutex::new(BTreeMap::new());
    SEEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// For how long a claim was seen not to change.
fn watched(path: &Path, text: &[u8], now: Instant) -> Duration {
    let mut seen = seen();
    match seen.get(path) {
        Some((known, since)) if known == text => now.saturating_duration_since(*since),
        _ => {
            seen.insert(path.to_owned(), (text.to_owned(), now));
            Duration::ZERO
        }
    }
}

enum Attempt {
    Ours(Claim),
    Held(Vec<u8>, Holder),
    /// Others are taking it too.
    Busy,
}

fn attempt(path: &Path, patience: Duration, nested: usize) -> Result<Attempt> {
    let dead = match look(path, patience)? {
        Look::Held(text, holder) => return Ok(Attempt::Held(text, holder)),
        Look::Free => None,
        Look::Dead(text) => Some(text),
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    let name = format!("{} ", writer_name());
    let text = format!("{name}{:0DIGITS$} {}\n", 0, this_host());
    let made = match dead {
        None => make(folder, path, &text)?,
        Some(dead) => replace(folder, path, &text, &dead, patience, nested)?,
    };
    let Some(file) = made else { return Ok(Attempt::Busy) };
    let beat = Mutex::new((0, Instant::now()));
    let (path, lost) = (path.to_owned(), AtomicBool::new(false));
    let held = Arc::new(Held { path, name, file, beat, lost, on_loss: OnceLock::new() });
    keep_beating(&held);
    Ok(Attempt::Ours(Claim { held }))
}

/// Makes the file, unless there is one.
fn make(folder: &Path, path: &Path, text: &str) -> Result<Option<File>> {
    let mut file = scratch::file(folder, "")?;
    file.write_all(text.as_bytes()).at(path)?;
    match fs::hard_link(file.path(), path) {
        Ok(()) => return Ok(Some(file.into_file())),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && !is_at(file.as_file(), path) => return Ok(None),
        // The reply to a link may be lost after it was made.
        Err(_) if is_at(file.as_file(), path) => return Ok(Some(file.into_file())),
        Err(_) => {}
    }
    // A file system without links.
    let mut options = OpenOptions::new();
    match own_files::open_with(options.create_new(true).write(true), path) {
        Ok(mut file) => file.write_all(text.as_bytes()).map(|()| Some(file)).at(path),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(None),
        Err(error) => Err(error).at(path),
    }
}

/// Replaces the file of a dead owner, unless another process does so.
fn replace(
    folder: &Path,
    path: &Path,
    text: &str,
    dead: &[u8],
    patience: Duration,
    nested: usize,
) -> Result<Option<File>> {
    if nested >= NESTED {
        return Err(Error::file(path, "is left from a process that was killed; remove it"));
    }
    let Attempt::Ours(_alone) = attempt(&with(path, OVER), patience, nested + 1)? else { return Ok(None) };
    // Only who holds the claim to take over, and a living owner, change the file.
    if !matches!(look(path, patience)?, Look::Dead(found) if found == dead) {
        return Ok(None);
    }
    let mut file = scratch::file(folder, "")?;
    file.write_all(text.as_bytes()).at(path)?;
    match fs::rename(file.path(), path) {
        // The reply to a rename may be lost after it was made.
        Err(error) if !is_at(file.as_file(), path) => Err(error).at(path),
        _ => Ok(Some(file.into_file())),
    }
}

fn with(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Lets the numbers of all claims of this process grow, on one thread.
fn keep_beating(held: &Arc<Held>) {
    static BEATING: Mutex<Vec<Weak<Held>>> = Mutex::new(Vec::new());
    static THREAD: OnceLock<()> = OnceLock::new();
    BEATING.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(held));
    THREAD.get_or_init(|| {
        let beat = || loop {
            std::thread::sleep(EVERY);
            let mut beating = BEATING.lock().unwrap_or_else(PoisonError::into_inner);
            beating.retain(|held| held.strong_count() > 0);
            let all: Vec<Arc<Held>> = beating.iter().filter_map(Weak::upgrade).collect();
            drop(beating);
            all.iter().filter(|held| !held.lost.load(Ordering::Relaxed)).for_each(|held| held.beat());
        };
        // Without the thread, other machines may take claims over; this one knows its processes.
        let _ = std::thread::Builder::new().name("claims".into()).spawn(beat);
    });
}

#[cfg(test)]
mod tests;
