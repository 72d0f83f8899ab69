//! `faceprobe train benchmark|dense|logistic|finetune|ensemble|refit`.

use super::Context;
use super::args::{DatasetArg, DetachArg, Other, TrainArgs, TrainCommand};
use super::follow::{ended, ended_with_models, enqueue, start};
use super::output::print_json;
use super::place::{Outcome, place};
use faceprobe_core::dataset::versions;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::model::ModelSpec;
use faceprobe_core::run::{JobSpec, RunView, ensemble, refit, results};
use faceprobe_settings::Refusal;

pub(crate) fn run(context: &Context, args: &TrainArgs) -> Result<()> {
    let (job, detach) = job(context, &args.model)?;
    if let TrainCommand::Model { seeds, place: elsewhere, .. } = &args.model {
        let jobs = with_seeds(&job, seeds);
        match place(context, elsewhere, jobs.clone(), detach.detach)? {
            Outcome::LastEvent => return Ok(()),
            Outcome::Done(views) => return trained(context, views),
            Outcome::Here if jobs.len() > 1 => {
                if detach.queue {
                    return jobs.into_iter().try_for_each(|job| enqueue(context, job));
                }
                let mut views = Vec::new();
                for job in jobs {
                    views.extend(start(context, job, detach.detach)?);
                }
                return if views.is_empty() { Ok(()) } else { trained(context, views) };
            }
            Outcome::Here => {}
        }
    }
    if detach.queue {
        return enqueue(context, job);
    }
    let of_folds = matches!(job, JobSpec::Folds { .. });
    let Some(view) = start(context, job, detach.detach)? else {
        return Ok(());
    };
    if of_folds {
        // Mean and standard deviation over the folds.
        return ended_with_models(context, &view);
    }
    if context.json {
        return print_json(&view.result?);
    }
    ended(context, &view)
}

/// The training repeated for each seed, or unchanged.
fn with_seeds(job: &JobSpec, seeds: &[u64]) -> Vec<JobSpec> {
    if seeds.is_empty() {
        return vec![job.clone()];
    }
    let one = |seed: &u64| {
        let mut job = job.clone();
        if let JobSpec::Train { model, .. } | JobSpec::Folds { model, .. } = &mut job {
            *model = model.clone().with_seed(*seed);
        }
        job
    };
    seeds.iter().map(one).collect()
}

/// Reports the outcome of one or several trainings.
fn trained(context: &Context, views: Vec<RunView>) -> Result<()> {
    if let [view] = &views[..] {
        return match (&view.spec.job, context.json) {
            (JobSpec::Folds { .. }, _) => ended_with_models(context, view),
            (_, true) => print_json(&view.result.clone()?),
            (_, false) => ended(context, view),
        };
    }
    if !context.json {
        return views.iter().try_for_each(|view| ended(context, view));
    }
    let mut rows = Vec::new();
    for view in &views {
        match &view.spec.job {
            JobSpec::Folds { .. } => rows.extend(results::of_sweep(&context.workspace, view.id().as_str())?),
            _ => rows.extend(view.result.clone()?),
        }
    }
    print_json(&rows)
}

/// The named version of a prepared set, or the only one there is.
pub(crate) fn dataset_name(context: &Context, arg: &DatasetArg) -> Result<String> {
    if let Some(name) = &arg.data {
        return versions::resolve(&context.workspace, name);
    }
    let prepared = versions::plain_names(&context.workspace);
    match prepared.as_slice() {
        [only] => versions::resolve(&context.workspace, only),
        [] => Err(Error::usage(format!(
            "There is no prepared data set in {}; make one with 'faceprobe data prepare --source …'.",
            context.workspace.root().display()
        ))),
        several => Err(Error::usage(format!(
            "There are several prepared data sets ({}); say which with --data NAME.",
            several.join(", ")
        ))),
    }
}

/// The job of a command. The name of a cross-validation means all its folds.
fn job<'a>(context: &Context, command: &'a TrainCommand) -> Result<(JobSpec, &'a DetachArg)> {
    let (kind, given, dataset, detach) = match command {
        TrainCommand::Other(Other::Ensemble { runs, detach }) => {
            return Ok((ensemble::job(&context.workspace, runs)?, detach));
        }
        TrainCommand::Other(Other::Refit { run, detach }) => return Ok((refit::job(&context.workspace, run)?, detach)),
        TrainCommand::Model { kind, given, dataset, detach, .. } => (*kind, given, dataset, detach),
    };
    let model = ModelSpec::read(kind, given).map_err(first)?;
    Ok((JobSpec::train_on(&context.workspace, dataset_name(context, dataset)?, model), detach))
}

/// The first refusal, as wrong usage.
pub(crate) fn first(refused: Vec<Refusal>) -> Error {
    refused.into_iter().next().map_or_else(|| Error::usage("These settings are refused."), Error::from)
}
