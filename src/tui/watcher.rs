//! The thread that watches the workspace on disk and sends a new [`Snapshot`] when something changed.

use super::event::Event;
use super::followed::{Followed, Stamp, stamp};
use super::jobs::Job;
use super::machine::Gauge;
use super::snapshot::{Backbone, DataSet, Run, Snapshot, Store, Weights};
use faceprobe_core::dataset::{PrepareReport, Version, versions};
use faceprobe_core::error::Result;
use faceprobe_core::run::choice;
use faceprobe_core::run::openings::{self, Record};
use faceprobe_core::run::{RunFolder, RunId, Status, queue};
use faceprobe_core::workspace::Workspace;
use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

/// The interval between scans while a worker is live.
const LIVE: Duration = Duration::from_millis(200);
/// The interval otherwise, and for what workers seldom change.
const IDLE: Duration = Duration::from_secs(1);
/// The interval between scans of weights, which change by hand.
const RARE: Duration = Duration::from_secs(4);

/// The interval between two messages about the same queue.
const AGAIN: Duration = Duration::from_secs(10);

/// Ended runs scanned in one go.
const TURN: usize = 256;

/// A message from the screen to the watcher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchRequest {
    /// Scan at once.
    Look,
    /// Read the histories of these runs, and no others, and follow them.
    Histories(BTreeSet<String>),
    /// Report when files come into this folder or leave it.
    Folder(Option<PathBuf>),
}

/// The folder that the screen shows.
struct Shown {
    path: PathBuf,
    stamp: Stamp,
    /// Whether to report it once more: a file that was being written at the last scan may be complete now.
    again: bool,
}

impl Shown {
    fn new(path: PathBuf) -> Self {
        Self { stamp: stamp(&path), path, again: false }
    }

    /// Whether something changed since the last scan, or was not finished then.
    fn look(&mut self) -> bool {
        let now = stamp(&self.path);
        let changed = now != self.stamp;
        self.stamp = now;
        std::mem::replace(&mut self.again, changed) || changed
    }
}

struct Watcher {
    workspace: Workspace,
    runs: Vec<Followed>,
    runs_stamp: Stamp,
    runs_changed: Instant,
    record: Record,
    openings_stamp: Stamp,
    choice_stamp: Stamp,
    sets_stamp: Vec<(PathBuf, Stamp)>,
    stores_stamp: Vec<(PathBuf, Stamp)>,
    now: Snapshot,
    full: Option<Instant>,
    rare: Option<Instant>,
    /// The next of the ended runs to scan.
    turn: usize,
    /// The runs whose histories the screen shows.
    histories: BTreeSet<String>,
    /// Whether one of them is not read to its end.
    reading: bool,
    /// How busy the machine is.
    gauge: Gauge,
    /// The queue that was last reported, and when.
    asked: Option<(Vec<RunId>, Instant)>,
}

/// Follows `workspace` until the screen's end of `events` is gone. A message on `nudge` makes it look at once; where a
/// run waits and nothing trains, whoever does `jobs` is told.
pub fn watch(workspace: Workspace, events: &Sender<Event>, nudge: &Receiver<WatchRequest>, jobs: &Sender<Job>) {
    let now = Snapshot { workspace: workspace.root().to_owned(), ..Snapshot::default() };
    let mut watcher = Watcher {
        workspace,
        runs: Vec::new(),
        runs_stamp: None,
        runs_changed: Instant::now(),
        record: Record::default(),
        openings_stamp: None,
        choice_stamp: None,
        sets_stamp: Vec::new(),
        stores_stamp: Vec::new(),
        now,
        full: None,
        rare: None,
        turn: 0,
        histories: BTreeSet::new(),
        reading: false,
        gauge: Gauge::default(),
        asked: None,
    };
    let mut sent: Option<Snapshot> = None;
    let mut nudged = true;
    let mut folder: Option<Shown> = None;
    loop {
        watcher.look(nudged);
        if let Some(shown) = &mut folder
            && shown.look()
            && events.send(Event::FolderChanged(shown.path.clone())).is_err()
        {
            return;
        }
        let live = watcher.now.live().next().is_some();
        // While nothing is at work, only what is sent anyway tells of the machine.
        if live || !sent.as_ref().is_some_and(|sent| sent.same(&watcher.now)) {
            watcher.gauge.look(watcher.workspace.root(), live, &mut watcher.now.machine);
        }
        if !sent.as_ref().is_some_and(|sent| sent.same(&watcher.now)) {
            if events.send(Event::Snapshot(Arc::new(watcher.now.clone()))).is_err() {
                return;
            }
            sent = Some(watcher.now.clone());
        }
        if watcher.may_start() && jobs.send(Job::StartWaiting).is_err() {
            return;
        }
        let pause = match live {
            _ if watcher.reading => Duration::ZERO,
            true => LIVE,
            false => IDLE,
        };
        nudged = match nudge.recv_timeout(pause) {
            Ok(WatchRequest::Look) => true,
            Ok(WatchRequest::Histories(histories)) => {
                watcher.want_histories(histories);
                false
            }
            Ok(WatchRequest::Folder(path)) => {
                folder = path.map(Shown::new);
                false
            }
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => return,
        };
    }
}

