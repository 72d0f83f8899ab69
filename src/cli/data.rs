//! `faceprobe data fetch|prepare|audit|decide|show`.

use super::Context;
use super::args::{DataCommand, PrepareArgs};
use super::follow::follow;
use super::output::{print, print_json, say};
use super::train::dataset_name;
use faceprobe_core::dataset::{PrepareReport, Published, Version, versions};
use faceprobe_core::error::Result;
use faceprobe_core::run::launch::launch;
use faceprobe_core::run::{JobSpec, Spec};
use faceprobe_core::text::line;
use std::path::{Path, absolute};

pub(crate) fn run(context: &Context, command: &DataCommand) -> Result<()> {
    match command {
        DataCommand::Fetch(command) => super::fetch::run(context, command),
        DataCommand::Audit(args) => super::audit::audit(context, args),
        DataCommand::Decide(args) => super::audit::decide(context, args),
        DataCommand::Prepare(args) => prepare(context, args),
        DataCommand::Use { version } => super::data_versions::make_current(context, version),
        DataCommand::List => super::data_versions::list(context),
        DataCommand::Show { name } => {
            let name = dataset_name(context, &super::args::DatasetArg { data: name.clone() })?;
            show(context, &context.workspace.prepared(&name))
        }
    }
}

fn prepare(context: &Context, args: &PrepareArgs) -> Result<()> {
    let mut options = args.settings.clone();
    for (name, text) in &mut options.pairs {
        // Earlier versions of this command called folds something else.
        if name == "split" && text == "adience-folds" {
            "folds".clone_into(text);
        }
    }
    let mut settings = options.read()?;
    // The worker runs in the workspace; paths typed by the user are relative to the current folder.
    for source in &mut settings.source {
        source.path = absolute(&source.path).unwrap_or(std::mem::take(&mut source.path));
    }
    let launched =
        launch(&context.workspace, &Spec::new(JobSpec::Prepare(settings), context.threads, &context.device))?;
    let run = launched.run.clone();
    let outcome = follow(context, run.clone(), Some(launched));
    // With too few images there is still a report, which shows what there is.
    if let Ok(view) = &outcome {
        // Set by this command, not by the worker: a preparation that ends after this command was killed changes
        // nothing.
        let made = Published::load(run.path())?;
        let Version { name, number, .. } = &made.version;
        let before = versions::current(&context.workspace, name).ok();
        if !args.keep_current && before != Some(*number) {
            versions::make_current(&context.workspace, name, *number)?;
        }
        if !context.quiet
            && let Some(words) = view.facts().outcome.as_deref().filter(|_| !made.new || *number > 1)
        {
            let is = if args.keep_current && before != Some(*number) { "stays" } else { "is" };
            let current = versions::current(&context.workspace, name).map_or(*number, |number| number);
            say(&line(&format!("{words}. {} {is} the current version of {name}.", Version::new(name, current).full())));
        }
    }
    if outcome.is_ok() || run.path().join("report.json").is_file() {
        show(context, run.path())?;
    }
    outcome.map(|_| ())
}

fn show(context: &Context, folder: &Path) -> Result<()> {
    let report = PrepareReport::load(folder)?;
    if context.json { print_json(&report) } else { print(&report.to_text()) }
}
