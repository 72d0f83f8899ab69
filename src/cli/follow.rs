//! Starting a run and following it in plain text: a progress bar on a terminal, lines elsewhere.

use super::Context;
use super::output::{duration, print, print_json};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::monitor::EpochFigures;
use faceprobe_core::run::control::{self, Command};
use faceprobe_core::run::launch::{Launched, launch};
use faceprobe_core::run::view::{Progress, Trial};
use faceprobe_core::run::{JobSpec, RunFolder, RunView, Spec, Status, queue, results};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Says how a run has ended: to the person on standard error, and its name on standard output for what comes next.
pub(crate) fn ended(context: &Context, view: &RunView) -> Result<()> {
    if !context.quiet
        && let Some(outcome) = &view.outcome
    {
        eprintln!("{outcome}");
    }
    print(&format!("{}\n", view.id()))
}

/// The same of a run whose models are runs of their own, as JSON by setting.
pub(crate) fn ended_with_models(context: &Context, view: &RunView) -> Result<()> {
    if context.json {
        let rows = results::of_sweep(&context.workspace, view.id().as_str())?;
        return print_json(&results::by_setting(&rows));
    }
    ended(context, view)
}

/// Starts a run. With `detach` prints its name and returns nothing; otherwise follows it to its end.
pub(crate) fn start(context: &Context, job: JobSpec, detach: bool) -> Result<Option<RunView>> {
    let launched = launch(&context.workspace, &Spec::new(job, context.threads, &context.device))?;
    if detach {
        let run = launched.run.id().as_str();
        if context.json {
            print_json(&json!({ "run": run }))?;
        } else {
            print(&format!("{run}\n"))?;
        }
        return Ok(None);
    }
    let folder = launched.run.clone();
    follow(context, folder, Some(launched)).map(Some)
}

/// Puts a run behind those that train now or wait already, and prints its name.
pub(crate) fn enqueue(context: &Context, job: JobSpec) -> Result<()> {
    let run = queue::add(&context.workspace, &Spec::new(job, context.threads, &context.device))?;
    queue::next(&context.workspace)?;
    let run = run.id().as_str();
    if context.json { print_json(&json!({ "run": run })) } else { print(&format!("{run}\n")) }
}

/// How often the journal is looked at.
const TICK: Duration = Duration::from_millis(100);
/// Off a terminal, progress is a line at most this often.
const QUIET_FOR: Duration = Duration::from_secs(5);

/// Follows a run to its end and returns it as it ended. Ctrl-C stops a run that this command started (`launched`),
/// and only ends the following of any other; a second Ctrl-C leaves either at work.
///
/// # Errors
/// With the run's own sentence when it failed; when it was stopped or its worker vanished.
pub(crate) fn follow(context: &Context, run: RunFolder, mut launched: Option<Launched>) -> Result<RunView> {
    let presses = interrupts()?;
    let mut handled = 0;
    let mut view = RunView::open(run)?;
    let mut teller = Teller::new(context.quiet);
    loop {
        teller.tell(&view);
        // The journal of a run that was set to work again tells of its last end until its new worker speaks.
        let at_work = launched.as_mut().is_some_and(|launched| !launched.reap());
        if !at_work {
            view.refresh()?;
        }
        if !at_work && !view.status.is_live() && view.status != Status::Queued {
            teller.tell(&view);
            break;
        }
        std::thread::sleep(TICK);
        if launched.as_mut().is_some_and(Launched::reap) && view.status == Status::Waiting {
            // It ended before it could write its journal: its log says why.
            view.refresh()?;
            if view.status == Status::Waiting {
                let log = view.folder.log_path();
                let last = std::fs::read_to_string(&log).unwrap_or_default();
                let last = last.lines().last().unwrap_or("no word").to_owned();
                return Err(Error::failed(format!(
                    "The worker of {} did not start: {last} ({})",
                    view.id(),
                    log.display()
                )));
            }
        }
        let pressed = presses.load(Ordering::Relaxed);
        if pressed > handled {
            handled = pressed;
            let id = view.id().clone();
            if launched.is_none() || pressed > 1 {
                teller.finish();
                eprintln!(
                    "Run {id} goes on; 'faceprobe runs attach {id}' follows it, 'faceprobe runs stop {id}' ends it."
                );
                return Err(Error::stopped());
            }
            teller.say(&format!("stopping {id} (Ctrl-C again leaves it at work)"));
            control::send(&view.folder, Command::Stop)?;
        }
        view.refresh()?;
    }
    teller.finish();
    match view.status {
        Status::Done => Ok(view),
        Status::Failed => {
            Err(Error::failed(view.outcome.clone().unwrap_or_else(|| format!("Run {} failed.", view.id()))))
        }
        Status::Stopped => Err(Error::stopped()),
        _ => Err(Error::failed(format!(
            "The worker of run {} ended without a word; its log is {}. 'faceprobe runs resume {}' goes on from where it was.",
            view.id(),
            view.folder.log_path().display(),
            view.id()
        ))),
    }
}