impl Watcher {
    fn look(&mut self, nudged: bool) {
        let full = nudged || self.full.is_none_or(|at| at.elapsed() >= IDLE);
        let mut problem = None;
        let mut weigh = false;
        let mut keep = |outcome: Result<()>| {
            if let Err(error) = outcome {
                problem.get_or_insert(error.to_string());
            }
        };
        if full {
            self.full = Some(Instant::now());
            keep(self.look_at_choice());
            self.look_at_datasets();
            self.look_at_stores();
            weigh = self.rare.is_none_or(|at| at.elapsed() >= RARE);
            if weigh {
                self.rare = Some(Instant::now());
            }
            if weigh || nudged {
                self.now.backbones = backbones();
            }
        }
        keep(self.look_at_runs(full, nudged, weigh));
        if full || problem.is_some() {
            self.now.problem = problem;
        }
    }

    /// Whether the next run in the queue should be started. A worker that ends starts whoever waits; one that was killed
    /// does not. For the same queue it is said once, and again only after a while.
    fn may_start(&mut self) -> bool {
        let waiting: Vec<RunId> =
            self.now.runs.iter().filter(|run| run.status == Status::Queued).map(|run| run.id.clone()).collect();
        if waiting.is_empty() || self.now.live().any(|run| queue::takes_turns(&run.job)) {
            self.asked = None;
            return false;
        }
        let again = self.asked.as_ref().is_none_or(|(asked, at)| *asked != waiting || at.elapsed() >= AGAIN);
        if again {
            self.asked = Some((waiting, Instant::now()));
        }
        again
    }

    fn look_at_choice(&mut self) -> Result<()> {
        let changed = self.openings_stamp;
        self.openings_stamp = stamp(&self.workspace.runs().join("test-openings.jsonl"));
        let opened = changed != self.openings_stamp;
        if opened {
            self.record = openings::load(&self.workspace);
        }
        let chosen = stamp(&self.workspace.runs().join("chosen.json"));
        if chosen != self.choice_stamp {
            self.choice_stamp = chosen;
            self.now.choice = choice::load(&self.workspace)?;
        } else if !opened {
            return Ok(());
        }
        for run in &mut self.runs {
            run.mark(&self.record, self.now.choice.as_ref());
        }
        self.record.damage().filter(|_| opened).map_or(Ok(()), Err)
    }

    fn look_at_datasets(&mut self) {
        let names = faceprobe_core::dataset::manifest::list_prepared(&self.workspace);
        let mut stamps: Vec<(PathBuf, Stamp)> = names
            .iter()
            .map(|name| self.workspace.prepared(name))
            .map(|folder| (folder.clone(), stamp(&folder.join("report.json"))))
            .collect();
        // Behind them, which versions are current.
        let current = names.iter().map(|name| versions::current_path(&self.workspace, &Version::of_folder(name).name));
        stamps.extend(current.map(|path| (path.clone(), stamp(&path))));
        if stamps == self.sets_stamp {
            return;
        }
        let versions = versions::Names::read(&self.workspace);
        self.now.datasets = names
            .into_iter()
            .zip(&stamps)
            .map(|(name, (folder, stamp))| DataSet {
                superseded: versions.is_earlier(&name),
                name,
                report: PrepareReport::load(folder).map_err(|error| error.to_string()),
                written: stamp.map(|(_, at)| at),
            })
            .collect();
        self.sets_stamp = stamps;
    }

