//! From a study and what a workspace holds to its steps.

use super::file::{Extraction, Opened, Reference, ReportWanted, Study, Sweep};
use super::find::{self, Standing, standing};
use super::holdings::{Holdings, Prepared, is_same, prepared};
use super::steps::{Action, Plan, State, Step};
use crate::dataset::located;
use crate::model::{EnsembleSettings, LogisticSettings, ModelSpec};
use crate::run::{Axis, JobSpec, Status, probe};
use faceprobe_settings::AnySettings;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Works out all steps of a study and how each stands. Test splits are opened when all is trained, so that no choice of
/// the study comes after an opening.
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
    planner.openings();
    planner.evaluations();
    planner.report();
    planner.finish()
}

/// A model of the study, or models that are not known yet.
#[derive(Clone)]
struct Made {
    /// The name of its table, and its seed.
    name: String,
    seed: Option<u64>,
    /// As its step is called.
    label: String,
    step: usize,
    /// The set it is trained on, as the study calls it.
    data: String,
    /// Its runs, any of which will do; empty until it is trained.
    runs: Vec<String>,
    /// The runs whose test splits are its own, if it is a cross-validation.
    parts: Vec<String>,
    model: Option<ModelSpec>,
    open_test: bool,
}

struct Planner<'a> {
    study: &'a Study,
    held: &'a Holdings,
    plan: Plan,
    /// Data sets by name: the step, and the set once it is there.
    sets: BTreeMap<String, (usize, Option<Prepared>)>,
    made: Vec<Made>,
    used: BTreeSet<String>,
}

