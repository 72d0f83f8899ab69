//! `faceprobe work PLAN --task I`: runs a task of a plan on this machine. Called by Slurm on its nodes.

use super::Context;
use super::args::WorkArgs;
use super::output::say;
use faceprobe_core::error::{AtPath, Error, Result};
use faceprobe_core::run::facts::{Facts, LastEvent};
use faceprobe_core::run::{Follower, RunFolder, RunView, Status};
use faceprobe_core::slurm::beat::{self, Beat};
use faceprobe_core::slurm::{Piece, Plan, images, queue};
use faceprobe_core::text::line;
use faceprobe_core::worker;
use faceprobe_core::workspace::Workspace;
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

/// Interval between checks of a worker.
const TICK: Duration = Duration::from_millis(100);
/// Maximum number of starts of a worker: a killed one is restarted and continues from what it has written.
const TRIES: usize = 3;

pub(crate) fn run(context: &Context, args: &WorkArgs) -> Result<()> {
    let plan = Plan::load(&args.plan)?;
    match args.task {
        Some(task) if task >= plan.len() => {
            Err(Error::usage(format!("The plan has {} tasks, counted from 0, so there is no task {task}.", plan.len())))
        }
        Some(task) => Attempt::new(context, &plan, task, args.copy_images)?.run(),
        None => all(context, &plan, args.copy_images),
    }
}

/// Runs all unfinished tasks of a plan here, one after another.
///
/// # Errors
/// With the first task that fails.
pub(crate) fn all(context: &Context, plan: &Plan, copy_images: bool) -> Result<()> {
    (0..plan.len()).try_for_each(|task| Attempt::new(context, plan, task, copy_images)?.run())
}

/// An attempt at a task.
struct Attempt<'a> {
    plan: &'a Plan,
    workspace: Workspace,
    task: usize,
    beat: Beat,
    beaten: Option<Instant>,
    /// The signal that requested its end, 0 if none.
    signal: Arc<AtomicI32>,
    quiet: bool,
    /// Where images are copied to. The folder goes with the attempt, however it ends.
    copies: Option<tempfile::TempDir>,
}

/// The end of a worker.
enum End {
    Done,
    Failed(String),
    /// By a signal to this process.
    Stopped,
}

impl<'a> Attempt<'a> {
    fn new(context: &Context, plan: &'a Plan, task: usize, copy_images: bool) -> Result<Self> {
        let signal = Arc::new(AtomicI32::new(0));
        let mut signals = signal_hook::iterator::Signals::new([SIGUSR1, SIGTERM, SIGINT])
            .map_err(|error| Error::failed(format!("Signals cannot be handled ({error}).")))?;
        let told = Arc::clone(&signal);
        std::thread::spawn(move || {
            for signal in signals.forever() {
                // The first signal gives the reason.
                let _ = told.compare_exchange(0, signal, Ordering::Relaxed, Ordering::Relaxed);
            }
        });
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let array = variable("SLURM_ARRAY_JOB_ID").zip(variable("SLURM_ARRAY_TASK_ID"));
        let uname = rustix::system::uname();
        let node = variable("SLURMD_NODENAME").unwrap_or_else(|| uname.nodename().to_string_lossy().into_owned());
        let beat = Beat {
            attempt: format!("{node}-{}-{}", std::process::id(), jiff::Timestamp::now().as_nanosecond()),
            beat: 0,
            node,
            restarts: variable("SLURM_RESTART_COUNT").and_then(|count| count.parse().ok()).unwrap_or(0),
            job: array.map(|(job, index)| format!("{job}_{index}")),
        };
        let workspace = Workspace::open(&plan.workspace)?;
        let wanted = copy_images && !plan.is_done(task);
        // Copies spare the file system work; a disk that takes none must not keep the task from its own.
        let copies = wanted.then(images::folder).and_then(|made| {
            let told = |error: &Error| say(&line(&format!("task {task}: images are not copied: {error}")));
            made.inspect_err(told).ok()
        });
        Ok(Self { plan, workspace, task, beat, beaten: None, signal, quiet: context.quiet, copies })
    }

    fn run(mut self) -> Result<()> {
        if self.plan.is_done(self.task) {
            return Ok(());
        }
        self.beat()?;
        let plan = self.plan;
        let pieces = plan.task(self.task).map_or(&[][..], |task| &task.pieces);
        let mut failed = Vec::new();
        for piece in pieces {
            if self.is_done(piece)? {
                continue;
            }
            match self.work(piece)? {
                End::Done => {}
                End::Failed(why) => failed.push(format!("{}: {why}", piece.run)),
                End::Stopped => return self.go_back(),
            }
        }
        if failed.is_empty() { plan.set_done(self.task) } else { Err(Error::failed(failed.join(" "))) }
    }

    /// Whether a piece was finished by an earlier attempt.
    fn is_done(&self, piece: &Piece) -> Result<bool> {
        let run = RunFolder::find(&self.workspace, &piece.run)?;
        if let Some(share) = piece.share {
            let mut facts = Follower::<Facts>::new(run.share(share).events_path());
            facts.read_to_end()?;
            return Ok(facts.state().told == LastEvent::Done);
        }
        if self.plan.specs.get(&piece.run) != Some(&run.spec()?) {
            return Err(Error::failed(format!(
                "Run {} was changed since the plan was made, so this task would do something else than was asked for; give the \
                 command that made the plan once more.",
                piece.run
            )));
        }
        Ok(RunView::open(run)?.status == Status::Done)
    }

