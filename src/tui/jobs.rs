//! What is to be done with the workspace, and the thread that does it: starting and controlling runs, choosing, reading
//! folders.

use super::audits::{self, AuditJob, AuditReply};
use super::completion::{Names, Paths};
use super::event::Event;
use super::folders::Entry;
use super::maps::{self, MapJob, MapReply};
use super::reading;
use super::records::{self, RecordJob, RecordReply};
use super::session::Session;
use super::studies::{self, Source};
use super::tasks::{self, Tasks};
use super::watcher::WatchRequest;
use super::workers::{Start, Workers};
use faceprobe_core::dataset::manifest::Manifest;
use faceprobe_core::dataset::{Published, Sample, Split, versions};
use faceprobe_core::error::Result;
use faceprobe_core::evaluation::Criterion;
use faceprobe_core::predict::{PassedOver, Prediction};
use faceprobe_core::run::choice::{self, Choice};
use faceprobe_core::run::{JobSpec, RunFolder, RunId, control, ensemble, queue, refit};
use faceprobe_core::workspace::Workspace;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

/// Something to be done with the workspace, its runs or the files around it.
#[derive(Debug, Clone, PartialEq)]
pub enum Job {
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
    /// Does a step of a study.
    Step {
        source: Source,
        step: String,
    },
    /// Sets a run to work again whose worker has ended too early.
    Resume {
        run: RunId,
    },
    /// Starts the run that waits longest, if nothing trains.
    StartWaiting,
    /// Takes a run that waits out of the queue.
    Unqueue {
        run: RunId,
    },
    /// Makes the version that a preparation has made the current one.
    UseVersion {
        run: RunId,
    },
    /// Makes this version of a set the current one.
    UseSet {
        dataset: String,
    },
    /// Lists the images of a prepared set.
    Images {
        dataset: String,
    },
    /// Writes what the screens remember.
    Remember(Box<Session>),
    /// Makes a run the model that Predict uses.
    Choose {
        run: String,
        threshold: Threshold,
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
    /// Reads the names that may go on from a path that is being typed; relative ones begin in `base`.
    Complete {
        text: String,
        paths: Paths,
        base: PathBuf,
    },
    /// Begins a task of the workbench itself.
    Task(Box<tasks::Order>),
    /// Stops all tasks.
    StopTasks,
    /// Writes predictions into a CSV file.
    SavePredictions(Vec<Prediction>),
    /// Something with the files of runs.
    Record(Box<RecordJob>),
    /// Something with the audit of a data set.
    Audit(Box<AuditJob>),
    /// Something with the maps of features.
    Map(Box<MapJob>),
}

/// The threshold that a chosen model is used with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Threshold {
    /// The one that its training ended with.
    Trained,
    /// One that was set by hand.
    Set(f64),
    /// The one that serves a criterion best on validation.
    Best(Criterion),
}

impl From<RecordJob> for Job {
    fn from(job: RecordJob) -> Self {
        Self::Record(Box::new(job))
    }
}

