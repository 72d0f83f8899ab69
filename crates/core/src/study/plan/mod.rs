//! Plans the steps of a study, given the content of a workspace.

mod choose;
mod data;
mod derived;
mod ends;
mod models;

use super::file::{Reference, Study};
use super::find::StepStatus;
use super::holdings::{HeldRun, HeldSet, Holdings, Prepared};
use super::steps::{Plan, State, Step};
use crate::model::ModelSpec;
use crate::run::{JobSpec, Status};
use std::collections::{BTreeMap, BTreeSet};

/// Works out all steps of a study and how each stands. Test splits are opened when all is trained and the model that
/// predict uses is chosen, so that no choice of the study comes after an opening.
pub fn plan(study: &Study, held: &Holdings) -> Plan {
    let mut planner =
        Planner { study, held, plan: Plan::default(), sets: BTreeMap::new(), made: Vec::new(), used: BTreeSet::new() };
    planner.data();
    planner.features();
    planner.models();
    planner.sweeps();
    planner.curves();
    planner.ensembles();
    planner.refits();
    planner.choose();
    planner.openings();
    planner.evaluations();
    planner.report();
    planner.finish()
}

/// A model of the study, or models that are not determined yet.
#[derive(Clone)]
struct Made {
    /// The name of its table, and its seed.
    name: String,
    seed: Option<u64>,
    /// The label of its step.
    label: String,
    step: usize,
    /// The name of its training set in the study.
    data: String,
    /// Its runs, any of which can be used; empty until it is trained.
    runs: Vec<String>,
    /// The runs with test splits of their own, if it is a cross-validation.
    parts: Vec<String>,
    model: Option<ModelSpec>,
    open_test: bool,
}

struct Planner<'a> {
    study: &'a Study,
    held: &'a Holdings,
    plan: Plan,
    /// Data sets by name: the step, and the set once it exists.
    sets: BTreeMap<String, (usize, Option<Prepared>)>,
    made: Vec<Made>,
    used: BTreeSet<String>,
}

impl Planner<'_> {
    fn add(&mut self, name: String, needs: Vec<usize>, standing: StepStatus) -> usize {
        let StepStatus { mut state, runs, seconds, problem, action } = standing;
        self.used.extend(runs.iter().cloned());
        // A step with this name was done with other settings.
        let before = |run: &HeldRun| run.step.as_deref() == Some(&name) && run.status == Status::Done;
        if state == State::ToDo && runs.is_empty() && self.held.runs.iter().any(before) {
            state = State::Changed;
        }
        self.plan.steps.push(Step { name, note: None, needs, state, runs, seconds, problem, action });
        self.plan.steps.len() - 1
    }

    /// The step and the set with a name; a set that does not exist yet is none.
    fn set(&self, name: &str) -> (Vec<usize>, Option<Prepared>) {
        self.sets.get(name).map_or((Vec::new(), None), |(step, set)| (vec![*step], set.clone()))
    }

    /// The models of a reference.
    fn of(&self, references: &[Reference]) -> Vec<Made> {
        let is = |made: &Made, reference: &Reference| {
            made.name == reference.name && reference.seed.is_none_or(|seed| made.seed.is_none_or(|own| own == seed))
        };
        references.iter().flat_map(|reference| self.made.iter().filter(|made| is(made, reference))).cloned().collect()
    }

    fn finish(self) -> Plan {
        let Self { held, mut plan, used, sets, .. } = self;
        let own: BTreeSet<&str> =
            sets.values().filter_map(|(_, set)| set.as_ref()).map(|set| set.name.as_str()).collect();
        let is_model = |job: &JobSpec| {
            let series = matches!(job, JobSpec::Sweep { .. } | JobSpec::Folds { .. } | JobSpec::LearningCurve { .. });
            series || matches!(job, JobSpec::Train { .. })
        };
        let parent = |run: &HeldRun| run.parent.as_deref().and_then(|parent| held.run(parent));
        let in_series = |run: &HeldRun| parent(run).is_some_and(|parent| is_model(&parent.job));
        let runs = held.runs.iter().filter(|run| is_model(&run.job) && !in_series(run) && !used.contains(&run.id));
        let others = runs.filter(|run| run.status == Status::Done).map(|run| run.id.clone());
        let set = |set: &HeldSet| set.fold.as_ref().map_or_else(|| set.name.clone(), |fold| fold.of.clone());
        let mut unused: Vec<String> = held.sets.iter().map(set).filter(|name| !own.contains(name.as_str())).collect();
        unused.dedup();
        plan.others = unused.into_iter().map(|name| format!("data {name}")).chain(others).collect();
        let mut seen = BTreeSet::new();
        plan.models.retain(|run| seen.insert(run.clone()));
        plan
    }
}
