//! What the screen wants done, and the thread that does it: starting and controlling runs, choosing, reading folders.

use super::audits::{self, AuditJob, AuditReply};
use super::event::Event;
use super::predictor::Ask;
use super::records::{self, RecordJob, RecordReply};
use super::session::Session;
use super::watcher::Nudge;
use super::widgets::cut_front;
use faceprobe_core::dataset::manifest::Manifest;
use faceprobe_core::dataset::{Sample, Split};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::predict::Prediction;
use faceprobe_core::run::choice::{self, Choice};
use faceprobe_core::run::launch::{self, Launched};
use faceprobe_core::run::{JobSpec, RunFolder, RunId, Spec, control, ensemble, queue, refit};
use faceprobe_core::workspace::Workspace;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

/// Something to be done outside the screen.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    Launch(Box<JobSpec>),
    /// Makes one model of fine-tuned runs.
    Ensemble {
        runs: Vec<String>,
    },
    /// Trains a run's model anew on validation too.
    Refit {
        run: String,
    },
    Control {
        run: RunId,
        command: control::Command,
    },
    /// Sets a run to work again whose worker has ended too early.
    Resume {
        run: RunId,
    },
    /// Takes a run that waits out of the queue.
    Unqueue {
        run: RunId,
    },
    /// Lists the images of a prepared set.
    Images {
        dataset: String,
    },
    /// Writes what the screens remember.
    Remember(Box<Session>),
    Choose {
        run: String,
    },
    /// Lists a folder, with the cursor on `select`.
    List {
        folder: PathBuf,
        select: Option<PathBuf>,
    },
    /// A path somebody typed: a folder to list or an image to predict.
    Open {
        text: String,
        from: PathBuf,
    },
    Predict(Ask),
    /// Writes predictions into a CSV file.
    SavePredictions(Vec<Prediction>),
    /// Something with the files of runs.
    Record(Box<RecordJob>),
    /// Something with the audit of a data set.
    Audit(Box<AuditJob>),
    /// Reads what these runs told, for as long as it is shown.
    Stories(BTreeSet<String>),
    Suspend,
    Redraw,
    Quit,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub enum JobReply {
    Launched {
        run: RunId,
    },
    Told {
        run: RunId,
        command: control::Command,
    },
    Chosen(Choice),
    Listed {
        folder: PathBuf,
        entries: Vec<Entry>,
        select: Option<PathBuf>,
        predict: bool,
    },
    /// It waits for those that train now.
    Queued {
        run: RunId,
    },
    Resumed {
        run: RunId,
    },
    Unqueued {
        run: RunId,
    },
    Images {
        dataset: String,
        images: Vec<SetImage>,
    },
    Remembered,
    /// A file was written.
    Saved(PathBuf),
    Record(Box<RecordReply>),
    Audit(Box<AuditReply>),
    Failed(String),
}

/// A line of the file browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub path: PathBuf,
    pub name: String,
    pub folder: bool,
    /// By its ending; decoding decides in the end.
    pub image: bool,
}

/// One image of a prepared set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetImage {
    pub path: PathBuf,
    /// Index of its class.
    pub class: usize,
    pub split: Split,
}

fn images(manifest: &Manifest) -> Vec<SetImage> {
    let image = |sample: &Sample| SetImage { path: manifest.path_of(sample), class: sample.class, split: sample.split };
    manifest.samples.iter().map(image).collect()
}

/// What the thread needs to start runs.
#[derive(Clone)]
pub struct Settings {
    pub workspace: Workspace,
    pub threads: usize,
    pub device: String,
}

