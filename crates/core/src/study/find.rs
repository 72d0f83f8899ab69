//! Matches runs of a workspace with the steps of a study: by what they did, never by name.

use super::file::Curve;
use super::holdings::{HeldRun, Holdings, Prepared};
use super::steps::{Action, State};
use crate::model::{EnsembleSettings, ModelSpec};
use crate::run::{JobSpec, Status, SweepSpec};

/// The status of a step, given the runs that match it.
pub(super) struct StepStatus {
    pub state: State,
    pub runs: Vec<String>,
    pub seconds: Option<f64>,
    pub problem: Option<String>,
    pub action: Action,
}

impl StepStatus {
    pub fn todo(action: Action) -> Self {
        Self { state: State::ToDo, runs: Vec::new(), seconds: None, problem: None, action }
    }

    /// Done by any of these runs.
    pub fn done(runs: &[&HeldRun]) -> Self {
        let done: Vec<&&HeldRun> = runs.iter().filter(|run| is_ended(run)).collect();
        let ids = done.iter().map(|run| run.id.clone()).collect();
        let seconds = done.first().and_then(|run| run.seconds);
        Self { state: State::Done, runs: ids, seconds, problem: None, action: Action::None }
    }

    pub fn refused(sentence: String) -> Self {
        let problem = Some(sentence.clone());
        Self { state: State::Failed, problem, ..Self::todo(Action::Refuse(sentence)) }
    }

    fn of(run: &HeldRun, state: State, action: Action) -> Self {
        let problem = if state == State::Failed { run.outcome.clone() } else { None };
        Self { state, runs: vec![run.id.clone()], seconds: run.seconds, problem, action }
    }
}

/// The status from runs that match the same step. Finished ones come first, and among these the ones with an opened
/// test split; a running one is followed, an interrupted one is resumed; else the job is started.
pub(super) fn standing(runs: &[&HeldRun], is_done: impl Fn(&HeldRun) -> bool, launch: Action) -> StepStatus {
    let mut done: Vec<&&HeldRun> = runs.iter().filter(|run| is_done(run)).collect();
    done.sort_by_key(|run| run.row.as_ref().is_none_or(|row| row.test_accuracy.is_none()));
    if let Some(first) = done.first() {
        let ids = done.iter().map(|run| run.id.clone()).collect();
        return StepStatus { runs: ids, ..StepStatus::of(first, State::Done, Action::None) };
    }
    let with = |wanted: &[Status]| runs.iter().rev().find(|run| wanted.contains(&run.status));
    if let Some(run) = with(&[Status::Running, Status::Paused, Status::Waiting, Status::Queued]) {
        return StepStatus::of(run, State::Running, Action::Follow(run.id.clone()));
    }
    if let Some(run) = with(&[Status::Interrupted, Status::Stopped]) {
        return StepStatus::of(run, State::ToDo, Action::Resume(run.id.clone()));
    }
    if let Some(run) = with(&[Status::Failed]) {
        return StepStatus::of(run, State::Failed, Action::Resume(run.id.clone()));
    }
    StepStatus::todo(launch)
}

/// Runs that can be followed, resumed or reused: not the parts of an unfinished sweep, which does them itself.
fn stands_alone(held: &Holdings, run: &HeldRun) -> bool {
    let parent = run.parent.as_deref().and_then(|parent| held.run(parent));
    let in_series = parent.is_some_and(|parent| !matches!(parent.job, JobSpec::Demo { .. }));
    run.row.is_some() || !in_series
}

/// A finished training.
pub(super) fn is_trained(run: &HeldRun) -> bool {
    run.status == Status::Done && run.row.is_some()
}

pub(super) fn is_ended(run: &HeldRun) -> bool {
    run.status == Status::Done
}

/// Whether a training used exactly these images.
fn on(run: &HeldRun, dataset: &str, set: &Prepared) -> bool {
    set.is(dataset, run.row.as_ref().map(|row| row.manifest_sha256.as_str()))
}

