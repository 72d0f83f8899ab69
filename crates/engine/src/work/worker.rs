//! The worker process: executes one run and writes its journal.

use super::execute::{JobContext, execute};
use super::throttle::Throttle;
use crate::commands::say_on_stderr;
use faceprobe_core::claim::Claim;
use faceprobe_core::error::{AtPath, Error, ErrorKind, Result};
use faceprobe_core::monitor::{Monitor, Update};
use faceprobe_core::run::control::{self, Command, RequestedState, Switch};
use faceprobe_core::run::journal::{Event, JournalWriter, LifecycleEvent};
use faceprobe_core::run::{RunFolder, RunId};
use faceprobe_core::run::{RunView, Status, queue, summary};
use faceprobe_core::slurm::{Share, place};
use faceprobe_core::text::line;
use faceprobe_core::workspace::Workspace;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Writes a job's updates to its run's journal.
pub(crate) struct Recorder {
    run: RunFolder,
    record: Mutex<Record>,
    switch: Arc<Switch>,
}

struct Record {
    journal: JournalWriter,
    throttle: Throttle,
    /// Size of the journal when it was last summarised, in bytes.
    summarised: u64,
}

impl Recorder {
    /// A recorder for a run whose claim is held; runs of one process share a stop switch.
    ///
    /// # Errors
    /// When the journal cannot be opened.
    pub(crate) fn open(run: &RunFolder, switch: Arc<Switch>) -> Result<Self> {
        let journal = JournalWriter::open(&run.events_path())?;
        let record = Mutex::new(Record { journal, throttle: Throttle::default(), summarised: 0 });
        Ok(Self { run: run.clone(), record, switch })
    }

    pub(crate) fn switch(&self) -> &Arc<Switch> {
        &self.switch
    }

    /// Records a lifecycle event.
    pub(crate) fn life(&self, life: LifecycleEvent) {
        let mut record = self.record();
        let rest = record.throttle.rest().map(Event::Work);
        rest.into_iter().chain([Event::Lifecycle(life)]).for_each(|event| record.write(event));
    }

    /// Records the final event, and writes a summary of the journal.
    fn end(&self, life: LifecycleEvent) {
        self.life(life);
        summary::renew(&self.run);
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    fn write(&mut self, event: Event) {
        if !self.journal.write(event) {
            say_on_stderr("the journal could not be written; is the disk full?");
        }
    }
}

impl Monitor for Recorder {
    fn update(&self, update: Update) {
        let mut record = self.record();
        for update in record.throttle.pass(update, Instant::now()) {
            record.write(Event::Work(update));
        }
        if record.journal.written() >= record.summarised + summary::OFTEN {
            record.summarised = record.journal.written();
            summary::renew(&self.run);
        }
    }

    fn stopped(&self) -> bool {
        self.switch.stopped()
    }
}

/// Executes the run `name`, or a share of it. Everything is reported in the journal; the exit code repeats the outcome.
pub fn main(workspace: &Workspace, name: &str, share: Option<Share>) -> ExitCode {
    let placed = RunFolder::find(workspace, name).is_ok_and(|run| place::is_placed(&run));
    if placed {
        // The scheduler tracks it as a process of the task and ends it with the task.
        let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM));
    } else {
        // A new session: closing the terminal does not end the work. setsid fails only for a process that leads its
        // group already, as under a debugger, where it is not needed.
        let _ = rustix::process::setsid();
    }
    let code = work(workspace, name, share, placed).unwrap_or_else(|error| {
        say_on_stderr(&line(&error.to_string()));
        ExitCode::FAILURE
    });
    if placed {
        return code;
    }
    // Starts a run that waited for this one.
    if let Err(error) = queue::next(workspace) {
        say_on_stderr(&line(&error.to_string()));
    }
    code
}

