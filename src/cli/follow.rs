//! Starting a run and following it in plain text: a progress bar on a terminal, lines elsewhere.

use super::Context;
use super::output::{print, print_json, say};
use super::place::LAG;
use super::run_reporter::{RunReporter, Words};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::own_files;
use faceprobe_core::run::control::{self, Command};
use faceprobe_core::run::launch::{Launched, launch};
use faceprobe_core::run::{JobSpec, RunFolder, RunView, Spec, Status, queue, results};
use faceprobe_core::text::{brief, line};
use rustix::process::{Resource, getrlimit};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Reports the end of a run: a sentence on standard error, and its name on standard output for the next command.
pub(crate) fn ended(context: &Context, view: &RunView) -> Result<()> {
    if !context.quiet
        && let Some(outcome) = &view.facts().outcome
    {
        say(&line(outcome));
    }
    print(&format!("{}\n", view.id()))
}

/// The same for a run whose models are runs of their own; with --json by setting.
pub(crate) fn ended_with_models(context: &Context, view: &RunView) -> Result<()> {
    if context.json {
        let rows = results::of_sweep(&context.workspace, view.id().as_str())?;
        return print_json(&results::by_setting(&rows));
    }
    ended(context, view)
}

/// Starts a run. With `detach`, prints its name and returns nothing; otherwise follows it to its end.
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

/// Adds a run to the queue of trainings, and prints its name.
pub(crate) fn enqueue(context: &Context, job: JobSpec) -> Result<()> {
    let run = queue::add(&context.workspace, &Spec::new(job, context.threads, &context.device))?;
    queue::next(&context.workspace)?;
    let run = run.id().as_str();
    if context.json { print_json(&json!({ "run": run })) } else { print(&format!("{run}\n")) }
}

/// Interval between reads of the journal.
const TICK: Duration = Duration::from_millis(100);

/// Follows a run to its end and returns it. Ctrl-C stops a run that this command started (`launched`), and only stops
/// following any other; a second Ctrl-C leaves either running.
///
/// # Errors
/// With the run's own sentence if it failed; if it was stopped or its worker disappeared.
pub(crate) fn follow(context: &Context, run: RunFolder, mut launched: Option<Launched>) -> Result<RunView> {
    let presses = interrupts()?;
    let mut handled = 0;
    let mut view = RunView::open(run)?;
    let mut words = Words::new(context.quiet);
    let mut reporter = RunReporter::new(&view);
    let mut lost: Option<Instant> = None;
    loop {
        reporter.tell(&view, &mut words)?;
        // The journal of a restarted run still has its previous end until its new worker writes.
        let at_work = launched.as_mut().is_some_and(|launched| !launched.reap());
        if !at_work {
            view.refresh()?;
        }
        // Shared folders lag behind the scheduler's queue.
        let gone = view.status == Status::Interrupted && view.standing().is_some();
        lost = if gone { lost.or_else(|| Some(Instant::now())) } else { None };
        let lags = lost.is_some_and(|since| since.elapsed() < LAG);
        if !at_work && !lags && !view.status.is_live() && view.status != Status::Queued {
            reporter.tell(&view, &mut words)?;
            break;
        }
        std::thread::sleep(TICK);
        if launched.as_mut().is_some_and(Launched::reap) && view.status == Status::Waiting && view.standing().is_none()
        {
            // It ended before it could write to its journal: the reason is in its log.
            view.refresh()?;
            if view.status == Status::Waiting {
                return Err(did_not_start(&view));
            }
        }
        let pressed = presses.load(Ordering::Relaxed);
        if pressed > handled {
            handled = pressed;
            let id = view.id().clone();
            if launched.is_none() || pressed > 1 {
                words.finish();
                say(&format!(
                    "Run {id} continues; 'faceprobe runs attach {id}' follows it, 'faceprobe runs stop {id}' ends it."
                ));
                return Err(Error::stopped());
            }
            words.say(&format!("stopping {id} (Ctrl-C again leaves it at work)"));
            control::send(&view.folder, Command::Stop)?;
        }
        view.refresh()?;
    }
    words.finish();
    let limit = limit_reached(&view.folder);
    match view.status {
        Status::Done => Ok(view),
        Status::Failed => {
            let outcome = view.facts().outcome.clone();
            Err(Error::failed(outcome.unwrap_or_else(|| format!("Run {} failed.", view.id()))))
        }
        Status::Stopped => Err(match &view.facts().outcome {
            Some(outcome) => Error::stopped_with(outcome.as_str()),
            None => Error::stopped(),
        }),
        _ if !view.folder.path().exists() => Err(removed(&view)),
        _ if is_full(view.folder.path()) => Err(full_disk(&view)),
        _ if limit.is_some() => Err(at_limit(&view, limit.unwrap_or_default())),
        _ if view.standing().is_some() => Err(Error::failed(format!(
            "Tasks of run {} left Slurm's queue and are not done; plans/{}/log has what they printed, and 'faceprobe runs \
             resume {}' submits them again.",
            view.id(),
            view.standing().map(|standing| standing.plan.clone()).unwrap_or_default(),
            view.id()
        ))),
        _ => Err(Error::failed(format!(
            "The worker of run {} was killed or crashed; its log {}{}. 'faceprobe runs resume {}' resumes it.",
            view.id(),
            view.folder.log_path().display(),
            last_word(&view.folder).map_or_else(|| " is empty".to_owned(), |word| format!(" ends with: {word}")),
            view.id()
        ))),
    }
}

