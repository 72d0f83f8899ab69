//! The plan: steps, tasks and pieces, written down once.

use super::share::Share;
use crate::error::{AtPath, Error, Result};
use crate::own_files;
use crate::run::Spec;
use crate::text;
use crate::workspace::{Workspace, write_whole};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Of another number it is another version's.
const FORMAT: u32 = 1;

/// Work that is divided into tasks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub format: u32,
    /// The name of its folder: that of its first run.
    pub id: String,
    /// The workspace, absolute: the same path on every node.
    pub workspace: PathBuf,
    /// RFC 3339, UTC.
    pub created: String,
    /// Of what was asked for: the same command gives the same.
    pub key: String,
    /// What the jobs of this plan are called in the scheduler's queue, before the number of their step.
    pub job: String,
    /// What was asked for, in this order.
    pub runs: Vec<String>,
    /// Each begins when the one before it has ended well.
    pub steps: Vec<Step>,
    /// What each run does.
    pub specs: BTreeMap<String, Spec>,
}

/// Tasks that may be done at the same time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub name: String,
    pub tasks: Vec<Task>,
}

/// What one process does, piece after piece.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Task {
    pub pieces: Vec<Piece>,
}

/// A run, or a share of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    pub run: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Share>,
}

impl Plan {
    /// A plan without steps.
    pub(super) fn new(workspace: &Workspace, key: String) -> Self {
        Self {
            format: FORMAT,
            id: String::new(),
            workspace: workspace.root().to_owned(),
            created: jiff::Timestamp::now().to_string(),
            key,
            job: String::new(),
            runs: Vec::new(),
            steps: Vec::new(),
            specs: BTreeMap::new(),
        }
    }

    /// Reads `plan.json`, or that of a plan's folder.
    ///
    /// # Errors
    /// A file that is not there or is no plan.
    pub fn load(path: &Path) -> Result<Self> {
        let path = if path.is_dir() { path.join(FILE) } else { path.to_owned() };
        let text = own_files::read(&path).at(&path)?;
        let plan: Self = serde_json::from_slice(&text).map_err(|error| {
            Error::file(&path, format!("is no plan ({error}); give the command that made it once more"))
        })?;
        if plan.format != FORMAT {
            return Err(Error::file(&path, "is a plan of another version of faceprobe; use that one"));
        }
        Ok(plan)
    }

    /// The plan of that name.
    ///
    /// # Errors
    /// As [`Plan::load`].
    pub fn named(workspace: &Workspace, id: &str) -> Result<Self> {
        Self::load(&folder_of_all(workspace).join(id))
    }

    /// All plans that can be read, the newest first.
    pub fn all(workspace: &Workspace) -> Vec<Self> {
        let entries = fs::read_dir(folder_of_all(workspace)).into_iter().flatten().flatten();
        let mut plans: Vec<Self> = entries.filter_map(|entry| Self::load(&entry.path()).ok()).collect();
        plans.sort_by(|a, b| b.created.cmp(&a.created));
        plans
    }

    /// Writes it into its folder, whole or not at all.
    pub(super) fn save(&self) -> Result<()> {
        let path = self.path();
        write_whole(&path, text::json_value(self).at(&path)?.as_bytes())
    }

    /// `plans/<name>`.
    pub fn folder(&self) -> PathBuf {
        self.workspace.join(PLANS).join(&self.id)
    }

    /// `plans/<name>/plan.json`.
    pub fn path(&self) -> PathBuf {
        self.folder().join(FILE)
    }

    /// How many tasks all steps have.
    pub fn len(&self) -> usize {
        self.steps.iter().map(|step| step.tasks.len()).sum()
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A task by its number, counted over all steps from 0.
    pub fn task(&self, number: usize) -> Option<&Task> {
        self.steps.iter().flat_map(|step| &step.tasks).nth(number)
    }

    /// The number of the first task of a step.
    pub fn first(&self, step: usize) -> usize {
        self.steps.iter().take(step).map(|step| step.tasks.len()).sum()
    }

    /// The tasks of a step that are not done.
    pub fn open(&self, step: usize) -> Vec<usize> {
        let first = self.first(step);
        let tasks = first..first + self.steps.get(step).map_or(0, |step| step.tasks.len());
        tasks.filter(|task| !self.is_done(*task)).collect()
    }

    /// Whether a task is done.
    pub fn is_done(&self, task: usize) -> bool {
        self.done_path(task).exists()
    }

    /// Whether all are.
    pub fn is_finished(&self) -> bool {
        (0..self.len()).all(|task| self.is_done(task))
    }

    /// Writes down that a task is done.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn set_done(&self, task: usize) -> Result<()> {
        write_whole(&self.done_path(task), b"")
    }

    fn done_path(&self, task: usize) -> PathBuf {
        self.folder().join("done").join(task.to_string())
    }

    /// What the job of a step is called.
    pub fn job_of(&self, step: usize) -> String {
        format!("{}-{step}", self.job)
    }

    /// Where a task's output goes: `%a` is what Slurm puts its number in the step for.
    pub(super) fn log(&self, step: usize) -> PathBuf {
        self.folder().join("log").join(format!("{step}-%a.log"))
    }

    /// The file that the last attempt at a task printed to.
    pub fn log_of(&self, task: usize) -> PathBuf {
        let step = (0..self.steps.len()).rfind(|step| self.first(*step) <= task).unwrap_or(0);
        self.folder().join("log").join(format!("{step}-{}.log", task - self.first(step)))
    }
}

const PLANS: &str = "plans";
const FILE: &str = "plan.json";

/// `plans` in a workspace.
pub(super) fn folder_of_all(workspace: &Workspace) -> PathBuf {
    workspace.root().join(PLANS)
}
