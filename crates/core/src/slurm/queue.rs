//! Slurm's queue, and calls of its programs.

use crate::error::{Error, Result};
use std::collections::HashMap;
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A task in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// `17_3`: the id for scancel and scontrol.
    pub id: String,
    /// Its index in the array.
    pub index: usize,
    pub state: JobState,
    /// Its node.
    pub node: String,
    /// Why it waits.
    pub reason: String,
}

/// The state of a queued task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    Pending,
    Running,
    Suspended,
}

/// The queue at one moment, by job name.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Queue {
    jobs: HashMap<String, Vec<Job>>,
}

impl Queue {
    /// Parses the output of squeue, one line per task.
    fn parse(text: &str) -> Self {
        let mut jobs: HashMap<String, Vec<Job>> = HashMap::new();
        for line in text.lines() {
            let mut fields = line.splitn(5, '|');
            let mut next = || fields.next().unwrap_or_default().trim().to_owned();
            let (id, state, node, reason, name) = (next(), next(), next(), next(), next());
            let Some(index) = id.rsplit_once('_').and_then(|(_, index)| index.parse().ok()) else { continue };
            // It will never start, and the scheduler is about to remove it.
            if reason == "DependencyNeverSatisfied" {
                continue;
            }
            let state = match state.as_str() {
                "PENDING" | "REQUEUED" | "REQUEUE_HOLD" | "REQUEUE_FED" | "SPECIAL_EXIT" => JobState::Pending,
                "SUSPENDED" | "STOPPED" => JobState::Suspended,
                _ => JobState::Running,
            };
            jobs.entry(name).or_default().push(Job { id, index, state, node, reason });
        }
        Self { jobs }
    }

    /// The tasks of the job with this name. A task that is ending may be listed twice, together with its replacement.
    pub fn of(&self, name: &str) -> &[Job] {
        self.jobs.get(name).map_or(&[], Vec::as_slice)
    }
}

/// Frequent callers share an answer for so long.
const FRESH: Duration = Duration::from_secs(2);
/// Timeout of a query.
const WAIT: Duration = Duration::from_secs(5);
/// If the scheduler does not reply, it is not queried again for so long.
const PAUSE: Duration = Duration::from_secs(10);

#[derive(Default)]
struct Asked {
    answer: Option<(Instant, Arc<Queue>)>,
    asking: bool,
    failed: Option<Instant>,
}

static ASKED: Mutex<Asked> = Mutex::new(Asked { answer: None, asking: false, failed: None });
static ANSWERED: Condvar = Condvar::new();

/// The queue of this user, at most a few seconds old; none if the scheduler does not reply.
pub fn queue() -> Option<Arc<Queue>> {
    let mut asked = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
    let fresh = |asked: &Asked| {
        asked.answer.as_ref().filter(|(at, _)| at.elapsed() < FRESH).map(|(_, queue)| Arc::clone(queue))
    };
    if let Some(queue) = fresh(&asked) {
        return Some(queue);
    }
    if asked.failed.is_some_and(|at| at.elapsed() < PAUSE) {
        return None;
    }
    if !asked.asking {
        asked.asking = true;
        // squeue waits for minutes if its controller is down.
        std::thread::spawn(|| {
            let answer = ask();
            let mut asked = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
            asked.asking = false;
            asked.failed = answer.is_none().then(Instant::now);
            asked.answer = answer.map(|queue| (Instant::now(), Arc::new(queue)));
            ANSWERED.notify_all();
        });
    }
    let (mut asked, late) =
        ANSWERED.wait_timeout_while(asked, WAIT, |asked| asked.asking).unwrap_or_else(PoisonError::into_inner);
    if late.timed_out() {
        asked.failed = Some(Instant::now());
    }
    fresh(&asked)
}

/// Discards the cached queue, because it was changed.
pub(super) fn forget() {
    let mut asked = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
    asked.answer = None;
    asked.failed = None;
}

fn ask() -> Option<Queue> {
    let output = Command::new("squeue")
        .args(["--me", "--noheader", "--array", "--format=%i|%T|%N|%r|%j"])
        .stdin(Stdio::null())
        .output()
        .ok()?;
    output.status.success().then(|| Queue::parse(&String::from_utf8_lossy(&output.stdout)))
}

/// Runs one of Slurm's programs and returns its output.
///
/// # Errors
/// A missing program; a failure, with its message.
pub fn tell(program: &str, args: &[&str]) -> Result<String> {
    let output = Command::new(program).args(args).stdin(Stdio::null()).output().map_err(|error| {
        Error::failed(format!(
            "{program} cannot be run here ({error}); use a machine from which jobs are submitted to Slurm, or --on local."
        ))
    })?;
    forget();
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("no word");
    Err(Error::failed(format!("{program} did not do it: {last}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_read_by_names_of_jobs() {
        let text = "17_0|RUNNING|n1|None|fp-a-0\n17_3|PENDING||Resources|fp-a-0\n18_0|PENDING||Dependency|fp-a-1\n\
                    19_1|COMPLETING|n2|None|fp-b-0\n20|RUNNING|n1|None|another\n22_0|PENDING||DependencyNeverSatisfied|z\n21_4|REQUEUE_HOLD||held|x|y\n";
        let queue = Queue::parse(text);
        let job = |id: &str, index, state, node: &str, reason: &str| Job {
            id: id.into(),
            index,
            state,
            node: node.into(),
            reason: reason.into(),
        };
        let (running, pending) = (JobState::Running, JobState::Pending);
        assert_eq!(
            queue.of("fp-a-0"),
            [job("17_0", 0, running, "n1", "None"), job("17_3", 3, pending, "", "Resources")]
        );
        assert_eq!(queue.of("fp-b-0")[0].state, JobState::Running);
        assert_eq!(queue.of("x|y"), [job("21_4", 4, pending, "", "held")]);
        assert!(["another", "z", "nothing"].iter().all(|name| queue.of(name).is_empty()));
    }
}