impl Planner<'_> {
    fn add(&mut self, name: String, needs: Vec<usize>, standing: Standing) -> usize {
        let Standing { mut state, runs, seconds, problem, action } = standing;
        self.used.extend(runs.iter().cloned());
        // Something of this name was done, and is not what is asked for now.
        let before = |run: &super::HeldRun| run.step.as_deref() == Some(&name) && run.status == Status::Done;
        if state == State::ToDo && runs.is_empty() && self.held.runs.iter().any(before) {
            state = State::Changed;
        }
        self.plan.steps.push(Step { name, needs, state, runs, seconds, problem, action });
        self.plan.steps.len() - 1
    }

    /// The step and the set of a name; a set that is not there yet is none.
    fn set(&self, name: &str) -> (Vec<usize>, Option<Prepared>) {
        self.sets.get(name).map_or((Vec::new(), None), |(step, set)| (vec![*step], set.clone()))
    }

    fn data(&mut self) {
        let mut drawn = Vec::new();
        if let Some(sample) = &self.study.sample {
            let job = JobSpec::Sample(sample.clone());
            let runs: Vec<_> = self.held.runs.iter().filter(|run| run.job == job).collect();
            let mut at = standing(&runs, |_| false, Action::Launch(Box::new(job)));
            match &self.held.sample {
                Some(held) if held == sample => at = Standing::done(&runs),
                Some(_) if !self.held.sets.is_empty() => {
                    at = Standing::refused(
                        "data/sample holds another sample, on which prepared sets stand; take another workspace, or this \
                         sample's settings"
                            .to_owned(),
                    );
                }
                _ => {}
            }
            drawn.push(self.add("sample".to_owned(), Vec::new(), at));
        }
        for data in &self.study.data {
            let set = prepared(self.held, data);
            let located = located(&self.held.root, data);
            let job = |job: &JobSpec| matches!(job, JobSpec::Prepare(own) if is_same(&self.held.root, own, data));
            let runs: Vec<_> = self.held.runs.iter().filter(|run| job(&run.job)).collect();
            let there = set.is_some();
            let mut at = standing(&runs, |_| false, Action::Launch(Box::new(JobSpec::Prepare(located))));
            if there {
                at = Standing::done(&runs);
            } else if runs.iter().all(|run| run.status == Status::Done) {
                // What they made was removed.
                at.runs.clear();
            }
            let sampled = located_in_sample(&self.held.root, data) && !drawn.is_empty();
            let needs = if sampled { drawn.clone() } else { Vec::new() };
            let step = self.add(format!("data {}", data.name), needs, at);
            self.sets.insert(data.name.clone(), (step, set));
        }
    }

    fn features(&mut self) {
        for extraction in &self.study.features {
            for data in self.study.extracted_for(extraction) {
                let (needs, set) = self.set(&data);
                let named = format!("{} on {data}", extraction.name);
                let Some(set) = set else {
                    self.add(format!("features {named}"), needs, Standing::todo(Action::Wait));
                    continue;
                };
                let features = extraction.features.clone();
                let job = JobSpec::Extract { dataset: set.one().to_owned(), features: features.clone() };
                let runs: Vec<_> = self.held.runs.iter().filter(|run| run.job == job).collect();
                let mut at = standing(&runs, find::is_ended, Action::Launch(Box::new(job)));
                if self.held.rows.contains(&(features.clone(), set.one().to_owned())) {
                    at = Standing::done(&runs);
                }
                // A probe computes every stage by itself.
                if !extraction.probe || self.study.trains_on(extraction) {
                    self.add(format!("features {named}"), needs.clone(), at);
                }
                if extraction.probe {
                    let settings = LogisticSettings { alphas: probe::ALPHAS.to_vec(), ..LogisticSettings::default() };
                    let job = JobSpec::Probe { dataset: set.one().to_owned(), features, settings };
                    let runs: Vec<_> = self.held.runs.iter().filter(|run| run.job == job).collect();
                    let at = standing(&runs, find::is_ended, Action::Launch(Box::new(job)));
                    self.add(format!("probe {named}"), needs, at);
                }
            }
        }
    }

    /// What a model needs: its set, and its features where a table states them.
    fn needs(&self, model: &ModelSpec, data: &str) -> Vec<usize> {
        let (mut needs, _) = self.set(data);
        for extraction in self.study.features.iter().filter(|own| model.features() == Some(&own.features)) {
            let name = format!("features {} on {data}", extraction.name);
            needs.extend(self.plan.steps.iter().position(|step| step.name == name));
        }
        needs
    }

    fn models(&mut self) {
        for training in &self.study.models {
            for data in &training.data {
                for model in training.models() {
                    let seed = (!training.seeds.is_empty()).then(|| model.seed());
                    let label = label(&training.name, seed, (training.data.len() > 1).then_some(data));
                    let needs = self.needs(&model, data);
                    let (_, set) = self.set(data);
                    let mut parts = Vec::new();
                    let at = match &set {
                        None => Standing::todo(Action::Wait),
                        Some(set) if set.is_folds => {
                            let runs = find::cross_validations(self.held, &model, set);
                            let job = JobSpec::Folds { dataset: set.name.clone(), model: model.clone() };
                            let at = standing(&runs, find::is_ended, Action::Launch(Box::new(job)));
                            let done = runs.iter().find(|run| at.runs.first() == Some(&run.id));
                            parts = done.and_then(|run| find::folds(self.held, run, set)).unwrap_or_default();
                            at
                        }
                        Some(set) => {
                            let job = JobSpec::train(&set.name, model.clone());
                            let runs = find::trainings(self.held, &model, set);
                            standing(&runs, find::is_trained, Action::Launch(Box::new(job)))
                        }
                    };
                    let runs = if at.state == State::Done { at.runs.clone() } else { Vec::new() };
                    self.used.extend(parts.iter().cloned());
                    self.plan.models.extend(
                        if parts.is_empty() { runs.iter().take(1) } else { parts.iter().take(parts.len()) }.cloned(),
                    );
                    let step = self.add(format!("model {label}"), needs, at);
                    self.made.push(Made {
                        name: training.name.clone(),
                        seed,
                        label,
                        step,
                        data: data.clone(),
                        runs,
                        parts,
                        model: Some(model),
                        open_test: training.open_test,
                    });
                }
            }
        }
    }

    fn sweeps(&mut self) {
        for sweep in &self.study.sweeps {
            for data in &sweep.data {
                let model = sweep.sweep.model(&sweep.sweep.base, 1);
                let needs = self.needs(&model, data);
                let (_, set) = self.set(data);
                let mut heads = Vec::new();
                let at = match &set {
                    None => Standing::todo(Action::Wait),
                    Some(set) => {
                        let job = Box::new(JobSpec::Sweep {
                            dataset: set.name.clone(),
                            sweep: Box::new(sweep.sweep.clone()),
                        });
                        let runs = find::sweeps(self.held, &sweep.sweep, set);
                        let launch = match find::smaller_sweep(self.held, &sweep.sweep, set) {
                            Some(run) => Action::Extend(run.id.clone(), job),
                            None => Action::Launch(job),
                        };
                        let at = standing(&runs, find::is_ended, launch);
                        if at.state == State::Done {
                            heads = find::heads(self.held, &sweep.sweep, set);
                        }
                        at
                    }
                };
                let done = at.state == State::Done;
                if let Action::Extend(run, _) = &at.action {
                    self.used.insert(run.clone());
                }
                let step = self.add(format!("sweep {}", sweep.name), needs, at);
                self.plan.models.extend(heads.iter().map(|(_, _, run)| run.id.clone()));
                self.used.extend(heads.iter().map(|(_, _, run)| run.id.clone()));
                let best = find::best(&heads);
                let one = Made {
                    name: sweep.name.clone(),
                    seed: None,
                    label: format!("the best of {}", sweep.name),
                    step,
                    data: data.clone(),
                    runs: Vec::new(),
                    parts: Vec::new(),
                    model: None,
                    open_test: sweep.open_test != Opened::None,
                };
                if !done {
                    self.made.push(one);
                    continue;
                }
                for (setting, seed, run) in &heads {
                    let is_best = best.iter().any(|best| best.0 == *setting);
                    // The others are no more than rows of the table, but for their test splits.
                    if is_best || sweep.open_test == Opened::All {
                        let name = if is_best { sweep.name.clone() } else { String::new() };
                        let label = if is_best {
                            format!("the best of {}, seed {seed}", sweep.name)
                        } else {
                            format!("{}, {}, seed {seed}", sweep.name, sweep.varied(*setting))
                        };
                        self.made.push(Made {
                            name,
                            seed: Some(*seed),
                            label,
                            runs: vec![run.id.clone()],
                            ..one.clone()
                        });
                    }
                }
            }
        }
    }

    fn curves(&mut self) {
        for curve in &self.study.curves {
            for data in &curve.data {
                let needs = self.needs(&curve.model, data);
                let at = match self.set(data).1 {
                    None => Standing::todo(Action::Wait),
                    Some(set) => {
                        let runs = find::curves(self.held, curve, &set);
                        let (dataset, model) = (set.name.clone(), curve.model.clone());
                        let job = JobSpec::LearningCurve { dataset, model, curve: curve.curve.clone() };
                        standing(&runs, find::is_ended, Action::Launch(Box::new(job)))
                    }
                };
                let parts =
                    self.held.runs.iter().filter(|run| run.parent.as_ref().is_some_and(|of| at.runs.contains(of)));
                self.used.extend(parts.map(|run| run.id.clone()));
                self.add(format!("learning curve {}", curve.name), needs, at);
            }
        }
    }

    /// What a reference stands for.
    fn of(&self, references: &[Reference]) -> Vec<Made> {
        let is = |made: &Made, reference: &Reference| {
            made.name == reference.name && reference.seed.is_none_or(|seed| made.seed.is_none_or(|own| own == seed))
        };
        references.iter().flat_map(|reference| self.made.iter().filter(|made| is(made, reference))).cloned().collect()
    }

    fn ensembles(&mut self) {
        for ensemble in &self.study.ensembles {
            let members = self.of(&ensemble.of);
            let needs: Vec<usize> = members.iter().map(|made| made.step).collect();
            let data = members.first().map(|made| made.data.clone()).unwrap_or_default();
            let runs: Vec<&[String]> = members.iter().map(|made| &made.runs[..]).collect();
            let first: Option<Vec<String>> = members.iter().map(|made| made.runs.first().cloned()).collect();
            let features = members.first().and_then(|made| made.model.as_ref()?.features().cloned());
            let at = match (self.set(&data).1, first) {
                (Some(set), Some(first)) => {
                    let model = ModelSpec::new(features, EnsembleSettings { members: first });
                    let launch = Action::Launch(Box::new(JobSpec::train(&set.name, model)));
                    standing(&find::ensembles(self.held, &runs, &set), find::is_trained, launch)
                }
                _ => Standing::todo(Action::Wait),
            };
            self.trained(&ensemble.name, None, data, needs, at, "ensemble", ensemble.open_test);
        }
    }

    /// Adds a step that trains something of other runs, and what it makes.
    #[allow(clippy::too_many_arguments, reason = "they are the fields of what it makes")]
    fn trained(
        &mut self,
        name: &str,
        seed: Option<u64>,
        data: String,
        needs: Vec<usize>,
        at: Standing,
        table: &str,
        open_test: bool,
    ) {
        let runs = if at.state == State::Done { at.runs.clone() } else { Vec::new() };
        self.plan.models.extend(runs.first().cloned());
        let label = name.to_owned();
        let step = self.add(format!("{table} {name}"), needs, at);
        let (parts, model) = (Vec::new(), None);
        self.made.push(Made { name: name.to_owned(), seed, label, step, data, runs, parts, model, open_test });
    }

    fn refits(&mut self) {
        let is_ensemble = |reference: &Reference| self.study.ensembles.iter().any(|one| one.name == reference.name);
        // Ensembles come after their members.
        for ensembles in [false, true] {
            for refit in &self.study.refits {
                for reference in refit.of.iter().filter(|reference| is_ensemble(reference) == ensembles) {
                    for base in self.of(std::slice::from_ref(reference)) {
                        let mut needs = vec![base.step];
                        if let Some(ensemble) = self.study.ensembles.iter().find(|one| one.name == reference.name) {
                            let of_members = self.of(&ensemble.of);
                            let refitted = |step: &Step| {
                                of_members.iter().any(|made| {
                                    step.name.starts_with("refit ")
                                        && step.name.ends_with(&format!(" of {}", made.label))
                                })
                            };
                            needs.extend(
                                self.plan.steps.iter().enumerate().filter(|(_, step)| refitted(step)).map(|(at, _)| at),
                            );
                        }
                        let at = match base.runs.first() {
                            Some(run) => standing(
                                &find::refits(self.held, &base.runs),
                                find::is_trained,
                                Action::Refit(run.clone()),
                            ),
                            None => Standing::todo(Action::Wait),
                        };
                        let runs = if at.state == State::Done { at.runs.clone() } else { Vec::new() };
                        self.plan.models.extend(runs.first().cloned());
                        let label = format!("{} of {}", refit.name, base.label);
                        let step = self.add(format!("refit {label}"), needs, at);
                        self.made.push(Made {
                            name: refit.name.clone(),
                            label,
                            step,
                            runs,
                            open_test: refit.open_test,
                            ..base
                        });
                    }
                }
            }
        }
    }

    fn openings(&mut self) {
        // Only when nothing is left to be trained.
        let trained: Vec<usize> = self.made.iter().map(|made| made.step).collect();
        for made in self.made.clone().into_iter().filter(|made| made.open_test) {
            let opened = |run: &String| self.held.run(run).and_then(|run| run.row.as_ref()?.test_accuracy).is_some();
            let targets = if made.parts.is_empty() { made.runs.get(..1).unwrap_or_default() } else { &made.parts[..] };
            let at = match made.runs.first() {
                None => Standing::todo(Action::Wait),
                Some(run) => {
                    let job = JobSpec::OpenTest { run: run.clone() };
                    let runs: Vec<_> = self.held.runs.iter().filter(|run| run.job == job).collect();
                    let mut at = standing(&runs, |_| false, Action::Launch(Box::new(job)));
                    if targets.iter().all(opened) {
                        at = Standing::done(&runs);
                    }
                    at
                }
            };
            self.add(format!("test of {}", made.label), trained.clone(), at);
        }
    }

    fn evaluations(&mut self) {
        for evaluation in &self.study.evaluations {
            for made in self.of(&evaluation.of) {
                for data in &evaluation.on {
                    let (mut needs, set) = self.set(data);
                    needs.push(made.step);
                    let at = match (made.runs.first(), &set) {
                        (Some(first), Some(set)) => {
                            let manifest = set.sets.first().map(|(_, manifest)| manifest);
                            let is = |run: &&super::HeldRun| {
                                matches!(&run.job, JobSpec::Evaluate { run: own, on } if made.runs.contains(own)
                                    && (*on == set.name || run.evaluated.as_ref() == manifest))
                            };
                            let runs: Vec<_> = self.held.runs.iter().filter(is).collect();
                            let job = JobSpec::Evaluate { run: first.clone(), on: set.name.clone() };
                            let done =
                                |run: &super::HeldRun| run.status == Status::Done && run.evaluated.as_ref() == manifest;
                            standing(&runs, done, Action::Launch(Box::new(job)))
                        }
                        _ => Standing::todo(Action::Wait),
                    };
                    self.add(format!("{} of {} on {data}", evaluation.name, made.label), needs, at);
                }
            }
        }
    }

    fn report(&mut self) {
        let Some(report) = &self.study.report else { return };
        let latest = self.used.iter().filter_map(|run| self.held.run(run)?.ended).max();
        let rest = self.plan.steps.iter().all(|step| step.state == State::Done);
        let mut at = Standing::todo(Action::Report(report.clone()));
        if rest && self.held.report.is_some_and(|written| latest.is_none_or(|latest| latest <= written)) {
            (at.state, at.action) = (State::Done, Action::None);
        }
        self.add("report".to_owned(), (0..self.plan.steps.len()).collect(), at);
    }

    fn finish(self) -> Plan {
        let Self { held, mut plan, used, sets, .. } = self;
        let own: BTreeSet<&str> =
            sets.values().filter_map(|(_, set)| set.as_ref()).map(|set| set.name.as_str()).collect();
        let is_model = |job: &JobSpec| {
            let series = matches!(job, JobSpec::Sweep { .. } | JobSpec::Folds { .. } | JobSpec::LearningCurve { .. });
            series || matches!(job, JobSpec::Train { .. })
        };
        let parent = |run: &super::HeldRun| run.parent.as_deref().and_then(|parent| held.run(parent));
        let in_series = |run: &super::HeldRun| parent(run).is_some_and(|parent| is_model(&parent.job));
        let runs = held.runs.iter().filter(|run| is_model(&run.job) && !in_series(run) && !used.contains(&run.id));
        let others = runs.filter(|run| run.status == Status::Done).map(|run| run.id.clone());
        let set = |set: &super::HeldSet| set.fold.as_ref().map_or_else(|| set.name.clone(), |fold| fold.of.clone());
        let mut unused: Vec<String> = held.sets.iter().map(set).filter(|name| !own.contains(name.as_str())).collect();
        unused.dedup();
        plan.others = unused.into_iter().map(|name| format!("data {name}")).chain(others).collect();
        let mut seen = BTreeSet::new();
        plan.models.retain(|run| seen.insert(run.clone()));
        plan
    }
}

