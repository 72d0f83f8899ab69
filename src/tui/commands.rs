//! What can be asked of runs from several screens: the demo, pause, stop; and the word when a run ends.

use super::app::{App, Tone};
use super::effect::Effect;
use super::jobs::Job;
use super::keys::{self, Action, Context};
use super::screens::{data, features, runs, train};
use super::snapshot::Run;
use super::stages::ScreenId;
use faceprobe_core::dataset::synthetic::SampleSettings;
use faceprobe_core::run::{JobSpec, Status, control};
use std::sync::Arc;

impl App {
    /// The run that pause and stop mean on this screen.
    pub fn at_work(&self) -> Option<Arc<Run>> {
        match self.screen {
            ScreenId::Data => data::work(&self.snapshot).cloned(),
            ScreenId::Features => features::work(&self.snapshot).cloned(),
            ScreenId::Train => train::current(self),
            ScreenId::Runs => runs::current(self),
            ScreenId::Results | ScreenId::Evaluate | ScreenId::Predict => None,
        }
        .map(|run| self.leader(run))
        .filter(|run| run.status.is_live() || run.status == Status::Queued || run.can_go_on())
    }

    /// The heads of a sweep and the parts of a demo obey the run that they are part of.
    fn leader(&self, run: Arc<Run>) -> Arc<Run> {
        let parent = run.parent.as_deref().and_then(|parent| self.snapshot.run(parent));
        match parent.filter(|parent| run.status.is_live() && parent.status.is_live()) {
            Some(parent) => Arc::clone(parent),
            None => run,
        }
    }

    /// Whether the footer should offer an action now: what would do nothing is left to the help.
    pub fn offers(&self, action: Action) -> bool {
        if self.beneath() == Context::Audit
            && keys::TABLE.iter().any(|binding| binding.context == Context::Audit && binding.action == action)
        {
            return matches!(action, Action::Cancel) || self.data.audit.offers(action, &self.snapshot);
        }
        let by_setting = self.screen == ScreenId::Results && self.results.by_setting;
        match action {
            Action::Choose
            | Action::OpenTest
            | Action::Refit
            | Action::Ensemble
            | Action::SortNext
            | Action::Reverse
            | Action::Mark
            | Action::Compare
                if by_setting =>
            {
                false
            }
            Action::PauseResume => self.at_work().is_some_and(|run| run.status != Status::Queued),
            Action::Stop => self.at_work().is_some_and(|run| !run.can_go_on()),
            Action::Smooth | Action::ZoomIn => train::current(self).is_some_and(|run| run.has_curves()),
            Action::Mark if self.screen == ScreenId::Train => train::current(self).is_some_and(|run| run.has_curves()),
            Action::Audit => self.dataset().is_some(),
            Action::Sheet => self.dataset().is_some() && self.pictures.shown(self.theme),
            Action::Choose
            | Action::OpenTest
            | Action::Refit
            | Action::SortNext
            | Action::Reverse
            | Action::Mark
            | Action::Compare
            | Action::Export
            | Action::BySetting => self.snapshot.trainings().next().is_some(),
            Action::Filter | Action::Note | Action::Rename | Action::Pin | Action::Jump | Action::Remove => {
                !self.snapshot.runs.is_empty()
            }
            Action::Enter if self.screen == ScreenId::Runs => !self.snapshot.runs.is_empty(),
            Action::Enter if self.screen == ScreenId::Results => self.snapshot.trainings().next().is_some(),
            Action::ThresholdDown
            | Action::BestAccuracy
            | Action::BestYouden
            | Action::EqualErrors
            | Action::KeepThreshold
            | Action::Picture
                if self.screen == ScreenId::Evaluate =>
            {
                self.evaluate.figures().is_some()
            }
            Action::Why => self.predict.shown.as_ref().is_some_and(|shown| shown.error.is_none()),
            Action::SaveHistory => !self.predict.history.is_empty(),
            Action::LogScale => train::current(self).is_some_and(|run| run.has_curves()),
            _ => true,
        }
    }

