//! The content of a report: overview and sections.

use super::document::{Align, Document, Figure};
use super::gather::{Set, Study};
use super::plots::{Share, forest};
use super::{card, growth, machine, of_model, rerun};
use crate::dataset::thousands;
use crate::run::Status;
use crate::run::result_text::{self, after_opening, division, p_value, set_name, spread, with_interval};
use crate::run::results::{ResultRow, SettingRow};
use crate::text::printable;
use Align::{Left, Mono, Path, Right};

/// Maximum number of models in the overview chart.
const MOST_DRAWN: usize = 24;
/// Maximum number of rows in the overview table.
const MOST_LISTED: usize = 200;

/// The whole report.
pub fn document(study: &Study) -> Document {
    let name = study.workspace.file_name().map_or_else(|| "study".into(), |name| name.to_string_lossy().into_owned());
    let mut document = Document {
        title: "Gender labels of face photographs by transfer learning: a study's report".into(),
        subtitle: format!(
            "Workspace {} · written by faceprobe {} on {}",
            printable(&name),
            env!("CARGO_PKG_VERSION"),
            study.made
        ),
        ..Document::default()
    };
    if study.rows.iter().any(|row| row.synthetic) || study.sets.iter().any(|set| set.report.synthetic) {
        document.warning(
            "Some of this data is synthetic: drawings made by the program, marked (synthetic) below. Accuracies on them say \
             nothing about photographs or people.",
        );
    }
    if !study.damaged.is_empty() {
        document.warning("Of some runs not everything can be read; what cannot is not in this report.");
        document.list(study.damaged.iter().map(|damaged| damaged.to_string()));
    }
    results(&mut document, study);
    data(&mut document, &study.sets);
    if !study.models.is_empty() {
        document.heading(2, "Models");
        let left = study.rows.len() - study.models.len();
        if left > 0 {
            document.text(format!("{left} more models are in the table of results only."));
        }
        for model in &study.models {
            of_model::add(&mut document, model);
        }
    }
    growth::curves(&mut document, study);
    growth::maps(&mut document, study);
    comparisons(&mut document, study);
    openings(&mut document, study);
    if let Some(model) = study.models.iter().find(|model| Some(&model.row.run) == study.card.as_ref()) {
        card::add(&mut document, study, model);
    }
    document.heading(2, "Machine and versions");
    document.text("Of the machine that wrote this report; another processor or number of threads can move an accuracy by an image or two.");
    let facts = machine::facts().into_iter().map(|(name, value)| vec![name, value]).collect();
    document.table("", &[("", Left), ("", Left)], facts);
    rerun::add(&mut document, study);
    document
}

/// A proportion with three digits.
pub(super) fn share(value: Option<f64>) -> String {
    result_text::share(value, "–")
}

