//! The form for an audit.

use super::{FormKind, number};
use crate::tui::snapshot::Snapshot;
use crate::tui::widgets::form::{Field, Form};
use faceprobe_core::audit::Settings;
use faceprobe_core::model::Kind;
use faceprobe_core::run::JobSpec;

/// No run is asked.
const NONE: &str = "none";

pub(super) fn fields(snapshot: &Snapshot) -> Vec<Field> {
    let settings = Settings::default();
    vec![
        Field::chosen(
            "ask",
            NONE,
            judges(snapshot),
            "a fine-tuned run, which knows wrong labels best, on images it was not trained on",
        ),
        Field::chosen(
            "faces",
            "auto",
            ["auto", "yes", "no"].map(str::to_owned).to_vec(),
            "look for a face in every image; auto: where the weights of mtcnn are there",
        ),
        Field::typed("smallest side", settings.side.to_string(), "pixels; smaller pictures are findings"),
        Field::typed("bits", settings.bits.to_string(), "of 256 in which near duplicates may differ, 0 to 31"),
        Field::typed("seed", settings.seed.to_string(), "decides the folds"),
    ]
}

/// The fine-tuned runs, the best on validation first, behind the word for none.
fn judges(snapshot: &Snapshot) -> Vec<String> {
    let mut rows: Vec<_> = snapshot.runs.iter().filter_map(|run| run.row.as_ref()).collect();
    rows.retain(|row| row.kind == Kind::Finetune);
    rows.sort_by(|a, b| b.val_accuracy.unwrap_or(0.0).total_cmp(&a.val_accuracy.unwrap_or(0.0)));
    std::iter::once(NONE.to_owned()).chain(rows.into_iter().map(|row| row.run.clone())).collect()
}

/// The audit that the form stands for.
pub(super) fn read(form: &mut Form<FormKind>, dataset: Option<&str>) -> Option<JobSpec> {
    let asked = form.value("ask").to_owned();
    // What the form remembers can have been removed since.
    if !form.fields.iter().any(|field| field.name == "ask" && field.choices.contains(&asked)) {
        form.complain("ask", format!("There is no run {asked} any more; left and right choose another."));
    }
    let faces = match form.value("faces") {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    };
    let (side, bits) = (number(form, "smallest side", 1, 100_000), number(form, "bits", 0, 31));
    let seed = number(form, "seed", 0, u64::MAX);
    let settings = Settings {
        with: (asked != NONE).then_some(asked),
        faces,
        side: side?,
        bits: bits?,
        seed: seed?,
        ..Settings::default()
    };
    Some(JobSpec::Audit { dataset: dataset?.to_owned(), settings: Box::new(settings) })
}
