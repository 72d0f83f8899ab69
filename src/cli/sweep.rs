//! `faceprobe sweep`: many heads on the same features.

use super::Context;
use super::args::SweepArgs;
use super::follow::{ended_with_models, enqueue, follow, start};
use super::options::Pairs;
use super::output::print;
use super::place::{Outcome, place};
use super::train::dataset_name;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::model::DenseSettings;
use faceprobe_core::run::{Axis, JobSpec, RunFolder, RunView, SweepSpec, launch};
use faceprobe_settings::{axis_values, set_all};

pub(crate) fn run(context: &Context, args: &SweepArgs) -> Result<()> {
    let view = match &args.extend {
        Some(_) if args.place.on.is_some() || args.place.dry_run => {
            return Err(Error::usage("A sweep is extended here and not elsewhere; leave --on and --dry-run out."));
        }
        Some(name) => extend(context, args, name)?,
        None => {
            let sweep = spec(args)?;
            let dataset = dataset_name(context, &args.dataset)?;
            if args.detach.queue {
                return enqueue(context, JobSpec::Sweep { dataset, sweep: Box::new(sweep) });
            }
            let job = JobSpec::Sweep { dataset, sweep: Box::new(sweep) };
            match place(context, &args.place, vec![job.clone()], args.detach.detach)? {
                Outcome::Here => start(context, job, args.detach.detach)?,
                Outcome::LastEvent => None,
                Outcome::Done(views) => views.into_iter().next(),
            }
        }
    };
    let Some(view) = view else {
        return Ok(());
    };
    ended_with_models(context, &view)
}

/// The given settings of the heads: single values, and axes with several.
fn heads(args: &SweepArgs) -> Result<(Pairs, Vec<Axis>)> {
    let (mut base, mut varied) = (Pairs::new(), Vec::new());
    for (setting, text) in &args.heads.0 {
        let values = axis_values::<DenseSettings>(setting, text)?;
        match &values[..] {
            [only] => base.push((setting.clone(), only.clone())),
            _ => varied.push(Axis { setting: setting.clone(), values }),
        }
    }
    Ok((base, varied))
}

fn spec(args: &SweepArgs) -> Result<SweepSpec> {
    let (base, axes) = heads(args)?;
    Ok(SweepSpec { features: args.features.read()?, base: set_all(&base)?, axes, own: args.own.read()? })
}

/// Adds to a sweep's values and restarts it.
fn extend(context: &Context, args: &SweepArgs, name: &str) -> Result<Option<RunView>> {
    let run = RunFolder::find(&context.workspace, name)?;
    let mut whole = run.spec()?;
    let JobSpec::Sweep { sweep, .. } = &mut whole.job else {
        return Err(Error::usage(format!("Run {name} is not a sweep, so it cannot be extended.")));
    };
    let own = args.own.read()?;
    let given = |(setting, text): &(String, String)| {
        Ok(Axis { setting: setting.clone(), values: axis_values::<DenseSettings>(setting, text)? })
    };
    sweep.extend(&args.heads.0.iter().map(given).collect::<Result<Vec<_>>>()?);
    for seed in own.seeds {
        if !sweep.own.seeds.contains(&seed) {
            sweep.own.seeds.push(seed);
        }
    }
    if let (Some(drawn), Some(more)) = (&mut sweep.own.random, own.random) {
        *drawn = more.max(*drawn);
    }
    sweep.check()?;
    let launched = launch::extend(&context.workspace, run, &whole)?;
    if args.detach.detach {
        print(&format!("{}\n", launched.run.id()))?;
        return Ok(None);
    }
    let folder = launched.run.clone();
    follow(context, folder, Some(launched)).map(Some)
}
