//! Putting runs into the trash, and getting them back.

use super::TABLE;
use crate::tui::app::{App, Tone};
use crate::tui::keys::{Action, Context, name_of};
use crate::tui::records::RecordJob;
use crate::tui::snapshot::Run;
use crate::tui::table;
use crate::tui::widgets::format;
use faceprobe_core::run::RunId;
use std::sync::Arc;

/// So many names are told, and how many there are more.
const NAMED: usize = 8;

/// Asks whether the marked runs are to be removed, or the one under the cursor where none is marked. What is at work
/// stays.
pub fn ask(app: &mut App, run: &Arc<Run>) {
    let marked: Vec<Arc<Run>> = app.marked().iter().filter_map(|run| app.snapshot.run(run)).cloned().collect();
    let several = !marked.is_empty();
    let wanted = if several { marked } else { vec![Arc::clone(run)] };
    let (live, going): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|run| run.status.is_live());
    let Some(first) = going.first() else {
        let text = match &live[..] {
            [run] => format!("{} is running; stop it first.", run.id),
            runs => format!("All {} marked runs are running; stop them first.", runs.len()),
        };
        app.say(Tone::Plain, text);
        return;
    };
    let undo = name_of(Context::Runs, Action::Undo);
    let mut text = Vec::new();
    if several {
        text.push(format!("{}.", names(&going)));
        text.push(format!(
            "Their folders go to the trash (runs/.trash), with models, scores and logs; {undo} restores them."
        ));
    } else {
        text.push(format!(
            "Its folder goes to the trash (runs/.trash), with everything in it: {}. {undo} restores it.",
            if first.trains() { "the model, its scores, the log" } else { "the journal and the log" },
        ));
    }
    if !live.is_empty() {
        text.push(format!("Still running, so not removed: {}.", names(&live)));
    }
    let choice = app.snapshot.choice.as_ref().map(|choice| choice.run.as_str());
    if let Some(run) = going.iter().find(|run| choice == Some(run.id.as_str())) {
        let which = if several { run.id.as_str() } else { "this model" };
        text.push(format!("Predict uses {which}; it will have no model until you choose another."));
    }
    let noted: Vec<Arc<Run>> =
        going.iter().filter(|run| run.about.label.pinned || !run.about.label.note.is_empty()).cloned().collect();
    match (noted.is_empty(), several) {
        (true, _) => {}
        (false, false) => text.push("You pinned it or wrote a note on it.".to_owned()),
        (false, true) => text.push(format!("Pinned or with a note: {}.", names(&noted))),
    }
    let title = match &going[..] {
        [run] => format!("Remove {}?", run.id),
        runs => format!("Remove {}?", format::count(runs.len(), "run")),
    };
    let runs = going.iter().map(|run| run.id.clone()).collect();
    app.ask(&title, text, RecordJob::Remove { runs }.into());
}

/// `dense-1, dense-2 and 3 more`.
fn names(runs: &[Arc<Run>]) -> String {
    let told: Vec<&str> = runs.iter().take(NAMED).map(|run| run.id.as_str()).collect();
    match runs.len().saturating_sub(NAMED) {
        0 => told.join(", "),
        more => format!("{} and {more} more", told.join(", ")),
    }
}

/// Runs are back: the first is under the cursor.
pub fn restored(app: &mut App, runs: &[RunId]) {
    for removed in &mut app.runs.removed {
        removed.retain(|run| !runs.contains(run));
    }
    app.runs.removed.retain(|removed| !removed.is_empty());
    if let Some(run) = runs.first() {
        table::reveal(app, &TABLE, run.as_str());
    }
}

/// Runs are gone: the cursor goes to a neighbour that is still there.
pub fn removed(app: &mut App, gone: &[RunId]) {
    app.runs.removed.push(gone.to_vec());
    for run in
        gone.iter().filter(|run| app.marked().iter().any(|marked| marked == run.as_str())).cloned().collect::<Vec<_>>()
    {
        app.turn_mark(run.as_str());
    }
    let lines = table::listing(app, &TABLE);
    let at = lines.cursor(app.runs.selected.as_deref());
    let stays = |at: usize| {
        let run = &lines.line(at)?.run;
        (!gone.contains(&run.id)).then(|| run.id.to_string())
    };
    let behind = (at..lines.visible.len()).find_map(stays);
    app.runs.selected = behind.or_else(|| (0..at).rev().find_map(stays));
}
