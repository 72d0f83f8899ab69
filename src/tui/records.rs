//! What the screens Results, Evaluate and Runs want done with the files of runs, and the doing on the job thread.

use super::app::App;
use super::jobs::{Job, Settings};
use super::keys::{self, Action, Context};
use super::screens::evaluate::sheet::Sheet;
use super::shared::{Shared, Tone};
use faceprobe_core::dataset::Split;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::outputs::{OutputState, Outputs};
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
    /// Puts runs into the trash.
    Remove { runs: Vec<RunId> },
    /// Brings runs back from there.
    Restore { runs: Vec<RunId> },
    /// Reads the ends of a run's log and journal.
    Read { run: RunId },
}

/// A title, a note or a pin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Title(String),
    Note(String),
    Pin(bool),
}

/// The result of a job.
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
    /// The file exists and was not written by faceprobe; the job is the same with `replace`.
    Exists(Box<RecordJob>),
    Labelled {
        run: RunId,
        change: Change,
    },
    /// These are in the trash; why the first of the others is not.
    Removed {
        runs: Vec<RunId>,
        problem: Option<String>,
    },
    /// These are back, likewise.
    Restored {
        runs: Vec<RunId>,
        problem: Option<String>,
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
            if outputs.standing(&path)? == OutputState::Foreign && !replace {
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
        RecordJob::Remove { runs } => {
            let (runs, problem) = each(runs, |run| find(run)?.remove(workspace))?;
            Ok(RecordReply::Removed { runs, problem })
        }
        RecordJob::Restore { runs } => {
            let (runs, problem) = each(runs, |run| trash::restore(workspace, run.as_str()).map(drop))?;
            Ok(RecordReply::Restored { runs, problem })
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

/// Does something with each run: those with which it went well, and the first that did not. An error where it went well
/// with none.
fn each(runs: Vec<RunId>, mut act: impl FnMut(&RunId) -> Result<()>) -> Result<(Vec<RunId>, Option<String>)> {
    let (mut done, mut first) = (Vec::new(), None);
    for run in runs {
        match act(&run) {
            Ok(()) => done.push(run),
            Err(error) => first = first.or(Some(error)),
        }
    }
    match first {
        Some(error) if done.is_empty() => Err(error),
        first => Ok((done, first.map(|error| error.to_string()))),
    }
}

/// `dense-1 was` or `3 runs were`.
fn were(runs: &[RunId]) -> String {
    match runs {
        [run] => format!("{run} was"),
        runs => format!("{} runs were", runs.len()),
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

/// How many bytes of the end of a log are read.
const TAIL: u64 = 32 << 10;

/// The last lines of a file, without control characters; nothing where there is no file.
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

/// Says what was done, and what was not.
fn say(shared: &mut Shared, text: String, problem: Option<String>) {
    match problem {
        None => shared.say(Tone::Good, text),
        Some(problem) => shared.say(Tone::Bad, format!("{text} {problem}")),
    }
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
        RecordReply::Removed { runs, problem } => {
            app.screens.runs.removed(&mut app.shared, &runs);
            let key = keys::name_of(Context::Runs, Action::Undo);
            let them = if runs.len() == 1 { "it" } else { "them" };
            let text = format!("{} moved to the trash; {key} on Runs restores {them}.", were(&runs));
            say(&mut app.shared, text, problem);
        }
        RecordReply::Restored { runs, problem } => {
            app.screens.runs.restored(&app.shared, &runs);
            say(&mut app.shared, format!("{} restored.", were(&runs)), problem);
        }
        RecordReply::Read { run, log, journal } => app.screens.runs.read(&run, log, journal),
    }
    Vec::new()
}