/// The trainings of a model on a set.
pub(super) fn trainings<'a>(held: &'a Holdings, model: &ModelSpec, set: &Prepared) -> Vec<&'a HeldRun> {
    let is = |run: &&HeldRun| match &run.job {
        JobSpec::Train { dataset, model: own, refit: None } => own == model && on(run, dataset, set),
        _ => false,
    };
    held.runs.iter().filter(is).filter(|run| stands_alone(held, run)).filter(|run| readable(run)).collect()
}

/// Whether a run's files can be read; a finished run without a result is useless.
fn readable(run: &HeldRun) -> bool {
    run.status != Status::Damaged && (run.status != Status::Done || run.row.is_some())
}

/// The learning curves of a model on a set with these sizes and seeds, in any order.
pub(super) fn curves<'a>(held: &'a Holdings, curve: &Curve, set: &Prepared) -> Vec<&'a HeldRun> {
    let is = |run: &&HeldRun| match &run.job {
        JobSpec::LearningCurve { dataset, model, curve: own } => {
            let same = own.sizes() == curve.curve.sizes() && own.seeds() == curve.curve.seeds();
            same && *model == curve.model && set.is(dataset, None)
        }
        _ => false,
    };
    held.runs.iter().filter(is).collect()
}

/// The trainings of an ensemble, whose members are each any of several runs.
pub(super) fn ensembles<'a>(held: &'a Holdings, members: &[&[String]], set: &Prepared) -> Vec<&'a HeldRun> {
    let is = |run: &&HeldRun| match &run.job {
        JobSpec::Train { dataset, model, refit: None } => {
            let Ok(EnsembleSettings { members: own }) = model.settings() else { return false };
            let same = own.len() == members.len() && own.iter().zip(members).all(|(own, runs)| runs.contains(own));
            same && on(run, dataset, set)
        }
        _ => false,
    };
    held.runs.iter().filter(is).filter(|run| readable(run)).collect()
}

/// The refits of any of several runs.
pub(super) fn refits<'a>(held: &'a Holdings, bases: &[String]) -> Vec<&'a HeldRun> {
    let manifest = bases.first().and_then(|base| held.run(base)?.row.as_ref()).map(|row| &row.manifest_sha256);
    let is = |run: &&HeldRun| {
        matches!(&run.job, JobSpec::Train { refit: Some(base), .. } if bases.contains(base))
            && run.row.as_ref().is_none_or(|row| Some(&row.manifest_sha256) == manifest)
    };
    held.runs.iter().filter(is).filter(|run| readable(run)).collect()
}

/// The cross-validations of a model.
pub(super) fn cross_validations<'a>(held: &'a Holdings, model: &ModelSpec, set: &Prepared) -> Vec<&'a HeldRun> {
    let is = |run: &&HeldRun| {
        matches!(&run.job, JobSpec::Folds { dataset, model: own } if *dataset == set.name && own == model)
            && (run.status != Status::Done || folds(held, run, set).is_some())
    };
    held.runs.iter().filter(is).collect()
}

/// The trainings of a cross-validation, one for each fold; none if not all are there.
pub(super) fn folds(held: &Holdings, run: &HeldRun, set: &Prepared) -> Option<Vec<String>> {
    let part = |(name, manifest): &(String, String)| {
        let own = held.runs.iter().filter(|part| part.parent.as_deref() == Some(&run.id));
        let mut own = own.filter(|part| is_trained(part));
        let trained = |part: &&HeldRun| part.row.as_ref().is_some_and(|row| row.manifest_sha256 == *manifest);
        own.find(|part| part.job.dataset() == Some(name) && trained(part)).map(|part| part.id.clone())
    };
    set.sets.iter().map(part).collect()
}

