//! Steps after training: test openings, evaluations on other sets, the report.

use super::Planner;
use crate::run::JobSpec;
use crate::study::find::{self, StepStatus, standing};
use crate::study::steps::{Action, State};
use jiff::Timestamp;

impl Planner<'_> {
    pub(super) fn openings(&mut self) {
        // Only when nothing is left to be trained, nor to be chosen.
        let trained: Vec<usize> = self.made.iter().map(|made| made.step).chain(self.choice()).collect();
        for made in self.made.clone().into_iter().filter(|made| made.open_test) {
            let opened = |run: &String| self.held.run(run).and_then(|run| run.row.as_ref()?.test_accuracy).is_some();
            let targets = if made.parts.is_empty() { made.runs.get(..1).unwrap_or_default() } else { &made.parts[..] };
            let at = match made.runs.first() {
                None => StepStatus::todo(Action::Wait),
                Some(run) => {
                    let job = JobSpec::OpenTest { run: run.clone() };
                    let runs: Vec<_> = self.held.runs.iter().filter(|run| run.job == job).collect();
                    let mut at = standing(&runs, |_| false, Action::Launch(Box::new(job)));
                    if targets.iter().all(opened) {
                        at = StepStatus::done(&runs);
                    }
                    at
                }
            };
            self.add(format!("test of {}", made.label), trained.clone(), at);
        }
    }

    pub(super) fn evaluations(&mut self) {
        for evaluation in &self.study.evaluations {
            for made in self.of(&evaluation.of) {
                for data in &evaluation.on {
                    let (mut needs, set) = self.set(data);
                    needs.push(made.step);
                    let at = match (made.runs.first(), &set) {
                        (Some(first), Some(set)) => {
                            let runs = find::evaluations(self.held, &made.runs, set);
                            let job = JobSpec::Evaluate { run: first.clone(), on: set.name.clone() };
                            standing(&runs, |run| find::is_scored(run, set), Action::Launch(Box::new(job)))
                        }
                        _ => StepStatus::todo(Action::Wait),
                    };
                    self.add(format!("{} of {} on {data}", evaluation.name, made.label), needs, at);
                }
            }
        }
    }

    pub(super) fn report(&mut self) {
        let Some(report) = &self.study.report else { return };
        let ended = self.used.iter().filter_map(|run| self.held.run(run)?.ended);
        // What it says of the model that predict uses.
        let chosen = self.held.chosen.as_ref().filter(|_| self.study.choose.is_some());
        let chosen = chosen.and_then(|choice| Some(choice.at.parse::<Timestamp>().ok()?.as_millisecond()));
        let latest = ended.chain(chosen).max();
        let rest = self.plan.steps.iter().all(|step| step.state == State::Done);
        let mut at = StepStatus::todo(Action::Report(report.clone()));
        if rest && self.held.report.is_some_and(|written| latest.is_none_or(|latest| latest <= written)) {
            (at.state, at.action) = (State::Done, Action::None);
        }
        self.add("report".to_owned(), (0..self.plan.steps.len()).collect(), at);
    }
}
