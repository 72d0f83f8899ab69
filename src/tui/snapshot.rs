//! An immutable snapshot of the workspace: everything that the screens show.

use super::machine::Machine;
use faceprobe_core::dataset::{PrepareReport, Version};
use faceprobe_core::run::choice::Choice;
use faceprobe_core::run::label::Label;
use faceprobe_core::run::learning_curve::LearningCurve;
use faceprobe_core::run::results::ResultRow;
use faceprobe_core::run::{Facts, History, JobSpec, RunId, RunView, Status};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

/// A prepared data set.
#[derive(Debug, Clone, PartialEq)]
pub struct DataSet {
    pub name: String,
    /// Its report, or why that cannot be read.
    pub report: Result<PrepareReport, String>,
    /// Whether another version of it is the current one.
    pub superseded: bool,
    /// When the report was written; the newest set is the current one until another is selected.
    pub written: Option<SystemTime>,
}

/// A backbone and its weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backbone {
    pub name: String,
    pub title: String,
    /// Side of the square input in pixels.
    pub input: usize,
    /// Values per image.
    pub features: usize,
    pub weights: Weights,
}

/// The state of a backbone's weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Weights {
    Present {
        sha256: Option<String>,
        bytes: u64,
    },
    Absent,
    /// There, but not usable.
    Broken(String),
}

/// A feature store in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    pub backbone: String,
    pub tap: String,
    pub pool: String,
    pub width: usize,
    pub rows: usize,
    pub parts: usize,
    pub bytes: u64,
}

/// What is known of a run besides its journal.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RunDetails {
    /// Its title, note and pin.
    pub label: Label,
    /// The size of its folder in bytes.
    pub bytes: u64,
    /// The learning curve, once it is complete.
    pub curve: Option<Arc<LearningCurve>>,
}

/// A run.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    pub id: RunId,
    pub job: JobSpec,
    pub parent: Option<String>,
    /// The step of a study that it was started as.
    pub step: Option<String>,
    /// RFC 3339, UTC: sorts by time.
    pub created: String,
    pub status: Status,
    /// The summary of its journal.
    pub facts: Facts,
    /// Its history with all events, where it was asked for and has been read.
    pub history: Option<Arc<History>>,
    pub seconds: Option<f64>,
    /// Its row in the results table, for runs that train.
    pub row: Option<ResultRow>,
    pub about: RunDetails,
}

impl Run {
    /// A copy of the present state of `view`.
    pub fn of(view: &RunView, row: Option<ResultRow>, about: RunDetails) -> Self {
        Self {
            id: view.id().clone(),
            job: view.spec.job.clone(),
            parent: view.spec.parent.clone(),
            step: view.spec.step.clone(),
            created: view.spec.created.clone(),
            status: view.status,
            facts: view.facts().clone(),
            history: None,
            seconds: view.seconds(),
            row,
            about,
        }
    }

    /// Its history, as far as it was read.
    pub fn history(&self) -> &History {
        static NOTHING: History = History {
            stages: Vec::new(),
            epochs: Vec::new(),
            trials: Vec::new(),
            skipped: Vec::new(),
            notes: Vec::new(),
        };
        self.history.as_deref().unwrap_or(&NOTHING)
    }

    /// Whether it has curves, read or not.
    pub fn has_curves(&self) -> bool {
        self.facts.last_epoch.is_some()
    }

    /// Whether it trains a model.
    pub fn trains(&self) -> bool {
        matches!(self.job, JobSpec::Train { .. })
    }

    /// Whether it ended before its work was done and can be resumed.
    pub fn can_go_on(&self) -> bool {
        let ended = matches!(self.status, Status::Interrupted | Status::Failed | Status::Stopped);
        ended && !matches!(self.job, JobSpec::Demo { .. } | JobSpec::OpenTest { .. })
    }

    /// Whether it prepares a data set.
    pub fn makes_data(&self) -> bool {
        matches!(self.job, JobSpec::Sample(_) | JobSpec::Prepare(_))
    }

    /// Whether it only extracts features.
    pub fn extracts(&self) -> bool {
        matches!(self.job, JobSpec::Extract { .. } | JobSpec::Probe { .. })
    }

    /// Seconds until the present phase is done, where they can be told: those of the phase, else those of the epochs
    /// to come at the pace of the last one. A series of runs knows only those of its part, which say nothing of it.
    pub fn remaining(&self) -> Option<f64> {
        if self.status != Status::Running || self.job.is_series() || matches!(self.job, JobSpec::Demo { .. }) {
            return None;
        }
        match (&self.facts.progress, &self.facts.last_epoch) {
            (Some(progress), _) => progress.remaining,
            (None, Some(last)) => Some(last.epochs.saturating_sub(last.epoch) as f64 * last.seconds),
            (None, None) => None,
        }
    }

