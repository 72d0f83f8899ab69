//! Builds plans from jobs.

use super::plan::{Piece, Plan, Step, Task, folder_of_all};
use super::share::Share;
use crate::dataset::manifest::folds_of;
use crate::dataset::{Manifest, Split};
use crate::error::{AtPath, Result};
use crate::features::FeatureSpec;
use crate::model::ModelInput;
use crate::run::{JobSpec, RunFolder, RunId, Spec};
use crate::run::{heads, learning_curve};
use crate::study::holds_rows;
use crate::workspace::Workspace;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;

/// The work to be divided into tasks.
#[derive(Debug, Clone)]
pub struct WorkRequest {
    pub jobs: Vec<Spec>,
    /// Maximum number of tasks per step.
    pub tasks: usize,
}

impl WorkRequest {
    /// A key that is equal for the same work.
    fn key(&self) -> Result<String> {
        let specs: Vec<Spec> = self.jobs.iter().map(|spec| Spec { created: String::new(), ..spec.clone() }).collect();
        let text = serde_json::to_vec(&specs).at("jobs".as_ref())?;
        Ok(hex::encode(Sha256::digest(text)))
    }
}

/// The plan as it would be made now. Nothing is written.
///
/// # Errors
/// Work that is refused.
pub fn draft(workspace: &Workspace, wanted: &WorkRequest) -> Result<Plan> {
    let mut next: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut name = |spec: &Spec| {
        let kind = spec.job.kind_name();
        let number = match next.get(kind) {
            Some(number) => number + 1,
            None => RunFolder::last_number(workspace, kind)? + 1,
        };
        next.insert(kind, number);
        Ok(format!("{kind}-{number}"))
    };
    plan(workspace, wanted, &mut name)
}

/// Creates the runs of a plan and writes it; or returns an unfinished plan that was made before for the same work.
///
/// # Errors
/// Work that is refused; folders that cannot be written.
pub fn make(workspace: &Workspace, wanted: &WorkRequest) -> Result<Plan> {
    let key = wanted.key()?;
    // Runs that are gone or were changed since cannot be done by it any more.
    let is_its = |(run, spec): (&String, &Spec)| {
        RunFolder::find(workspace, run).and_then(|run| run.spec()).is_ok_and(|own| own == *spec)
    };
    let there = |plan: &Plan| plan.specs.iter().all(is_its);
    if let Some(plan) =
        Plan::all(workspace).into_iter().find(|plan| plan.key == key && !plan.is_finished() && there(plan))
    {
        return Ok(plan);
    }
    wanted.jobs.iter().try_for_each(|spec| spec.job.check(workspace, &spec.device))?;
    let mut made = Vec::new();
    let written = written(workspace, wanted, &mut made);
    if written.is_err() {
        // Runs that no plan does would wait for ever.
        made.into_iter().for_each(|run: RunFolder| drop(run.discard()));
    }
    written
}

/// Creates the runs of a plan, which are added to `made`, and writes it.
fn written(workspace: &Workspace, wanted: &WorkRequest, made: &mut Vec<RunFolder>) -> Result<Plan> {
    let mut name = |spec: &Spec| {
        let run = RunFolder::create(workspace, spec)?;
        let id = run.id().to_string();
        made.push(run);
        Ok(id)
    };
    let mut plan = plan(workspace, wanted, &mut name)?;
    plan.id = folder(workspace, &plan.id)?;
    if let Err(error) = plan.save() {
        // Empty, so that the name is free again.
        let _ = fs::remove_dir(plan.folder());
        return Err(error);
    }
    Ok(plan)
}

/// Creates the folder of a plan with that name, or with the next free one.
fn folder(workspace: &Workspace, id: &str) -> Result<String> {
    let all = folder_of_all(workspace);
    fs::create_dir_all(all.join(id).parent().unwrap_or(&all)).at(&all)?;
    let mut name = id.to_owned();
    for number in 2.. {
        let path = all.join(&name);
        match fs::create_dir(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => name = format!("{id}.{number}"),
            made => return made.at(&path).map(|()| name),
        }
    }
    Ok(name)
}

fn plan(workspace: &Workspace, wanted: &WorkRequest, name: &mut dyn FnMut(&Spec) -> Result<String>) -> Result<Plan> {
    let mut maker = Maker {
        workspace,
        tasks: wanted.tasks.max(1),
        name,
        plan: Plan::new(workspace, wanted.key()?),
        levels: Default::default(),
    };
    maker.features(&wanted.jobs)?;
    for spec in &wanted.jobs {
        let run = maker.job(spec)?;
        maker.plan.runs.push(run);
    }
    Ok(maker.finish())
}

struct Maker<'a> {
    workspace: &'a Workspace,
    tasks: usize,
    /// Names a run, and creates its folder if it needs one.
    name: &'a mut dyn FnMut(&Spec) -> Result<String>,
    plan: Plan,
    /// Pieces that compute features, that need them, and that check them.
    levels: [Vec<Piece>; 3],
}

