//! From the statement of a setting to a field.

use super::{DATA, FormKind};
use crate::tui::completion::Paths;
use crate::tui::snapshot::Snapshot;
use crate::tui::widgets::form::Field;
use faceprobe_core::model::Kind;
use faceprobe_settings::{Domain, Info, Role};

/// How many fields a list has whose values may hold commas.
const LINES: usize = 3;

/// The field of a setting; several for a list whose values stand on lines of their own.
pub(super) fn of(info: &'static Info, form: FormKind, snapshot: &Snapshot) -> Vec<Field> {
    // What a form leaves empty is computed, or none.
    let default = match (&info.domain, info.computed) {
        (_, Some(_)) => "",
        (Domain::Optional { .. }, None) if info.domain.choices().is_none() => "",
        _ => &info.default,
    };
    // A sweep's fields take several values, which are typed.
    let choices = if form == FormKind::Sweep && info.role == Role::Setting { None } else { info.domain.choices() };
    let choices: Vec<String> = choices.unwrap_or_default().into_iter().map(str::to_owned).collect();
    let one = |name: String, hint: String| {
        let field = match suggestions(info, form, snapshot) {
            Some(values) => Field::suggested(name, default, values, hint),
            None if choices.is_empty() => Field::typed(name, default, hint),
            None => {
                let first = if info.default.is_empty() { choices[0].clone() } else { info.default.clone() };
                Field::chosen(name, &first, choices.clone(), hint)
            }
        };
        field.advanced(info.advanced).secret(info.name == "password").path(path(info, form))
    };
    match &info.domain {
        Domain::List { lines: true, .. } => (1..=LINES)
            .map(|line| match line {
                1 => one(info.name.to_owned(), hint(info)),
                _ => one(format!("{}_{line}", info.name), "Another source to add; optional".into()).advanced(line > 2),
            })
            .collect(),
        _ => vec![one(info.name.to_owned(), hint(info))],
    }
}

/// Whether the field takes a path, and which.
fn path(info: &Info, form: FormKind) -> Option<Paths> {
    match (info.name, form) {
        ("source", FormKind::Prepare) => Some(Paths::Source),
        ("to", FormKind::FetchData | FormKind::ExportFeatures) => Some(Paths::Folder),
        ("to", FormKind::Report | FormKind::ExportModel) | ("file", FormKind::FetchWeights) => Some(Paths::Any),
        _ => None,
    }
}

/// What belongs into the field: the sentence, what it may be, and what nothing means.
fn hint(info: &Info) -> String {
    let domain = match &info.domain {
        Domain::Whole { .. } | Domain::Number { .. } | Domain::Syntax { .. } => {
            format!(" ({})", info.domain.describe())
        }
        Domain::List { of, lines: true } => format!(" ({}; Tab lists the layouts and completes paths)", of.hint()),
        Domain::Optional { of, .. } if matches!(**of, Domain::Whole { .. } | Domain::Number { .. }) => {
            format!(" ({})", of.describe())
        }
        _ => String::new(),
    };
    let computed = info.computed.map(|sentence| format!("; empty: {sentence}")).unwrap_or_default();
    format!("{}{domain}{computed}", info.help)
}

/// Values that the workspace has for a setting which takes others too.
fn suggestions(info: &Info, form: FormKind, snapshot: &Snapshot) -> Option<Vec<String>> {
    match (info.name, &info.domain) {
        // The face detector is among them, which gives no features.
        ("backbone", _) if form == FormKind::FetchWeights => {
            Some(faceprobe_core::backbone::weights::all().into_iter().map(|info| info.name.to_owned()).collect())
        }
        ("backbone", Domain::Text { .. }) => {
            Some(snapshot.backbones.iter().map(|backbone| backbone.name.clone()).collect())
        }
        ("with", _) if form == FormKind::Audit => Some(judges(snapshot)),
        ("run" | "model", _) if matches!(form, FormKind::ExportModel | FormKind::Report) => Some(trained(snapshot)),
        (_, Domain::Syntax { pattern, examples, .. }) if !pattern.contains([':', ',']) && form != FormKind::Sweep => {
            Some(examples.iter().map(|example| (*example).to_owned()).collect())
        }
        _ => None,
    }
}

/// Nothing, and the runs that have a model, the best on validation first.
fn trained(snapshot: &Snapshot) -> Vec<String> {
    let mut rows: Vec<_> =
        snapshot.runs.iter().filter_map(|run| run.row.as_ref()).filter(|row| row.has_model()).collect();
    rows.sort_by(|a, b| b.val_accuracy.unwrap_or(0.0).total_cmp(&a.val_accuracy.unwrap_or(0.0)));
    std::iter::once(String::new()).chain(rows.into_iter().map(|row| row.run.clone())).collect()
}

/// The fine-tuned runs that are done, the best on validation first, behind nobody.
fn judges(snapshot: &Snapshot) -> Vec<String> {
    let mut rows: Vec<_> =
        snapshot.runs.iter().filter(|run| !run.status.is_live()).filter_map(|run| run.row.as_ref()).collect();
    rows.retain(|row| row.kind == Kind::FINETUNE);
    rows.sort_by(|a, b| b.val_accuracy.unwrap_or(0.0).total_cmp(&a.val_accuracy.unwrap_or(0.0)));
    std::iter::once(String::new()).chain(rows.into_iter().map(|row| row.run.clone())).collect()
}

/// The prepared sets, and for a training the cross-validations as wholes.
pub(super) fn data(snapshot: &Snapshot, current: Option<&str>, with_folds: bool) -> Field {
    let called = snapshot.called(with_folds);
    let current = current.and_then(|id| called.iter().find(|(_, known)| known == id)).map(|(typed, _)| typed.clone());
    let names = called.into_iter().map(|(typed, _)| typed).collect();
    let hint = if with_folds {
        "The prepared set to train on; a cross-validation means all its folds"
    } else {
        "The prepared set to work on"
    };
    Field::chosen(DATA, &current.unwrap_or_default(), names, hint)
}
