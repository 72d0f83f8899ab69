//! What a study's file made, as one group of the table.

use super::Table;
use super::act::fold;
use crate::tui::keys::Action;
use crate::tui::shared::{Shared, Tone};
use crate::tui::snapshot::{Run, RunDetails};
use faceprobe_core::dataset::synthetic::SampleSettings;
use faceprobe_core::run::{Facts, JobSpec, RunId, Status};
use std::sync::Arc;

/// The name of the group. Names of runs end with a number, so no run has it.
pub const STUDY: &str = "study";

/// Whether a run is a step of a study's file by itself, not as a part of another run.
fn is_step(run: &Run) -> bool {
    run.step.is_some() && run.parent.is_none()
}

/// Whether there is something to group by study.
pub fn any(runs: &[Arc<Run>]) -> bool {
    runs.iter().any(|run| is_step(run) || matches!(run.job, JobSpec::Demo { .. }))
}

/// Whether it is the line of a study, which is no run that could be acted on.
pub fn is_study(run: &Run) -> bool {
    run.id.as_str() == STUDY
}

/// The run that this one stands beneath when studies are groups.
pub fn parent(run: &Run) -> Option<&str> {
    run.parent.as_deref().or_else(|| run.step.as_ref().map(|_| STUDY))
}

/// The runs with the line of the study before the first that it made.
pub fn with_study(runs: &[Arc<Run>]) -> Vec<Arc<Run>> {
    let mut all = runs.to_vec();
    let first = runs.iter().position(|run| is_step(run));
    if let Some((first, study)) = first.and_then(|first| Some((first, study(runs)?))) {
        all.insert(first, Arc::new(study));
    }
    all
}

/// What its steps come to.
fn study(runs: &[Arc<Run>]) -> Option<Run> {
    let steps: Vec<&Arc<Run>> = runs.iter().filter(|run| is_step(run)).collect();
    let done = steps.iter().filter(|run| run.status == Status::Done).count();
    let is = |status: fn(Status) -> bool| steps.iter().any(|run| status(run.status));
    let status = match () {
        () if is(Status::is_live) => Status::Running,
        () if is(|status| matches!(status, Status::Failed | Status::Damaged)) => Status::Failed,
        () if is(|status| status == Status::Interrupted) => Status::Interrupted,
        () if is(|status| status == Status::Queued) => Status::Queued,
        () if done == steps.len() => Status::Done,
        () => Status::Stopped,
    };
    Some(Run {
        id: RunId::parse(STUDY).ok()?,
        // Like a demo, it is works of many kinds.
        job: JobSpec::Demo { sample: SampleSettings::default() },
        parent: None,
        step: None,
        created: steps.first()?.created.clone(),
        status,
        facts: Facts { outcome: Some(format!("{done} of {} runs are done", steps.len())), ..Facts::default() },
        history: None,
        seconds: Some(steps.iter().filter_map(|run| run.seconds).sum()),
        row: None,
        about: RunDetails { bytes: steps.iter().map(|run| run.about.bytes).sum(), ..RunDetails::default() },
    })
}

/// Takes the actions that would be for one run while the cursor is on the line of a study: Enter folds, the others say
/// why not. False for all other actions and lines.
pub fn act(table: &mut Table, shared: &mut Shared, action: Action) -> bool {
    use Action::{
        Choose, Clone, Enter, Jump, Large, Note, OpenTest, PauseResume, Pin, Refit, Remove, Rename, Stop, Yank,
    };
    if !table.run(shared).is_some_and(|run| is_study(&run)) {
        return false;
    }
    match action {
        // Enter, whatever it is called on the screen: a study has no chart.
        Enter | Large => fold(table, shared),
        Remove if !shared.marked.is_empty() => return false,
        Choose | Clone | Jump | Note | OpenTest | PauseResume | Pin | Refit | Remove | Rename | Stop | Yank => {
            shared.say(Tone::Plain, "This line is the study; its runs stand beneath it.");
        }
        _ => return false,
    }
    true
}