    fn work(&mut self, piece: &Piece) -> Result<End> {
        let mut end = End::Failed("it was not begun".to_owned());
        for left in (0..TRIES).rev() {
            if !self.quiet {
                let share = piece.share.map(|share| format!(", share {share}")).unwrap_or_default();
                say(&line(&format!("task {}: {}{share} on {}", self.task, piece.run, self.beat.node)));
            }
            let status = self.worker(piece)?;
            let told = self.signal.load(Ordering::Relaxed) != 0;
            end = match (status.success(), status.signal()) {
                (true, _) => End::Done,
                _ if told => End::Stopped,
                (_, Some(signal)) => End::Failed(format!("its worker was killed by signal {signal}, {TRIES} times")),
                _ => {
                    let run = RunFolder::find(&self.workspace, &piece.run)?;
                    let run = piece.share.map_or_else(|| run.clone(), |share| run.share(share));
                    let mut facts = Follower::<Facts>::new(run.events_path());
                    facts.read_to_end()?;
                    let outcome = facts.into_state().outcome;
                    return Ok(End::Failed(outcome.unwrap_or_else(|| "it failed without a word".to_owned())));
                }
            };
            if !matches!(end, End::Failed(_)) {
                break;
            }
            if left > 0 {
                say(&line(&format!("task {}: the worker of {} was killed; going on with it", self.task, piece.run)));
            }
        }
        Ok(end)
    }

    /// Runs a worker to its end, and keeps the task's heartbeat.
    fn worker(&mut self, piece: &Piece) -> Result<ExitStatus> {
        let program = worker::program()?;
        let mut command = Command::new(&program);
        command.arg("run").arg(self.workspace.root()).arg(&piece.run);
        command.args(piece.share.map(|share| share.to_string()));
        // As for any other worker.
        command.env("OMP_WAIT_POLICY", "PASSIVE").stdin(Stdio::null());
        match &self.copies {
            Some(folder) => command.env(images::VARIABLE, folder.path()),
            None => command.env_remove(images::VARIABLE),
        };
        let mut child = command.spawn().at(&program)?;
        let mut told = false;
        loop {
            if let Some(status) = child.try_wait().at(&program)? {
                return Ok(status);
            }
            if !told && self.signal.load(Ordering::Relaxed) != 0 {
                told = true;
                end(&child, Signal::TERM);
            }
            if let Err(error) = self.beat() {
                end(&child, Signal::KILL);
                let _ = child.wait();
                return Err(error);
            }
            std::thread::sleep(TICK);
        }
    }

    /// Writes the task's heartbeat every few seconds.
    ///
    /// # Errors
    /// If another attempt has started since: the scheduler has given this one up.
    fn beat(&mut self) -> Result<()> {
        if self.beaten.is_some_and(|at| at.elapsed() < beat::EVERY) {
            return Ok(());
        }
        let other = Beat::load(self.plan, self.task).filter(|beat| beat.attempt != self.beat.attempt);
        if let (Some(other), true) = (other, self.beat.beat > 0) {
            return Err(Error::failed(format!(
                "Task {} was begun again on {}, so this attempt at it ends; the other goes on from what it has written.",
                self.task, other.node
            )));
        }
        self.beat.beat += 1;
        self.beaten = Some(Instant::now());
        // A disk that is full for a while must not end the work.
        if let Err(error) = self.beat.save(self.plan, self.task)
            && self.beat.beat == 1
        {
            return Err(error);
        }
        Ok(())
    }

    /// After a signal: requeues the task, unless the scheduler has cancelled it.
    fn go_back(&self) -> Result<()> {
        let Some(job) = &self.beat.job else {
            return Err(Error::stopped_with(format!("Task {} was stopped; what was finished is kept.", self.task)));
        };
        let signal = self.signal.load(Ordering::Relaxed);
        if signal != SIGUSR1 && !is_running(job) {
            return Err(Error::stopped_with(format!("Task {} was taken off; what was finished is kept.", self.task)));
        }
        let mut outcome = Ok(());
        // A controller that is being restarted replies a little later.
        for _ in 0..5 {
            outcome = queue::tell("scontrol", &["requeue", job]).map(|_| ());
            if outcome.is_ok() {
                say(&line(&format!("task {}: saved, and back in the queue as {job}", self.task)));
                break;
            }
            std::thread::sleep(Duration::from_secs(2));
        }
        outcome
    }
}

/// Whether the scheduler still wants a task to run.
fn is_running(job: &str) -> bool {
    let told = queue::tell("scontrol", &["show", "job", "--oneliner", job]);
    told.is_ok_and(|text| text.split_whitespace().any(|field| field == "JobState=RUNNING"))
}

fn end(child: &Child, signal: Signal) {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // It may have ended by itself.
        let _ = kill_process(pid, signal);
    }
}