    /// The progress of the present phase, in 0..=1.
    pub fn share(&self) -> Option<f64> {
        match (&self.facts.progress, &self.facts.last_epoch) {
            (Some(progress), _) if progress.total > 0 => Some((progress.done as f64 / progress.total as f64).min(1.0)),
            (_, Some(epoch)) if epoch.epochs > 0 => Some((epoch.epoch as f64 / epoch.epochs as f64).min(1.0)),
            _ => None,
        }
    }
}

/// The workspace at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    pub workspace: PathBuf,
    pub datasets: Vec<DataSet>,
    pub backbones: Vec<Backbone>,
    pub stores: Vec<Store>,
    /// Oldest first.
    pub runs: Vec<Arc<Run>>,
    /// What `choose` set, if it did.
    pub choice: Option<Choice>,
    /// How busy the machine is; none before it was measured.
    pub machine: Option<Machine>,
    /// A file of the workspace that cannot be read.
    pub problem: Option<String>,
}

impl Snapshot {
    /// Whether nothing changed from here to `later`. Runs are shared between snapshots until they change, so their
    /// journals are not compared.
    pub fn same(&self, later: &Self) -> bool {
        self.runs.len() == later.runs.len()
            && self.runs.iter().zip(&later.runs).all(|(a, b)| Arc::ptr_eq(a, b))
            && self.datasets == later.datasets
            && self.backbones == later.backbones
            && self.stores == later.stores
            && self.choice == later.choice
            && self.problem == later.problem
            // While nothing is at work, nothing is drawn for the machine alone.
            && (self.machine == later.machine || later.live().next().is_none())
    }

    /// The run called `id`.
    pub fn run(&self, id: &str) -> Option<&Arc<Run>> {
        self.runs.iter().find(|run| run.id.as_str() == id)
    }

    /// Runs with a live worker, oldest first.
    pub fn live(&self) -> impl DoubleEndedIterator<Item = &Arc<Run>> {
        self.runs.iter().filter(|run| run.status.is_live())
    }

    /// Runs that train a model, newest first.
    pub fn trainings(&self) -> impl Iterator<Item = &Arc<Run>> {
        self.runs.iter().rev().filter(|run| run.trains())
    }

    /// The data set called `name`, else the newest of the current versions.
    pub fn dataset(&self, name: Option<&str>) -> Option<&DataSet> {
        name.and_then(|name| self.datasets.iter().find(|set| set.name == name))
            .or_else(|| self.datasets.iter().max_by_key(|set| (!set.superseded, set.written)))
    }

    /// The prepared sets as a person types them, on the command line and in forms alike: the plain name means the current
    /// version, others carry their number. With `wholes`, a cross-validation also stands for all its folds. Each with the
    /// folder's name that runs remember.
    pub fn called(&self, wholes: bool) -> Vec<(String, String)> {
        let mut named: Vec<(String, String)> = Vec::new();
        for set in &self.datasets {
            let typed = |id: &str| {
                let version = Version::of_folder(id);
                if set.superseded { version.full() } else { version.plain() }
            };
            let whole = set.report.as_ref().ok().and_then(|report| report.fold.as_ref()).filter(|_| wholes);
            for id in whole.map(|fold| fold.of.as_str()).into_iter().chain([set.name.as_str()]) {
                if named.iter().all(|(_, known)| known != id) {
                    named.push((typed(id), id.to_owned()));
                }
            }
        }
        named
    }

    /// The newest version of a set, if there is a newer one.
    pub fn newer(&self, id: &str) -> Option<&DataSet> {
        let own = Version::of_folder(id);
        let version = |set: &&DataSet| Version::of_folder(&set.name);
        let newer = |set: &&DataSet| version(set).plain() == own.plain() && version(set).number > own.number;
        self.datasets.iter().filter(newer).max_by_key(|set| version(set).number)
    }

    /// The run that predict uses and its threshold: the chosen one, else the finished one with the best validation
    /// accuracy.
    pub fn model(&self) -> Option<(String, f64)> {
        if let Some(choice) = &self.choice {
            return Some((choice.run.clone(), choice.threshold));
        }
        self.runs
            .iter()
            .filter_map(|run| run.row.as_ref())
            .filter(|row| row.has_model())
            .filter_map(|row| Some((row.val_accuracy?, row)))
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, row)| (row.run.clone(), row.threshold))
    }
}
