//! What the screens Results, Evaluate and Runs want done with the files of runs, and the doing on the job thread.

use super::app::App;
use super::jobs::{Job, Settings};
use super::keys::{self, Action, Context};
use super::screens::evaluate::sheet::Sheet;
use super::shared::Tone;
use faceprobe_core::dataset::Split;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::outputs::{Outputs, Standing};
use faceprobe_core::own_files;
use faceprobe_core::run::compare::{self, Comparison};
use faceprobe_core::run::export::{self, Format};
use faceprobe_core::run::journal::Entry;
use faceprobe_core::run::label::Label;
use faceprobe_core::run::results::{ResultRow, by_setting};
use faceprobe_core::run::scored::Scored;
use faceprobe_core::run::{RunFolder, RunId, trash};
use faceprobe_core::text::line;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Something to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordJob {
    /// Reads the scores of a run on a split.
    Score { run: String, split: Split },
    /// Puts runs side by side on a split.
    Compare { runs: Vec<String>, split: Split },
    /// Writes the table into a file; over one that was not made here only with `replace`.
    Export { path: PathBuf, rows: Vec<ResultRow>, by_setting: bool, replace: bool },
    /// Writes what a person says about a run.
    Label { run: RunId, change: Change },
    /// Puts a run into the trash.
    Remove { run: RunId },
    /// Brings a run back from there.
    Restore { run: RunId },
    /// Reads the ends of a run's log and journal.
    Read { run: RunId },
}

/// What is written on a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Title(String),
    Note(String),
    Pin(bool),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordReply {
    Scored {
        run: String,
        split: Split,
        outcome: Result<Arc<Sheet>, String>,
    },
    Compared {
        runs: Vec<String>,
        split: Split,
        outcome: Result<Arc<Comparison>, String>,
    },
    Exported {
        path: PathBuf,
        lines: usize,
    },
    /// There is such a file, and it was not made here; the job is the same with `replace`.
    Exists(Box<RecordJob>),
    Labelled {
        run: RunId,
        change: Change,
    },
    Removed {
        run: RunId,
    },
    Restored {
        run: RunId,
    },
    Read {
        run: RunId,
        log: Vec<String>,
        journal: Vec<String>,
    },
}

/// Does one job, on the job thread.
pub fn perform(settings: &Settings, job: RecordJob) -> Result<RecordReply> {
    let workspace = &settings.workspace;
    let find = |run: &RunId| RunFolder::find(workspace, run.as_str());
    match job {
        RecordJob::Score { run, split } => {
            let load =
                || Ok(Arc::new(Sheet::of(Scored::require(workspace, &RunFolder::find(workspace, &run)?, split)?)));
            let outcome = load().map_err(|error: Error| error.to_string());
            Ok(RecordReply::Scored { run, split, outcome })
        }
        RecordJob::Compare { runs, split } => {
            let outcome = compare::load(workspace, &runs, split).map(Arc::new).map_err(|error| error.to_string());
            Ok(RecordReply::Compared { runs, split, outcome })
        }
        RecordJob::Export { path, rows, by_setting, replace } => {
            let mut outputs = Outputs::new(workspace, replace);
            if outputs.standing(&path)? == Standing::Foreign && !replace {
                let job = RecordJob::Export { path, rows, by_setting, replace: true };
                return Ok(RecordReply::Exists(Box::new(job)));
            }
            let lines = write_table(&mut outputs, &path, &rows, by_setting)?;
            Ok(RecordReply::Exported { path, lines })
        }
        RecordJob::Label { run, change } => {
            let folder = find(&run)?;
            let mut label = Label::load(&folder)?;
            match &change {
                Change::Title(text) => label.set_title(text),
                Change::Note(text) => label.set_note(text),
                Change::Pin(pinned) => label.pinned = *pinned,
            }
            label.save(&folder)?;
            Ok(RecordReply::Labelled { run, change })
        }
        RecordJob::Remove { run } => {
            find(&run)?.remove(workspace)?;
            Ok(RecordReply::Removed { run })
        }
        RecordJob::Restore { run } => {
            trash::restore(workspace, run.as_str())?;
            Ok(RecordReply::Restored { run })
        }
        RecordJob::Read { run } => {
            let folder = find(&run)?;
            let log = tail(&folder.log_path());
            let told = |told: String| {
                serde_json::from_str(&told).map_or(told, |entry: Entry| line(&entry.describe()).into_owned())
            };
            let journal = tail(&folder.events_path()).into_iter().map(told).collect();
            Ok(RecordReply::Read { run, log, journal })
        }
    }
}

