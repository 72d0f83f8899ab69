//! Doing the steps of a study: each is an ordinary run, started, gone on with or followed.

use super::Context;
use super::follow::{did_not_start, interrupts};
use super::place::LAG;
use super::run_reporter::{RunReporter, Words};
use super::study_cluster::Cluster;
use faceprobe_core::claim::Claim;
use faceprobe_core::dataset::{Published, versions};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::run::control::{self, Command};
use faceprobe_core::run::launch::Launched;
use faceprobe_core::run::{JobSpec, RunView, Spec, Status, queue};
use faceprobe_core::study::{Action, Hands, Holdings, Plan, StartOutcome, State, Step, Study, begin, plan};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How often journals are looked at.
const TICK: Duration = Duration::from_millis(100);
/// A step whose worker vanishes is gone on with once.
const TRIES: usize = 2;

/// Does what is to do.
pub(super) struct Runner<'a> {
    context: &'a Context,
    study: &'a Study,
    jobs: usize,
    /// Where steps that compute are done, if not here.
    cluster: Option<Cluster>,
    words: Words,
    presses: Arc<AtomicUsize>,
    working: Vec<ActiveRun>,
    /// How often each step was begun.
    tries: BTreeMap<String, usize>,
    /// What did not work, by step.
    failed: BTreeMap<String, String>,
}

/// A run at work.
struct ActiveRun {
    step: String,
    view: RunView,
    reporter: RunReporter,
    /// None for one that was at work before.
    launched: Option<Launched>,
    /// Since when its tasks are neither done nor in the scheduler's queue.
    gone: Option<Instant>,
}

impl<'a> Runner<'a> {
    pub(super) fn new(context: &'a Context, study: &'a Study, jobs: usize, cluster: Option<Cluster>) -> Result<Self> {
        Ok(Self {
            context,
            study,
            jobs,
            cluster,
            words: Words::new(context.quiet),
            presses: interrupts()?,
            working: Vec::new(),
            tries: BTreeMap::new(),
            failed: BTreeMap::new(),
        })
    }

    pub(super) fn has_failed(&self) -> bool {
        !self.failed.is_empty()
    }

    /// Does every step that can be done. One that fails keeps only those from being done that need it.
    ///
    /// # Errors
    /// With the sentences of the steps that failed; when it was stopped; when another process has taken the study over.
    pub(super) fn run(&mut self, alone: &Claim) -> Result<()> {
        let mut plan = self.plan()?;
        let mut handled = 0;
        loop {
            if handled == 0 {
                self.submit(&plan)?;
            }
            while handled == 0
                && self.working.len() < self.jobs
                && let Some(at) = self.next(&plan)
            {
                if self.start(&plan, at)? {
                    plan = self.plan()?;
                }
            }
            if self.working.is_empty() {
                break;
            }
            std::thread::sleep(TICK);
            alone.check()?;
            let pressed = self.presses.load(Ordering::Relaxed);
            if pressed > handled {
                handled = pressed;
                self.interrupt(pressed)?;
            }
            if self.look()? {
                plan = self.plan()?;
            }
        }
        self.words.finish();
        if handled > 0 {
            return Err(Error::stopped());
        }
        if self.failed.is_empty() {
            return Ok(());
        }
        let told: Vec<String> = self.failed.iter().map(|(step, problem)| format!("{step}: {problem}")).collect();
        let left = plan.steps.iter().filter(|step| step.state != State::Done).count();
        Err(Error::failed(format!("{} ({left} steps of the study are left to do.)", told.join(" "))))
    }

    fn plan(&self) -> Result<Plan> {
        Ok(plan(self.study, &Holdings::read(&self.context.workspace, self.study)?))
    }

    /// The first step that can be begun.
    fn next(&self, plan: &Plan) -> Option<usize> {
        plan.steps.iter().position(|step| self.can_begin(plan, step))
    }

    fn can_begin(&self, plan: &Plan, step: &Step) -> bool {
        !matches!(step.action, Action::None | Action::Wait)
            && plan.is_ready(step)
            && !self.failed.contains_key(&step.name)
            && self.working.iter().all(|working| working.step != step.name)
            && !step.runs.iter().any(|run| self.working.iter().any(|working| working.view.id().as_str() == run))
    }

    /// Counts that a step is begun; false when it was begun too often.
    fn try_again(&mut self, step: &str) -> bool {
        let tries = self.tries.entry(step.to_owned()).or_default();
        *tries += 1;
        if *tries > TRIES {
            let problem = "it was begun twice and is not done yet; 'faceprobe runs list' shows its runs.";
            self.failed.insert(step.to_owned(), problem.to_owned());
        }
        *tries <= TRIES
    }

