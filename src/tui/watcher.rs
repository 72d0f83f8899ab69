//! The thread that follows the workspace on disk and sends a new [`Snapshot`] when something changed.

use super::event::Event;
use super::snapshot::{About, Backbone, DataSet, Run, Snapshot, Store, Weights};
use faceprobe_core::dataset::PrepareReport;
use faceprobe_core::error::Result;
use faceprobe_core::run::choice::{self, Choice};
use faceprobe_core::run::label::{self, Label};
use faceprobe_core::run::launch::Launched;
use faceprobe_core::run::openings::{self, Opening};
use faceprobe_core::run::results;
use faceprobe_core::run::{RunFolder, RunView, Status, queue};
use faceprobe_core::workspace::Workspace;
use std::collections::HashSet;
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

/// Ended runs looked at in one go.
const TURN: usize = 256;

/// Length and time of a file: what tells that it changed.
type Stamp = Option<(u64, SystemTime)>;

fn stamp(path: &Path) -> Stamp {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}

struct Followed {
    folder: RunFolder,
    /// Kept while a worker is on the run. Of the others, what is shown is all that is held in memory; when something in
    /// their folder changes they are read anew.
    view: Option<RunView>,
    journal: Stamp,
    result: Stamp,
    label: Stamp,
    about: About,
    shown: Arc<Run>,
}

/// Whether a run goes on by itself, so that its journal is read as it grows; one that waits for others will.
fn is_followed(status: Status) -> bool {
    status.is_live() || status == Status::Queued
}

impl Followed {
    fn open(folder: RunFolder, openings: &[Opening], choice: Option<&Choice>) -> Result<Self> {
        let journal = stamp(&folder.events_path());
        let result = stamp(&folder.result_path());
        let label = stamp(&label::path(&folder));
        let mut view = RunView::open(folder.clone())?;
        // A long journal is read in pieces.
        while let Ok(true) = view.refresh() {}
        let about = about(&folder);
        let shown = Arc::new(shown(&view, openings, choice, &about));
        let view = Some(view).filter(|view| is_followed(view.status));
        Ok(Self { folder, view, journal, result, label, about, shown })
    }

    /// Looks whether anything in the folder changed, and takes it in.
    fn look(&mut self, weigh: bool, openings: &[Opening], choice: Option<&Choice>) -> Result<()> {
        let journal = stamp(&self.folder.events_path());
        let result = stamp(&self.folder.result_path());
        let Some(view) = &mut self.view else {
            if journal != self.journal || result != self.result {
                *self = Self::open(self.folder.clone(), openings, choice)?;
            } else {
                self.look_at_label(false);
            }
            return Ok(());
        };
        let mut changed = view.refresh()?;
        if result != self.result {
            view.reload_result()?;
            changed = true;
        }
        (self.journal, self.result) = (journal, result);
        let live = is_followed(view.status);
        if changed {
            self.shown = Arc::new(shown(view, openings, choice, &self.about));
        }
        if !live {
            self.view = None;
        }
        self.look_at_label(weigh || !live);
        Ok(())
    }

    /// What a person wrote on it; and the size of the folder, with `weigh` or when something was written.
    fn look_at_label(&mut self, weigh: bool) {
        let label = stamp(&label::path(&self.folder));
        if label == self.label && !weigh {
            return;
        }
        self.label = label;
        let about = about(&self.folder);
        if about != self.about {
            self.shown = Arc::new(Run { about: about.clone(), ..(*self.shown).clone() });
            self.about = about;
        }
    }

    /// Sets the marks of its row anew.
    fn mark(&mut self, openings: &[Opening], choice: Option<&Choice>) {
        let Some(mut row) = self.shown.row.clone() else {
            return;
        };
        results::mark(&mut row, openings, choice.map(|choice| choice.run.as_str()));
        if self.shown.row.as_ref() != Some(&row) {
            self.shown = Arc::new(Run { row: Some(row), ..(*self.shown).clone() });
        }
    }
}

/// A damaged label takes nothing from what the run itself tells.
fn about(folder: &RunFolder) -> About {
    About { label: Label::load(folder).unwrap_or_default(), bytes: folder.bytes() }
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
    /// The first of the ended runs to look at next.
    turn: usize,
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
        turn: 0,
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
            if self.rare.is_none_or(|at| at.elapsed() >= RARE) {
                self.rare = Some(Instant::now());
                weigh = true;
                self.now.backbones = backbones();
            }
        }
        keep(self.look_at_runs(full, nudged, weigh));
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
        for run in &mut self.runs {
            run.mark(&self.openings, self.now.choice.as_ref());
        }
        Ok(())
    }

    fn look_at_datasets(&mut self) {
        let names = faceprobe_core::dataset::manifest::list_prepared(&self.workspace);
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

    /// The runs whose turn it is to be looked at although they have ended.
    fn next_turn(&mut self) -> std::ops::Range<usize> {
        let from = if self.turn >= self.runs.len() { 0 } else { self.turn };
        self.turn = from + TURN;
        from..self.turn
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
        // With many runs, those that have ended are looked at in turns; a worker seldom goes back to one.
        let turn = match (nudged, full) {
            (true, _) => 0..self.runs.len(),
            (false, true) => self.next_turn(),
            (false, false) => 0..0,
        };
        for (at, followed) in self.runs.iter_mut().enumerate() {
            let due = followed.view.is_some() || turn.contains(&at);
            if due && let Err(error) = followed.look(weigh, &self.openings, self.now.choice.as_ref()) {
                problem = Err(error);
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
        let there: HashSet<_> = folders.iter().map(RunFolder::id).collect();
        self.runs.retain(|run| there.contains(run.folder.id()));
        let known: HashSet<_> = self.runs.iter().map(|run| run.folder.id().clone()).collect();
        for folder in folders {
            if known.contains(folder.id()) {
                continue;
            }
            match Followed::open(folder, &self.openings, self.now.choice.as_ref()) {
                Ok(followed) => self.runs.push(followed),
                Err(error) => problem = Err(error),
            }
        }
        self.runs.sort_by(|a, b| a.shown.created.cmp(&b.shown.created));
        problem
    }
}

fn shown(view: &RunView, openings: &[Opening], choice: Option<&Choice>, about: &About) -> Run {
    Run::of(view, results::row(view, openings, choice.map(|choice| choice.run.as_str())), about.clone())
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
