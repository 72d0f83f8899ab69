//! The folder of a run and its files.

use super::spec::Spec;
use super::trash;
use crate::claim::{self, Claim, Holder, Taken};
use crate::error::{AtPath, Error, Result};
use crate::own_files;
use crate::seal;
use crate::slurm::{Share, place};
use crate::workspace::{Workspace, write_whole};
use std::fmt;
use std::fs::{self, TryLockError};
use std::path::{Path, PathBuf};

/// The sub-folder for shares.
const SHARES: &str = "shares";

/// The worker's claim.
const CLAIM: &str = "worker.claim";

/// A run's name: kind and number, such as `dense-3`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(String);

impl RunId {
    /// Parses a run's name: letters, digits, `-`, `_` and `.`, not starting with a dot.
    pub fn parse(text: &str) -> Result<Self> {
        let good = !text.is_empty()
            && !text.starts_with('.')
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if good {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::usage(format!("'{text}' is not a run's name; 'faceprobe runs list' shows them")))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The kind of job in its name.
    pub fn kind(&self) -> &str {
        self.parts().0
    }

    /// Kind and number, for ordering `dense-10` after `dense-9`.
    pub(crate) fn parts(&self) -> (&str, u64) {
        self.0.rsplit_once('-').and_then(|(kind, number)| Some((kind, number.parse().ok()?))).unwrap_or((&self.0, 0))
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A run on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder {
    id: RunId,
    path: PathBuf,
}

impl RunFolder {
    /// Creates the folder of a new run, numbered after the last of its kind, with its spec.
    pub fn create(workspace: &Workspace, spec: &Spec) -> Result<Self> {
        let runs = workspace.runs();
        fs::create_dir_all(&runs).at(&runs)?;
        let kind = spec.job.kind_name();
        // mkdir is atomic, if two clients choose the same number.
        for number in Self::last_number(workspace, kind)? + 1.. {
            let id = RunId(format!("{kind}-{number}"));
            let path = runs.join(id.as_str());
            match fs::create_dir(&path) {
                Ok(()) => {
                    let run = Self { id, path };
                    if let Err(error) = run.set_spec(spec) {
                        // Without a spec it is not a run.
                        let _ = fs::remove_dir(run.path());
                        return Err(error);
                    }
                    return Ok(run);
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(Error::file(&path, error)),
            }
        }
        Err(Error::failed("there is no free run number left"))
    }

    /// The last number used for a kind, 0 if there is none. Removed runs keep their names, so that they can be
    /// restored.
    pub(crate) fn last_number(workspace: &Workspace, kind: &str) -> Result<u64> {
        let removed = trash::list(workspace)?;
        let own = |id: &RunId| (id.parts().0 == kind).then_some(id.parts().1);
        Ok(Self::list(workspace)?.iter().map(|run| &run.id).chain(&removed).filter_map(own).max().unwrap_or(0))
    }

    /// The run with this name.
    pub fn find(workspace: &Workspace, name: &str) -> Result<Self> {
        let id = RunId::parse(name)?;
        let path = workspace.runs().join(id.as_str());
        if path.join("spec.json").is_file() {
            return Ok(Self { id, path });
        }
        let known: Vec<String> = Self::list(workspace)?.iter().map(|run| run.id.to_string()).collect();
        let hint = if known.is_empty() {
            "there are no runs yet".to_owned()
        } else {
            format!("there are {}", known.join(", "))
        };
        Err(Error::failed(format!("There is no run '{name}' in {}; {hint}.", workspace.root().display())))
    }

    /// A run by the path of its folder.
    pub fn at_path(path: &Path) -> Result<Self> {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        Ok(Self { id: RunId::parse(name)?, path: path.to_owned() })
    }

    /// All runs with a spec, by kind and number.
    pub fn list(workspace: &Workspace) -> Result<Vec<Self>> {
        let runs = workspace.runs();
        let entries = match fs::read_dir(&runs) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::file(&runs, error)),
        };
        let mut found: Vec<Self> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.join("spec.json").is_file())
            .filter_map(|path| Self::at_path(&path).ok())
            .collect();
        found.sort_by(|a, b| a.id.parts().cmp(&b.id.parts()));
        Ok(found)
    }

    /// The run's name.
    pub fn id(&self) -> &RunId {
        &self.id
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The spec.
    pub fn spec(&self) -> Result<Spec> {
        let path = self.spec_path();
        let text = own_files::read(&path).at(&path)?;
        seal::value(&text)
            .map_err(|error| Error::file(&path, format!("is not a run's spec ({error}); remove the folder")))
    }

    /// Writes the spec.
    pub fn set_spec(&self, spec: &Spec) -> Result<()> {
        let path = self.spec_path();
        write_whole(&path, seal::text(spec).at(&path)?.as_bytes())
    }

    fn spec_path(&self) -> PathBuf {
        self.path.join("spec.json")
    }

    /// The journal.
    pub fn events_path(&self) -> PathBuf {
        self.path.join("events.jsonl")
    }

    /// The path of the summary.
    pub fn summary_path(&self) -> PathBuf {
        self.path.join("summary.json")
    }

    /// The run `name` in the same workspace, if it is a part of this one.
    pub fn part(&self, name: &str) -> Option<Self> {
        let id = RunId::parse(name).ok()?;
        let path = self.path.parent()?.join(id.as_str());
        let part = Self { id, path };
        let parent = part.spec().ok()?.parent?;
        (parent == self.id.as_str()).then_some(part)
    }

    /// The journal of the worker on a share of this run.
    pub fn share(&self, share: Share) -> Self {
        Self { id: self.id.clone(), path: self.path.join(SHARES).join(share.index.to_string()) }
    }

    /// Whether shares of it were worked on.
    pub fn has_shares(&self) -> bool {
        self.path.join(SHARES).is_dir()
    }

    /// The log of the worker's libraries.
    pub fn log_path(&self) -> PathBuf {
        self.path.join("worker.log")
    }

    /// The trained model.
    pub fn model_path(&self) -> PathBuf {
        self.path.join("model.safetensors")
    }

    /// The checkpoint of an interrupted training.
    pub fn checkpoint_path(&self) -> PathBuf {
        self.path.join("checkpoint.safetensors")
    }

    /// The model of the last epoch, if the best is an earlier one.
    pub fn last_model_path(&self) -> PathBuf {
        self.path.join("model-last.safetensors")
    }

    /// The row of the results table.
    pub fn result_path(&self) -> PathBuf {
        self.path.join("result.json")
    }

    /// Scores of one split: `scores-val.csv`, `scores-test.csv`.
    pub fn scores_path(&self, split: crate::dataset::Split) -> PathBuf {
        self.path.join(format!("scores-{}.csv", split.name()))
    }

    /// Takes the worker's claim of this run; it is held until it is dropped or the process ends. A run placed on a
    /// cluster has none: its scheduler starts each task once.
    ///
    /// # Errors
    /// If another worker holds it.
    pub fn lock(&self) -> Result<Option<Claim>> {
        if place::is_placed(self) {
            return Ok(None);
        }
        let path = self.claim_path();
        // A worker that has written its last word ends a little later.
        for _ in 0..50 {
            match Claim::take(&path)? {
                Taken::Ours(_) if self.has_earlier_worker() => break,
                Taken::Ours(claim) => return Ok(Some(claim)),
                Taken::Held(holder) if holder.here => std::thread::sleep(std::time::Duration::from_millis(10)),
                Taken::Held(holder) => return Err(self.held_by(&holder)),
            }
        }
        Err(Error::failed(format!(
            "Another worker is on run {}; 'faceprobe runs attach {}' follows it.",
            self.id, self.id
        )))
    }

    /// That a worker on another machine holds it.
    pub(crate) fn held_by(&self, holder: &Holder) -> Error {
        Error::failed(format!(
            "A worker{} is on run {}; 'faceprobe runs attach {}' follows it, other commands about it have to be given there.",
            holder.place(),
            self.id,
            self.id
        ))
    }

    /// Whether a worker is on this run or one of its shares now, or a scheduler will start one. A worker on another machine
    /// counts until its claim was seen not to change for a while.
    pub fn is_alive(&self) -> bool {
        if place::is_placed(self) {
            return place::is_live(self);
        }
        self.worker().is_some()
    }

    /// Who works on this run or one of its shares now, without a scheduler.
    pub fn worker(&self) -> Option<Holder> {
        let shares = fs::read_dir(self.path.join(SHARES)).into_iter().flatten().flatten();
        let shares = shares.map(|share| Self { id: self.id.clone(), path: share.path() });
        // What is not a claim is no worker's.
        std::iter::once(self.clone()).chain(shares).find_map(|run| claim::holder(&run.claim_path()).ok().flatten())
    }

    /// Whether a worker of a version before 0.3 is on it, which held a lock.
    fn has_earlier_worker(&self) -> bool {
        let file = own_files::open(&self.path.join("worker.lock"));
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    fn claim_path(&self) -> PathBuf {
        self.path.join(CLAIM)
    }

    /// Bytes of the files in the folder.
    pub fn bytes(&self) -> u64 {
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.metadata().ok()).filter(fs::Metadata::is_file).map(|file| file.len()).sum()
    }

    /// Moves the run with all its files to the trash.
    ///
    /// # Errors
    /// If a worker is on it.
    pub fn remove(self, workspace: &Workspace) -> Result<()> {
        if self.is_alive() {
            return Err(Error::failed(format!(
                "Run {} is still working; stop it first with 'faceprobe runs stop {}'.",
                self.id, self.id
            )));
        }
        // A worker that is about to start waits until it is gone, instead of losing its work.
        let _claim = self.lock()?;
        let removed = trash::put(workspace, &self.id, &self.path)?;
        // It moved too.
        let _ = fs::remove_file(removed.join(CLAIM));
        Ok(())
    }

    /// Deletes a run that has not started.
    ///
    /// # Errors
    /// If a worker is on it.
    pub(crate) fn discard(self) -> Result<()> {
        let _claim = self.lock()?;
        fs::remove_dir_all(&self.path).at(&self.path)
    }
}

/// How to recreate an unusable file of a run; none for a file elsewhere.
pub fn made_again(path: &Path) -> Option<String> {
    let folder = path.parent()?;
    let run = RunFolder::at_path(folder).ok().filter(|run| run.spec_path().is_file())?;
    Some(format!("'faceprobe runs resume {}' trains it again", run.id))
}
