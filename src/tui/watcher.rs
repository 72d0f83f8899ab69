//! The thread that follows the workspace on disk and sends a new [`Snapshot`] when something changed.

use super::event::Event;
use super::snapshot::{Backbone, DataSet, Run, Snapshot, Store, Weights};
use crate::dataset::PrepareReport;
use crate::error::Result;
use crate::run::choice::{self, Choice};
use crate::run::launch::Launched;
use crate::run::openings::{self, Opening};
use crate::run::results;
use crate::run::{RunFolder, RunView, Status, queue};
use crate::workspace::Workspace;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant, SystemTime};

/// Between looks while a worker is live.
const LIVE: Duration = Duration::from_millis(200);
/// Between looks otherwise, and between looks at what workers do not change every moment.
const IDLE: Duration = Duration::from_secs(1);
/// Between looks at weights, which change by hand.
const RARE: Duration = Duration::from_secs(4);

/// Length and time of a file: what tells that it changed.
type Stamp = Option<(u64, SystemTime)>;

fn stamp(path: &Path) -> Stamp {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}

struct Followed {
    view: RunView,
    journal: Stamp,
    result: Stamp,
    shown: Arc<Run>,
}

struct Watcher {
    workspace: Workspace,
    runs: Vec<Followed>,
    runs_stamp: Stamp,
    runs_changed: Instant,
    openings: Vec<Opening>,
    openings_stamp: Stamp,
    choice_stamp: Stamp,
    sets_stamp: Vec<(PathBuf, Stamp)>,
    stores_stamp: Vec<(PathBuf, Stamp)>,
    now: Snapshot,
    full: Option<Instant>,
    rare: Option<Instant>,
}

/// Follows `workspace` until the screen's end of `events` is gone. A message on `nudge` makes it look at once.
pub fn watch(workspace: Workspace, events: &Sender<Event>, nudge: &Receiver<()>) {
    let now = Snapshot { workspace: workspace.root().to_owned(), ..Snapshot::default() };
    let mut watcher = Watcher {
        workspace,
        runs: Vec::new(),
        runs_stamp: None,
        runs_changed: Instant::now(),
        openings: Vec::new(),
        openings_stamp: None,
        choice_stamp: None,
        sets_stamp: Vec::new(),
        stores_stamp: Vec::new(),
        now,
        full: None,
        rare: None,
    };
    let mut sent: Option<Snapshot> = None;
    let mut started: Vec<Launched> = Vec::new();
    let mut nudged = true;
    loop {
        watcher.look(nudged);
        if !sent.as_ref().is_some_and(|sent| sent.same(&watcher.now)) {
            if events.send(Event::Snapshot(Arc::new(watcher.now.clone()))).is_err() {
                return;
            }
            sent = Some(watcher.now.clone());
        }
        started.retain_mut(|launched| !launched.reap());
        watcher.start_next(&mut started);
        let live = watcher.now.live().next().is_some();
        nudged = match nudge.recv_timeout(if live { LIVE } else { IDLE }) {
            Ok(()) => true,
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => return,
        };
    }
}