fn results(document: &mut Document, study: &Study) {
    document.heading(2, "Results");
    if study.rows.is_empty() {
        document.text("No model has been trained to its end here.");
        return;
    }
    document.text(
        "Settings, epoch, penalty and threshold were chosen on validation. Intervals are 95 %, after Wilson. A test accuracy is \
         given only where the test split was opened for the model; each opening is on record below.",
    );
    let drawn = study.rows.iter().take(MOST_DRAWN).map(|row| {
        let mut shares = Vec::new();
        shares.extend(row.val_accuracy.map(|value| Share { colour: 0, value, interval: row.val_interval }));
        shares.extend(row.test_accuracy.map(|value| Share { colour: 1, value, interval: row.test_interval }));
        (row.run.clone(), shares)
    });
    let drawn: Vec<_> = drawn.collect();
    if let Some(svg) = forest("Accuracy", &drawn, &["validation", "test"], Some(0.5)) {
        let caption = "Accuracy of each model on validation and, where opened, on test, with 95 % intervals; the line at one half is chance on balanced classes.";
        document.figures(vec![Figure { svg, caption: caption.into(), wide: true }]);
    }
    let mark = |row: &ResultRow| {
        let card = if Some(&row.run) == study.card.as_ref() { "*" } else { "" };
        let stopped = if row.status == Status::Stopped { " (stopped)" } else { "" };
        format!("{}{card}{}{stopped}", row.run, after_opening(row.after_test_openings))
    };
    let rows = study.rows.iter().take(MOST_LISTED).map(|row| {
        vec![
            mark(row),
            set_name(&row.dataset, row.synthetic),
            result_text::backbone_name(row.backbone.as_deref(), "–"),
            row.settings.clone(),
            row.seed.to_string(),
            share(row.train_accuracy),
            with_interval(row.val_accuracy, row.val_interval, "–"),
            with_interval(row.test_accuracy, row.test_interval, "not opened"),
        ]
    });
    document.table(
        "All models. * is the model of the card below; ! was made after the test split of its data had been opened, or may have been, so its test accuracy may be too good.",
        &[
            ("run", Mono),
            ("data", Left),
            ("backbone", Left),
            ("settings", Left),
            ("seed", Right),
            ("train", Right),
            ("validation", Right),
            ("test", Right),
        ],
        rows.collect(),
    );
    for remark in result_text::remarks(study.rows.iter().map(|row| row.backbone.as_deref())) {
        document.text(format!("{remark}."));
    }
    spreads(document, &study.settings);
    leaks(document, &study.settings);
}

fn spreads(document: &mut Document, settings: &[SettingRow]) {
    let rows = settings.iter().filter(|row| row.runs.len() > 1).map(|row| {
        vec![
            result_text::setting(row),
            row.dataset.clone(),
            division(row),
            spread(row.train_accuracy, "–"),
            spread(row.val_accuracy, "–"),
            spread(row.test_accuracy, "not opened"),
        ]
    });
    document.table(
        "Mean ± standard deviation over seeds or folds (how many).",
        &[("setting", Left), ("data", Left), ("split", Left), ("train", Right), ("validation", Right), ("test", Right)],
        rows.collect(),
    );
}

fn leaks(document: &mut Document, settings: &[SettingRow]) {
    document.table(
        "The same setting under a random split and with people kept apart: the leak is what recognising people from training adds.",
        &[
            ("setting", Left),
            ("data: random / apart", Left),
            ("val random", Right),
            ("val apart", Right),
            ("leak", Right),
            ("test random", Right),
            ("test apart", Right),
            ("leak", Right),
        ],
        result_text::leaks(settings, "–"),
    );
}

