//! The demo: the whole study on the synthetic sample, each part a run of its own.

use super::execute::{Circumstances, execute};
use super::worker::{Recorder, recorded};
use crate::backbone;
use crate::features::FeatureSpec;
use crate::model::{BenchmarkSettings, DenseSettings, LogisticSettings};
use faceprobe_core::dataset::prepare::PrepareSettings;
use faceprobe_core::dataset::source::{Adapter, SourceSpec};
use faceprobe_core::dataset::synthetic::SampleSettings;
use faceprobe_core::dataset::{Published, versions};
use faceprobe_core::error::Result;
use faceprobe_core::model::ModelSpec;
use faceprobe_core::monitor::{Monitor, Update};
use faceprobe_core::run::RunFolder;
use faceprobe_core::run::journal::Life;
use faceprobe_core::run::results::ResultRow;
use faceprobe_core::run::spec::{DEMO_DATASET, JobSpec, Spec};
use std::sync::Arc;

/// Draws the sample, prepares it, extracts features, trains benchmark, logistic regression and dense head, and, all
/// choices made, opens the test split for each.
///
/// # Errors
/// With the first part that fails; what the parts before it made is kept.
pub(super) fn run(circumstances: &Circumstances<'_>, sample: &SampleSettings, recorder: &Recorder) -> Result<String> {
    let seed = sample.seed;
    let features = FeatureSpec::of_backbone(backbone::DEFAULT);
    part(circumstances, recorder, JobSpec::Sample(sample.clone()))?;
    let prepare = part(circumstances, recorder, JobSpec::Prepare(prepare_settings(circumstances, sample)))?;
    let version = Published::load(prepare.path())?.version;
    versions::make_current(circumstances.workspace, &version.name, version.number)?;
    let dataset = version.id();
    part(circumstances, recorder, JobSpec::Extract { dataset: dataset.clone(), features: features.clone() })?;
    let models = [
        ModelSpec::new(None, BenchmarkSettings { seed, ..Default::default() }),
        ModelSpec::new(features.clone(), LogisticSettings { seed, ..Default::default() }),
        ModelSpec::new(features, DenseSettings { seed, ..Default::default() }),
    ];
    let mut trained = Vec::new();
    for model in models {
        trained.push(part(circumstances, recorder, JobSpec::train(&dataset, model))?);
    }
    for run in trained {
        part(circumstances, recorder, JobSpec::OpenTest { run: run.id().to_string() })?;
    }
    Ok("the study is done; the Results screen and 'faceprobe results' show its table".into())
}

/// The study's proportions, 6 : 2 : 2, as large as the sample certainly allows.
fn prepare_settings(circumstances: &Circumstances<'_>, sample: &SampleSettings) -> PrepareSettings {
    let fifth = sample.images / 10 * 2;
    PrepareSettings {
        name: DEMO_DATASET.to_owned(),
        source: vec![SourceSpec { adapter: Adapter::ADIENCE, path: circumstances.workspace.sample() }],
        train: Some(fifth * 3),
        val: Some(fifth),
        test: Some(fifth),
        seed: sample.seed,
        ..PrepareSettings::default()
    }
}

/// Does one part as a run of its own. The journal of this one names it and says what came of it; the rest is in its own.
pub(super) fn part(circumstances: &Circumstances<'_>, recorder: &Recorder, job: JobSpec) -> Result<RunFolder> {
    let mut spec = Spec::new(job, circumstances.threads, circumstances.device);
    spec.parent = Some(circumstances.run.id().to_string());
    let run = RunFolder::create(circumstances.workspace, &spec)?;
    part_in(circumstances, recorder, run, &spec.job)
}

/// Does a part whose folder is there, unless it has its result already.
pub(super) fn part_in(
    circumstances: &Circumstances<'_>,
    recorder: &Recorder,
    run: RunFolder,
    job: &JobSpec,
) -> Result<RunFolder> {
    let _lock = run.lock()?;
    // Another worker may have done it while this one waited for the lock.
    if let Some(row) = ResultRow::finished(&run)? {
        row.close(&run)?;
        return Ok(run);
    }
    let own = Recorder::open(&run, Arc::clone(recorder.switch()))?;
    own.life(Life::Started { pid: std::process::id(), threads: circumstances.threads });
    recorder.update(Update::Stage { name: run.id().to_string() });
    let mut summary = String::new();
    recorded(&own, || {
        let inner = Circumstances { run: &run, ..*circumstances };
        summary = execute(job, &inner, &own)?;
        Ok(summary.clone())
    })?;
    recorder.update(Update::Note { text: format!("{}: {summary}", run.id()) });
    Ok(run)
}