/// `dense, seed 1 on fairface`.
fn label(name: &str, seed: Option<u64>, data: Option<&String>) -> String {
    let seed = seed.map_or_else(String::new, |seed| format!(", seed {seed}"));
    let data = data.map_or_else(String::new, |data| format!(", on {data}"));
    format!("{name}{data}{seed}")
}

/// Whether a set is made of the drawn sample.
fn located_in_sample(root: &Path, data: &crate::dataset::PrepareSettings) -> bool {
    data.source.iter().any(|source| root.join(&source.path) == root.join("data/sample"))
}

impl Study {
    /// Whether something is trained on these features.
    pub(super) fn trains_on(&self, extraction: &Extraction) -> bool {
        let features = Some(&extraction.features);
        self.models.iter().any(|model| model.model.features() == features)
            || self.sweeps.iter().any(|sweep| Some(&sweep.sweep.features) == features)
            || self.curves.iter().any(|curve| curve.model.features() == features)
    }

    /// The sets that features are computed for: those their table names, and those of the models that name them.
    pub(super) fn extracted_for(&self, extraction: &Extraction) -> Vec<String> {
        let named = |model: &ModelSpec| {
            model.features() == Some(&extraction.features)
                && model.kind().info().input == crate::model::ModelInput::Features
        };
        let models = self.models.iter().filter(|training| named(&training.model));
        let curves = self.curves.iter().filter(|curve| named(&curve.model));
        let sweeps = self.sweeps.iter().filter(|sweep| sweep.sweep.features == extraction.features);
        let all = extraction.data.iter().chain(models.flat_map(|model| &model.data));
        let mut seen = BTreeSet::new();
        let all = all.chain(sweeps.flat_map(|sweep| &sweep.data)).chain(curves.flat_map(|curve| &curve.data)).cloned();
        all.filter(|name| seen.insert(name.clone())).collect()
    }
}

impl Sweep {
    /// The values of what is varied in one of the settings: `width 64, dropout 0.5`.
    fn varied(&self, setting: usize) -> String {
        let settings = self.sweep.settings().unwrap_or_default();
        let Some(settings) = settings.get(setting) else { return String::new() };
        let value = |axis: &Axis| Some(format!("{} {}", axis.setting.replace('_', " "), settings.get(&axis.setting)?));
        self.sweep.axes.iter().filter_map(value).collect::<Vec<_>>().join(", ")
    }
}

impl ReportWanted {
    /// Where the HTML file is.
    pub fn html(&self, root: &Path) -> PathBuf {
        let path = root.join(&self.output);
        let is_html = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("html"));
        if is_html { path } else { path.join("report.html") }
    }
}
