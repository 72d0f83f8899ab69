//! Tasks of the workbench that are not runs: fetching weights and data sets, reports, exports. Each task is a thread;
//! it reports its progress, can be stopped, and ends with the program. What a fetch has received is kept, and the next
//! resumes.

mod perform;
mod settings;
mod view;

pub use settings::{DataSource, ExportData, ExportModel, FetchData, FetchWeights, Part, WriteReport};
pub use view::{State, View, after, draw, lines, take};

use super::event::Event;
use super::jobs::JobReply;
use super::watcher::WatchRequest;
use faceprobe_core::error::ErrorKind;
use faceprobe_core::features::FeatureSpec;
use faceprobe_core::monitor::{Monitor, Update};
use faceprobe_core::run::JobSpec;
use faceprobe_core::text::line;
use faceprobe_core::workspace::Workspace;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// An order.
#[derive(Debug, Clone, PartialEq)]
pub enum Task {
    FetchData(FetchData),
    FetchWeights(FetchWeights),
    Report(WriteReport),
    ExportModel(ExportModel),
    ExportFeatures {
        dataset: String,
        features: FeatureSpec,
        to: PathBuf,
        /// What is missing was extracted; what still is cannot be read.
        extracted: bool,
    },
}

/// A task with the answers to its questions.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    pub task: Task,
    /// Files that the program did not write may be replaced.
    pub replace: bool,
}

impl Order {
    /// Only files that the program wrote are replaced.
    pub fn new(task: Task) -> Self {
        Self { task, replace: false }
    }
}

/// The progress of a task.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    pub done: u64,
    pub total: u64,
    pub unit: String,
    /// In seconds.
    pub remaining: Option<f64>,
}

/// A message of a task.
#[derive(Debug, Clone, PartialEq)]
pub enum TaskEvent {
    Began(String),
    Note(String),
    Progress(Progress),
    Done(Outcome),
    Stopped,
    Failed(String),
}

/// The result of a task.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// In a sentence.
    TaskMessage(String),
    /// A data set was fetched; it can be prepared from this source under this name.
    Source { told: String, source: String, name: String },
    /// A file exists that the program did not write; the order is the same with `replace`.
    Exists { path: PathBuf, order: Box<Order> },
    /// A run has to be done first, then the order.
    Needs { spec: Box<JobSpec>, order: Box<Order>, told: String },
}

/// A message of a task, with its number.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskMessage {
    pub id: usize,
    pub news: TaskEvent,
}

/// The tasks at work, for stopping them.
#[derive(Debug, Default)]
pub struct Tasks {
    last: usize,
    flags: Vec<(usize, Arc<AtomicBool>)>,
}

impl Tasks {
    /// Carries out an order on a thread of its own, which reports to `events`.
    pub fn start(&mut self, workspace: &Workspace, order: Order, events: &Sender<Event>, nudge: &Sender<WatchRequest>) {
        self.flags.retain(|(_, flag)| Arc::strong_count(flag) > 1);
        self.last += 1;
        let (id, flag) = (self.last, Arc::new(AtomicBool::new(false)));
        self.flags.push((id, Arc::clone(&flag)));
        let teller = TaskMonitor { id, events: events.clone(), flag, told: Mutex::new(None) };
        let (workspace, nudge) = (workspace.clone(), nudge.clone());
        thread::spawn(move || {
            teller.tell(TaskEvent::Began(order.task.title()));
            let news = match perform::perform(&workspace, order, &teller) {
                Ok(outcome) => TaskEvent::Done(outcome),
                Err(error) if error.kind() == ErrorKind::Stopped => TaskEvent::Stopped,
                Err(error) => TaskEvent::Failed(error.to_string()),
            };
            // Its results are shown at once.
            let _ = nudge.send(WatchRequest::Look);
            teller.tell(news);
        });
    }

    /// Stops them at their next safe points.
    pub fn stop(&self) {
        self.flags.iter().for_each(|(_, flag)| flag.store(true, Ordering::Relaxed));
    }
}

/// Between two progress messages of one task.
const PACE: Duration = Duration::from_millis(200);

/// The monitor of a task.
struct TaskMonitor {
    id: usize,
    events: Sender<Event>,
    flag: Arc<AtomicBool>,
    told: Mutex<Option<Instant>>,
}

impl TaskMonitor {
    fn tell(&self, news: TaskEvent) {
        // No receiver is left once the program ends.
        let _ = self.events.send(Event::Job(JobReply::Task(TaskMessage { id: self.id, news })));
    }
}

impl Monitor for TaskMonitor {
    fn update(&self, update: Update) {
        match update {
            Update::Note { text } => self.tell(TaskEvent::Note(line(&text).into_owned())),
            Update::Progress { done, total, unit, remaining, .. } => {
                let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
                if told.is_none_or(|at| at.elapsed() >= PACE) {
                    *told = Some(Instant::now());
                    self.tell(TaskEvent::Progress(Progress { done, total, unit, remaining }));
                }
            }
            _ => {}
        }
    }

    fn stopped(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }
}
