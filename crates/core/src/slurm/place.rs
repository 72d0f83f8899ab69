//! The placement of a run on a cluster, and its status there.

use super::beat::{Beat, Watch};
use super::make::tasks_of;
use super::plan::Plan;
use super::queue::{self, Job, JobState, Queue};
use crate::error::{AtPath, Error, Result};
use crate::own_files;
use crate::run::facts::{LastEvent, Progress};
use crate::run::{Facts, Follower, RunFolder, Status};
use crate::seal;
use crate::workspace::{Workspace, write_whole};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

const FILE: &str = "place.json";

/// Minimum interval between checks of the tasks: each check reads two files on a shared file system.
const FRESH: Duration = Duration::from_secs(1);

/// `place.json` in a run's folder.
#[derive(Serialize, Deserialize)]
struct Place {
    plan: String,
    tasks: Vec<usize>,
}

/// Records in a run's folder which plan does it.
pub(super) fn set(run: &RunFolder, plan: &Plan) -> Result<()> {
    let place = Place { plan: plan.id.clone(), tasks: tasks_of(plan, run.id()) };
    let path = run.path().join(FILE);
    write_whole(&path, seal::text(&place).at(&path)?.as_bytes())
}

fn load(run: &RunFolder) -> Result<Option<Place>> {
    let path = run.path().join(FILE);
    match own_files::read(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::file(&path, error)),
        Ok(text) => seal::value(&text).map(Some).map_err(|error| {
            Error::file(
                &path,
                format!("does not say which plan does the run ({error}); give the command that submitted it once more"),
            )
        }),
    }
}

/// Whether a run is done by the tasks of a plan.
pub fn is_placed(run: &RunFolder) -> bool {
    run.path().join(FILE).exists()
}

/// The plan of a run, if it has one.
///
/// # Errors
/// A plan that cannot be read.
pub fn plan_of(run: &RunFolder) -> Result<Option<Plan>> {
    let Some(place) = load(run)? else { return Ok(None) };
    let root = run.path().parent().and_then(|runs| runs.parent()).unwrap_or(run.path());
    Plan::named(&Workspace::open(root)?, &place.plan).map(Some)
}

/// The status of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskState {
    Done,
    Running(String),
    Suspended,
    /// Waiting in the scheduler's queue, with the reason.
    Pending(String),
    /// Unknown, and nothing indicates that it is dead.
    Unknown,
    /// Not done, and not in the queue any more, or not yet.
    Ended,
}

impl TaskState {
    fn of(done: bool, jobs: &[&Job], answered: bool, lives: bool) -> Self {
        // The newest of duplicate entries.
        match jobs.iter().max_by_key(|job| job.state != JobState::Running) {
            _ if done => Self::Done,
            Some(job) => match job.state {
                JobState::Running => Self::Running(job.node.clone()),
                JobState::Suspended => Self::Suspended,
                JobState::Pending => Self::Pending(job.reason.clone()),
            },
            None if !answered && lives => Self::Unknown,
            None => Self::Ended,
        }
    }

    /// Whether it is, or may be, in the queue.
    pub fn is_live(&self) -> bool {
        !matches!(self, Self::Done | Self::Ended)
    }
}

/// The status of the tasks of a run or a plan.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct TaskCounts {
    /// The plan's name.
    pub plan: String,
    pub tasks: usize,
    pub done: usize,
    pub running: usize,
    pub suspended: usize,
    pub pending: usize,
    /// Tasks with an unknown status.
    pub unknown: usize,
    /// Not done, and not in the queue.
    pub failed: usize,
    /// Nodes of running tasks.
    pub nodes: BTreeSet<String>,
    /// Why the first waiting task waits.
    pub reason: Option<String>,
    /// Number of restarts by the scheduler.
    pub restarts: u32,
    /// The scheduler's ids of the queued tasks.
    pub jobs: Vec<String>,
}

impl TaskCounts {
    /// Whether a task is, or may be, in the queue.
    pub fn is_live(&self) -> bool {
        self.running + self.suspended + self.pending + self.unknown > 0
    }

    /// `1 of 4 tasks done, 2 running on n1 n2, 1 pending (Resources)`.
    pub fn words(&self) -> String {
        let nodes: Vec<&str> = self.nodes.iter().map(String::as_str).collect();
        let on = if nodes.is_empty() { String::new() } else { format!(" on {}", nodes.join(" ")) };
        let reason = self.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        let restarts = if self.restarts == 1 { "restart" } else { "restarts" };
        let counted = [
            (self.running, format!("running{on}")),
            (self.suspended, "suspended".to_owned()),
            (self.pending, format!("pending{reason}")),
            (self.unknown, "unknown, as Slurm does not answer".to_owned()),
            (self.failed, "not done and not in the queue".to_owned()),
            (self.restarts as usize, restarts.to_owned()),
        ];
        let rest = counted.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!(", {count} {what}"));
        format!("{} of {} tasks done{}", self.done, self.tasks, rest.collect::<String>())
    }
}