fn work(workspace: &Workspace, name: &str, share: Option<Share>, placed: bool) -> Result<ExitCode> {
    let run = RunFolder::find(workspace, name)?;
    let own = share.map_or_else(|| run.clone(), |share| run.share(share));
    fs::create_dir_all(own.path()).at(own.path())?;
    let written = || fs::metadata(own.events_path()).map_or(0, |journal| journal.len());
    let before = written();
    let _claim = if placed { None } else { claimed(&own)? };
    // Another worker may have finished it while this one waited for its claim.
    if written() != before && share.is_none() && is_done(&run)? {
        return Ok(ExitCode::SUCCESS);
    }
    let spec = run.spec()?;
    let switch = Arc::new(Switch::default());
    let recorder = Arc::new(Recorder::open(&own, Arc::clone(&switch))?);
    recorder.life(LifecycleEvent::Started { pid: std::process::id(), threads: spec.threads });
    crate::backbone::tune_allocator();
    let threads = i32::try_from(spec.threads).unwrap_or(1);
    tch::set_num_threads(threads);
    // Fails only if the pool exists already, which is impossible in a new process.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(spec.threads).build_global();

    let circumstances = JobContext { workspace, run: &run, share, threads: spec.threads, device: &spec.device };
    let outcome = recorded(&recorder, || {
        if !placed {
            take_orders(&own, &recorder)?;
        }
        take_signals(&switch)?;
        execute(&spec.job, &circumstances, &recorder)
    });
    Ok(match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    })
}

/// Takes the worker's claim of a run. A worker that finds it taken over, because it stood still for too long, ends at once:
/// whatever it would still write is another's.
pub(crate) fn claimed(run: &RunFolder) -> Result<Option<Claim>> {
    let id = run.id().clone();
    Ok(run.lock()?.map(|claim| claim.on_loss(move || end_for_another(&id))))
}

fn end_for_another(run: &RunId) {
    say_on_stderr(&format!("another worker has taken {run} over, because this one stood still for too long; it ends"));
    std::process::exit(1);
}

fn is_done(run: &RunFolder) -> Result<bool> {
    Ok(RunView::open(run.clone())?.status == Status::Done)
}

/// Executes `work` and writes its outcome to the journal. A panic is recorded as a failure.
pub(crate) fn recorded(recorder: &Recorder, work: impl FnOnce() -> Result<String>) -> Result<()> {
    let begun = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no message");
        Err(Error::failed(format!("A bug ended the run: {text}; worker.log in its folder has more.")))
    });
    let seconds = begun.elapsed().as_secs_f64();
    match outcome {
        Ok(summary) => {
            recorder.end(LifecycleEvent::Finished { summary, seconds });
            Ok(())
        }
        Err(error) => {
            recorder.end(match error.kind() {
                ErrorKind::Stopped => LifecycleEvent::Stopped { summary: Some(error.to_string()), seconds },
                ErrorKind::Failed | ErrorKind::Usage => LifecycleEvent::Failed { error: error.to_string(), seconds },
            });
            Err(error)
        }
    }
}

/// Listens on the control socket.
fn take_orders(run: &RunFolder, recorder: &Arc<Recorder>) -> Result<()> {
    let listener = control::listen(run)?;
    let recorder = Arc::clone(recorder);
    std::thread::spawn(move || {
        control::serve(&listener, |command| {
            let (wish, life) = match command {
                Command::Pause => (RequestedState::Pause, Some(LifecycleEvent::Paused)),
                Command::Resume => (RequestedState::GoOn, Some(LifecycleEvent::Resumed)),
                Command::Stop => (RequestedState::Stop, None),
            };
            if recorder.switch.set(wish)
                && let Some(life) = life
            {
                recorder.life(life);
            }
        });
    });
    Ok(())
}

/// SIGTERM and SIGINT stop the job in an orderly way; SIGHUP is ignored.
fn take_signals(switch: &Arc<Switch>) -> Result<()> {
    let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT, SIGHUP])
        .map_err(|error| Error::failed(format!("Signals cannot be handled ({error}).")))?;
    let switch = Arc::clone(switch);
    std::thread::spawn(move || {
        for signal in signals.forever() {
            if signal != SIGHUP {
                switch.set(RequestedState::Stop);
            }
        }
    });
    Ok(())
}