/// The evaluations of any of several runs on a set.
pub(super) fn evaluations<'a>(held: &'a Holdings, runs: &[String], set: &Prepared) -> Vec<&'a HeldRun> {
    let manifest = set.sets.first().map(|(_, manifest)| manifest);
    let is = |run: &&HeldRun| {
        matches!(&run.job, JobSpec::Evaluate { run: own, on } if runs.contains(own)
            && (*on == set.name || run.evaluated.as_ref() == manifest))
    };
    held.runs.iter().filter(is).collect()
}

/// Whether an evaluation scored the images of exactly this set.
pub(super) fn is_scored(run: &HeldRun, set: &Prepared) -> bool {
    is_ended(run) && run.evaluated.as_ref() == set.sets.first().map(|(_, manifest)| manifest)
}

/// Whether two sweeps train the same heads in the same way.
fn same_sweep(one: &SweepSpec, other: &SweepSpec) -> bool {
    let heads = |sweep: &SweepSpec| sweep.settings().ok();
    one.features == other.features
        && one.own == other.own
        && one.base.epochs == other.base.epochs
        && heads(one).is_some_and(|own| heads(other).is_some_and(|theirs| own == theirs))
}

/// The sweeps that train the requested heads.
pub(super) fn sweeps<'a>(held: &'a Holdings, sweep: &SweepSpec, set: &Prepared) -> Vec<&'a HeldRun> {
    let is = |run: &&HeldRun| match &run.job {
        JobSpec::Sweep { dataset, sweep: own } => *dataset == set.name && same_sweep(own, sweep),
        _ => false,
    };
    // If the set was prepared again since, the heads of a finished sweep are of other images.
    let stands = |run: &&HeldRun| run.status != Status::Done || !heads(held, sweep, set).is_empty();
    held.runs.iter().filter(is).filter(stands).collect()
}

/// A finished sweep with a part of the requested heads, which can be extended.
pub(super) fn smaller_sweep<'a>(held: &'a Holdings, sweep: &SweepSpec, set: &Prepared) -> Option<&'a HeldRun> {
    let all = sweep.settings().ok()?;
    let plain = |sweep: &SweepSpec| sweep.own.random.is_none() && sweep.own.halving.is_none();
    held.runs.iter().rev().find(|run| match &run.job {
        JobSpec::Sweep { dataset, sweep: own } => {
            let within = own.settings().is_ok_and(|own| own.iter().all(|settings| all.contains(settings)));
            let seeds = own.own.seeds.iter().all(|seed| sweep.own.seeds.contains(seed));
            run.status == Status::Done
                && *dataset == set.name
                && own.features == sweep.features
                && plain(own)
                && plain(sweep)
                && within
                && seeds
        }
        _ => false,
    })
}

/// The finished heads of a sweep by setting: index, seed, run.
pub(super) fn heads<'a>(held: &'a Holdings, sweep: &SweepSpec, set: &Prepared) -> Vec<(usize, u64, &'a HeldRun)> {
    let mut heads = Vec::new();
    for (setting, settings) in sweep.settings().unwrap_or_default().iter().enumerate() {
        for &seed in &sweep.own.seeds {
            let model = sweep.model(settings, seed);
            let trained = trainings(held, &model, set);
            heads.extend(trained.into_iter().find(|run| is_trained(run)).map(|run| (setting, seed, run)));
        }
    }
    heads
}

/// The heads of the setting with the best mean validation accuracy over its seeds; ties go to the earlier.
pub(super) fn best<'a>(heads: &[(usize, u64, &'a HeldRun)]) -> Vec<(usize, u64, &'a HeldRun)> {
    let mean = |setting: usize| {
        let own = heads.iter().filter(|head| head.0 == setting);
        let values: Vec<f64> = own.filter_map(|(_, _, run)| run.row.as_ref()?.val_accuracy).collect();
        values.iter().sum::<f64>() / values.len().max(1) as f64
    };
    let mut settings: Vec<usize> = heads.iter().map(|head| head.0).collect();
    settings.dedup();
    let best = settings.into_iter().reduce(|best, next| if mean(next) > mean(best) { next } else { best });
    heads.iter().filter(|head| Some(head.0) == best).copied().collect()
}
