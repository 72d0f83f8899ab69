//! What arrives from the other threads: new snapshots of the workspace, and answers to requests.

use super::super::effect::{Effect, TerminalEffect};
use super::super::jobs::{Job, JobReply};
use super::super::shared::Tone;
use super::super::snapshot::{Run, Snapshot};
use super::super::stages::{ScreenId, screen_of};
use super::super::{commands, maps, notices, records, tasks};
use super::App;
use faceprobe_core::dataset::Version;
use faceprobe_core::run::{JobSpec, RunId, Status, control};
use std::collections::HashSet;
use std::sync::Arc;

impl App {
    /// Fixes the data set that is shown, so that a set prepared by another terminal does not replace it.
    fn stay_on_set(&mut self) {
        if self.shared.chosen_set.is_none() {
            self.shared.chosen_set = self.shared.snapshot.dataset(None).map(|set| set.name.clone());
        }
    }

    /// Notes a version of the present set that came while this is open and was not asked for here. Nothing changes to it
    /// by itself.
    fn notice_newer(&mut self, before: &Snapshot, first: bool) {
        let Some(own) = self.shared.dataset().map(str::to_owned) else { return };
        let name = Version::of_folder(&own).name;
        let prepares = |run: &&Arc<Run>| matches!(&run.job, JobSpec::Prepare(settings) if settings.name == name);
        let here = self
            .shared
            .snapshot
            .runs
            .iter()
            .rev()
            .find(prepares)
            .is_some_and(|run| self.shared.launched.contains(&run.id));
        // A preparation writes the version first and then makes it the current one; both must be seen, so that forms call the
        // present set by its number from then on.
        let newer = |snapshot: &Snapshot| {
            let earlier = snapshot.datasets.iter().any(|set| set.name == own && set.superseded);
            snapshot.newer(&own).filter(|_| earlier).map(|set| set.name.clone())
        };
        let known = newer(before);
        match newer(&self.shared.snapshot) {
            None => self.shared.newer = None,
            Some(name) if !first && known.as_ref() != Some(&name) => {
                self.shared.newer = Some(name).filter(|_| !here);
                // It stands where messages do; what went wrong is read first.
                if self.shared.newer.is_some()
                    && self.shared.message.as_ref().is_some_and(|(tone, _)| *tone != Tone::Bad)
                {
                    self.shared.message = None;
                }
            }
            Some(_) => {}
        }
    }

    /// Switches to the version that another terminal has prepared.
    pub(super) fn use_newer(&mut self) -> Vec<Effect> {
        let newer = self
            .shared
            .newer
            .take()
            .or_else(|| self.shared.snapshot.newer(self.shared.dataset()?).map(|set| set.name.clone()));
        match newer {
            Some(dataset) => vec![Job::UseSet { dataset }.into()],
            None => {
                self.shared.say(Tone::Plain, "There is no newer version of the data set.");
                Vec::new()
            }
        }
    }

    /// Takes a new snapshot of the workspace, and reports what ended since the last.
    pub(super) fn take(&mut self, snapshot: Arc<Snapshot>) -> Vec<Effect> {
        let before = std::mem::replace(&mut self.shared.snapshot, snapshot);
        let first = !std::mem::replace(&mut self.shared.loaded, true);
        let now = Arc::clone(&self.shared.snapshot);
        self.stay_on_set();
        self.notice_newer(&before, first);
        let mut effects = Vec::new();
        if !first {
            // A queued run can begin and end between two snapshots.
            let open = |status: Status| status.is_live() || status == Status::Queued;
            let were_open: HashSet<&RunId> =
                before.runs.iter().filter(|run| open(run.status)).map(|run| &run.id).collect();
            for run in &now.runs {
                if were_open.contains(&run.id) && !open(run.status) {
                    let (tone, text) = commands::ended(run);
                    if notices::tells(self.notices, run, &now, self.focused) {
                        effects.push(TerminalEffect::Notice(text.clone()).into());
                    }
                    // Of a version that another terminal has made, the notice says what there is to do.
                    let elsewhere = matches!(run.job, JobSpec::Prepare(_)) && !self.shared.launched.contains(&run.id);
                    if !(elsewhere && self.shared.newer.is_some() && tone == Tone::Good) {
                        self.shared.say(tone, text);
                    }
                    let step = run.makes_data() || run.extracts() || run.trains() && run.parent.is_none();
                    self.shared.guided = tone == Tone::Good && step;
                    effects.extend(tasks::after(self, &run.job, run.status == Status::Done));
                    if matches!(run.job, JobSpec::Audit { .. }) {
                        effects.extend(self.screens.data.audit.read());
                    }
                    // Who prepares a set here works on it from then on.
                    let prepared = matches!(run.job, JobSpec::Prepare(_)) && run.status == Status::Done;
                    if prepared && self.shared.launched.contains(&run.id) {
                        effects.push(Job::UseVersion { run: run.id.clone() }.into());
                    }
                }
            }
        }
        if let Some(problem) = &now.problem
            && before.problem.as_ref() != Some(problem)
        {
            self.shared.say(Tone::Bad, problem.clone());
        }
        effects.extend(self.lead(&now));
        effects.extend(self.wanted());
        effects
    }