/// Does one effect after the other until the other end of `effects` is gone.
pub fn work(settings: &Settings, effects: &Receiver<Effect>, events: &Sender<Event>, nudge: &Sender<Nudge>) {
    let mut started: Vec<Launched> = Vec::new();
    loop {
        // Workers are children of this process: whoever has ended is cleared up after.
        started.retain_mut(|launched| !launched.reap());
        let effect = if started.is_empty() {
            effects.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            effects.recv_timeout(Duration::from_secs(2))
        };
        let effect = match effect {
            Ok(effect) => effect,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let reply = match effect {
            Effect::Audit(job) => JobReply::Audit(Box::new(audits::perform(&settings.workspace, *job))),
            effect => {
                perform(settings, effect, &mut started).unwrap_or_else(|error| JobReply::Failed(error.to_string()))
            }
        };
        let _ = nudge.send(Nudge::Look);
        if events.send(Event::Job(reply)).is_err() {
            return;
        }
    }
}

fn perform(settings: &Settings, effect: Effect, started: &mut Vec<Launched>) -> Result<JobReply> {
    let workspace = &settings.workspace;
    match effect {
        Effect::Ensemble { runs } => {
            let job = Box::new(ensemble::job(workspace, &runs)?);
            perform(settings, Effect::Launch(job), started)
        }
        Effect::Refit { run } => {
            let job = Box::new(refit::job(workspace, &run)?);
            perform(settings, Effect::Launch(job), started)
        }
        Effect::Launch(job) => {
            if queue::takes_turns(&job) && queue::busy(workspace)? {
                let run = queue::add(workspace, &Spec::new(*job, settings.threads, &settings.device))?;
                // The one that trained may have ended in between.
                started.extend(queue::next(workspace)?);
                return Ok(JobReply::Queued { run: run.id().clone() });
            }
            let launched = launch::launch(workspace, &Spec::new(*job, settings.threads, &settings.device))?;
            let run = launched.run.id().clone();
            started.push(launched);
            Ok(JobReply::Launched { run })
        }
        Effect::Resume { run } => {
            started.push(launch::resume(workspace, RunFolder::find(workspace, run.as_str())?)?);
            Ok(JobReply::Resumed { run })
        }
        Effect::Unqueue { run } => {
            queue::remove(RunFolder::find(workspace, run.as_str())?)?;
            Ok(JobReply::Unqueued { run })
        }
        Effect::Images { dataset } => {
            let images = images(&Manifest::load_named(workspace, &dataset)?);
            Ok(JobReply::Images { dataset, images })
        }
        Effect::Remember(memory) => memory.save(workspace).map(|()| JobReply::Remembered),
        Effect::Control { run, command } => {
            control::send(&RunFolder::find(workspace, run.as_str())?, command)?;
            Ok(JobReply::Told { run, command })
        }
        Effect::Choose { run } => {
            Ok(JobReply::Chosen(choice::choose(workspace, &RunFolder::find(workspace, &run)?, None)?))
        }
        Effect::List { folder, select } => {
            let entries = list(&folder)?;
            Ok(JobReply::Listed { folder, entries, select, predict: false })
        }
        Effect::Open { text, from } => open(&text, &from),
        Effect::SavePredictions(predictions) => Ok(JobReply::Saved(super::history::save(workspace, &predictions)?)),
        Effect::Record(job) => Ok(JobReply::Record(Box::new(records::perform(settings, *job, started)?))),
        Effect::Audit(_)
        | Effect::Predict(_)
        | Effect::Stories(_)
        | Effect::Suspend
        | Effect::Redraw
        | Effect::Quit => Err(Error::failed("This is not for the job thread; please report it.")),
    }
}

fn open(text: &str, from: &Path) -> Result<JobReply> {
    let typed = expand(&clean(text));
    let path = if typed.is_absolute() { typed } else { from.join(typed) };
    let path = path.canonicalize().map_err(|error| {
        // A sentence has to fit the message line, however long the path is.
        let shown = cut_front(&path.display().to_string(), 100);
        match error.kind() {
            std::io::ErrorKind::NotFound => Error::failed(format!("{shown}: there is no such file or folder.")),
            _ => Error::failed(format!("{shown}: cannot be opened ({error}).")),
        }
    })?;
    if path.is_dir() {
        let entries = list(&path)?;
        return Ok(JobReply::Listed { folder: path, entries, select: None, predict: false });
    }
    let folder = path.parent().unwrap_or(Path::new("/")).to_owned();
    let mut entries = list(&folder).unwrap_or_default();
    if !entries.iter().any(|entry| entry.path == path) {
        // A file without the ending of an image, or in a folder that cannot be listed: predicted all the same.
        entries.push(entry(path.clone(), false, true));
    }
    Ok(JobReply::Listed { folder, entries, select: Some(path), predict: true })
}

/// What terminals make of a file that is dropped on them or pasted: quotes, `file://`, backslashes before spaces.
pub fn clean(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    for quote in ['\'', '"'] {
        if let Some(inner) = line.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return inner.to_owned();
        }
    }
    if let Some(rest) = line.strip_prefix("file://") {
        return percent_decoded(rest);
    }
    line.replace("\\ ", " ").replace("\\(", "(").replace("\\)", ")").replace("\\'", "'").replace("\\&", "&")
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = |byte: u8| (byte as char).to_digit(16);
        match (first, tail) {
            (b'%', [high, low, after @ ..]) if hex(*high).is_some() && hex(*low).is_some() => {
                bytes.push((hex(*high).unwrap_or(0) * 16 + hex(*low).unwrap_or(0)) as u8);
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// `~` and `~/…` with the home folder in place.
pub fn expand(text: &str) -> PathBuf {
    match (text.strip_prefix('~'), std::env::var_os("HOME")) {
        (Some(""), Some(home)) => home.into(),
        (Some(rest), Some(home)) if rest.starts_with('/') => Path::new(&home).join(rest.trim_start_matches('/')),
        _ => text.into(),
    }
}

fn entry(path: PathBuf, folder: bool, image: bool) -> Entry {
    let name = path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
    // A name may hold anything; control characters would reach the terminal.
    let name = name.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    Entry { path, name, folder, image }
}

const IMAGE_ENDINGS: [&str; 8] = ["jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff", "gif"];

/// Folders first, then images, each by name; other files and hidden ones are left out.
fn list(folder: &Path) -> Result<Vec<Entry>> {
    let read = fs::read_dir(folder)
        .map_err(|error| Error::failed(format!("{}: cannot be listed ({error}).", folder.display())))?;
    let mut entries: Vec<Entry> = read
        .flatten()
        .filter(|found| !found.file_name().to_string_lossy().starts_with('.'))
        .filter_map(|found| {
            let path = found.path();
            let kind = found.file_type().ok()?;
            let is_folder = kind.is_dir() || kind.is_symlink() && path.is_dir();
            let image = path
                .extension()
                .is_some_and(|ending| IMAGE_ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)));
            (is_folder || image).then(|| entry(path, is_folder, image && !is_folder))
        })
        .collect();
    entries.sort_by(|a, b| b.folder.cmp(&a.folder).then_with(|| a.name.cmp(&b.name)));
    Ok(entries)
}
