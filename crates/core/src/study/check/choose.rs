//! What is wrong with the choice of the model that `predict` uses.

use super::{folds, known_set, sets_of};
use crate::evaluation::Criterion;
use crate::run::choosing::Threshold;
use crate::study::file::{Reference, Study};
use crate::study::reader::Reader;

/// Looks at the models, one of which validation tells to be the best, and at the set where the threshold is fitted.
pub(super) fn check(reader: &mut Reader<'_>, study: &Study) {
    let Some(choosing) = &study.choose else { return };
    let folds = folds(study);
    let mut own: Vec<&str> = Vec::new();
    for (place, Reference { name, .. }) in choosing.of.iter().enumerate() {
        let at = format!("choose.of[{place}]");
        for set in sets_of(study, name) {
            if folds.contains(&set) {
                reader.wrong_with(&at, format!("{name} is a cross-validation, which is no model to predict with"));
                return;
            }
            if !own.is_empty() && !own.contains(&set) {
                let what = "the best on validation is told among models of one set";
                reader.wrong_with(&at, format!("{name} is trained on {set}, beside {}; {what}", own[0]));
                return;
            }
            own.push(set);
        }
    }
    refits(reader, study);
    let Some(on) = &choosing.settings.on else { return };
    if !known_set(reader, study, "choose.on", on) {
        return;
    }
    if folds.contains(&on.as_str()) {
        reader
            .wrong_with("choose.on", format!("{on} is a cross-validation; fit the threshold on a set with one split"));
    }
    if own.contains(&on.as_str()) {
        reader.wrong_with(
            "choose.on",
            format!("{on} is the set that the model is trained on, where validation chooses; leave on out"),
        );
    }
}

/// A refit has no validation accuracy to be the best by, and no scores to choose a threshold on.
fn refits(reader: &mut Reader<'_>, study: &Study) {
    let Some(choosing) = &study.choose else { return };
    let is_refit = |name: &str| study.refits.iter().find(|refit| refit.name == *name);
    for (place, refit) in choosing.of.iter().enumerate().filter_map(|(at, of)| Some((at, is_refit(&of.name)?))) {
        let name = &refit.name;
        let several = choosing.of.len() > 1 || refit.of.iter().map(|of| models(study, of)).sum::<usize>() > 1;
        if several {
            let what =
                format!("{name} is trained on validation too, so nothing tells which is the best; name one model");
            reader.wrong_with(&format!("choose.of[{place}]"), what);
        }
        let fitted = matches!(choosing.settings.threshold, Threshold::For(own) if own != Criterion::Accuracy);
        if fitted && choosing.settings.on.is_none() {
            let what = format!("{name} is trained on validation too, so no threshold is chosen there; give a number");
            reader.wrong_with("choose.threshold", what);
        }
    }
}

/// How many models a reference stands for.
fn models(study: &Study, of: &Reference) -> usize {
    let seeds = |all: usize| if of.seed.is_some() { 1 } else { all.max(1) };
    let models = study.models.iter().filter(|model| model.name == of.name);
    let sweeps = study.sweeps.iter().filter(|sweep| sweep.name == of.name);
    let trained: usize = models.map(|model| seeds(model.seeds.len()) * model.data.len()).sum();
    let best: usize = sweeps.map(|sweep| seeds(sweep.sweep.own.seeds.len())).sum();
    (trained + best).max(1)
}