impl Maker<'_> {
    fn run(&mut self, spec: &Spec) -> Result<String> {
        let run = (self.name)(spec)?;
        self.plan.specs.insert(run.clone(), spec.clone());
        Ok(run)
    }

    fn add(&mut self, level: usize, run: &str, share: Option<Share>) {
        self.levels[level].push(Piece { run: run.to_owned(), share });
    }

    fn shares(&mut self, level: usize, run: &str, of: usize) {
        (0..of).for_each(|index| self.add(level, run, Some(Share { index, of })));
    }

    /// Missing features that several tasks need are computed first, in shares.
    fn features(&mut self, jobs: &[Spec]) -> Result<()> {
        if self.tasks == 1 {
            return Ok(());
        }
        let mut wanted: Vec<(String, FeatureSpec)> = Vec::new();
        for spec in jobs {
            if let Some((dataset, features)) = needs(self.workspace, &spec.job) {
                if wanted.contains(&(dataset.clone(), features.clone()))
                    || holds_rows(self.workspace, &features, &dataset)
                {
                    continue;
                }
                let job = JobSpec::Extract { dataset: dataset.clone(), features: features.clone() };
                job.check(self.workspace, &spec.device)?;
                self.job(&Spec::new(job, spec.threads, &spec.device))?;
                wanted.push((dataset, features));
            }
        }
        Ok(())
    }

    fn job(&mut self, spec: &Spec) -> Result<String> {
        let run = self.run(spec)?;
        let part = |job| Spec { parent: Some(run.clone()), step: None, ..Spec { job, ..spec.clone() } };
        match &spec.job {
            JobSpec::Extract { .. } if self.tasks > 1 => {
                self.shares(0, &run, self.tasks);
                self.add(1, &run, None);
            }
            // A round of halving starts when the previous one is ranked, so one task does all of them.
            JobSpec::Sweep { dataset, sweep } if self.tasks > 1 && sweep.own.halving.is_none() => {
                let jobs = heads::jobs(dataset, sweep)?;
                for job in &jobs {
                    self.run(&part(job.clone()))?;
                }
                self.shares(1, &run, self.tasks.min(jobs.len()));
                self.add(2, &run, None);
            }
            JobSpec::LearningCurve { dataset, model, curve } if self.tasks > 1 => {
                let there = learning_curve::all(self.workspace)?;
                let manifest = Manifest::load_named(self.workspace, dataset)?;
                for (_, job) in curve.jobs(dataset, model) {
                    // What was trained before, for this curve or not, is not trained again.
                    if learning_curve::finished(&there, &job, &manifest)?.is_none() {
                        let point = self.run(&part(job))?;
                        self.add(1, &point, None);
                    }
                }
                self.add(2, &run, None);
            }
            JobSpec::Folds { dataset, model } => {
                for fold in folds_of(self.workspace, dataset) {
                    let fold = self.run(&part(JobSpec::train(fold, model.clone())))?;
                    self.add(1, &fold, None);
                }
                self.add(2, &run, None);
            }
            _ => self.add(1, &run, None),
        }
        Ok(run)
    }

    /// Packs the pieces of every step into tasks.
    fn finish(self) -> Plan {
        let Self { tasks, mut plan, levels, .. } = self;
        for (name, pieces) in ["features", "work", "summary"].into_iter().zip(levels) {
            let mut packed = vec![Task::default(); tasks.min(pieces.len())];
            let count = packed.len().max(1);
            for (at, piece) in pieces.into_iter().enumerate() {
                packed[at % count].pieces.push(piece);
            }
            if !packed.is_empty() {
                plan.steps.push(Step { name: name.to_owned(), tasks: packed });
            }
        }
        plan.id = plan.runs.first().cloned().unwrap_or_default();
        plan.name_job();
        plan
    }
}

/// The frozen features of a job, and their set.
fn needs(workspace: &Workspace, job: &JobSpec) -> Option<(String, FeatureSpec)> {
    match job {
        JobSpec::Train { dataset, model, .. } | JobSpec::Folds { dataset, model }
            if model.kind().info().input == ModelInput::Features =>
        {
            // The first fold contains all images.
            let set = match job {
                JobSpec::Folds { .. } => folds_of(workspace, dataset).into_iter().next()?,
                _ => dataset.clone(),
            };
            Some((set, model.features()?.clone()))
        }
        JobSpec::Sweep { dataset, sweep } => Some((dataset.clone(), sweep.features.clone())),
        // Where the largest part is a small one, its tasks compute what they need, and leave out what others have.
        JobSpec::LearningCurve { dataset, model, curve } if model.kind().info().input == ModelInput::Features => {
            let manifest = Manifest::load_named(workspace, dataset).ok()?;
            let largest = curve.sizes().last().copied().unwrap_or(0);
            (2 * largest >= manifest.split(Split::Train).count())
                .then_some((dataset.clone(), model.features()?.clone()))
        }
        _ => None,
    }
}

/// The tasks that work on a run.
pub(super) fn tasks_of(plan: &Plan, run: &RunId) -> Vec<usize> {
    let own = |piece: &Piece| piece.run == run.as_str();
    let all: Vec<&Task> = plan.steps.iter().flat_map(|step| &step.tasks).collect();
    let tasks = |has: &dyn Fn(&Piece) -> bool| -> Vec<usize> {
        (0..all.len()).filter(|at| all[*at].pieces.iter().any(has)).collect()
    };
    let found = tasks(&own);
    if !found.is_empty() {
        return found;
    }
    // A head of a sweep is done by the task of its share.
    let Some(parent) = plan.specs.get(run.as_str()).and_then(|spec| spec.parent.as_deref()) else { return Vec::new() };
    let mut heads: Vec<RunId> = plan
        .specs
        .iter()
        .filter(|(_, spec)| spec.parent.as_deref() == Some(parent))
        .filter_map(|(head, _)| RunId::parse(head).ok())
        .collect();
    heads.sort_by(|a, b| a.parts().cmp(&b.parts()));
    let Some(place) = heads.iter().position(|head| head == run) else { return Vec::new() };
    tasks(&|piece| piece.run == parent && piece.share.is_some_and(|share| share.takes(place)))
}
