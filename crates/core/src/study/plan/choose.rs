//! The model that `predict` uses: chosen when everything is trained, before any test split is opened.

use super::{Made, Planner};
use crate::run::JobSpec;
use crate::study::file::Choosing;
use crate::study::find::{self, StepStatus, standing};
use crate::study::steps::{Action, State};
use std::cmp::Ordering;

/// How the step is called.
const CHOOSE: &str = "choose";

impl Planner<'_> {
    pub(super) fn choose(&mut self) {
        let Some(choosing) = &self.study.choose else { return };
        let trained: Vec<usize> = self.made.iter().map(|made| made.step).collect();
        let best = self.best(choosing);
        let Some(on) = &choosing.settings.on else {
            let at = best.map_or_else(
                || StepStatus::todo(Action::Wait),
                |best| {
                    let run = best.runs.first().cloned().unwrap_or_default();
                    self.chosen(
                        choosing,
                        &best.runs,
                        None,
                        Action::Choose { run, settings: Box::new(choosing.settings.clone()), scored: None },
                    )
                },
            );
            let step = self.add(CHOOSE.to_owned(), trained, at);
            self.plan.steps[step].note = Some(note(choosing));
            return;
        };
        let (data, set) = self.set(on);
        let needs: Vec<usize> = trained.into_iter().chain(data).collect();
        let (scores, at) = match (best, set) {
            (Some(best), Some(set)) => {
                let run = best.runs.first().cloned().unwrap_or_default();
                let job = JobSpec::Evaluate { run, on: set.name.clone() };
                let is_scored = |run: &crate::study::HeldRun| find::is_scored(run, &set);
                let runs = find::evaluations(self.held, &best.runs, &set);
                let scores = standing(&runs, is_scored, Action::Launch(Box::new(job)));
                // Of a model that was trained twice, the one that was scored.
                let scored =
                    runs.iter().find(|run| scores.state == State::Done && scores.runs.first() == Some(&run.id));
                let action = match scored.map(|run| (&run.id, &run.job)) {
                    Some((scored, JobSpec::Evaluate { run, .. })) => Action::Choose {
                        run: run.clone(),
                        settings: Box::new(choosing.settings.clone()),
                        scored: Some(scored.clone()),
                    },
                    _ => Action::Wait,
                };
                let manifest = set.sets.first().map(|(_, manifest)| manifest.as_str());
                (scores, self.chosen(choosing, &best.runs, manifest, action))
            }
            _ => (StepStatus::todo(Action::Wait), StepStatus::todo(Action::Wait)),
        };
        let scores = self.add(format!("{CHOOSE}, scores on {on}"), needs, scores);
        let step = self.add(CHOOSE.to_owned(), vec![scores], at);
        self.plan.steps[step].note = Some(note(choosing));
    }

    /// The step by which the choice is made, if one is asked for.
    pub(super) fn choice(&self) -> Option<usize> {
        self.plan.steps.iter().position(|step| step.name == CHOOSE)
    }

    /// The one of the models with the best validation accuracy, once all of them are trained.
    fn best(&self, choosing: &Choosing) -> Option<Made> {
        let accuracy = |made: &Made| self.held.run(made.runs.first()?)?.row.as_ref()?.val_accuracy;
        let models = self.of(&choosing.of);
        if models.iter().any(|made| made.runs.is_empty()) {
            return None;
        }
        models.into_iter().reduce(|best, next| {
            let order = accuracy(&next).partial_cmp(&accuracy(&best));
            if order == Some(Ordering::Greater) { next } else { best }
        })
    }

    /// How the choice stands with what `predict` uses now.
    fn chosen(&self, choosing: &Choosing, runs: &[String], manifest: Option<&str>, action: Action) -> StepStatus {
        let own = self.held.chosen.as_ref().filter(|choice| runs.contains(&choice.run));
        match own.filter(|choice| choosing.settings.made(choice, manifest)) {
            Some(choice) => {
                let runs = vec![choice.run.clone()];
                StepStatus { state: State::Done, runs, seconds: None, problem: None, action: Action::None }
            }
            None => StepStatus::todo(action),
        }
    }
}

/// What is asked for: `tuned, threshold youden on people`.
fn note(choosing: &Choosing) -> String {
    let of: Vec<String> = choosing.of.iter().map(ToString::to_string).collect();
    let best = if of.len() > 1 { "the best of " } else { "" };
    let on = choosing.settings.on.as_ref().map_or_else(String::new, |on| format!(" on {on}"));
    format!("{best}{}, threshold {}{on}", of.join(", "), choosing.settings.threshold)
}