/// That somebody removed the folder of a run at work.
fn removed(view: &RunView) -> Error {
    Error::failed(format!(
        "The folder of run {} was removed while its worker was on it; what it had computed into the feature store is kept. \
         Start the work again.",
        view.id()
    ))
}

/// Why a worker ended before it could write to its journal.
pub(super) fn did_not_start(view: &RunView) -> Error {
    // Without its journal a run looks as if it had not begun.
    if !view.folder.path().exists() {
        return removed(view);
    }
    if is_full(view.folder.path()) {
        return full_disk(view);
    }
    if let Some(limit) = limit_reached(&view.folder) {
        return at_limit(view, limit);
    }
    let last = last_word(&view.folder).unwrap_or_else(|| "no word".to_owned());
    let last = if is_of_memory(&last) { "there is too little memory" } else { &last };
    Error::failed(format!("The worker of {} did not start: {last} ({})", view.id(), view.folder.log_path().display()))
}

/// The last line of a run's log, if there is one.
fn last_word(run: &RunFolder) -> Option<String> {
    let log = own_files::read(&run.log_path()).ok()?;
    let text = String::from_utf8_lossy(&log).into_owned();
    text.lines().map(str::trim).rfind(|line| !line.is_empty()).map(|line| brief(line.trim_end_matches('.')))
}

/// Whether a library's last message is about failed memory allocation.
fn is_of_memory(word: &str) -> bool {
    ["bad_alloc", "memory allocation of", "annot allocate memory"].iter().any(|known| word.contains(known))
}

/// The message about a worker that ended and could not write the reason.
fn full_disk(view: &RunView) -> Error {
    let (id, folder) = (view.id(), view.folder.path().display());
    Error::failed(format!(
        "The worker of run {id} ended without a word: the disk of {folder} is full. Make room, then 'faceprobe runs resume {id}' \
         goes on from where it was."
    ))
}

/// The message about a worker that could not write the reason because of a limit.
fn at_limit(view: &RunView, limit: u64) -> Error {
    let id = view.id();
    Error::failed(format!(
        "The worker of run {id} ended without a word: its files have reached the limit on their size ({limit} bytes, ulimit -f). \
         Raise it, then 'faceprobe runs resume {id}' goes on from where it was."
    ))
}

/// The limit on the size of files, if the journal or the log of a run has reached it.
fn limit_reached(run: &RunFolder) -> Option<u64> {
    let limit = getrlimit(Resource::Fsize).current?;
    let is_long = |path: &Path| path.symlink_metadata().is_ok_and(|facts| facts.len() >= limit);
    [run.events_path(), run.log_path()].iter().any(|path| is_long(path)).then_some(limit)
}

/// Whether the disk of a folder has no space left even for a journal.
fn is_full(folder: &Path) -> bool {
    rustix::fs::statvfs(folder).is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < 64 << 10)
}

/// Counts Ctrl-C (and SIGTERM).
pub(crate) fn interrupts() -> Result<Arc<AtomicUsize>> {
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
