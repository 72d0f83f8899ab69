//! The model card of the chosen model (after Mitchell et al., Model Cards for Model Reporting, 2019).

use super::content::share;
use super::document::{Align, Document};
use super::gather::{Model, Study};
use crate::dataset::{PrepareReport, Split, SplitMethod, thousands};
use crate::run::choice::Choice;
use crate::run::result_text::{backbone_name, remarks, with_interval};

/// Adds the card.
pub fn add(document: &mut Document, study: &Study, model: &Model) {
    let row = &model.row;
    let report = study.sets.iter().map(|set| &set.report).find(|report| report.name == row.dataset);
    document.heading(2, format!("Model card: {}", row.run));
    details(document, study, model);
    document.heading(3, "Intended use");
    document.list([
        "Studying how features of networks that were trained on ImageNet transfer to another task, and how such a study is evaluated.",
        "Comparison with other models on the same images.",
    ]);
    document.heading(3, "Not for");
    document.list([
        "Deciding anything about a person, or inferring anyone's gender or identity.",
        "Sorting, admitting, targeting, counting or watching people.",
        "Photographs of people who have not agreed to such a study, where law or the data set's licence asks for it.",
    ]);
    document.text("There is no threshold at which such a use becomes acceptable.");
    document.heading(3, "What a gender label is, and what it is not");
    document.text(
        "A label in this data is what annotators, or the people who collected it, wrote down in one of two words when they looked at a \
         photograph. It is not what the person photographed would say, it is neither sex nor identity, and it leaves out everyone whom \
         two words do not fit. Labels carry the annotators' habits about hair, make-up, clothing, age and skin; a model that \
         is trained on them reproduces those judgements, with errors that differ between groups. An accuracy says how often the model \
         agrees with the annotators on photographs like those it was trained on, and nothing else.",
    );
    figures(document, model);
    document.heading(3, "Limits");
    document.list(limits(study, model, report));
}

fn details(document: &mut Document, study: &Study, model: &Model) {
    let row = &model.row;
    let possible = possible(study);
    let choice = study.chosen.as_ref().filter(|choice| choice.run == row.run);
    let mut rows = vec![
        vec!["kind".to_owned(), row.kind.name().to_owned()],
        vec!["settings".to_owned(), row.settings.clone()],
        vec!["features of".to_owned(), backbone_name(row.backbone.as_deref(), "none: pooled pixels")],
        vec![
            "trained on".to_owned(),
            format!(
                "{}, split {}",
                row.dataset,
                row.division.as_ref().map_or("random", |division| division.split.name())
            ),
        ],
        vec!["made".to_owned(), row.created.clone()],
        vec![
            "threshold".to_owned(),
            match choice {
                Some(Choice { threshold, adapted: Some(adapted), .. }) => format!(
                    "{threshold:.3}, fitted on {} images of {}, where it tells {:.3} of {} others right, and {:.3} with \
                     its own threshold {:.3}",
                    adapted.images,
                    adapted.dataset,
                    adapted.after.accuracy,
                    adapted.rest,
                    adapted.before.accuracy,
                    adapted.own_threshold
                ),
                Some(choice) => format!(
                    "{:.3}, chosen on validation for: {}",
                    choice.threshold,
                    choice.criterion.as_deref().unwrap_or("auto")
                ),
                None => format!("{:.3}, chosen on validation for accuracy", row.threshold),
            },
        ],
        vec![
            "chosen".to_owned(),
            match choice {
                Some(choice) if choice.after_test_openings > 0 => {
                    format!("{}, after {} openings of its test split{possible}", choice.at, choice.after_test_openings)
                }
                Some(choice) => format!("{}, before any opening of its test split", choice.at),
                None => "not chosen by hand; the best on validation or the one named for this report".to_owned(),
            },
        ],
    ];
    if let Some(info) = &model.info {
        rows.push(vec!["weights of the network".to_owned(), format!("SHA-256 {}", info.input.weights)]);
        rows.push(vec![
            "output".to_owned(),
            format!("score of {}; at or above the threshold it is told as that", info.classes[1]),
        ]);
    }
    document.table("", &[("", Align::Left), ("", Align::Left)], rows);
}

fn figures(document: &mut Document, model: &Model) {
    document.heading(3, "Figures");
    let rows = model.parts.iter().map(|part| {
        let figures = &part.figures;
        let gap = part
            .groups
            .iter()
            .filter_map(|groups| Some((groups, groups.gap.as_ref()?)))
            .max_by(|a, b| a.1.difference.total_cmp(&b.1.difference))
            .map_or_else(
                || "–".to_owned(),
                |(groups, gap)| format!("{:.3} by {} ({} – {})", gap.difference, groups.column, gap.best, gap.worst),
            );
        vec![
            if part.split == Split::Test { "test" } else { "validation" }.to_owned(),
            thousands(figures.images),
            with_interval(Some(figures.accuracy), figures.interval_by_subject.or(figures.interval), "–"),
            format!("{:.3}", figures.balanced_accuracy),
            share(figures.of_scores.roc_auc),
            format!("{:.3}", figures.of_scores.calibration_error),
            gap,
        ]
    });
    let right = Align::Right;
    document.table(
        "Intervals are 95 %, by people where they are named.",
        &[
            ("split", Align::Left),
            ("images", right),
            ("accuracy", right),
            ("balanced", right),
            ("ROC AUC", right),
            ("calibration error", right),
            ("largest gap between groups", Align::Left),
        ],
        rows.collect(),
    );
    if !model.parts.iter().any(|part| part.split == Split::Test) {
        document.text("The test split has not been opened for this model; its validation figures are those it was chosen by, and too good for that.");
    }
}

/// The remark if not all counted openings are certain.
fn possible(study: &Study) -> &'static str {
    match study.record.damage() {
        Some(_) => " (what cannot be read in the record of openings counted)",
        None => "",
    }
}

fn limits(study: &Study, model: &Model, report: Option<&PrepareReport>) -> Vec<String> {
    let row = &model.row;
    let mut limits = Vec::new();
    if row.synthetic {
        limits.push("It was trained on drawings and knows nothing of photographs.".to_owned());
    }
    let split = row.division.as_ref().map_or(SplitMethod::Random, |division| division.split);
    match report.and_then(|report| report.subjects) {
        _ if split.keeps_people_apart() => {
            limits.push("Nobody is in two of its splits, so its figures are of people it has not seen.".to_owned());
        }
        Some(_) => limits.push(
            "Its splits were drawn by image: photographs of the same people are in training and test, and its accuracies include \
             recognising them."
                .to_owned(),
        ),
        None => limits.push(
            "The data does not name people: photographs of one person may be in training and test, which makes its accuracies too good."
                .to_owned(),
        ),
    }
    limits.extend(remarks([row.backbone.as_deref()]).iter().map(|remark| format!("Its features are {remark}.")));
    if row.after_test_openings > 0 {
        limits.push(format!(
            "The test split of its data had been opened {} times{} before it was made, so its test accuracy may be too good.",
            row.after_test_openings,
            possible(study)
        ));
    }
    limits.push("Its figures are of photographs collected and cropped as in this data set; on others it will be worse, and by how much is not known.".to_owned());
    limits.push(
        "Groups that are small in the tables have wide intervals: no gap found there is no proof of none.".to_owned(),
    );
    limits.push("Race and age, where they are given, are annotators' impressions too.".to_owned());
    limits
}
