//! `faceprobe demo`: the whole study on the synthetic sample.

use super::Context;
use super::args::DemoArgs;
use super::follow::follow;
use super::output::{print, print_json};
use super::reporter::Reporter;
use super::{is_interactive, results, workbench};
use faceprobe_core::backbone::weights;
use faceprobe_core::dataset::Version;
use faceprobe_core::dataset::synthetic::SampleSettings;
use faceprobe_core::error::Result;
use faceprobe_core::features::FeatureSpec;
use faceprobe_core::run::launch::launch;
use faceprobe_core::run::results as table;
use faceprobe_core::run::spec::DEMO_DATASET;
use faceprobe_core::run::{JobSpec, RunFolder, RunId, RunView, Spec, Status};

pub(crate) fn run(context: &Context, args: &DemoArgs) -> Result<()> {
    let sample = SampleSettings { images: args.images as usize, seed: args.seed, ..SampleSettings::default() };
    let job = JobSpec::Demo { sample };
    if is_interactive() && !args.plain && !context.json {
        // An invalid configuration is reported before anything is started.
        context.tui_options(None)?;
        let run = match find(context, &job)? {
            Some(run) => run.id().clone(),
            None => {
                fetch_weights(context)?;
                start(context, job)?
            }
        };
        return workbench(context, Some(run));
    }
    match find(context, &job)? {
        Some(run) => {
            follow(context, run, None)?;
        }
        None => {
            fetch_weights(context)?;
            let launched = launch(&context.workspace, &Spec::new(job, context.threads, &context.device))?;
            follow(context, launched.run.clone(), Some(launched))?;
        }
    }
    let mut rows = table::table(&context.workspace)?.rows;
    rows.retain(|row| {
        Version::of_folder(&row.dataset).name == DEMO_DATASET && !row.of_other_version() && row.status == Status::Done
    });
    if context.json { print_json(&rows) } else { print(&format!("\n{}", results::text(&rows))) }
}

/// Fetches the weights that the study needs, unless they are installed.
fn fetch_weights(context: &Context) -> Result<()> {
    let name = FeatureSpec::default().backbone;
    if !weights::status(&name)?.present {
        weights::fetch(&name, &Reporter::new(context.quiet)?)?;
    }
    Ok(())
}

fn start(context: &Context, job: JobSpec) -> Result<RunId> {
    launch(&context.workspace, &Spec::new(job, context.threads, &context.device))
        .map(|launched| launched.run.id().clone())
}

/// The demo that was finished here before, or is running.
fn find(context: &Context, job: &JobSpec) -> Result<Option<RunFolder>> {
    for run in RunFolder::list(&context.workspace)?.into_iter().rev() {
        let Ok(view) = RunView::open(run) else { continue };
        if view.spec.job == *job && matches!(view.status, Status::Done | Status::Running | Status::Paused) {
            return Ok(Some(view.folder));
        }
    }
    Ok(None)
}
