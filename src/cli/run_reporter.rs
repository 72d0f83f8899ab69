//! Reports a followed run in plain text on standard error, including the present run of a series.

use super::bar::Bar;
use super::output::duration;
use faceprobe_core::error::Result;
use faceprobe_core::monitor::EpochFigures;
use faceprobe_core::run::facts::Progress;
use faceprobe_core::run::history::Trial;
use faceprobe_core::run::{Facts, Follower, History, RunFolder, RunView};
use faceprobe_core::text::line;
use std::time::{Duration, Instant};

/// Without a terminal, the minimum interval of progress lines.
const QUIET_FOR: Duration = Duration::from_secs(5);

/// A run and, if it is a series, its present part.
pub(crate) struct RunReporter {
    own: Reported,
    /// The present part, with the state of its journal.
    part: Option<(Reported, Follower<Facts>)>,
    /// Whether its stages are runs with journals of their own. Earlier versions wrote all events to one journal.
    series: Option<bool>,
}

impl RunReporter {
    /// Nothing was reported yet.
    pub(crate) fn new(view: &RunView) -> Self {
        Self { own: Reported::new(&view.folder), part: None, series: None }
    }

    /// Reports new events.
    ///
    /// # Errors
    /// A journal that cannot be read.
    pub(crate) fn tell(&mut self, view: &RunView, words: &mut Words) -> Result<()> {
        self.own.history.read_to_end()?;
        let stages = &self.own.history.state().stages;
        if self.series.is_none() && !stages.is_empty() {
            let are_runs = || stages.iter().all(|stage| view.folder.part(stage).is_some());
            self.series = Some(view.spec.job.is_series() && are_runs());
        }
        // Ends come before starts.
        self.tell_part(words)?;
        self.own.tell_notes(words);
        while let Some(stage) = self.own.tell_stage(words) {
            let run = if self.series == Some(true) { view.folder.part(&stage) } else { None };
            if let Some(run) = run {
                self.part = Some((Reported::new(&run), Follower::new(run.events_path())));
                self.tell_part(words)?;
            }
        }
        self.own.tell_steps(view.facts(), words);
        Ok(())
    }

    fn tell_part(&mut self, words: &mut Words) -> Result<()> {
        if let Some((told, facts)) = &mut self.part {
            facts.read_to_end()?;
            told.history.read_to_end()?;
            told.tell_notes(words);
            while told.tell_stage(words).is_some() {}
            told.tell_steps(facts.state(), words);
        }
        Ok(())
    }
}

/// How much of a run's history was reported.
struct Reported {
    history: Follower<History>,
    stages: usize,
    epochs: usize,
    last_epoch: usize,
    trials: usize,
    notes: usize,
    skipped: usize,
}

/// Maximum number of skipped inputs to print; the Features screen and the journal have all.
const NAMED: usize = 5;

impl Reported {
    fn new(run: &RunFolder) -> Self {
        let history = Follower::new(run.events_path());
        Self { history, stages: 0, epochs: 0, last_epoch: 0, trials: 0, notes: 0, skipped: 0 }
    }

    fn tell_notes(&mut self, words: &mut Words) {
        let notes = &self.history.state().notes;
        notes.iter().skip(self.notes).for_each(|note| words.say(note));
        self.notes = notes.len();
    }

    /// Reports the next stage, if there is one.
    fn tell_stage(&mut self, words: &mut Words) -> Option<String> {
        let stage = self.history.state().stages.get(self.stages)?.clone();
        self.stages += 1;
        words.stage.clone_from(&stage);
        words.say(&stage);
        Some(stage)
    }

    fn tell_steps(&mut self, facts: &Facts, words: &mut Words) {
        let history = self.history.state();
        for skipped in history.skipped.iter().take(NAMED).skip(self.skipped) {
            words.say(&format!("skipped {skipped}"));
        }
        self.skipped = history.skipped.len();
        for trial in history.trials.iter().skip(self.trials) {
            words.say(&trial_line(trial));
        }
        self.trials = history.trials.len();
        // A run of several trainings, as earlier versions wrote it, has their epochs in sequence, each from 1.
        let epochs = &history.epochs;
        if epochs.len() < self.epochs || epochs.last().is_some_and(|last| last.epoch < self.last_epoch) {
            self.epochs = 0;
        }
        self.last_epoch = epochs.last().map_or(0, |last| last.epoch);
        for epoch in epochs.iter().skip(self.epochs) {
            // A long training is reported in about twenty lines.
            let every = (epoch.epochs / 20).max(1);
            if epoch.epoch == 1 || epoch.epoch % every == 0 || epoch.epoch == epoch.epochs {
                words.say(&epoch_line(epoch));
            }
        }
        self.epochs = epochs.len();
        if let Some(progress) = &facts.progress {
            words.progress(progress);
        }
    }
}

/// The lines and the bar on standard error.
pub(crate) struct Words {
    bar: Bar,
    /// The prefix of the bar.
    stage: String,
    spoke: Instant,
}

impl Words {
    /// Silent if `quiet`; with a bar on a terminal.
    pub(crate) fn new(quiet: bool) -> Self {
        let bar = Bar::new("{msg:14} {wide_bar} {prefix}", quiet);
        Self { bar, stage: String::new(), spoke: Instant::now() }
    }

    fn progress(&mut self, progress: &Progress) {
        let shown = self.bar.show((progress.done, progress.total), &self.stage, &progress_line(progress));
        if !shown && self.spoke.elapsed() >= QUIET_FOR && progress.done < progress.total {
            self.say(&progress_line(progress));
        }
    }

    /// Prints a line, unless silent. Text from a journal stays on one line.
    pub(crate) fn say(&mut self, text: &str) {
        self.spoke = Instant::now();
        self.bar.say(&line(text));
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        self.bar.finish();
    }
}

fn epoch_line(epoch: &EpochFigures) -> String {
    let validation = epoch
        .validated
        .map_or_else(String::new, |val| format!("  validation loss {:.4}  accuracy {:.3}", val.loss, val.accuracy));
    let EpochFigures { epoch, epochs, train_loss, train_accuracy, .. } = *epoch;
    format!("  epoch {epoch:>3}/{epochs}  loss {train_loss:.4}  accuracy {train_accuracy:.3}{validation}")
}

fn trial_line(trial: &Trial) -> String {
    format!("  {:<16} validation loss {:.4}  accuracy {:.3}", trial.setting, trial.val_loss, trial.val_accuracy)
}

fn progress_line(progress: &Progress) -> String {
    let remaining = progress.remaining.map(|seconds| format!(", {} left", duration(seconds))).unwrap_or_default();
    format!("  {}/{} {}, {:.0}/s{remaining}", progress.done, progress.total, progress.unit, progress.rate)
}
