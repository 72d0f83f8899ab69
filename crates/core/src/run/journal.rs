//! The journal of a run: typed events, one JSON object per line, append-only.

use crate::error::{AtPath, Error, Result};
use crate::monitor::{EpochFigures, Update};
use crate::own_files;
use crate::seal;
use crate::text::json;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// An event of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Event {
    /// A lifecycle event of the worker.
    Lifecycle(LifecycleEvent),
    /// An update of the work.
    Work(Update),
}

/// Lifecycle events of the worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum LifecycleEvent {
    Started {
        pid: u32,
        threads: usize,
    },
    Paused,
    Resumed,
    /// Finished, with a sentence about the result.
    Finished {
        summary: String,
        seconds: f64,
    },
    Failed {
        error: String,
        seconds: f64,
    },
    /// Stopped by the user, with a sentence about what is kept; journals of earlier versions have none.
    Stopped {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        summary: Option<String>,
        seconds: f64,
    },
}

/// An event with its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Milliseconds since 1970, UTC.
    pub at: i64,
    #[serde(flatten)]
    pub event: Event,
}

impl Entry {
    /// A line for display: the time of day, UTC, and the event.
    pub fn describe(&self) -> String {
        let time = jiff::Timestamp::from_millisecond(self.at)
            .map_or_else(|_| String::new(), |at| at.strftime("%H:%M:%S").to_string());
        let what = match &self.event {
            Event::Lifecycle(life) => match life {
                LifecycleEvent::Started { pid, threads } => format!("started with {threads} threads as process {pid}"),
                LifecycleEvent::Paused => "paused".into(),
                LifecycleEvent::Resumed => "resumed".into(),
                LifecycleEvent::Finished { summary, seconds } => format!("done after {seconds:.1} s: {summary}"),
                LifecycleEvent::Failed { error, seconds } => format!("failed after {seconds:.1} s: {error}"),
                LifecycleEvent::Stopped { summary: Some(summary), seconds } => {
                    format!("stopped after {seconds:.1} s: {summary}")
                }
                LifecycleEvent::Stopped { summary: None, seconds } => format!("stopped after {seconds:.1} s"),
            },
            Event::Work(update) => match update {
                Update::Stage { name } => name.clone(),
                Update::Progress { done, total, unit, rate, .. } => {
                    format!("{done} of {total} {unit}, {rate:.1} a second")
                }
                Update::Epoch(EpochFigures { epoch, epochs, train_loss, train_accuracy, validated, seconds }) => {
                    let then = match validated {
                        Some(val) => format!("validation loss {:.4}, accuracy {:.4}", val.loss, val.accuracy),
                        None => format!("accuracy {train_accuracy:.4}"),
                    };
                    format!("epoch {epoch} of {epochs}: train loss {train_loss:.4}, {then}, {seconds:.1} s")
                }
                Update::Trial { index, of, setting, val_accuracy, val_loss } => {
                    format!("tried {index} of {of}, {setting}: accuracy {val_accuracy:.4}, loss {val_loss:.4}")
                }
                Update::Skipped { path, reason } => format!("left out {path}: {reason}"),
                Update::Note { text } => text.clone(),
            },
        };
        format!("{time} {what}")
    }
}

/// Appends events. Each is one write, so a reader sees complete lines, and at most one torn line at the end.
pub struct JournalWriter {
    file: File,
    written: u64,
}

impl JournalWriter {
    /// Opens the journal for appending, and ends a torn last line that a killed worker may have left.
    pub fn open(path: &Path) -> Result<Self> {
        let mut file = own_files::append(path).at(path)?;
        let length = file.metadata().at(path)?.len();
        if length > 0 {
            file.seek(SeekFrom::Start(length - 1)).at(path)?;
            let mut last = [0u8];
            file.read_exact(&mut last).at(path)?;
            if last[0] != b'\n' {
                file.write_all(b"\n").at(path)?;
            }
        }
        Ok(Self { file, written: 0 })
    }

    /// Appends one event with the present time. A full disk must not end the training, so a failure is only reported in
    /// the return value.
    pub fn write(&mut self, event: Event) -> bool {
        let entry = Entry { at: jiff::Timestamp::now().as_millisecond(), event };
        let Ok(mut line) = serde_json::to_string(&entry).map(|line| seal::line(&json(line)).into_bytes()) else {
            return false;
        };
        line.push(b'\n');
        self.written += line.len() as u64;
        self.file.write_all(&line).is_ok()
    }

    /// Bytes appended so far.
    pub fn written(&self) -> u64 {
        self.written
    }
}

/// Reads a journal line by line, in pieces, starting at any line.
#[derive(Debug)]
pub struct JournalReader {
    path: PathBuf,
    /// Offset up to which it was read.
    offset: u64,
    /// Offset of the first line that was not returned.
    line: u64,
    /// The bytes read of that line.
    torn: Vec<u8>,
    /// Whether that line is too long to be an event, so that the rest of it is skipped.
    overlong: bool,
}

/// One piece of a journal.
#[derive(Debug, Default)]
pub struct Piece {
    pub entries: Vec<Entry>,
    /// Whether there may be more. At the end there is none, and no entries.
    pub more: bool,
    /// Whether the journal is shorter than before: it was replaced, and these are its first entries.
    pub anew: bool,
}

