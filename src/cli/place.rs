//! Runs jobs as the tasks of a plan: here one after another, or on Slurm.

use super::Context;
use super::args::{On, PlaceArgs};
use super::follow::interrupts;
use super::output::{print, print_json, say, to_json};
use super::run_reporter::Words;
use super::work;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::own_files;
use faceprobe_core::path_text::text_of;
use faceprobe_core::run::{JobSpec, RunFolder, RunView, Spec, Status};
use faceprobe_core::slurm::submit::{self, Terms, options};
use faceprobe_core::slurm::{Placement, Plan, WorkRequest, draft, make};
use faceprobe_core::text::{line, printable};
use serde_json::json;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// The outcome of placing jobs.
pub(crate) enum Outcome {
    /// They are to be run by workers of this command.
    Here,
    /// Everything was printed already.
    LastEvent,
    /// They are finished: the runs, in the order of the jobs.
    Done(Vec<RunView>),
}

/// Runs jobs where the user requests, and follows them to their end unless `detach`.
///
/// # Errors
/// Jobs or options that are refused; a missing scheduler; tasks that fail.
pub(crate) fn place(context: &Context, args: &PlaceArgs, jobs: Vec<JobSpec>, detach: bool) -> Result<Outcome> {
    let on = args.on.unwrap_or(On::Local(None));
    if args.sbatch.is_some() && !matches!(on, On::Slurm(_)) {
        return Err(Error::usage("--sbatch gives options to Slurm; say --on slurm with it."));
    }
    let (on, tasks) = match on {
        On::Local(None) if !args.dry_run => return Ok(Outcome::Here),
        On::Local(tasks) => (None, tasks.unwrap_or(1)),
        On::Slurm(tasks) => {
            let terms = terms(context, args)?;
            let tasks = tasks.unwrap_or(terms.settings.tasks);
            (Some(terms), tasks)
        }
    };
    let wanted = WorkRequest { jobs: specs(context, on.as_ref(), jobs), tasks };
    if args.dry_run {
        wanted.jobs.iter().try_for_each(|spec| spec.job.check(&context.workspace, &spec.device))?;
        return dry_run(context, &draft(&context.workspace, &wanted)?, on.as_ref()).map(|()| Outcome::LastEvent);
    }
    if on.is_none() && detach {
        return Err(Error::usage(
            "Tasks that are done here are waited for; leave --detach or the number of tasks out.",
        ));
    }
    let plan = make(&context.workspace, &wanted)?;
    match &on {
        Some(terms) => {
            announce(context, &plan, terms)?;
            if detach {
                return named(context, &plan.runs).map(|()| Outcome::LastEvent);
            }
            follow(context, plan.clone())?;
        }
        None => work::all(context, &plan, false)?,
    }
    let views = plan.runs.iter().map(|run| RunView::open(RunFolder::find(&context.workspace, run)?));
    let views = views.collect::<Result<Vec<_>>>()?;
    match views.iter().find(|view| view.status != Status::Done) {
        Some(view) => Err(Error::failed(format!(
            "All tasks are done, and run {} is {}; 'faceprobe runs show {}' says more.",
            view.id(),
            view.status.name(),
            view.id()
        ))),
        None => Ok(Outcome::Done(views)),
    }
}

/// The terms that configuration and command line state.
pub(crate) fn terms(context: &Context, args: &PlaceArgs) -> Result<Terms> {
    let root = context.workspace.root();
    if root.to_str().is_none() {
        return Err(Error::usage(format!(
            "The workspace's path {} is not UTF-8, and Slurm takes no other; rename the folder, or say --on local.",
            printable(&text_of(root))
        )));
    }
    let settings = context.config()?.section("slurm").read()?;
    let terms = Terms { settings, own: args.sbatch.clone() };
    terms.check().map(|()| terms)
}

/// Jobs with the circumstances of their place.
pub(crate) fn specs(context: &Context, terms: Option<&Terms>, jobs: Vec<JobSpec>) -> Vec<Spec> {
    let threads = terms.map_or(context.threads, |terms| context.asked_threads.unwrap_or(terms.settings.cpus));
    jobs.into_iter().map(|job| Spec::new(job, threads, &context.device)).collect()
}

/// Submits tasks that are neither done nor queued, and reports it.
pub(crate) fn announce(context: &Context, plan: &Plan, terms: &Terms) -> Result<()> {
    for submitted in submit::submit(plan, terms)? {
        if !context.quiet {
            let step = plan.steps.get(submitted.step).map_or("", |step| &step.name);
            say(&line(&format!("{}: job {} of Slurm, {step}, tasks: {}", plan.id, submitted.job, submitted.tasks)));
        }
    }
    Ok(())
}