/// Counts presses of Ctrl-C (and SIGTERM).
fn interrupts() -> Result<Arc<AtomicUsize>> {
    let presses = Arc::new(AtomicUsize::new(0));
    let mut signals = signal_hook::iterator::Signals::new([signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM])
        .map_err(|error| Error::failed(format!("Signals cannot be handled ({error}).")))?;
    let counter = Arc::clone(&presses);
    std::thread::spawn(move || {
        for _ in signals.forever() {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    });
    Ok(presses)
}

/// Tells on standard error what is new in a run.
struct Teller {
    quiet: bool,
    bar: Option<ProgressBar>,
    stage: Option<String>,
    epochs: usize,
    last_epoch: usize,
    trials: usize,
    notes: usize,
    skipped: usize,
    spoke: Instant,
}

/// At most this many skipped inputs are named; the Features screen and the journal have them all.
const NAMED: usize = 5;

impl Teller {
    fn new(quiet: bool) -> Self {
        let bar = (std::io::stderr().is_terminal() && !quiet).then(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(10));
            if let Ok(style) = ProgressStyle::with_template("{msg:14} {wide_bar} {prefix}") {
                bar.set_style(style);
            }
            bar
        });
        Self {
            quiet,
            bar,
            stage: None,
            epochs: 0,
            last_epoch: 0,
            trials: 0,
            notes: 0,
            skipped: 0,
            spoke: Instant::now(),
        }
    }

    fn tell(&mut self, view: &RunView) {
        // What ended comes before what begins.
        for note in view.notes.iter().skip(self.notes) {
            self.say(note);
        }
        self.notes = view.notes.len();
        if view.stage != self.stage {
            self.stage.clone_from(&view.stage);
            if let Some(stage) = self.stage.clone() {
                self.say(&stage);
            }
        }
        for skipped in view.skipped.iter().take(NAMED).skip(self.skipped) {
            self.say(&format!("skipped {skipped}"));
        }
        self.skipped = view.skipped.len();
        for trial in view.trials.iter().skip(self.trials) {
            self.say(&trial_line(trial));
        }
        self.trials = view.trials.len();
        self.tell_epochs(&view.epochs);
        if let Some(progress) = &view.progress {
            self.tell_progress(progress);
        }
    }

    fn tell_epochs(&mut self, epochs: &[EpochFigures]) {
        // A run of several trainings tells their epochs one after the other, each from 1.
        if epochs.len() < self.epochs || epochs.last().is_some_and(|last| last.epoch < self.last_epoch) {
            self.epochs = 0;
        }
        self.last_epoch = epochs.last().map_or(0, |last| last.epoch);
        for epoch in epochs.iter().skip(self.epochs) {
            // A long training is told in about twenty lines.
            let every = (epoch.epochs / 20).max(1);
            if epoch.epoch == 1 || epoch.epoch % every == 0 || epoch.epoch == epoch.epochs {
                self.say(&epoch_line(epoch));
            }
        }
        self.epochs = epochs.len();
    }

    fn tell_progress(&mut self, progress: &Progress) {
        if let Some(bar) = &self.bar {
            bar.set_length(progress.total);
            bar.set_position(progress.done);
            bar.set_message(self.stage.clone().unwrap_or_default());
            bar.set_prefix(progress_line(progress));
        } else if self.spoke.elapsed() >= QUIET_FOR && progress.done < progress.total {
            let line = progress_line(progress);
            self.say(&line);
        }
    }

    fn say(&mut self, text: &str) {
        self.spoke = Instant::now();
        if self.quiet {
            return;
        }
        match &self.bar {
            Some(bar) => bar.println(text),
            None => eprintln!("{text}"),
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
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
