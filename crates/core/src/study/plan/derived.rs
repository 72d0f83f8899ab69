//! Steps that train models from other runs: ensembles, refits.

use super::{Made, Planner};
use crate::model::{EnsembleSettings, ModelSpec};
use crate::run::JobSpec;
use crate::study::file::Reference;
use crate::study::find::{self, StepStatus, standing};
use crate::study::steps::{Action, State, Step};

impl Planner<'_> {
    pub(super) fn ensembles(&mut self) {
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
                _ => StepStatus::todo(Action::Wait),
            };
            self.trained(&ensemble.name, None, data, needs, at, "ensemble", ensemble.open_test);
        }
    }

    /// Adds a step for a derived model.
    #[allow(clippy::too_many_arguments, reason = "they are the fields of what it makes")]
    fn trained(
        &mut self,
        name: &str,
        seed: Option<u64>,
        data: String,
        needs: Vec<usize>,
        at: StepStatus,
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

    pub(super) fn refits(&mut self) {
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
                            None => StepStatus::todo(Action::Wait),
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
}