/// Observes the tasks of a run.
#[derive(Debug)]
pub struct Placement {
    plan: Arc<Plan>,
    tasks: Vec<usize>,
    watches: Vec<Watch>,
    /// Journals of its shares, by number.
    shares: Vec<(usize, Follower<Facts>)>,
    standing: TaskCounts,
    looked: Option<Instant>,
}

impl Placement {
    /// Of a run that is done by a plan; none for others.
    ///
    /// # Errors
    /// A plan that cannot be read.
    pub fn of(run: &RunFolder) -> Result<Option<Self>> {
        let (Some(place), Some(plan)) = (load(run)?, plan_of(run)?) else { return Ok(None) };
        let mut shares = Vec::new();
        for task in &place.tasks {
            let pieces = plan.task(*task).into_iter().flat_map(|task| &task.pieces);
            let own = pieces.filter(|piece| piece.run == run.id().as_str());
            shares.extend(own.filter_map(|piece| {
                let share = piece.share?;
                Some((*task, Follower::new(run.share(share).events_path())))
            }));
        }
        Ok(Some(Self::with(plan, place.tasks, shares)))
    }

    /// Of all tasks of a plan.
    pub fn of_plan(plan: Plan) -> Self {
        let tasks = (0..plan.len()).collect();
        Self::with(plan, tasks, Vec::new())
    }

    fn with(plan: Plan, tasks: Vec<usize>, shares: Vec<(usize, Follower<Facts>)>) -> Self {
        let watches = tasks.iter().map(|_| Watch::default()).collect();
        Self { plan: Arc::new(plan), tasks, watches, shares, standing: TaskCounts::default(), looked: None }
    }

    /// Checks the queue, the tasks and the journals of shares; true if anything changed.
    ///
    /// # Errors
    /// A journal that cannot be read.
    pub fn look(&mut self) -> Result<bool> {
        let mut new = false;
        for (_, share) in &mut self.shares {
            new |= share.read_to_end()?;
        }
        let standing = &self.standing;
        let is_over = self.looked.is_some() && standing.done == standing.tasks;
        if is_over || self.looked.is_some_and(|at| at.elapsed() < FRESH) {
            return Ok(new);
        }
        self.looked = Some(Instant::now());
        let all_done = self.tasks.iter().all(|task| self.plan.is_done(*task));
        // Finished tasks need no reply of the scheduler.
        let queue = if all_done { Some(Arc::default()) } else { queue::queue() };
        let before = std::mem::take(&mut self.standing);
        self.standing = self.stand(queue.as_deref());
        Ok(new || before != self.standing)
    }

    fn stand(&mut self, queue: Option<&Queue>) -> TaskCounts {
        let mut standing = TaskCounts { plan: self.plan.id.clone(), tasks: self.tasks.len(), ..TaskCounts::default() };
        for (task, watch) in self.tasks.iter().zip(&mut self.watches) {
            let step = (0..self.plan.steps.len()).rfind(|step| self.plan.first(*step) <= *task).unwrap_or(0);
            let index = task - self.plan.first(step);
            let name = self.plan.job_of(step);
            let jobs: Vec<&Job> =
                queue.map_or(&[][..], |queue| queue.of(&name)).iter().filter(|job| job.index == index).collect();
            let beat = Beat::load(&self.plan, *task);
            standing.restarts += beat.as_ref().map_or(0, |beat| beat.restarts);
            let lives = watch.lives(beat, Instant::now());
            standing.jobs.extend(jobs.iter().map(|job| job.id.clone()));
            match TaskState::of(self.plan.is_done(*task), &jobs, queue.is_some(), lives) {
                TaskState::Done => standing.done += 1,
                TaskState::Running(node) => {
                    standing.running += 1;
                    standing.nodes.extend(Some(node).filter(|node| !node.is_empty()));
                }
                TaskState::Suspended => standing.suspended += 1,
                TaskState::Pending(reason) => {
                    standing.pending += 1;
                    standing.reason.get_or_insert(reason);
                }
                TaskState::Unknown => standing.unknown += 1,
                TaskState::Ended => standing.failed += 1,
            }
        }
        standing
    }

