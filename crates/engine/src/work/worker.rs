//! The worker process: one run, from its spec to the last line of its journal.

use super::execute::{Circumstances, execute};
use faceprobe_core::error::{Error, ErrorKind, Result};
use faceprobe_core::monitor::{Monitor, Update};
use faceprobe_core::run::RunFolder;
use faceprobe_core::run::control::{self, Command, Switch, Wish};
use faceprobe_core::run::journal::{Event, JournalWriter, Life};
use faceprobe_core::run::queue;
use faceprobe_core::workspace::Workspace;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Writes what the work reports into the journal, and into that of the run it is a part of.
pub(crate) struct Recorder<'a> {
    journal: Mutex<JournalWriter>,
    switch: Arc<Switch>,
    parent: Option<&'a dyn Monitor>,
}

impl<'a> Recorder<'a> {
    /// A recorder for a run that is part of another.
    pub(crate) fn part_of(journal: JournalWriter, switch: Arc<Switch>, parent: &'a dyn Monitor) -> Self {
        Self { journal: Mutex::new(journal), switch, parent: Some(parent) }
    }

    /// A recorder for a run beside this one in the same process, which keeps its story to itself.
    pub(crate) fn beside(journal: JournalWriter, switch: Arc<Switch>) -> Self {
        Self { journal: Mutex::new(journal), switch, parent: None }
    }

    pub(crate) fn switch(&self) -> &Arc<Switch> {
        &self.switch
    }

    /// Records a turn in the run's life.
    pub(crate) fn life(&self, life: Life) {
        self.write(Event::Life(life));
    }

    fn write(&self, event: Event) {
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        if !journal.write(event) {
            eprintln!("the journal could not be written; is the disk full?");
        }
    }
}

impl Monitor for Recorder<'_> {
    fn update(&self, update: Update) {
        if let Some(parent) = self.parent {
            parent.update(update.clone());
        }
        self.write(Event::Work(update));
    }

    fn stopped(&self) -> bool {
        self.switch.stopped()
    }
}

/// Does the run called `name`. Everything it has to say is in the journal; the exit code repeats the end.
pub fn main(workspace: &Workspace, name: &str) -> ExitCode {
    // A session of its own: the end of the terminal's session is not the end of the work. Fails only for a process
    // that leads its group already, as under a debugger, and then nothing needs doing.
    let _ = rustix::process::setsid();
    let code = work(workspace, name).unwrap_or_else(|error| {
        eprintln!("{error}");
        ExitCode::FAILURE
    });
    // Whoever waits for this one is next.
    if let Err(error) = queue::next(workspace) {
        eprintln!("{error}");
    }
    code
}

fn work(workspace: &Workspace, name: &str) -> Result<ExitCode> {
    let run = RunFolder::find(workspace, name)?;
    let _lock = run.lock()?;
    let spec = run.spec()?;
    let journal = JournalWriter::open(&run.events_path())?;
    let switch = Arc::new(Switch::default());
    let recorder = Arc::new(Recorder { journal: Mutex::new(journal), switch: Arc::clone(&switch), parent: None });
    recorder.life(Life::Started { pid: std::process::id(), threads: spec.threads });
    take_orders(&run, &recorder)?;
    take_signals(&switch)?;
    crate::backbone::tune_allocator();
    let threads = i32::try_from(spec.threads).unwrap_or(1);
    tch::set_num_threads(threads);
    // Fails when the pool exists already, which it cannot in a process that has just begun.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(spec.threads).build_global();

    let circumstances = Circumstances { workspace, run: &run, threads: spec.threads, device: &spec.device };
    let outcome = recorded(&recorder, || execute(&spec.job, &circumstances, &recorder));
    Ok(match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    })
}

/// Does `work` and writes its end into the journal. A panic is an end like any other.
pub(crate) fn recorded(recorder: &Recorder<'_>, work: impl FnOnce() -> Result<String>) -> Result<()> {
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
            recorder.life(Life::Finished { summary, seconds });
            Ok(())
        }
        Err(error) => {
            recorder.life(match error.kind() {
                ErrorKind::Stopped => Life::Stopped { seconds },
                ErrorKind::Failed | ErrorKind::Usage => Life::Failed { error: error.to_string(), seconds },
            });
            Err(error)
        }
    }
}

/// Listens on the control socket.
fn take_orders(run: &RunFolder, recorder: &Arc<Recorder<'static>>) -> Result<()> {
    let listener = control::listen(run)?;
    let recorder = Arc::clone(recorder);
    std::thread::spawn(move || {
        control::serve(&listener, |command| {
            let (wish, life) = match command {
                Command::Pause => (Wish::Pause, Some(Life::Paused)),
                Command::Resume => (Wish::GoOn, Some(Life::Resumed)),
                Command::Stop => (Wish::Stop, None),
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

/// SIGTERM and SIGINT stop the work in order; the hang-up of a terminal does not concern it.
fn take_signals(switch: &Arc<Switch>) -> Result<()> {
    let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT, SIGHUP])
        .map_err(|error| Error::failed(format!("Signals cannot be handled ({error}).")))?;
    let switch = Arc::clone(switch);
    std::thread::spawn(move || {
        for signal in signals.forever() {
            if signal != SIGHUP {
                switch.set(Wish::Stop);
            }
        }
    });
    Ok(())
}
