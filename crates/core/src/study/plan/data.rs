//! Steps that create data: the sample, prepared sets, features.

use super::Planner;
use crate::dataset::decisions::Decision;
use crate::dataset::followed::DecisionMap;
use crate::dataset::located;
use crate::model::{LogisticSettings, ModelSpec};
use crate::run::{JobSpec, Status, probe};
use crate::study::file::{Extraction, Study};
use crate::study::find::{self, StepStatus, standing};
use crate::study::holdings::{is_same, prepared};
use crate::study::steps::Action;
use std::collections::BTreeSet;
use std::path::Path;

impl Planner<'_> {
    pub(super) fn data(&mut self) {
        let mut drawn = Vec::new();
        if let Some(sample) = &self.study.sample {
            let job = JobSpec::Sample(sample.clone());
            let runs: Vec<_> = self.held.runs.iter().filter(|run| run.job == job).collect();
            let mut at = standing(&runs, |_| false, Action::Launch(Box::new(job)));
            match &self.held.sample {
                Some(held) if held == sample => at = StepStatus::done(&runs),
                Some(_) if !self.held.sets.is_empty() => {
                    at = StepStatus::refused(
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
            let stated = data.decisions.stated();
            let job = |job: &JobSpec| {
                matches!(job, JobSpec::Prepare(own)
                    if is_same(&self.held.root, own, data) && own.decisions.stated() == stated)
            };
            let runs: Vec<_> = self.held.runs.iter().filter(|run| job(&run.job)).collect();
            let there = set.is_some();
            let mut at = standing(&runs, |_| false, Action::Launch(Box::new(JobSpec::Prepare(located))));
            if there {
                at = StepStatus::done(&runs);
            } else if runs.iter().all(|run| run.status == Status::Done) {
                // Their results were removed.
                at.runs.clear();
            }
            let sampled = located_in_sample(&self.held.root, data) && !drawn.is_empty();
            let needs = if sampled { drawn.clone() } else { Vec::new() };
            let step = self.add(format!("data {}", data.name), needs, at);
            self.plan.steps[step].note = note(&stated);
            self.sets.insert(data.name.clone(), (step, set));
        }
    }

    pub(super) fn features(&mut self) {
        for extraction in &self.study.features {
            for data in self.study.extracted_for(extraction) {
                let (needs, set) = self.set(&data);
                let named = format!("{} on {data}", extraction.name);
                let Some(set) = set else {
                    self.add(format!("features {named}"), needs, StepStatus::todo(Action::Wait));
                    continue;
                };
                let features = extraction.features.clone();
                let job = JobSpec::Extract { dataset: set.one().to_owned(), features: features.clone() };
                let runs: Vec<_> = self.held.runs.iter().filter(|run| run.job == job).collect();
                let mut at = standing(&runs, find::is_ended, Action::Launch(Box::new(job)));
                if self.held.rows.contains(&(features.clone(), set.one().to_owned())) {
                    at = StepStatus::done(&runs);
                }
                // A probe computes every stage anyway.
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
}

/// How many images are decided on.
fn note(stated: &DecisionMap) -> Option<String> {
    let dropped = stated.values().filter(|decision| **decision == Decision::Drop).count();
    let counts = [(dropped, "left out"), (stated.len() - dropped, "relabelled")];
    let told: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    (!told.is_empty()).then(|| told.join(", "))
}

/// Whether a set is prepared from the synthetic sample.
fn located_in_sample(root: &Path, data: &crate::dataset::PrepareSettings) -> bool {
    data.source.iter().any(|source| root.join(&source.path) == root.join("data/sample"))
}

impl Study {
    /// Whether a model is trained on these features.
    pub(in crate::study) fn trains_on(&self, extraction: &Extraction) -> bool {
        let features = Some(&extraction.features);
        self.models.iter().any(|model| model.model.features() == features)
            || self.sweeps.iter().any(|sweep| Some(&sweep.sweep.features) == features)
            || self.curves.iter().any(|curve| curve.model.features() == features)
    }

    /// The sets of these features: those of their table, and those of the models that refer to them.
    pub(in crate::study) fn extracted_for(&self, extraction: &Extraction) -> Vec<String> {
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
