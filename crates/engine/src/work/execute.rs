//! Executes a job's spec. Runs in the worker process.

use super::scoring::{filled_share, manifest, network_source};
use super::worker::Recorder;
use super::{audit, external_evaluation, folds, learning_curve, map, probe, study, sweep, training};
use crate::backbone::device;
use crate::face::FaceCropper;
use faceprobe_core::dataset::crops::Cropper;
use faceprobe_core::dataset::{Split, prepare, synthetic, versions};
use faceprobe_core::error::{AtPath, Result};
use faceprobe_core::monitor::{Monitor, Update};
use faceprobe_core::run::RunFolder;
use faceprobe_core::run::spec::JobSpec;
use faceprobe_core::slurm::Share;
use faceprobe_core::workspace::{Workspace, write_whole};

/// The context of a job: workspace, run, device and threads.
pub(super) struct JobContext<'a> {
    pub workspace: &'a Workspace,
    pub run: &'a RunFolder,
    /// The share of the run to do; none for all of it.
    pub share: Option<Share>,
    pub threads: usize,
    /// `cpu`, `cuda[:N]` or `mps`.
    pub device: &'a str,
}

/// Does the job and returns a sentence about its result.
pub(super) fn execute(job: &JobSpec, circumstances: &JobContext<'_>, recorder: &Recorder) -> Result<String> {
    let workspace = circumstances.workspace;
    match job {
        JobSpec::Sample(settings) => {
            stage(recorder, "draw the synthetic sample");
            synthetic::generate(&workspace.sample(), settings, recorder)?;
            Ok(format!("the synthetic sample is in {}", workspace.sample().display()))
        }
        JobSpec::Prepare(settings) => {
            let prepare::Prepared { report, outcome, .. } = {
                let device = device::parse(circumstances.device)?;
                let cropper = settings.alignment().map(|alignment| FaceCropper::load(alignment, device)).transpose()?;
                let cropper = cropper.as_ref().map(|cropper| cropper as &dyn Cropper);
                prepare::prepare_with(workspace, settings, cropper, recorder)?
            };
            // The report belongs to the run too: with too few images it is the only result.
            let path = circumstances.run.path().join("report.json");
            write_whole(&path, faceprobe_core::text::json_value(&report).at(&path)?.as_bytes())?;
            let published = outcome?;
            let path = circumstances.run.path().join(versions::MADE);
            write_whole(&path, faceprobe_core::text::json_value(&published).at(&path)?.as_bytes())?;
            let counts: Vec<String> = report
                .splits
                .iter()
                .map(|split| format!("{} {}", split.per_class.iter().sum::<usize>(), split.split))
                .collect();
            Ok(format!("{}: {}{}", report.name, counts.join(", "), published.words()))
        }
        JobSpec::Audit { dataset, settings } => audit::audit(circumstances, dataset, settings, recorder),
        JobSpec::Extract { dataset, features } => {
            let manifest = manifest(workspace, dataset)?;
            let source = network_source(features, circumstances.device)?;
            stage(recorder, "extract features");
            let (_, report) =
                filled_share(circumstances, &manifest, &Split::ALL, source.as_ref(), circumstances.share, recorder)?;
            if report.computed == 0 && circumstances.run.has_shares() {
                let (there, skipped) = (report.reused, report.skipped.len());
                return Ok(format!("{there} there, computed in shares; {skipped} skipped"));
            }
            Ok(format!(
                "{} computed at {:.0} images/s, {} already cached, {} skipped",
                report.computed,
                report.rate,
                report.reused,
                report.skipped.len()
            ))
        }
        JobSpec::Probe { dataset, features, settings } => {
            probe::run(circumstances, dataset, features, settings, recorder)
        }
        JobSpec::Map { dataset, features, settings } => map::run(circumstances, dataset, features, settings, recorder),
        JobSpec::Train { dataset, model, refit } => {
            training::train(circumstances, dataset, model, refit.as_deref(), recorder)
        }
        JobSpec::Sweep { dataset, sweep } => sweep::sweep(circumstances, dataset, sweep, recorder),
        JobSpec::Folds { dataset, model } => folds::train(circumstances, dataset, model, recorder),
        JobSpec::LearningCurve { dataset, model, curve } => {
            learning_curve::train(circumstances, dataset, model, curve, recorder)
        }
        JobSpec::OpenTest { run } => folds::open_test(circumstances, run, recorder),
        JobSpec::Evaluate { run, on } => external_evaluation::evaluate(circumstances, run, on, recorder),
        JobSpec::Demo { sample } => study::run(circumstances, sample, recorder),
    }
}

fn stage(monitor: &dyn Monitor, name: &str) {
    monitor.update(Update::Stage { name: name.to_owned() });
}
