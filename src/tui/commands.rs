//! What can be asked of runs from several screens: the demo, pause, stop; and the word when a run ends.

use super::app::App;
use super::effect::Effect;
use super::jobs::Job;
use super::keys::{Action, Context, name_of};
use super::shared::{Shared, Tone};
use super::snapshot::Run;
use faceprobe_core::dataset::synthetic::SampleSettings;
use faceprobe_core::run::{JobSpec, Status, control};
use std::sync::Arc;

impl App {
    /// The run that pause and stop mean on this screen.
    pub fn at_work(&self) -> Option<Arc<Run>> {
        let run = match self.views.open() {
            Some(view) => view.at_work(&self.shared),
            None => self.screens.get(self.screen).at_work(&self.shared),
        };
        self.shared.obeying(run)
    }

    /// Whether the footer should offer an action now: what would do nothing is left to the help.
    pub fn offers(&self, action: Action) -> bool {
        match action {
            Action::PauseResume => self.at_work().is_some_and(|run| run.status != Status::Queued),
            Action::Complete => self.can_complete(),
            Action::Stop => self.at_work().is_some_and(|run| !run.can_go_on()),
            _ => match self.views.open() {
                Some(view) => view.offers(&self.shared, action),
                None => self.screens.get(self.screen).offers(&self.shared, action),
            },
        }
    }
}

impl Shared {
    /// The run that obeys where `run` is meant: the heads of a sweep and the parts of a demo obey the run that they are
    /// part of. None where it is over.
    fn obeying(&self, run: Option<Arc<Run>>) -> Option<Arc<Run>> {
        let run = run?;
        let parent = run.parent.as_deref().and_then(|parent| self.snapshot.run(parent));
        let leader = match parent.filter(|parent| run.status.is_live() && parent.status.is_live()) {
            Some(parent) => Arc::clone(parent),
            None => run,
        };
        Some(leader).filter(|run| run.status.is_live() || run.status == Status::Queued || run.can_go_on())
    }

    /// Starts the demo, after a question where there is other work already.
    pub fn demo(&mut self) -> Vec<Effect> {
        let live = self.snapshot.live().find(|run| matches!(run.job, JobSpec::Demo { .. })).cloned();
        if let Some(run) = live {
            self.say(Tone::Plain, format!("{} is running already.", run.id));
            return Vec::new();
        }
        let job = Job::Launch(Box::new(JobSpec::Demo { sample: SampleSettings::default() }));
        if self.loaded && self.snapshot.datasets.is_empty() && self.snapshot.runs.is_empty() {
            return vec![job.into()];
        }
        let text = "Draws synthetic faces and runs the whole study on them: prepare, extract, train three models. \
                    It creates its own data set, sample, next to yours.";
        self.ask("Run the demo?", vec![text.to_owned()], job);
        Vec::new()
    }

    /// Pauses a run that works, or lets a paused one go on.
    pub fn pause_or_resume(&mut self, run: Option<Arc<Run>>) -> Vec<Effect> {
        let run = self.obeying(run);
        let command = match run.as_ref().map(|run| run.status) {
            Some(Status::Paused) => control::Command::Resume,
            Some(Status::Running) => control::Command::Pause,
            Some(Status::Queued) => {
                self.say(Tone::Plain, "It is queued; nothing is running here that could be paused.");
                return Vec::new();
            }
            Some(_) => return run.map_or_else(Vec::new, |run| self.resume(&run)),
            None => {
                self.say(Tone::Plain, "Nothing is running here that could be paused.");
                return Vec::new();
            }
        };
        run.map(|run| Job::Control { run: run.id.clone(), command }.into()).into_iter().collect()
    }

    /// Sets a new worker to a run whose worker has ended before its work was done.
    pub fn resume(&mut self, run: &Run) -> Vec<Effect> {
        let text = match (run.status, &run.job) {
            (Status::Done, _) => format!("{} is done; there is nothing left to resume.", run.id),
            (_, JobSpec::Demo { .. }) => "A demo is a series of runs and cannot be resumed; start it again.".to_owned(),
            _ => return vec![Job::Resume { run: run.id.clone() }.into()],
        };
        self.say(Tone::Plain, text);
        Vec::new()
    }

    /// Asks whether to stop a run.
    pub fn stop(&mut self, run: Option<Arc<Run>>) -> Vec<Effect> {
        match self.obeying(run) {
            Some(run) if run.status == Status::Queued => {
                let text = "It has not started yet; its settings are discarded.";
                let job = Job::Unqueue { run: run.id.clone() };
                self.ask(&format!("Remove {} from the queue?", run.id), vec![text.to_owned()], job);
            }
            Some(run) if run.status.is_live() => {
                let job = Job::Control { run: run.id.clone(), command: control::Command::Stop };
                let text = "It stops at the next safe point. What is finished is kept, of a training the best model so far; it can be \
                            resumed later.";
                self.ask(&format!("Stop {} and keep what it has?", run.id), vec![text.to_owned()], job);
            }
            _ => self.say(Tone::Plain, "Nothing is running here that could be stopped."),
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
        _ => {
            let resume = match run.can_go_on() {
                true => format!("; {} resumes it", name_of(Context::Runs, Action::PauseResume)),
                false => String::new(),
            };
            (Tone::Bad, format!("{} was killed or crashed{resume}. runs/{}/worker.log may say why.", run.id, run.id))
        }
    }
}