fn write_table(outputs: &mut Outputs, path: &Path, rows: &[ResultRow], settings: bool) -> Result<usize> {
    let format = Format::of_path(path).ok_or_else(|| {
        Error::usage(format!("{}: the format follows from the extension; use .csv, .md or .tex.", path.display()))
    })?;
    let (lines, text) = if settings {
        let settings = by_setting(rows);
        (settings.len(), export::settings(&settings, format)?)
    } else {
        (rows.len(), export::runs(&rows.iter().collect::<Vec<_>>(), format)?)
    };
    outputs.write(path, text.as_bytes())?;
    Ok(lines)
}

/// How much of the end of a log is read.
const TAIL: u64 = 32 << 10;

/// The last lines of a file, without what could disturb a terminal; nothing where there is no file.
fn tail(path: &Path) -> Vec<String> {
    let read = || -> std::io::Result<(Vec<u8>, bool)> {
        let mut file = own_files::open(path)?;
        let length = file.metadata()?.len();
        let from = length.saturating_sub(TAIL);
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(TAIL).read_to_end(&mut bytes)?;
        Ok((bytes, from > 0))
    };
    let (bytes, cut) = read().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    // Where the beginning is cut off, the first line is only a piece.
    text.lines().skip(usize::from(cut)).map(|told| line(told).into_owned()).collect()
}

/// Takes in what came of a job, on the UI thread.
pub fn take(app: &mut App, reply: RecordReply) -> Vec<super::effect::Effect> {
    match reply {
        RecordReply::Scored { run, split, outcome } => app.screens.evaluate.scored(&app.shared, &run, split, outcome),
        RecordReply::Compared { runs, split, outcome } => app.screens.results.compared(&runs, split, outcome),
        RecordReply::Exported { path, lines } => {
            let lines = if lines == 1 { "1 line is".to_owned() } else { format!("{lines} lines are") };
            app.shared.say(Tone::Good, format!("{lines} in {}.", path.display()));
        }
        RecordReply::Exists(job) => {
            if let RecordJob::Export { path, .. } = &*job {
                let text = format!(
                    "{} exists and was not written by faceprobe, or was edited since. Its contents will be lost.",
                    path.display()
                );
                app.shared.ask("Replace the file?", vec![text], Job::Record(job));
            }
        }
        RecordReply::Labelled { run, change } => {
            let text = match change {
                Change::Title(_) => format!("{run} was renamed."),
                Change::Note(_) => format!("Note on {run} saved."),
                Change::Pin(true) => format!("{run} is pinned."),
                Change::Pin(false) => format!("{run} is unpinned."),
            };
            app.shared.say(Tone::Good, text);
        }
        RecordReply::Removed { run } => {
            app.screens.runs.removed(&app.shared, &run);
            let key = keys::name_of(Context::Runs, Action::Undo);
            app.shared.say(Tone::Good, format!("{run} was moved to the trash; {key} on Runs restores it."));
        }
        RecordReply::Restored { run } => {
            app.screens.runs.restored(&app.shared, &run);
            app.shared.say(Tone::Good, format!("{run} was restored."));
        }
        RecordReply::Read { run, log, journal } => app.screens.runs.read(&run, log, journal),
    }
    Vec::new()
}