fn named(context: &Context, runs: &[String]) -> Result<()> {
    match (context.json, runs) {
        (true, [run]) => print_json(&json!({ "run": run })),
        (true, runs) => print_json(&runs.iter().map(|run| json!({ "run": run })).collect::<Vec<_>>()),
        (false, runs) => print(&runs.iter().map(|run| format!("{run}\n")).collect::<String>()),
    }
}

fn dry_run(context: &Context, plan: &Plan, terms: Option<&Terms>) -> Result<()> {
    let scripts = terms.map(|terms| submit::scripts(plan, terms)).transpose()?.unwrap_or_default();
    let at_once = terms.and_then(|terms| terms.settings.at_once);
    let steps = plan.steps.iter().enumerate().map(|(step, _)| {
        let before = if step == 0 { Vec::new() } else { vec![format!("JOB-{}", step - 1)] };
        let indices: Vec<usize> = (0..plan.steps[step].tasks.len()).collect();
        options(&indices, at_once, &before).join(" ")
    });
    let steps: Vec<String> = steps.collect();
    let notes = notes(plan);
    if context.json {
        let told = scripts.iter().zip(&steps).map(|(script, options)| json!({ "sbatch": options, "script": script }));
        return print_json(&json!({ "plan": plan, "steps": told.collect::<Vec<_>>(), "notes": notes }));
    }
    let mut text: String = notes.iter().map(|note| format!("# {note}\n")).collect();
    for (step, (script, options)) in scripts.iter().zip(&steps).enumerate() {
        text += &format!("# step {step}: sbatch {options} step-{step}.sh\n{script}\n");
    }
    print(&format!("{text}# plan.json\n{}\n", to_json(plan)?))
}

/// What a plan does otherwise than one may think.
fn notes(plan: &Plan) -> Vec<String> {
    let halves = |spec: &Spec| matches!(&spec.job, JobSpec::Sweep { sweep, .. } if sweep.own.halving.is_some());
    let halving = plan.specs.iter().filter(|(_, spec)| halves(spec));
    halving
        .map(|(run, _)| {
            format!(
                "{run}: one task trains all heads, since a round of --halving begins when the one before it is ranked"
            )
        })
        .collect()
}

/// How often the queue is looked at.
const TICK: Duration = Duration::from_secs(1);
/// Time that tasks may be neither queued nor done: shared folders lag behind.
pub(super) const LAG: Duration = Duration::from_secs(15);

/// Follows a plan in Slurm's queue to its end. Ctrl-C only stops following.
///
/// # Errors
/// Tasks that left the queue and are not done.
pub(crate) fn follow(context: &Context, plan: Plan) -> Result<()> {
    let presses = interrupts()?;
    let mut words = Words::new(context.quiet);
    let mut placement = Placement::of_plan(plan);
    let mut told = String::new();
    let mut gone: Option<Instant> = None;
    loop {
        placement.look()?;
        let standing = placement.standing();
        let now = standing.words();
        if now != told && (standing.is_live() || standing.failed == 0) {
            words.say(&format!("{}: {now}", standing.plan));
            told = now;
        }
        if standing.done == standing.tasks {
            words.finish();
            return Ok(());
        }
        if standing.is_live() {
            gone = None;
        } else if gone.get_or_insert_with(Instant::now).elapsed() >= LAG {
            words.finish();
            return Err(failed(placement.plan()));
        }
        if presses.load(Ordering::Relaxed) > 0 {
            words.finish();
            let run = placement.plan().runs.first().cloned().unwrap_or_default();
            say(&line(&format!(
                "The tasks stay in Slurm's queue; 'faceprobe runs attach {run}' follows them, 'faceprobe runs stop {run}' \
                 takes them out."
            )));
            return Err(Error::stopped());
        }
        std::thread::sleep(TICK);
    }
}

fn failed(plan: &Plan) -> Error {
    let open: Vec<usize> = (0..plan.steps.len()).flat_map(|step| plan.open(step)).collect();
    let first = open.first().copied().unwrap_or_default();
    let log = plan.log_of(first);
    let text = String::from_utf8_lossy(&own_files::read(&log).unwrap_or_default()).into_owned();
    let last = text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("it printed nothing").to_owned();
    Error::failed(format!(
        "{} of {} tasks of {} are not done and left Slurm's queue; the last of task {first}: {last} ({}). The same command \
         once more submits what is not done.",
        open.len(),
        plan.len(),
        plan.id,
        printable(&log.to_string_lossy())
    ))
}
