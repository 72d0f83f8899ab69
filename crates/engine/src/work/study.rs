//! The demo job: the steps of the shipped study in order, each a run of its own.

use super::execute::{JobContext, execute};
use super::worker::{Recorder, claimed, recorded};
use faceprobe_core::dataset::synthetic::SampleSettings;
use faceprobe_core::dataset::{Published, versions};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::monitor::{Monitor, Update};
use faceprobe_core::run::RunFolder;
use faceprobe_core::run::journal::LifecycleEvent;
use faceprobe_core::run::results::ResultRow;
use faceprobe_core::run::spec::{JobSpec, Spec};
use faceprobe_core::study::{Action, Holdings, State, demo, plan};
use std::sync::Arc;

/// Does the remaining steps of the demo's study: draws the sample, prepares it, extracts features, trains, and, after
/// all choices are made, opens the test split for each model. Steps that an earlier demo has done are skipped.
///
/// # Errors
/// The first step that fails; results of earlier steps are kept.
pub(super) fn run(circumstances: &JobContext<'_>, sample: &SampleSettings, recorder: &Recorder) -> Result<String> {
    let study = demo(sample)?;
    let mut before = None;
    loop {
        let plan = plan(&study, &Holdings::read(circumstances.workspace, &study)?);
        let Some(step) = plan.steps.iter().find(|step| step.state != State::Done && plan.is_ready(step)) else { break };
        if before.as_ref() == Some(&step.name) {
            return Err(Error::failed(format!("The demo's step '{}' was done and left nothing.", step.name)));
        }
        before = Some(step.name.clone());
        match &step.action {
            Action::Launch(job) => {
                let run = part_as(circumstances, recorder, (**job).clone(), Some(step.name.clone()))?;
                if matches!(**job, JobSpec::Prepare(_)) {
                    let version = Published::load(run.path())?.version;
                    versions::make_current(circumstances.workspace, &version.name, version.number)?;
                }
            }
            Action::Resume(run) | Action::Follow(run) => {
                let run = RunFolder::find(circumstances.workspace, run)?;
                let job = run.spec()?.job;
                part_in(circumstances, recorder, run, &job)?;
            }
            Action::Refuse(why) => return Err(Error::failed(format!("{}: {why}.", step.name))),
            // The demo's study has no such steps.
            Action::None
            | Action::Wait
            | Action::Extend(..)
            | Action::Refit(_)
            | Action::Choose { .. }
            | Action::Report(_) => break,
        }
    }
    Ok("the study is done; the Results screen and 'faceprobe results' show its table".into())
}

/// Runs one step as a run of its own. This run's journal names it and its result; details are in its own journal.
pub(super) fn part(circumstances: &JobContext<'_>, recorder: &Recorder, job: JobSpec) -> Result<RunFolder> {
    part_as(circumstances, recorder, job, None)
}

fn part_as(
    circumstances: &JobContext<'_>,
    recorder: &Recorder,
    job: JobSpec,
    step: Option<String>,
) -> Result<RunFolder> {
    let mut spec = Spec::new(job, circumstances.threads, circumstances.device);
    spec.parent = Some(circumstances.run.id().to_string());
    spec.step = step;
    let run = RunFolder::create(circumstances.workspace, &spec)?;
    part_in(circumstances, recorder, run, &spec.job)
}

/// Runs a step whose folder exists, unless it has a result already.
pub(super) fn part_in(
    circumstances: &JobContext<'_>,
    recorder: &Recorder,
    run: RunFolder,
    job: &JobSpec,
) -> Result<RunFolder> {
    let _claim = claimed(&run)?;
    // Another worker may have finished it while this one waited for its claim.
    if let Some(row) = ResultRow::finished(&run)? {
        row.close(&run)?;
        return Ok(run);
    }
    let own = Recorder::open(&run, Arc::clone(recorder.switch()))?;
    own.life(LifecycleEvent::Started { pid: std::process::id(), threads: circumstances.threads });
    recorder.update(Update::Stage { name: run.id().to_string() });
    let mut summary = String::new();
    recorded(&own, || {
        let inner = JobContext { run: &run, share: None, ..*circumstances };
        summary = execute(job, &inner, &own)?;
        Ok(summary.clone())
    })?;
    recorder.update(Update::Note { text: format!("{}: {summary}", run.id()) });
    Ok(run)
}
