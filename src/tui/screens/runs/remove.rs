//! Asking before runs go to the trash.

use crate::tui::keys::{Action, Context, name_of};
use crate::tui::records::RecordJob;
use crate::tui::shared::{Shared, Tone};
use crate::tui::snapshot::Run;
use crate::tui::widgets::format;
use std::sync::Arc;

/// So many names are told, and how many there are more.
const NAMED: usize = 8;

/// Asks whether the marked runs are to be removed, or the one under the cursor where none is marked. What is at work
/// stays.
pub fn ask(shared: &mut Shared, run: &Arc<Run>) {
    let marked: Vec<Arc<Run>> = shared.marked.iter().filter_map(|run| shared.snapshot.run(run)).cloned().collect();
    let several = !marked.is_empty();
    let wanted = if several { marked } else { vec![Arc::clone(run)] };
    let (live, going): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|run| run.status.is_live());
    let Some(first) = going.first() else {
        let text = match &live[..] {
            [run] => format!("{} is running; stop it first.", run.id),
            runs => format!("All {} marked runs are running; stop them first.", runs.len()),
        };
        shared.say(Tone::Plain, text);
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
    let choice = shared.snapshot.choice.as_ref().map(|choice| choice.run.as_str());
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
    shared.ask(&title, text, RecordJob::Remove { runs }.into());
}

/// `dense-1, dense-2 and 3 more`.
fn names(runs: &[Arc<Run>]) -> String {
    let told: Vec<&str> = runs.iter().take(NAMED).map(|run| run.id.as_str()).collect();
    match runs.len().saturating_sub(NAMED) {
        0 => told.join(", "),
        more => format!("{} and {more} more", told.join(", ")),
    }
}