fn data(document: &mut Document, sets: &[Set]) {
    if sets.is_empty() {
        return;
    }
    document.heading(2, "Data");
    for Set { report, .. } in sets {
        // The folds of a cross-validation have different test splits; their hashes are in its own table.
        if report.fold.is_some() {
            continue;
        }
        let [first, second] = &report.classes;
        document.heading(3, set_name(&report.name, report.synthetic));
        document.text(format!(
            "From {}: {} rows in the label files, {} with an image, {} usable ({} {first}, {} {second}). Split: {}, seed {}.",
            report.sources.iter().map(|source| printable(source).into_owned()).collect::<Vec<_>>().join(" and "),
            thousands(report.rows),
            thousands(report.images_present),
            thousands(report.usable.iter().sum()),
            thousands(report.usable[0]),
            thousands(report.usable[1]),
            report.split.name(),
            report.seed,
        ));
        if let Some(subjects) = report.subjects {
            document.text(format!("{} different subjects among the usable images.", thousands(subjects)));
        }
        for warning in &report.warnings {
            document.warning(warning.clone());
        }
        let dropped = report.dropped.iter().map(|dropped| {
            let examples = if dropped.reason == "not_sampled" {
                String::new()
            } else {
                dropped.examples.iter().take(2).cloned().collect::<Vec<_>>().join("; ")
            };
            vec![dropped.explanation.clone(), thousands(dropped.count), examples]
        });
        document.table(
            "Left out, in the order of the checks.",
            &[("why", Left), ("rows", Right), ("for example", Path)],
            dropped.collect(),
        );
        let counts = |name: &str, per_class: [usize; 2]| {
            vec![
                name.to_owned(),
                thousands(per_class[0]),
                thousands(per_class[1]),
                thousands(per_class[0] + per_class[1]),
            ]
        };
        let head = [("", Left), (first.as_str(), Right), (second.as_str(), Right), ("total", Right)];
        let caption = if report.splits.iter().any(|split| split.split.starts_with("fold")) {
            "Test images of each fold."
        } else {
            "Images in each split."
        };
        document.table(
            caption,
            &head,
            report.splits.iter().map(|split| counts(&split.split, split.per_class)).collect(),
        );
        let mut ages: Vec<_> = report.ages.iter().collect();
        ages.sort_by_key(|(age, _)| {
            (
                age.split(|c: char| !c.is_ascii_digit()).find_map(|part| part.parse::<u32>().ok()).unwrap_or(u32::MAX),
                (*age).clone(),
            )
        });
        document.table(
            "Usable images by age group.",
            &head,
            ages.into_iter().take(24).map(|(age, per_class)| counts(age, *per_class)).collect(),
        );
    }
    let hashes = sets.iter().filter(|set| !set.report.manifest_sha256.is_empty()).map(|Set { report, .. }| {
        vec![
            report.name.clone(),
            report.split.name().to_owned(),
            report.seed.to_string(),
            report.manifest_sha256.clone(),
        ]
    });
    document.heading(3, "Splits and their hashes");
    document
        .text("The same inputs and seed give the same bytes of manifest.csv, and so the same SHA-256, on any machine.");
    document.table(
        "",
        &[("data set", Left), ("split", Left), ("seed", Right), ("SHA-256 of manifest.csv", Path)],
        hashes.collect(),
    );
}

fn comparisons(document: &mut Document, study: &Study) {
    let Some(card) = study.card.as_ref().filter(|_| !study.comparisons.is_empty()) else { return };
    document.heading(2, "Models compared on the same images");
    document.text(format!(
        "{card} against the others, by McNemar's exact test: only images that one of the two tells right and the other wrong speak of a \
         difference. p-values are two-sided and not corrected for there being several comparisons."
    ));
    let rows = study.comparisons.iter().map(|(other, comparison)| {
        let test = &comparison.test;
        vec![
            other.clone(),
            comparison.split.clone(),
            thousands(comparison.images),
            format!("{:.3}", comparison.first_accuracy),
            format!("{:.3}", comparison.second_accuracy),
            format!("{:+.3}", comparison.first_accuracy - comparison.second_accuracy),
            test.first_only.to_string(),
            test.second_only.to_string(),
            p_value(test.p_value),
        ]
    });
    document.table(
        "",
        &[
            ("other", Mono),
            ("split", Left),
            ("images", Right),
            (card, Right),
            ("other", Right),
            ("difference", Right),
            (&format!("only {card} right"), Right),
            ("only other right", Right),
            ("p", Right),
        ],
        rows.collect(),
    );
}

fn openings(document: &mut Document, study: &Study) {
    document.heading(2, "Record of test openings");
    let damage = study.record.damage();
    if let Some(damage) = &damage {
        document.warning(printable(&damage.to_string()));
    }
    if study.record.openings().len() == 0 {
        document.text(if damage.is_some() {
            "No other opening is on record."
        } else {
            "No test split has been opened."
        });
        return;
    }
    document.text(
        "Every time a test split was scored, oldest first. What was chosen after an opening on the same data can have been chosen on the test set.",
    );
    let rows = study.record.openings().map(|opening| {
        vec![
            opening.at.clone(),
            opening.run.clone(),
            opening.dataset.clone(),
            format!("{:.4}", opening.test_accuracy),
            opening.manifest_sha256.get(..16).unwrap_or_default().to_owned(),
        ]
    });
    document.table(
        "",
        &[("when (UTC)", Mono), ("run", Mono), ("data", Left), ("test accuracy", Right), ("manifest", Mono)],
        rows.collect(),
    );
}
