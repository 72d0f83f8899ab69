//! `faceprobe train benchmark|dense|logistic|finetune|ensemble|refit`.

use super::Context;
use super::args::{DatasetArg, DetachArg, TrainArgs, TrainCommand, TrainingArgs};
use super::follow::{ended, ended_with_models, enqueue, start};
use super::output::print_json;
use faceprobe_core::dataset::manifest;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::features::FeatureSpec;
use faceprobe_core::model::{BenchmarkSettings, DenseSettings, FinetuneSettings, LogisticSettings, Schedule};
use faceprobe_core::run::{JobSpec, ModelSpec, ensemble, refit};

pub(crate) fn run(context: &Context, args: &TrainArgs) -> Result<()> {
    let (job, detach) = job(context, &args.model)?;
    if detach.queue {
        return enqueue(context, job);
    }
    let of_folds = matches!(job, JobSpec::Folds { .. });
    let Some(view) = start(context, job, detach.detach)? else {
        return Ok(());
    };
    if of_folds {
        // Mean and spread over the folds.
        return ended_with_models(context, &view);
    }
    if context.json {
        return print_json(&view.result);
    }
    ended(context, &view)
}

/// The prepared set that was named, or the only one there is.
pub(crate) fn dataset_name(context: &Context, arg: &DatasetArg) -> Result<String> {
    if let Some(name) = &arg.data {
        return Ok(name.clone());
    }
    let prepared = manifest::list_prepared(&context.workspace);
    match prepared.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(Error::failed(format!(
            "There is no prepared data set in {}; make one with 'faceprobe data prepare --source …'.",
            context.workspace.root().display()
        ))),
        several => Err(Error::usage(format!(
            "There are several prepared data sets ({}); say which with --data NAME.",
            several.join(", ")
        ))),
    }
}

/// What a command asks for. The name of a cross-validation stands for all its folds.
fn job<'a>(context: &Context, command: &'a TrainCommand) -> Result<(JobSpec, &'a DetachArg)> {
    let device = &context.device;
    let (model, dataset, detach) = match command {
        TrainCommand::Ensemble { runs, detach } => return Ok((ensemble::job(&context.workspace, runs)?, detach)),
        TrainCommand::Refit { run, detach } => return Ok((refit::job(&context.workspace, run)?, detach)),
        TrainCommand::Benchmark { filters, dense, pool, training, dataset, detach } => {
            let default = BenchmarkSettings::default();
            let settings = BenchmarkSettings {
                filters: filters.unwrap_or(default.filters),
                dense: dense.unwrap_or(default.dense),
                pool: pool.unwrap_or(default.pool),
                dropout: training.dropout.unwrap_or(default.dropout),
                learning_rate: training.learning_rate.unwrap_or(default.learning_rate),
                optimizer: optimizer(training, default.optimizer),
                weight_decay: training.weight_decay.unwrap_or(default.weight_decay),
                schedule: training.course.schedule(),
                epochs: training.course.epochs.unwrap_or(default.epochs),
                batch: training.batch.unwrap_or(default.batch),
                patience: training.course.patience.or(default.patience),
                seed: training.seed,
                ..default
            };
            if !settings.input.is_multiple_of(settings.pool) || settings.pool > 16 {
                return Err(Error::usage(format!(
                    "--pool {} does not divide the {} pixels of the input into whole squares; take 1, 2, 4, 7, 8, 14 or 16.",
                    settings.pool, settings.input
                )));
            }
            (ModelSpec::Benchmark { settings }, dataset, detach)
        }
        TrainCommand::Dense { width, depth, standardise, products, features, training, dataset, detach } => {
            let default = DenseSettings::default();
            let settings = DenseSettings {
                width: width.unwrap_or(default.width),
                depth: usize::from(*depth),
                standardise: standardise.unwrap_or(default.standardise),
                dropout: training.dropout.unwrap_or(default.dropout),
                learning_rate: training.learning_rate.unwrap_or(default.learning_rate),
                optimizer: optimizer(training, default.optimizer),
                weight_decay: training.weight_decay.unwrap_or(default.weight_decay),
                schedule: training.course.schedule(),
                arithmetic: products.arithmetic(),
                epochs: training.course.epochs.unwrap_or(default.epochs),
                batch: training.batch.unwrap_or(default.batch),
                patience: training.course.patience.or(default.patience),
                seed: training.seed,
            };
            (ModelSpec::Dense { features: features.spec(device)?, settings }, dataset, detach)
        }
        TrainCommand::Finetune {
            backbone,
            cut,
            mode,
            learning_rate_head,
            variations,
            shift,
            smoothing,
            mixup,
            averaging,
            dtype,
            training,
            dataset,
            detach,
        } => {
            let default = FinetuneSettings::default();
            let epochs = training.course.epochs.unwrap_or(default.epochs);
            let settings = FinetuneSettings {
                dropout: training.dropout.unwrap_or(default.dropout),
                learning_rate: training.learning_rate.unwrap_or(default.learning_rate),
                learning_rate_head: learning_rate_head.unwrap_or(default.learning_rate_head),
                optimizer: optimizer(training, default.optimizer),
                weight_decay: training.weight_decay.unwrap_or(default.weight_decay),
                schedule: Schedule {
                    course: training.course.schedule.unwrap_or(default.schedule.course),
                    warmup: training.course.warmup.unwrap_or_else(|| FinetuneSettings::usual_warmup(epochs)),
                },
                variations: *variations,
                shift: *shift,
                smoothing: *smoothing,
                mixup: *mixup,
                averaging: *averaging,
                arithmetic: dtype.arithmetic(),
                epochs,
                batch: training.batch.unwrap_or(default.batch),
                patience: training.course.patience.or(default.patience),
                seed: training.seed,
            };
            settings.check()?;
            let features = FeatureSpec::of_cut(backbone, *cut, *mode)?;
            (ModelSpec::Finetune { features, settings }, dataset, detach)
        }
        TrainCommand::Logistic { alphas, features, dataset, detach } => {
            let default = LogisticSettings::default();
            let settings = LogisticSettings { alphas: alphas.clone().unwrap_or(default.alphas), ..default };
            (ModelSpec::Logistic { features: features.spec(device)?, settings }, dataset, detach)
        }
    };
    let dataset = dataset_name(context, dataset)?;
    let has_folds = !context.workspace.prepared(&dataset).join("manifest.csv").exists()
        && !manifest::folds_of(&context.workspace, &dataset).is_empty();
    Ok((if has_folds { JobSpec::Folds { dataset, model } } else { JobSpec::train(dataset, model) }, detach))
}

fn optimizer(training: &TrainingArgs, default: faceprobe_core::model::Optimizer) -> faceprobe_core::model::Optimizer {
    training.optimizer.map_or(default, Into::into)
}
