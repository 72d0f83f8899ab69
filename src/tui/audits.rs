//! What the view of an audit wants done, on the job thread: reading what was found and decided, writing decisions,
//! starting an audit and telling how far it is.

use super::event::Event;
use super::jobs::{JobReply, Settings};
use crate::audit::Audit;
use crate::dataset::decisions::{Change, Decision, Decisions};
use crate::error::{AtPath, Error, Result};
use crate::workspace::Workspace;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

/// Something to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum AuditJob {
    /// Reads the last audit of a prepared set, and what was decided.
    Read { dataset: String },
    /// Writes decisions down.
    Decide { changes: Vec<Change> },
    /// Audits a prepared set.
    Start { dataset: String },
    /// Stops the audit at work.
    Stop,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub enum AuditReply {
    /// None where the set was not audited yet.
    Read {
        dataset: String,
        outcome: Result<Option<Box<Found>>, String>,
    },
    /// The decisions are in the file.
    Decided,
    /// They could not be written.
    Refused(String),
    Started {
        dataset: String,
    },
    At {
        dataset: String,
        progress: Progress,
    },
    /// It will, at the next safe point.
    Stopping,
    Ended {
        dataset: String,
        end: End,
    },
}

/// What was found, and what was decided since.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub audit: Audit,
    /// By the hash of the image, as the audit writes it.
    pub decided: BTreeMap<String, Decision>,
}

/// How far an audit is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    pub stage: String,
    /// Within the stage.
    pub detail: String,
}

/// How an audit ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    Done,
    Stopped,
    Failed(String),
}

/// The audit that this program has started.
#[derive(Debug, Default)]
pub struct AtWork {
    stop: Option<Arc<AtomicBool>>,
}

/// Does one job, on the job thread. An audit tells of itself through `events`.
pub fn perform(settings: &Settings, job: AuditJob, at_work: &mut AtWork, events: &Sender<Event>) -> AuditReply {
    let workspace = &settings.workspace;
    match job {
        AuditJob::Read { dataset } => {
            let outcome = read(workspace, &dataset).map_err(|error| error.to_string());
            AuditReply::Read { dataset, outcome }
        }
        AuditJob::Decide { changes } => match Decisions::change(workspace, changes) {
            Ok(_) => AuditReply::Decided,
            Err(error) => AuditReply::Refused(error.to_string()),
        },
        AuditJob::Start { dataset } => match start(settings, &dataset) {
            Ok((child, log)) => {
                let stop = Arc::new(AtomicBool::new(false));
                at_work.stop = Some(Arc::clone(&stop));
                let (events, name) = (events.clone(), dataset.clone());
                thread::spawn(move || follow(child, &log, &name, &stop, &events));
                AuditReply::Started { dataset }
            }
            Err(error) => AuditReply::Ended { dataset, end: End::Failed(error.to_string()) },
        },
        AuditJob::Stop => {
            if let Some(stop) = &at_work.stop {
                stop.store(true, Ordering::Relaxed);
            }
            AuditReply::Stopping
        }
    }
}

fn read(workspace: &Workspace, dataset: &str) -> Result<Option<Box<Found>>> {
    let folder = workspace.prepared(dataset);
    if !folder.join("audit.json").exists() {
        return Ok(None);
    }
    let audit = Audit::load(&folder)
        .map_err(|error| Error::failed(format!("{} Audit the set anew.", ended(&error.to_string()))))?;
    let decisions = Decisions::load(workspace)?;
    let decided = decisions.iter().map(|(hash, decided)| (hash.to_string(), decided.decision.clone())).collect();
    Ok(Some(Box::new(Found { audit, decided })))
}

/// A sentence with its full stop.
fn ended(sentence: &str) -> String {
    format!("{}.", sentence.trim_end_matches('.'))
}

/// Starts the audit of a set: a process of its own, in a group of its own, so that it goes on when the terminal goes.
/// What it says is in the file that comes back.
fn start(settings: &Settings, dataset: &str) -> Result<(Child, PathBuf)> {
    let program = std::env::current_exe()
        .map_err(|error| Error::failed(format!("The program cannot be found ({error}); start it by its full path.")))?;
    let cache = settings.workspace.root().join("cache");
    fs::create_dir_all(&cache).at(&cache)?;
    let path = cache.join(format!("audit-{dataset}.log"));
    let log = File::create(&path).at(&path)?;
    let child = Command::new(&program)
        .arg("--workspace")
        .arg(settings.workspace.root())
        .args(["--threads", &settings.threads.to_string(), "data", "audit", "--", dataset])
        .env("OMP_WAIT_POLICY", "PASSIVE")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .process_group(0)
        .spawn()
        .at(&program)?;
    Ok((child, path))
}

/// Tells how far an audit is until it has ended.
fn follow(mut child: Child, log: &Path, dataset: &str, stop: &AtomicBool, events: &Sender<Event>) {
    let tell = |reply| events.send(Event::Job(JobReply::Audit(Box::new(reply)))).is_ok();
    let mut last = Progress::default();
    let mut asked = false;
    let status = loop {
        match child.try_wait() {
            Ok(None) => {}
            Ok(Some(status)) => break Ok(status),
            Err(error) => break Err(error),
        }
        if stop.load(Ordering::Relaxed) && !asked {
            asked = true;
            // The child has not been waited for, so the number is still its own.
            if let Some(pid) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            }
        }
        let now = progress(&fs::read_to_string(log).unwrap_or_default());
        if now != last {
            last = now.clone();
            // Nobody listens any more: the audit goes on by itself.
            if !tell(AuditReply::At { dataset: dataset.to_owned(), progress: now }) {
                return;
            }
        }
        thread::sleep(Duration::from_millis(250));
    };
    let end = match status {
        Ok(status) if status.success() => End::Done,
        _ if asked => End::Stopped,
        Ok(status) => {
            let said = fs::read_to_string(log).unwrap_or_default();
            let why = said.lines().rev().find(|line| !line.trim().is_empty()).map(printable);
            End::Failed(why.unwrap_or_else(|| format!("It ended without a word ({status}).")))
        }
        Err(error) => End::Failed(format!("It cannot be followed any more ({error}).")),
    };
    tell(AuditReply::Ended { dataset: dataset.to_owned(), end });
}

/// What the lines of an audit tell: a stage stands at the beginning of its line, what is done within it further in.
pub fn progress(log: &str) -> Progress {
    let mut progress = Progress::default();
    for line in log.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("skipped ")) {
        match line.strip_prefix("  ") {
            Some(detail) => progress.detail = printable(detail.trim()),
            None => progress = Progress { stage: printable(line.trim()), detail: String::new() },
        }
    }
    progress
}

/// Control characters would reach the terminal.
fn printable(line: &str) -> String {
    line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
