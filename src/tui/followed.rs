//! A run that the watcher follows: what is shown of it, and how it is seen that something changed.

use super::snapshot::{Run, RunDetails};
use faceprobe_core::error::Result;
use faceprobe_core::run::choice::Choice;
use faceprobe_core::run::label::{self, Label};
use faceprobe_core::run::learning_curve::LearningCurve;
use faceprobe_core::run::openings::Record;
use faceprobe_core::run::results;
use faceprobe_core::run::{Follower, History, RunFolder, RunView, Status};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

/// Pieces of a history read in one go: a long one must not keep the rest of the workspace waiting.
const PIECES: usize = 4;

/// Length and time of a file: what tells that it changed.
pub(super) type Stamp = Option<(u64, SystemTime)>;

pub(super) fn stamp(path: &Path) -> Stamp {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}

pub(super) struct Followed {
    pub folder: RunFolder,
    /// Kept while a worker is on the run. Of the others, what is shown is all that is held in memory; when something in
    /// their folder changes they are read anew.
    view: Option<RunView>,
    /// Kept while the screen shows it.
    history: Option<Follower<History>>,
    journal: Stamp,
    result: Stamp,
    label: Stamp,
    about: RunDetails,
    pub shown: Arc<Run>,
}

/// Whether a run goes on by itself, so that its journal is read as it grows; one that waits for others will.
fn is_followed(status: Status) -> bool {
    status.is_live() || status == Status::Queued
}

impl Followed {
    pub(super) fn open(folder: RunFolder, record: &Record, choice: Option<&Choice>) -> Result<Self> {
        let journal = stamp(&folder.events_path());
        let result = stamp(&folder.result_path());
        let label = stamp(&label::path(&folder));
        let view = RunView::open(folder.clone())?;
        let about = about(&folder);
        let shown = Arc::new(shown(&view, record, choice, &about));
        let view = Some(view).filter(|view| is_followed(view.status));
        Ok(Self { folder, view, history: None, journal, result, label, about, shown })
    }

    /// Whether its journal is read as it grows.
    pub(super) fn is_followed(&self) -> bool {
        self.view.is_some()
    }

    /// Begins to read the run's history, or forgets it.
    pub(super) fn want_history(&mut self, wanted: bool) {
        if wanted && self.history.is_none() {
            self.history = Some(Follower::new(self.folder.events_path()));
        } else if !wanted && self.history.take().is_some() {
            self.shown = Arc::new(Run { history: None, ..(*self.shown).clone() });
        }
    }

    /// Reads on in the history; true if there may be more. It is shown once it is whole.
    pub(super) fn read_history(&mut self) -> Result<bool> {
        let Some(history) = &mut self.history else { return Ok(false) };
        let mut news = self.shown.history.is_none();
        for _ in 0..PIECES {
            if !history.read_piece()? {
                if news {
                    let history = Some(Arc::new(history.state().clone()));
                    self.shown = Arc::new(Run { history, ..(*self.shown).clone() });
                }
                return Ok(false);
            }
            news = true;
        }
        // Not whole yet: what is shown is older than what was read.
        self.shown = Arc::new(Run { history: None, ..(*self.shown).clone() });
        Ok(true)
    }

    /// Looks whether anything in the folder changed, and takes it in.
    pub(super) fn look(&mut self, weigh: bool, record: &Record, choice: Option<&Choice>) -> Result<()> {
        let journal = stamp(&self.folder.events_path());
        let result = stamp(&self.folder.result_path());
        let Some(view) = &mut self.view else {
            if journal != self.journal || result != self.result {
                let history = self.history.take();
                let told = self.shown.history.clone();
                *self = Self::open(self.folder.clone(), record, choice)?;
                self.history = history;
                self.shown = Arc::new(Run { history: told, ..(*self.shown).clone() });
            } else {
                self.look_at_label(false);
            }
            return Ok(());
        };
        let mut changed = view.refresh()?;
        if result != self.result {
            view.reload_result();
            changed = true;
        }
        (self.journal, self.result) = (journal, result);
        let live = is_followed(view.status);
        if changed {
            let history = self.shown.history.clone();
            self.shown = Arc::new(Run { history, ..shown(view, record, choice, &self.about) });
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
    pub(super) fn mark(&mut self, record: &Record, choice: Option<&Choice>) {
        let Some(mut row) = self.shown.row.clone() else {
            return;
        };
        results::mark(&mut row, record, choice.map(|choice| choice.run.as_str()));
        if self.shown.row.as_ref() != Some(&row) {
            self.shown = Arc::new(Run { row: Some(row), ..(*self.shown).clone() });
        }
    }
}

/// A damaged label takes nothing from what the run itself tells.
fn about(folder: &RunFolder) -> RunDetails {
    let draws = folder.id().as_str().starts_with("curve-");
    let curve = if draws { LearningCurve::load(folder.path()).ok().map(Arc::new) } else { None };
    RunDetails { label: Label::load(folder).unwrap_or_default(), bytes: folder.bytes(), curve }
}

fn shown(view: &RunView, record: &Record, choice: Option<&Choice>, about: &RunDetails) -> Run {
    let row = results::row(view, record, choice.map(|choice| choice.run.as_str()));
    let mut run = Run::of(view, None, about.clone());
    match row {
        Ok(row) => run.row = row,
        Err(problem) => {
            run.status = Status::Damaged;
            run.facts.outcome = Some(problem.to_string());
        }
    }
    run
}
