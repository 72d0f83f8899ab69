//! `faceprobe sweep`: many heads over the same features.

use super::Context;
use super::args::SweepArgs;
use super::follow::{ended_with_models, enqueue, follow, start};
use super::output::print;
use super::train::dataset_name;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::model::{DenseSettings, Grid};
use faceprobe_core::run::{JobSpec, RunFolder, RunView, SweepSpec, launch};

pub(crate) fn run(context: &Context, args: &SweepArgs) -> Result<()> {
    let view = match &args.extend {
        Some(name) => extend(context, args, name)?,
        None => {
            let sweep = spec(args, &context.device)?;
            // Wrong values are told here and not by a worker's journal.
            sweep.grid.settings(&sweep.base, sweep.random)?;
            let dataset = dataset_name(context, &args.dataset)?;
            if args.detach.queue {
                return enqueue(context, JobSpec::Sweep { dataset, sweep: Box::new(sweep) });
            }
            start(context, JobSpec::Sweep { dataset, sweep: Box::new(sweep) }, args.detach.detach)?
        }
    };
    let Some(view) = view else {
        return Ok(());
    };
    ended_with_models(context, &view)
}

fn grid(args: &SweepArgs) -> Grid {
    Grid {
        widths: args.width.clone(),
        depths: args.depth.clone(),
        dropouts: args.dropout.clone(),
        learning_rates: args.learning_rate.clone(),
        optimizers: args.optimizer.iter().map(|&optimizer| optimizer.into()).collect(),
        weight_decays: args.weight_decay.clone(),
        batches: args.batch.clone(),
        standardise: args.standardise.clone(),
    }
}

fn spec(args: &SweepArgs, device: &str) -> Result<SweepSpec> {
    let default = DenseSettings::default();
    let base = DenseSettings {
        schedule: args.course.schedule(),
        arithmetic: args.products.arithmetic(),
        epochs: args.course.epochs.unwrap_or(default.epochs),
        patience: args.course.patience.or(default.patience),
        ..default
    };
    Ok(SweepSpec {
        features: args.features.spec(device)?,
        base,
        grid: grid(args),
        seeds: args.seeds.clone(),
        random: args.random,
        halving: args.halving,
    })
}

/// Adds to what a sweep is to train and sets it to work again.
fn extend(context: &Context, args: &SweepArgs, name: &str) -> Result<Option<RunView>> {
    let run = RunFolder::find(&context.workspace, name)?;
    let mut whole = run.spec()?;
    let JobSpec::Sweep { sweep, .. } = &mut whole.job else {
        return Err(Error::usage(format!("Run {name} is not a sweep, so it cannot be extended.")));
    };
    sweep.grid.extend(&sweep.base, &grid(args));
    for &seed in &args.seeds {
        if !sweep.seeds.contains(&seed) {
            sweep.seeds.push(seed);
        }
    }
    if let (Some(drawn), Some(more)) = (&mut sweep.random, args.random) {
        *drawn = more.max(*drawn);
    }
    sweep.grid.settings(&sweep.base, sweep.random)?;
    let launched = launch::extend(&context.workspace, run, &whole)?;
    if args.detach.detach {
        print(&format!("{}\n", launched.run.id()))?;
        return Ok(None);
    }
    let folder = launched.run.clone();
    follow(context, folder, Some(launched)).map(Some)
}
