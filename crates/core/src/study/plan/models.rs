//! Steps that train on a set: models with their seeds, cross-validations, sweeps, learning curves.

use super::{Made, Planner};
use crate::model::ModelSpec;
use crate::run::{Axis, JobSpec};
use crate::study::file::{Opened, Sweep};
use crate::study::find::{self, StepStatus, standing};
use crate::study::steps::{Action, State};
use faceprobe_settings::AnySettings;

impl Planner<'_> {
    /// The inputs of a model: its set, and its features if a table defines them.
    pub(super) fn needs(&self, model: &ModelSpec, data: &str) -> Vec<usize> {
        let (mut needs, _) = self.set(data);
        for extraction in self.study.features.iter().filter(|own| model.features() == Some(&own.features)) {
            let name = format!("features {} on {data}", extraction.name);
            needs.extend(self.plan.steps.iter().position(|step| step.name == name));
        }
        needs
    }

    pub(super) fn models(&mut self) {
        for training in &self.study.models {
            for data in &training.data {
                for model in training.models() {
                    let seed = (!training.seeds.is_empty()).then(|| model.seed());
                    let label = label(&training.name, seed, (training.data.len() > 1).then_some(data));
                    let needs = self.needs(&model, data);
                    let (_, set) = self.set(data);
                    let mut parts = Vec::new();
                    let at = match &set {
                        None => StepStatus::todo(Action::Wait),
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

    pub(super) fn sweeps(&mut self) {
        for sweep in &self.study.sweeps {
            for data in &sweep.data {
                let model = sweep.sweep.model(&sweep.sweep.base, 1);
                let needs = self.needs(&model, data);
                let (_, set) = self.set(data);
                let mut heads = Vec::new();
                let at = match &set {
                    None => StepStatus::todo(Action::Wait),
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
                    // The other heads are only rows of the table, except for their test splits.
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

    pub(super) fn curves(&mut self) {
        for curve in &self.study.curves {
            for data in &curve.data {
                let needs = self.needs(&curve.model, data);
                let at = match self.set(data).1 {
                    None => StepStatus::todo(Action::Wait),
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
}

/// `dense, seed 1 on fairface`.
fn label(name: &str, seed: Option<u64>, data: Option<&String>) -> String {
    let seed = seed.map_or_else(String::new, |seed| format!(", seed {seed}"));
    let data = data.map_or_else(String::new, |data| format!(", on {data}"));
    format!("{name}{data}{seed}")
}

impl Sweep {
    /// The values of the varied settings: `width 64, dropout 0.5`.
    fn varied(&self, setting: usize) -> String {
        let settings = self.sweep.settings().unwrap_or_default();
        let Some(settings) = settings.get(setting) else { return String::new() };
        let value = |axis: &Axis| Some(format!("{} {}", axis.setting.replace('_', " "), settings.get(&axis.setting)?));
        self.sweep.axes.iter().filter_map(value).collect::<Vec<_>>().join(", ")
    }
}