/// Maximum size of a piece, so that following a huge journal never stalls its reader.
const PIECE: u64 = 4 << 20;
/// Maximum length of an event's line.
const LONGEST: usize = 1 << 20;

impl JournalReader {
    /// A reader at the start; the file need not exist.
    pub fn new(path: PathBuf) -> Self {
        Self::from(path, 0)
    }

    /// A reader that continues at the start of a line.
    pub(super) fn from(path: PathBuf, line: u64) -> Self {
        Self { path, offset: line, line, torn: Vec::new(), overlong: false }
    }

    /// Offset of the first line whose event was not returned yet, in bytes.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The next piece. Of consecutive progress events, only the last is returned. A line that is not an event, or was
    /// changed, becomes a note. A torn line that was ended later is skipped; so are zeros that a file system can leave
    /// in place of lost data, up to the next event.
    ///
    /// # Errors
    /// If the file exists and cannot be read.
    pub fn read(&mut self) -> Result<Piece> {
        let before = self.torn.len();
        let anew = match self.read_bytes() {
            Ok(anew) => anew,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Piece::default()),
            Err(error) => {
                let text =
                    format!("cannot be read ({error}); without it nobody knows how the run ended: remove its folder");
                return Err(Error::file(&self.path, text));
            }
        };
        let before = if anew { 0 } else { before };
        let read = self.torn.len() - before;
        let Some(end) = self.torn[before..].iter().rposition(|&byte| byte == b'\n') else {
            let zeros = self.torn.iter().take_while(|&&byte| byte == 0).count();
            self.torn.drain(..zeros);
            if self.overlong || self.torn.len() > LONGEST {
                self.overlong = true;
                self.torn.clear();
            }
            return Ok(Piece { entries: Vec::new(), more: read > 0 || anew, anew });
        };
        let torn = self.torn.split_off(before + end + 1);
        self.line = self.offset - torn.len() as u64;
        let lines = std::mem::replace(&mut self.torn, torn);
        let passed_over = usize::from(std::mem::take(&mut self.overlong));
        let mut lines = lines.split(|&byte| byte == b'\n').skip(passed_over).peekable();
        let mut entries = Vec::new();
        while let Some(line) = lines.next() {
            // Most lines of a long journal are progress events; one that is followed by a newer one is not even parsed.
            if !(is_progress(line) && lines.peek().is_some_and(|next| is_progress(next))) {
                entries.extend(parse(line).or_else(|| unreadable(line)));
            }
        }
        Ok(Piece { entries, more: true, anew })
    }

    /// Reads more of a torn line; true if the file is shorter than before and was read from its beginning.
    fn read_bytes(&mut self) -> std::io::Result<bool> {
        let mut file = own_files::open(&self.path)?;
        let length = file.metadata()?.len();
        let anew = length < self.offset;
        if anew {
            *self = Self::new(std::mem::take(&mut self.path));
        }
        file.seek(SeekFrom::Start(self.offset))?;
        // Otherwise it is read in chunks that start at 32 bytes and double, which is slow with a thousand runs.
        self.torn.reserve((length - self.offset).min(PIECE) as usize + 1);
        let before = self.torn.len();
        let read = file.take(PIECE).read_to_end(&mut self.torn);
        // Data before an error is read again.
        self.offset += read.inspect_err(|_| self.torn.truncate(before))? as u64;
        Ok(anew)
    }
}

/// The note for a line that is not an event, or was changed: its loss must not go unnoticed. A line that was torn when
/// its worker was killed described nothing that was done.
fn unreadable(line: &[u8]) -> Option<Entry> {
    let blank = line.iter().all(|&byte| byte == 0 || byte.is_ascii_whitespace());
    let torn = line.starts_with(b"{\"at\":") && !line.ends_with(b"}");
    let text = "A line of the journal cannot be read or was changed; what it told is missing here.".to_owned();
    (!blank && !torn).then_some(Entry { at: 0, event: Event::Work(Update::Note { text }) })
}

/// Whether a line begins like a progress event.
fn is_progress(line: &[u8]) -> bool {
    const EVENT: &[u8] = b",\"event\":\"progress\",";
    line.iter().take(32).position(|&byte| byte == b',').is_some_and(|at| line[at..].starts_with(EVENT))
}

/// Parses a line of a journal. Progress events are parsed directly: the general path through [`Entry`] takes four times
/// as long, which is noticeable with a thousand runs.
fn parse(line: &[u8]) -> Option<Entry> {
    #[derive(Deserialize)]
    struct Head<'a> {
        at: i64,
        event: &'a str,
    }
    #[derive(Deserialize)]
    struct Progress {
        done: u64,
        total: u64,
        unit: String,
        rate: f64,
        remaining: Option<f64>,
    }
    let line = &line[line.iter().take_while(|&&byte| byte == 0).count()..];
    if !seal::is_whole(line) {
        return None;
    }
    match serde_json::from_slice::<Head>(line) {
        Ok(Head { at, event: "epoch" }) => {
            let figures = serde_json::from_slice(line).ok()?;
            Some(Entry { at, event: Event::Work(Update::Epoch(figures)) })
        }
        Ok(Head { at, event: "progress" }) => {
            let Progress { done, total, unit, rate, remaining } = serde_json::from_slice(line).ok()?;
            Some(Entry { at, event: Event::Work(Update::Progress { done, total, unit, rate, remaining }) })
        }
        _ => serde_json::from_slice(line).ok(),
    }
}