    /// Starts the demo, after a question where there is other work already.
    pub fn demo(&mut self) -> Vec<Effect> {
        let live = self.snapshot.live().find(|run| matches!(run.job, JobSpec::Demo { .. })).cloned();
        if let Some(run) = live {
            self.say(Tone::Plain, format!("{} is at work already.", run.id));
            return Vec::new();
        }
        let job = Job::Launch(Box::new(JobSpec::Demo { sample: SampleSettings::default() }));
        if self.loaded && self.snapshot.datasets.is_empty() && self.snapshot.runs.is_empty() {
            return vec![job.into()];
        }
        let text = "Draws synthetic faces and runs the whole study on them: prepare, extract, train three models. \
                    It makes its own data set, sample, beside yours.";
        self.ask("Run the demo?", vec![text.to_owned()], job);
        Vec::new()
    }

    /// Pauses a run that works, or lets a paused one go on.
    pub fn pause_or_resume(&mut self) -> Vec<Effect> {
        let run = self.at_work();
        let command = match run.as_ref().map(|run| run.status) {
            Some(Status::Paused) => control::Command::Resume,
            Some(Status::Running) => control::Command::Pause,
            Some(Status::Queued) => {
                self.say(Tone::Plain, "It waits for its turn; nothing is at work here that could be paused.");
                return Vec::new();
            }
            Some(_) => return run.map_or_else(Vec::new, |run| self.resume(&run)),
            None => {
                self.say(Tone::Plain, "Nothing is at work here that could be paused.");
                return Vec::new();
            }
        };
        run.map(|run| Job::Control { run: run.id.clone(), command }.into()).into_iter().collect()
    }

    /// Sets a new worker to a run whose worker has ended before its work was done.
    pub fn resume(&mut self, run: &Run) -> Vec<Effect> {
        let text = match (run.status, &run.job) {
            (Status::Done, _) => format!("{} is done; there is nothing left to go on with.", run.id),
            (_, JobSpec::Demo { .. }) => {
                "A demo is a series of runs and is not gone on with; start it again.".to_owned()
            }
            _ => return vec![Job::Resume { run: run.id.clone() }.into()],
        };
        self.say(Tone::Plain, text);
        Vec::new()
    }

    /// Asks whether to stop a run.
    pub fn stop(&mut self) -> Vec<Effect> {
        match self.at_work() {
            Some(run) if run.status == Status::Queued => {
                let text = "It has not begun; its settings are forgotten.";
                let job = Job::Unqueue { run: run.id.clone() };
                self.ask(&format!("Take {} out of the queue?", run.id), vec![text.to_owned()], job);
            }
            Some(run) if run.status.is_live() => {
                let job = Job::Control { run: run.id.clone(), command: control::Command::Stop };
                let text = "It ends at the next safe point. What is finished is kept, of a training the best model so far, and it can go on \
                     later.";
                self.ask(&format!("Stop {}?", run.id), vec![text.to_owned()], job);
            }
            _ => self.say(Tone::Plain, "Nothing is at work here that could be stopped."),
        }
        Vec::new()
    }
}

/// The sentence for a run that ended.
pub fn ended(run: &Run) -> (Tone, String) {
    let outcome = run.facts.outcome.as_deref().unwrap_or_default();
    match run.status {
        Status::Done => (Tone::Good, format!("{} is done. {outcome}", run.id).trim_end().to_owned()),
        Status::Failed => (Tone::Bad, format!("{} failed: {outcome}", run.id)),
        Status::Stopped if outcome.starts_with(run.id.as_str()) => (Tone::Plain, outcome.to_owned()),
        Status::Stopped => (Tone::Plain, format!("{}: {outcome}", run.id)),
        _ => (Tone::Bad, format!("{} ended without a word; runs/{}/worker.log may say why.", run.id, run.id)),
    }
}
