//! `faceprobe data fetch|prepare|audit|decide|show`.

use super::Context;
use super::args::{DataCommand, PrepareArgs};
use super::follow::follow;
use super::output::{print, print_json};
use super::train::dataset_name;
use faceprobe_core::dataset::PrepareReport;
use faceprobe_core::dataset::prepare::PrepareSettings;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::imaging::Alignment;
use faceprobe_core::run::launch::launch;
use faceprobe_core::run::{JobSpec, Spec};
use std::path::{Path, absolute};

pub(crate) fn run(context: &Context, command: &DataCommand) -> Result<()> {
    match command {
        DataCommand::Fetch(command) => super::fetch::run(context, command),
        DataCommand::Audit(args) => super::audit::audit(context, args),
        DataCommand::Decide(args) => super::audit::decide(context, args),
        DataCommand::Prepare(args) => prepare(context, args),
        DataCommand::Show { name } => {
            let name = dataset_name(context, &super::args::DatasetArg { data: name.clone() })?;
            show(context, &context.workspace.prepared(&name))
        }
    }
}

fn prepare(context: &Context, args: &PrepareArgs) -> Result<()> {
    let name = args.name.clone().unwrap_or_else(|| args.sources[0].adapter.name().to_owned());
    // The worker works from the workspace; what the user typed is relative to where they stand.
    let sources = args
        .sources
        .iter()
        .map(|source| {
            let mut source = source.clone();
            source.path = absolute(&source.path).unwrap_or(source.path);
            source
        })
        .collect();
    let settings = PrepareSettings {
        name: name.clone(),
        sources,
        train: args.train,
        val: args.val,
        test: args.test,
        seed: args.seed,
        split: args.split.map(Into::into),
        align: alignment(args)?,
    };
    let launched =
        launch(&context.workspace, &Spec::new(JobSpec::Prepare(settings), context.threads, &context.device))?;
    let run = launched.run.clone();
    let outcome = follow(context, run.clone(), Some(launched));
    // When there are too few images, the account is there all the same and says what there is.
    if outcome.is_ok() || run.path().join("report.json").is_file() {
        show(context, run.path())?;
    }
    outcome.map(|_| ())
}

/// The crop that was asked for.
fn alignment(args: &PrepareArgs) -> Result<Option<Alignment>> {
    let side = args.align_side.unwrap_or(Alignment::SIDE);
    if !Alignment::SIDES.contains(&side) {
        let (least, most) = (Alignment::SIDES.start(), Alignment::SIDES.end());
        return Err(Error::usage(format!("--align-side {side} makes no sense; take {least} to {most} pixels.")));
    }
    Ok(args.align.map(|template| Alignment { template, side }))
}

fn show(context: &Context, folder: &Path) -> Result<()> {
    let report = PrepareReport::load(folder)?;
    if context.json { print_json(&report) } else { print(&report.to_text()) }
}
