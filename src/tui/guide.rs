//! What comes next in the study, in a sentence that names the keys: for whoever is here for the first time. Nothing is said
//! any more once a model is chosen or its test split was opened.

use super::keys::{Action, Context, name_of};
use super::shared::Shared;
use super::stages::ScreenId;
use faceprobe_core::run::Status;

/// The next step, where the study has one; `on` is the present screen.
pub fn next(shared: &Shared, on: ScreenId) -> Option<String> {
    let now = &shared.snapshot;
    if !shared.loaded
        || shared.overlay.is_some()
        || now.live().next().is_some()
        || now.runs.iter().any(|run| run.status == Status::Queued)
    {
        return None;
    }
    let Some(set) = shared.dataset() else {
        let [prepare, fetch, demo] =
            [Action::New, Action::FetchData, Action::Demo].map(|action| name_of(Context::Data, action));
        let what = format!("{prepare} prepares your photographs, {fetch} fetches some, {demo} runs a demo");
        return Some(step(on, ScreenId::Data, &what));
    };
    let of_set = || now.runs.iter().filter(|run| run.trains() && run.job.dataset() == Some(set));
    let trained = now.runs.iter().filter_map(|run| run.row.as_ref()).filter(|row| row.has_model());
    let opened = trained.clone().any(|row| row.test_accuracy.is_some());
    if now.choice.is_some() || opened {
        return None;
    }
    if of_set().next().is_none() && trained.clone().next().is_none() {
        let cached = now.stores.iter().any(|store| store.backbone != "pixels");
        return Some(if cached {
            let key = name_of(Context::Train, Action::New);
            step(on, ScreenId::Train, &format!("{key} trains a model on {set}"))
        } else {
            let key = name_of(Context::Features, Action::Extract);
            step(on, ScreenId::Features, &format!("{key} extracts the features of {set}"))
        });
    }
    trained.clone().next()?;
    let [open, choose] = [Action::OpenTest, Action::Choose].map(|action| name_of(Context::Results, action));
    let what = format!("{open} opens the test split of a model, {choose} chooses the model that Predict uses");
    Some(step(on, ScreenId::Results, &what))
}

/// A step on a screen, with the key that leads there.
fn step(on: ScreenId, screen: ScreenId, what: &str) -> String {
    if on == screen {
        return format!("Next: {what}.");
    }
    format!("Next: press {} for {}, where {what}.", screen.index() + 1, screen.name())
}