impl From<AuditJob> for Job {
    fn from(job: AuditJob) -> Self {
        Self::Audit(Box::new(job))
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub enum JobReply {
    Launched {
        run: RunId,
    },
    /// The set of this name is the current version now.
    Current {
        dataset: String,
    },
    Told {
        run: RunId,
        command: control::Command,
    },
    Chosen(Choice),
    /// The names that may go on from `text`.
    Completed {
        text: String,
        names: Result<Names, String>,
    },
    /// What a task tells.
    Task(tasks::TaskMessage),
    Listed {
        folder: PathBuf,
        entries: Vec<Entry>,
        /// What else there is, by reason.
        others: PassedOver,
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
        images: Result<Vec<SetImage>, String>,
    },
    /// Something to be said.
    Word(String),
    /// Done, and nothing to be said about it.
    Quiet,
    /// A file was written.
    Saved(PathBuf),
    Record(Box<RecordReply>),
    Audit(Box<AuditReply>),
    Map(Box<MapReply>),
    Failed(String),
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

/// Does one job after the other until the other end of `jobs` is gone.
pub fn work(settings: &Settings, jobs: &Receiver<Job>, events: &Sender<Event>, nudge: &Sender<WatchRequest>) {
    let mut workers = Workers::new(settings.workspace.clone());
    let mut tasks = Tasks::default();
    let (reader, inbox) = mpsc::channel();
    let to = events.clone();
    thread::spawn(move || reading::read(&inbox, &to));
    loop {
        // While workers are at work, this looks up now and then, so that whoever ends is cleared up after.
        let job = if workers.reap() {
            jobs.recv_timeout(Duration::from_secs(2))
        } else {
            jobs.recv().map_err(|_| RecvTimeoutError::Disconnected)
        };
        let job = match job {
            Ok(job) => job,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let job = match job {
            Job::List { .. } | Job::Open { .. } | Job::Complete { .. } => {
                drop(reader.send(job));
                continue;
            }
            Job::Task(order) => {
                tasks.start(&settings.workspace, *order, events, nudge);
                continue;
            }
            Job::StopTasks => {
                tasks.stop();
                continue;
            }
            job => job,
        };
        let reply = perform(settings, job, &mut workers).unwrap_or_else(|error| JobReply::Failed(error.to_string()));
        let _ = nudge.send(WatchRequest::Look);
        if events.send(Event::Job(reply)).is_err() {
            return;
        }
    }
}

fn perform(settings: &Settings, job: Job, workers: &mut Workers) -> Result<JobReply> {
    let workspace = &settings.workspace;
    match job {
        Job::Ensemble { runs } => {
            let spec = Box::new(ensemble::job(workspace, &runs)?);
            perform(settings, Job::Launch(spec), workers)
        }
        Job::Refit { run } => {
            let spec = Box::new(refit::job(workspace, &run)?);
            perform(settings, Job::Launch(spec), workers)
        }
        Job::Launch(job) => Ok(match workers.start(*job, settings.threads, &settings.device)? {
            Start::Launched(run) => JobReply::Launched { run },
            Start::Queued(run) => JobReply::Queued { run },
        }),
        Job::Step { source, step } => studies::start(settings, &source, &step, workers),
        Job::Resume { run } => {
            workers.resume(&run)?;
            Ok(JobReply::Resumed { run })
        }
        Job::Unqueue { run } => {
            queue::remove(RunFolder::find(workspace, run.as_str())?)?;
            Ok(JobReply::Unqueued { run })
        }
        Job::UseVersion { run } => {
            let version = Published::load(RunFolder::find(workspace, run.as_str())?.path())?.version;
            versions::make_current(workspace, &version.name, version.number)?;
            Ok(JobReply::Current { dataset: version.id() })
        }
        Job::UseSet { dataset } => {
            let version = versions::version_of(workspace, &dataset);
            versions::make_current(workspace, &version.name, version.number)?;
            Ok(JobReply::Current { dataset })
        }
        Job::Images { dataset } => {
            let listed = Manifest::load_named(workspace, &dataset).map(|manifest| images(&manifest));
            Ok(JobReply::Images { dataset, images: listed.map_err(|error| error.to_string()) })
        }
        Job::Remember(memory) => memory.save(workspace).map(|()| JobReply::Quiet),
        Job::StartWaiting => workers.start_waiting().map(|()| JobReply::Quiet),
        Job::Control { run, command } => {
            control::send(&RunFolder::find(workspace, run.as_str())?, command)?;
            Ok(JobReply::Told { run, command })
        }
        Job::Choose { run, threshold } => {
            let folder = RunFolder::find(workspace, &run)?;
            Ok(JobReply::Chosen(match threshold {
                Threshold::Trained => choice::choose(workspace, &folder, None)?,
                Threshold::Set(threshold) => choice::choose(workspace, &folder, Some(threshold))?,
                Threshold::Best(criterion) => choice::choose_for(workspace, &folder, criterion)?,
            }))
        }
        // What other threads do is told by them.
        Job::List { .. } | Job::Open { .. } | Job::Complete { .. } | Job::Task(_) | Job::StopTasks => {
            Ok(JobReply::Quiet)
        }
        Job::SavePredictions(predictions) => Ok(JobReply::Saved(super::history::save(workspace, &predictions)?)),
        Job::Record(job) => Ok(JobReply::Record(Box::new(records::perform(settings, *job)?))),
        Job::Map(job) => Ok(JobReply::Map(Box::new(maps::perform(workspace, *job)?))),
        Job::Audit(job) => Ok(JobReply::Audit(Box::new(audits::perform(workspace, *job)))),
    }
}
