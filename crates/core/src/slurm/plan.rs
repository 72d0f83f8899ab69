//! Plans: steps, tasks and pieces, written once.

use super::share::Share;
use crate::error::{AtPath, Error, Result};
use crate::own_files;
use crate::path_text;
use crate::run::Spec;
use crate::seal;
use crate::workspace::{Workspace, is_at, write_whole};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The version of the format.
const FORMAT: u32 = 1;

/// Work divided into tasks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub format: u32,
    /// The name of its folder: that of its first run.
    pub id: String,
    /// The workspace, absolute: the same path on every node.
    #[serde(with = "path_text")]
    pub workspace: PathBuf,
    /// RFC 3339, UTC.
    pub created: String,
    /// A key of the requested work: the same command gives the same key.
    pub key: String,
    /// Prefix of the job names in the scheduler's queue, before the number of the step.
    pub job: String,
    /// The requested runs, in order.
    pub runs: Vec<String>,
    /// Each starts when the previous one has succeeded.
    pub steps: Vec<Step>,
    /// The job of each run.
    pub specs: BTreeMap<String, Spec>,
}

/// Tasks that may run at the same time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub name: String,
    pub tasks: Vec<Task>,
}

/// The work of one process, piece after piece.
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

    /// Reads `plan.json`, or that of a plan's folder. A plan in a copied workspace is about the copy: its folders are
    /// there, and its jobs have names of their own, so that nothing done to the copy reaches the original's jobs.
    ///
    /// # Errors
    /// A file that does not exist, is not a plan, or was changed.
    pub fn load(path: &Path) -> Result<Self> {
        let path = if path.is_dir() { path.join(FILE) } else { path.to_owned() };
        let text = own_files::read(&path).at(&path)?;
        let mut plan: Self = seal::value(&text).map_err(|error| {
            Error::file(
                &path,
                format!("is no plan ({error}); give the command that made it once more, which makes another"),
            )
        })?;
        if plan.format != FORMAT {
            return Err(Error::file(&path, "is a plan of another version of faceprobe; use that one"));
        }
        plan.settle(&path);
        Ok(plan)
    }

    /// Makes the plan that of the workspace in which its file is.
    fn settle(&mut self, path: &Path) {
        let Ok(path) = path.canonicalize() else { return };
        let all = path.ancestors().nth(2).filter(|all| all.file_name().is_some_and(|name| name == PLANS));
        let Some(root) = all.and_then(Path::parent).filter(|root| *root != self.workspace) else { return };
        let original = self.path();
        // Another name of the same folder, such as a link or another mount.
        if fs::File::open(&original).is_ok_and(|file| is_at(&file, &path)) {
            return;
        }
        // Without an original the workspace was moved, and the jobs are its own.
        self.workspace = root.to_owned();
        if original.exists() {
            self.name_job();
        }
    }

    /// Names the jobs by the workspace and the first run.
    pub(super) fn name_job(&mut self) {
        let mark = Sha256::digest(format!("{}\n{}\n{}", self.workspace.display(), self.created, self.id));
        self.job = format!("fp-{}-{}", hex::encode(&mark[..4]), self.id);
    }

    /// The plan with this name.
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

    /// Writes the plan atomically to its folder.
    pub(super) fn save(&self) -> Result<()> {
        let path = self.path();
        write_whole(&path, seal::text(self).at(&path)?.as_bytes())
    }

    /// `plans/<name>`.
    pub fn folder(&self) -> PathBuf {
        self.workspace.join(PLANS).join(&self.id)
    }

    /// `plans/<name>/plan.json`.
    pub fn path(&self) -> PathBuf {
        self.folder().join(FILE)
    }

    /// The number of tasks over all steps.
    pub fn len(&self) -> usize {
        self.steps.iter().map(|step| step.tasks.len()).sum()
    }

    /// Whether there are no tasks.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A task by its number over all steps, from 0.
    pub fn task(&self, number: usize) -> Option<&Task> {
        self.steps.iter().flat_map(|step| &step.tasks).nth(number)
    }

    /// The number of the first task of a step.
    pub fn first(&self, step: usize) -> usize {
        self.steps.iter().take(step).map(|step| step.tasks.len()).sum()
    }

    /// The unfinished tasks of a step.
    pub fn open(&self, step: usize) -> Vec<usize> {
        let first = self.first(step);
        let tasks = first..first + self.steps.get(step).map_or(0, |step| step.tasks.len());
        tasks.filter(|task| !self.is_done(*task)).collect()
    }

    /// Whether a task is finished.
    pub fn is_done(&self, task: usize) -> bool {
        self.done_path(task).exists()
    }

    /// Whether all tasks are finished.
    pub fn is_finished(&self) -> bool {
        (0..self.len()).all(|task| self.is_done(task))
    }

    /// Marks a task as finished.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn set_done(&self, task: usize) -> Result<()> {
        write_whole(&self.done_path(task), b"")
    }

    fn done_path(&self, task: usize) -> PathBuf {
        self.folder().join("done").join(task.to_string())
    }

    /// The job name of a step.
    pub fn job_of(&self, step: usize) -> String {
        format!("{}-{step}", self.job)
    }

    /// The log of a task: Slurm replaces `%a` by its number in the step.
    pub(super) fn log(&self, step: usize) -> PathBuf {
        self.folder().join("log").join(format!("{step}-%a.log"))
    }

    /// The log of the last attempt at a task.
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