    fn look_at_stores(&mut self) {
        let root = self.workspace.features();
        let mut stamps: Vec<(PathBuf, Stamp)> = fs::read_dir(&root)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| (entry.path(), stamp(&entry.path())))
            .collect();
        stamps.sort();
        if stamps == self.stores_stamp {
            return;
        }
        self.stores_stamp = stamps;
        self.now.stores = faceprobe_core::features::inventory(&root)
            .into_iter()
            .map(|store| Store {
                backbone: store.identity.backbone,
                tap: store.identity.tap,
                pool: store.identity.pool,
                width: store.identity.width,
                rows: store.rows,
                parts: store.parts,
                bytes: store.bytes,
            })
            .collect();
    }

    /// The ended runs that are due for a scan.
    fn next_turn(&mut self) -> std::ops::Range<usize> {
        let from = if self.turn >= self.runs.len() { 0 } else { self.turn };
        self.turn = from + TURN;
        from..self.turn
    }

    fn want_histories(&mut self, histories: BTreeSet<String>) {
        self.runs.iter_mut().for_each(|run| run.want_history(histories.contains(run.folder.id().as_str())));
        self.histories = histories;
    }

    /// Shows the progress of a series of runs by the member that is at work.
    fn lend(&mut self) {
        for at in 0..self.runs.len() {
            let series = &self.runs[at].shown;
            if !series.status.is_live() || !series.job.is_series() {
                continue;
            }
            let of_it =
                |run: &&Followed| run.shown.parent.as_deref() == Some(series.id.as_str()) && run.shown.status.is_live();
            let Some(part) = self.runs.iter().rev().find(of_it) else { continue };
            let mut facts = series.facts.clone();
            facts.stage = Some(match &part.shown.facts.stage {
                Some(stage) => format!("{}: {stage}", part.shown.id),
                None => part.shown.id.to_string(),
            });
            facts.progress.clone_from(&part.shown.facts.progress);
            facts.last_epoch = part.shown.facts.last_epoch;
            if facts != series.facts {
                self.runs[at].shown = Arc::new(Run { facts, ..(**series).clone() });
            }
        }
    }

    fn look_at_runs(&mut self, full: bool, nudged: bool, weigh: bool) -> Result<()> {
        let mut problem = Ok(());
        if full {
            let runs = stamp(&self.workspace.runs());
            if runs != self.runs_stamp {
                self.runs_stamp = runs;
                self.runs_changed = Instant::now();
            }
            // A run's folder is there a moment before its spec, which the time of the outer folder does not tell.
            if self.runs_changed.elapsed() < Duration::from_secs(3) {
                problem = self.list_runs();
            }
        }
        // With many runs, those that have ended are scanned in turns; a worker seldom resumes one.
        let turn = match (nudged, full) {
            (true, _) => 0..self.runs.len(),
            (false, true) => self.next_turn(),
            (false, false) => 0..0,
        };
        self.reading = false;
        for (at, followed) in self.runs.iter_mut().enumerate() {
            let due = followed.is_followed() || turn.contains(&at);
            if due && let Err(error) = followed.look(weigh, &self.record, self.now.choice.as_ref()) {
                problem = Err(error);
            }
            match followed.read_history() {
                Ok(more) => self.reading |= more,
                Err(error) => problem = Err(error),
            }
        }
        self.lend();
        let same = self.now.runs.len() == self.runs.len()
            && self.now.runs.iter().zip(&self.runs).all(|(a, b)| Arc::ptr_eq(a, &b.shown));
        if !same {
            self.now.runs = self.runs.iter().map(|run| Arc::clone(&run.shown)).collect();
        }
        problem
    }

    fn list_runs(&mut self) -> Result<()> {
        let mut problem = Ok(());
        let folders = RunFolder::list(&self.workspace)?;
        let there: HashSet<_> = folders.iter().map(RunFolder::id).collect();
        self.runs.retain(|run| there.contains(run.folder.id()));
        let known: HashSet<_> = self.runs.iter().map(|run| run.folder.id().clone()).collect();
        for folder in folders {
            if known.contains(folder.id()) {
                continue;
            }
            match Followed::open(folder, &self.record, self.now.choice.as_ref()) {
                Ok(mut followed) => {
                    followed.want_history(self.histories.contains(followed.folder.id().as_str()));
                    self.runs.push(followed);
                }
                Err(error) => problem = Err(error),
            }
        }
        self.runs.sort_by(|a, b| a.shown.created.cmp(&b.shown.created));
        problem
    }
}

fn backbones() -> Vec<Backbone> {
    faceprobe_core::backbone::registry()
        .iter()
        .map(|info| Backbone {
            name: info.name.to_owned(),
            title: info.title.to_owned(),
            input: info.input,
            features: info.features,
            weights: match faceprobe_core::backbone::weights::status(info.name) {
                Ok(status) if status.present => {
                    Weights::Present { sha256: status.sha256, bytes: status.bytes.unwrap_or(0) }
                }
                Ok(_) => Weights::Absent,
                Err(error) => Weights::Broken(error.to_string()),
            },
        })
        .collect()
}