impl Watcher {
    fn look(&mut self, nudged: bool) {
        let full = nudged || self.full.is_none_or(|at| at.elapsed() >= IDLE);
        let mut problem = None;
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
            if self.rare.is_none_or(|at| at.elapsed() >= RARE) {
                self.rare = Some(Instant::now());
                self.now.backbones = backbones();
            }
        }
        keep(self.look_at_runs(full));
        if full || problem.is_some() {
            self.now.problem = problem;
        }
    }

    /// A worker that ends starts whoever waits; one that was killed does not, so this looks too.
    fn start_next(&mut self, started: &mut Vec<Launched>) {
        let waiting = self.now.runs.iter().any(|run| run.status == Status::Queued);
        if !waiting || self.now.live().any(|run| queue::takes_turns(&run.job)) {
            return;
        }
        match queue::next(&self.workspace) {
            Ok(launched) => started.extend(launched),
            Err(error) => self.now.problem = Some(error.to_string()),
        }
    }

    fn look_at_choice(&mut self) -> Result<()> {
        let changed = self.openings_stamp;
        self.openings_stamp = stamp(&self.workspace.runs().join("test-openings.jsonl"));
        let opened = changed != self.openings_stamp;
        if opened {
            self.openings = openings::load(&self.workspace)?;
        }
        let chosen = stamp(&self.workspace.runs().join("chosen.json"));
        if chosen != self.choice_stamp {
            self.choice_stamp = chosen;
            self.now.choice = choice::load(&self.workspace)?;
        } else if !opened {
            return Ok(());
        }
        let (openings, choice) = (&self.openings, &self.now.choice);
        for run in &mut self.runs {
            run.shown = Arc::new(shown(&run.view, openings, choice.as_ref()));
        }
        Ok(())
    }

    fn look_at_datasets(&mut self) {
        let names = crate::dataset::manifest::list_prepared(&self.workspace);
        let stamps: Vec<(PathBuf, Stamp)> = names
            .iter()
            .map(|name| self.workspace.prepared(name))
            .map(|folder| (folder.clone(), stamp(&folder.join("report.json"))))
            .collect();
        if stamps == self.sets_stamp {
            return;
        }
        self.now.datasets = names
            .into_iter()
            .zip(&stamps)
            .map(|(name, (folder, stamp))| DataSet {
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
        self.now.stores = crate::features::inventory(&root)
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

    fn look_at_runs(&mut self, full: bool) -> Result<()> {
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
        for followed in &mut self.runs {
            // One that waits begins without a word in its journal.
            let live = followed.view.status.is_live() || followed.view.status == Status::Queued;
            if !live && !full {
                continue;
            }
            let journal = stamp(&followed.view.folder.events_path());
            let result = stamp(&followed.view.folder.result_path());
            let mut changed = false;
            if live || journal != followed.journal {
                match followed.view.refresh() {
                    Ok(new) => changed = new,
                    Err(error) => problem = Err(error),
                }
            }
            if result != followed.result {
                // Opening a test set writes the result of another run.
                if let Err(error) = followed.view.reload_result() {
                    problem = Err(error);
                }
                changed = true;
            }
            followed.journal = journal;
            followed.result = result;
            if changed {
                followed.shown = Arc::new(shown(&followed.view, &self.openings, self.now.choice.as_ref()));
            }
        }
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
        self.runs.retain(|run| folders.iter().any(|folder| folder.id() == run.view.id()));
        for folder in folders {
            if self.runs.iter().any(|run| run.view.id() == folder.id()) {
                continue;
            }
            let journal = stamp(&folder.events_path());
            let result = stamp(&folder.result_path());
            match RunView::open(folder) {
                Ok(mut view) => {
                    // A long journal is read in pieces.
                    while let Ok(true) = view.refresh() {}
                    let shown = Arc::new(shown(&view, &self.openings, self.now.choice.as_ref()));
                    self.runs.push(Followed { view, journal, result, shown });
                }
                Err(error) => problem = Err(error),
            }
        }
        self.runs.sort_by(|a, b| a.view.spec.created.cmp(&b.view.spec.created));
        problem
    }
}

fn shown(view: &RunView, openings: &[Opening], choice: Option<&Choice>) -> Run {
    Run::of(view, results::row(view, openings, choice.map(|choice| choice.run.as_str())))
}

fn backbones() -> Vec<Backbone> {
    crate::backbone::registry()
        .iter()
        .map(|info| Backbone {
            name: info.name.to_owned(),
            title: info.title.to_owned(),
            input: info.input,
            features: info.features,
            weights: match crate::backbone::weights::status(info.name) {
                Ok(status) if status.present => {
                    Weights::Present { sha256: status.sha256, bytes: status.bytes.unwrap_or(0) }
                }
                Ok(_) => Weights::Absent,
                Err(error) => Weights::Broken(error.to_string()),
            },
        })
        .collect()
}