    /// Submits the steps that can be begun and that a cluster does.
    fn submit(&mut self, plan: &Plan) -> Result<()> {
        let Some(cluster) = self.cluster.clone() else { return Ok(()) };
        let ready: Vec<&Step> = plan.steps.iter().filter(|step| self.can_begin(plan, step)).collect();
        for group in cluster.groups(&ready) {
            let steps: Vec<&Step> = group.steps.into_iter().filter(|step| self.try_again(&step.name)).collect();
            let specs = steps.iter().filter_map(|step| match &step.action {
                Action::Launch(job) => Some(Spec { step: Some(step.name.clone()), ..cluster.spec((**job).clone()) }),
                _ => None,
            });
            let specs: Vec<Spec> = specs.collect();
            if specs.is_empty() {
                continue;
            }
            match cluster.begin(self.context, specs, group.tasks) {
                Ok(runs) => {
                    for (step, run) in steps.into_iter().zip(runs) {
                        self.words.say(&format!("{}: {}", step.name, run.id()));
                        let view = RunView::open(run.clone())?;
                        let (reporter, launched) = (RunReporter::new(&view), Some(Launched::placed(run)));
                        self.working.push(ActiveRun { step: step.name.clone(), view, reporter, launched, gone: None });
                    }
                }
                Err(error) => {
                    self.failed.extend(steps.into_iter().map(|step| (step.name.clone(), error.to_string())));
                }
            }
        }
        Ok(())
    }

    /// Begins a step; true if it is at its end already.
    fn start(&mut self, plan: &Plan, at: usize) -> Result<bool> {
        let step = &plan.steps[at];
        let done = plan.steps.iter().filter(|step| step.state == State::Done).count();
        if !self.try_again(&step.name) {
            return Ok(false);
        }
        let place = format!("[{}/{}] {}", done + 1, plan.steps.len(), step.name);
        let Context { workspace, threads, device, .. } = self.context;
        let (run, launched) = match begin(workspace, step, Hands { threads: *threads, device, queue: false }) {
            Ok(StartOutcome::Follow(run) | StartOutcome::Queued(run)) => (run, None),
            Ok(StartOutcome::Launched(launched)) => (launched.run.clone(), Some(launched)),
            Ok(StartOutcome::Nothing) => {
                self.words.say(&place);
                return Ok(true);
            }
            Ok(StartOutcome::Chosen(choice)) => {
                let threshold = choice.threshold;
                self.words.say(&format!("{place}: predict uses {} with threshold {threshold:.3}", choice.run));
                return Ok(true);
            }
            Err(error) => {
                self.failed.insert(step.name.clone(), error.to_string());
                return Ok(false);
            }
        };
        self.words.say(&format!("{place}: {}", run.id()));
        let view = RunView::open(run)?;
        let reporter = RunReporter::new(&view);
        self.working.push(ActiveRun { step: step.name.clone(), view, reporter, launched, gone: None });
        Ok(false)
    }

    /// Looks at the runs at work; true if one has come to its end.
    fn look(&mut self) -> Result<bool> {
        let mut ended = false;
        for mut working in std::mem::take(&mut self.working) {
            working.reporter.tell(&working.view, &mut self.words)?;
            if working.view.status == Status::Queued {
                queue::next(&self.context.workspace)?;
            }
            // The journal of a run that was set to work again tells of its last end until its new worker speaks.
            let at_work = working.launched.as_mut().is_some_and(|launched| !launched.reap());
            working.view.refresh()?;
            let live = working.view.status.is_live() || working.view.status == Status::Queued;
            // Folders that machines share lag behind the queue.
            if let (false, Status::Interrupted, Some(_)) = (live, working.view.status, working.view.standing())
                && working.gone.get_or_insert_with(Instant::now).elapsed() < LAG
            {
                self.working.push(working);
                continue;
            }
            let unborn = working.view.status == Status::Waiting
                && working.launched.is_some()
                && !at_work
                && working.view.standing().is_none();
            if (at_work || live) && !unborn {
                self.working.push(working);
                continue;
            }
            working.reporter.tell(&working.view, &mut self.words)?;
            ended = true;
            let facts = working.view.facts();
            match working.view.status {
                Status::Done => {
                    if matches!(working.view.spec.job, JobSpec::Prepare(_)) {
                        // Whoever runs a study means the sets that its file asks for.
                        let version = Published::load(working.view.folder.path())?.version;
                        versions::make_current(&self.context.workspace, &version.name, version.number)?;
                    }
                    facts
                        .outcome
                        .iter()
                        .for_each(|outcome| self.words.say(&format!("{}: {outcome}", working.view.id())));
                }
                Status::Failed => {
                    let problem = facts.outcome.clone().unwrap_or_else(|| "it failed without a message".to_owned());
                    self.failed.insert(working.step, problem);
                }
                Status::Stopped => {
                    let problem = format!("run {} was stopped.", working.view.id());
                    self.failed.insert(working.step, problem);
                }
                Status::Waiting => {
                    self.failed.insert(working.step, did_not_start(&working.view).to_string());
                }
                _ => self.words.say(&format!("the worker of {} vanished; going on with it", working.view.id())),
            }
        }
        Ok(ended)
    }

    /// The first Ctrl-C stops what was started here, the second leaves it at work.
    fn interrupt(&mut self, pressed: usize) -> Result<()> {
        let runs: Vec<String> = self.working.iter().map(|working| working.view.id().to_string()).collect();
        if pressed > 1 {
            self.words.finish();
            self.words
                .say(&format!("{} continues; 'faceprobe study run' with the same file follows it.", runs.join(", ")));
            self.working.clear();
            return Ok(());
        }
        self.words.say(&format!("stopping {} (Ctrl-C again leaves it at work)", runs.join(", ")));
        for working in &self.working {
            if working.launched.is_some() {
                control::send(&working.view.folder, Command::Stop)?;
            }
        }
        self.working.retain(|working| working.launched.is_some());
        Ok(())
    }
}