    /// The status at the last check.
    pub fn standing(&self) -> &TaskCounts {
        &self.standing
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The status of a run, given its own journal.
    pub fn status(&self, told: LastEvent) -> Status {
        let standing = &self.standing;
        match told {
            LastEvent::Done => Status::Done,
            _ if standing.running > 0 => Status::Running,
            _ if standing.suspended > 0 => Status::Paused,
            _ if standing.is_live() => Status::Waiting,
            LastEvent::Failed => Status::Failed,
            _ if self.failed().is_some() => Status::Failed,
            LastEvent::Stopped => Status::Stopped,
            LastEvent::Nothing if standing.failed == 0 => Status::Waiting,
            _ if self.shares.iter().any(|(_, share)| share.state().told == LastEvent::Stopped) => Status::Stopped,
            _ => Status::Interrupted,
        }
    }

    /// The first share that failed, and why.
    fn failed(&self) -> Option<String> {
        let (task, share) = self.shares.iter().find(|(_, share)| share.state().told == LastEvent::Failed)?;
        let outcome = share.state().outcome.as_deref().unwrap_or("no word");
        Some(format!("task {task} failed: {outcome}"))
    }

    /// The combined state of the run's journal and those of its shares.
    pub fn facts(&self, own: &Facts) -> Facts {
        let mut facts = own.clone();
        let shares = || self.shares.iter().map(|(_, share)| share.state());
        if own.told == LastEvent::Done {
            facts.started = shares().filter_map(|share| share.started).chain(own.started).min();
            facts.skipped = facts.skipped.max(shares().map(|share| share.skipped).sum());
            return facts;
        }
        if own.progress.is_none() {
            facts.progress = summed(shares().filter_map(|share| share.progress.as_ref()));
        }
        facts.started = shares().filter_map(|share| share.started).chain(own.started).min();
        facts.latest = shares().filter_map(|share| share.latest).chain(own.latest).max();
        facts.skipped += shares().map(|share| share.skipped).sum::<usize>();
        facts.trials += shares().map(|share| share.trials).sum::<usize>();
        if self.standing.is_live() {
            facts.ended = None;
            facts.outcome = None;
            let own = own.stage.as_ref().filter(|_| own.told == LastEvent::Running);
            let stage = own.map(|stage| format!("{stage}; ")).unwrap_or_default();
            facts.stage = Some(format!("{stage}Slurm: {}", self.standing.words()));
        } else if facts.outcome.is_none() {
            facts.outcome = self.failed().or_else(|| Some(format!("Slurm: {}", self.standing.words())));
        }
        facts
    }
}

fn summed<'a>(shares: impl Iterator<Item = &'a Progress>) -> Option<Progress> {
    let mut sum: Option<Progress> = None;
    for share in shares {
        match &mut sum {
            None => sum = Some(share.clone()),
            Some(sum) => {
                sum.done += share.done;
                sum.total += share.total;
                sum.rate += share.rate;
                sum.remaining = [sum.remaining, share.remaining].into_iter().flatten().max_by(f64::total_cmp);
            }
        }
    }
    sum
}

/// Whether tasks of a placed run are in the queue, as far as is known.
pub fn is_live(run: &RunFolder) -> bool {
    let placement = Placement::of(run).ok().flatten();
    placement.is_some_and(|mut placement| placement.look().is_ok() && placement.standing.is_live())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_stands_as_the_queue_says_and_where_it_is_silent_as_its_heartbeat() {
        let job =
            |state, node: &str| Job { id: "1_0".into(), index: 0, state, node: node.into(), reason: "Why".into() };
        let (running, pending) = (job(JobState::Running, "n1"), job(JobState::Pending, ""));
        let of = |jobs: &[&Job], answered, lives| TaskState::of(false, jobs, answered, lives);
        assert_eq!(TaskState::of(true, &[&running], true, true), TaskState::Done, "on its way out");
        assert_eq!(of(&[&running], true, false), TaskState::Running("n1".into()));
        assert_eq!(of(&[&running, &pending], true, true), TaskState::Pending("Why".into()), "put back into the queue");
        assert_eq!(of(&[], true, true), TaskState::Ended, "an old heartbeat brings nobody back");
        assert_eq!(of(&[], false, true), TaskState::Unknown, "the controller is being restarted");
        assert_eq!(of(&[], false, false), TaskState::Ended);
    }

    #[test]
    fn words_name_only_what_there_is() {
        let standing = TaskCounts {
            tasks: 4,
            done: 1,
            running: 2,
            pending: 1,
            nodes: ["n2".to_owned(), "n1".to_owned()].into(),
            reason: Some("Resources".into()),
            restarts: 1,
            ..TaskCounts::default()
        };
        assert_eq!(standing.words(), "1 of 4 tasks done, 2 running on n1 n2, 1 pending (Resources), 1 restart");
        assert_eq!(TaskCounts { tasks: 2, done: 2, ..TaskCounts::default() }.words(), "2 of 2 tasks done");
    }
}
