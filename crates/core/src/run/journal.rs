//! The journal of a run: typed events, one JSON object a line, only ever appended.

use crate::error::{AtPath, Result};
use crate::monitor::{EpochFigures, Update};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Something that happened in a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Event {
    /// What happens to the worker itself.
    Life(Life),
    /// What the work reports.
    Work(Update),
}

/// The life of the worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Life {
    Started {
        pid: u32,
        threads: usize,
    },
    Paused,
    Resumed,
    /// The end, with a sentence that says what came of it.
    Finished {
        summary: String,
        seconds: f64,
    },
    Failed {
        error: String,
        seconds: f64,
    },
    Stopped {
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
    /// A line for a person: the time of day, UTC, and what happened.
    pub fn describe(&self) -> String {
        let time = jiff::Timestamp::from_millisecond(self.at)
            .map_or_else(|_| String::new(), |at| at.strftime("%H:%M:%S").to_string());
        let what = match &self.event {
            Event::Life(life) => match life {
                Life::Started { pid, threads } => format!("started with {threads} threads as process {pid}"),
                Life::Paused => "paused".into(),
                Life::Resumed => "goes on".into(),
                Life::Finished { summary, seconds } => format!("done after {seconds:.1} s: {summary}"),
                Life::Failed { error, seconds } => format!("failed after {seconds:.1} s: {error}"),
                Life::Stopped { seconds } => format!("stopped after {seconds:.1} s"),
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

/// Appends events. Each goes out in one write, so a reader sees whole lines or, at the very end, a torn one.
pub struct JournalWriter {
    file: File,
}

impl JournalWriter {
    /// Opens the journal for appending, and ends a torn last line that a killed worker may have left.
    pub fn open(path: &Path) -> Result<Self> {
        let mut file = OpenOptions::new().create(true).read(true).append(true).open(path).at(path)?;
        let length = file.metadata().at(path)?.len();
        if length > 0 {
            file.seek(SeekFrom::Start(length - 1)).at(path)?;
            let mut last = [0u8];
            file.read_exact(&mut last).at(path)?;
            if last[0] != b'\n' {
                file.write_all(b"\n").at(path)?;
            }
        }
        Ok(Self { file })
    }

    /// Appends one event with the present time. A full disk must not end the training, so failures are only counted
    /// in the return value.
    pub fn write(&mut self, event: Event) -> bool {
        let entry = Entry { at: jiff::Timestamp::now().as_millisecond(), event };
        let Ok(mut line) = serde_json::to_vec(&entry) else {
            return false;
        };
        line.push(b'\n');
        self.file.write_all(&line).is_ok()
    }
}

/// Follows a journal from its beginning, a piece at a time.
#[derive(Debug)]
pub struct JournalReader {
    path: PathBuf,
    offset: u64,
    torn: Vec<u8>,
}

/// At most this much is read in one go, so that following a huge journal never stalls its reader.
const PIECE: u64 = 4 << 20;

impl JournalReader {
    /// A reader that has read nothing yet; the file need not exist.
    pub fn new(path: PathBuf) -> Self {
        Self { path, offset: 0, torn: Vec::new() }
    }

    /// The events appended since the last call. Lines that are not events (a torn line that was ended later) are
    /// passed over.
    pub fn read_new(&mut self) -> Result<Vec<Entry>> {
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(crate::error::Error::file(&self.path, error)),
        };
        file.seek(SeekFrom::Start(self.offset)).at(&self.path)?;
        let mut bytes = std::mem::take(&mut self.torn);
        let before = bytes.len();
        file.take(PIECE).read_to_end(&mut bytes).at(&self.path)?;
        self.offset += (bytes.len() - before) as u64;
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        self.torn = bytes.split_off(whole);
        Ok(bytes.split(|&byte| byte == b'\n').filter_map(parse).collect())
    }
}

/// A line of a journal. What most lines are is read directly: through the layers of [`Entry`] it takes four times as
/// long, which is felt with a thousand runs.
fn parse(line: &[u8]) -> Option<Entry> {
    #[derive(Deserialize)]
    struct Head<'a> {
        at: i64,
        event: &'a str,
    }
    match serde_json::from_slice::<Head>(line) {
        Ok(Head { at, event: "epoch" }) => {
            let figures = serde_json::from_slice(line).ok()?;
            Some(Entry { at, event: Event::Work(Update::Epoch(figures)) })
        }
        _ => serde_json::from_slice(line).ok(),
    }
}