    /// Shows the screen where the followed run is at work.
    pub(super) fn lead(&mut self, now: &Snapshot) -> Vec<Effect> {
        let Some(led) = self.shared.follow.clone() else {
            return Vec::new();
        };
        if self.shared.overlay.is_some() {
            return Vec::new();
        }
        let Some(parent) = now.run(led.as_str()) else {
            return Vec::new();
        };
        let part = now.live().rev().find(|run| run.parent.as_deref() == Some(led.as_str()));
        let was = self.screen;
        if let Some(run) = part {
            self.screen = screen_of(&run.job);
            if run.trains() {
                self.show(self.screen, &run.id);
            }
        } else if !parent.status.is_live() {
            self.shared.follow = None;
            self.screen = match (&parent.job, parent.status) {
                (JobSpec::Demo { .. } | JobSpec::Train { .. }, Status::Done) => ScreenId::Results,
                (job, _) => screen_of(job),
            };
        } else if !matches!(parent.job, JobSpec::Demo { .. }) {
            self.screen = screen_of(&parent.job);
            if parent.trains() {
                self.show(self.screen, &led);
            }
        }
        if was == self.screen {
            return Vec::new();
        }
        self.screens.get_mut(was).leave();
        self.arrive()
    }

    pub(super) fn job(&mut self, reply: JobReply) -> Vec<Effect> {
        match reply {
            JobReply::Current { dataset } => {
                self.shared.chosen_set = Some(dataset.clone());
                self.shared.newer = None;
                // What came of a preparation says more.
                if self.shared.message.is_none() {
                    let name = Version::of_folder(&dataset).full();
                    self.shared.say(Tone::Good, format!("{name} is the current version now."));
                }
                let mut effects = self.screens.data.audit.turn_to(dataset);
                effects.extend(self.wanted());
                return effects;
            }
            JobReply::Launched { run } => {
                self.shared.launched.insert(run.clone());
                self.shared.say(Tone::Good, format!("{run} started; it keeps running if you quit."));
                self.screens.get_mut(self.screen).launched(&mut self.shared, &run);
            }
            JobReply::Told { run, command } => {
                let text = match command {
                    control::Command::Pause => format!("{run} pauses at the next safe point."),
                    control::Command::Resume => format!("{run} resumed."),
                    control::Command::Stop => {
                        format!("{run} stops at the next safe point; what is finished is kept.")
                    }
                };
                self.shared.say(Tone::Plain, text);
            }
            JobReply::Chosen(choice) => {
                let after = match choice.after_test_openings {
                    0 => "",
                    _ => " Its test split had been opened before; that is recorded.",
                };
                let on = match self.screen {
                    ScreenId::Predict => String::new(),
                    _ => format!(" Press {} for Predict.", ScreenId::Predict.index() + 1),
                };
                let text =
                    format!("Predict now uses {} with threshold {:.3}.{after}{on}", choice.run, choice.threshold);
                self.shared.say(Tone::Good, text);
            }
            JobReply::Listed { folder, entries, others, select, predict } => {
                self.screens.predict.others = others;
                return self.screens.predict.listed(&mut self.shared, folder, entries, select, predict);
            }
            JobReply::Queued { run } => {
                self.shared.say(Tone::Good, format!("{run} is queued; it starts when no other training is running."));
                self.show(ScreenId::Train, &run);
            }
            JobReply::Resumed { run } => self.shared.say(Tone::Good, format!("{run} resumed from where it was.")),
            JobReply::Unqueued { run } => self.shared.say(Tone::Plain, format!("{run} was removed from the queue.")),
            JobReply::Images { dataset, images } => self.screens.data.sheet.listed(&dataset, images),
            JobReply::Completed { text, names } => self.completed(&text, names),
            JobReply::Task(told) => return tasks::take(self, told),
            JobReply::Word(sentence) => self.shared.say(Tone::Plain, sentence),
            JobReply::Quiet => {}
            JobReply::Saved(path) => self.shared.say(Tone::Good, format!("Saved in {}.", path.display())),
            JobReply::Record(reply) => return records::take(self, *reply),
            JobReply::Map(reply) => return maps::take(self, *reply),
            JobReply::Audit(reply) => return self.screens.data.audit.take(&mut self.shared, *reply),
            JobReply::Failed(sentence) => self.shared.say(Tone::Bad, sentence),
        }
        Vec::new()
    }
}
