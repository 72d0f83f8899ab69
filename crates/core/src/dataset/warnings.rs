//! Warnings to read before trusting a split.

use super::lacking::{lacking, per_class};
use super::prepare::PrepareSettings;
use super::report::{PrepareReport, Tally};
use super::report_text::thousands;
use super::sample::Split;
use super::screening::Usable;
use std::collections::{HashMap, HashSet};

/// The warnings that follow from the report and the drawn splits.
pub(super) fn about(
    report: &PrepareReport,
    settings: &PrepareSettings,
    usable: &[Usable],
    drawn: &[Option<Split>],
) -> Vec<String> {
    let mut warnings = Vec::new();
    if report.synthetic {
        warnings.push(
            "These images are synthetic: drawings made by this program, not photographs. Accuracy on them says \
             nothing about people."
                .into(),
        );
    }
    if let Some(missing) = report.dropped.iter().find(|dropped| dropped.reason == "missing_file") {
        let [missing, present] = [missing.count, report.images_present].map(thousands);
        warnings.push(format!(
            "The images of {missing} rows are missing; the preparation went on with the {present} that are there."
        ));
    }
    let chosen = || usable.iter().zip(drawn).filter_map(|(sample, drawn)| Some((sample, (*drawn)?)));
    if chosen().next().is_some() {
        warnings.extend(unbalanced(settings, usable, drawn, &report.classes));
        warnings.extend(shared_subjects(chosen(), report.subjects.is_some()));
    }
    warnings
}

/// Images that were not cropped to a face.
pub(super) fn about_crops(cropped: usize, whole: &Tally) -> Option<String> {
    (whole.count > 0).then(|| {
        format!(
            "{} of {} images have no detected face and stay uncropped: {}; crops.csv lists all.",
            thousands(whole.count),
            thousands(cropped + whole.count),
            whole.examples.join(", ")
        )
    })
}

/// Only official splits and folds can be unbalanced; accuracy must then be compared with the majority class.
fn unbalanced(
    settings: &PrepareSettings,
    usable: &[Usable],
    drawn: &[Option<Split>],
    classes: &[String; 2],
) -> Vec<String> {
    let mut warnings = Vec::new();
    for split in Split::ALL {
        let members = usable.iter().zip(drawn).filter(|(_, drawn)| **drawn == Some(split));
        let per_class = per_class(members.map(|(sample, _)| sample.class == 1));
        if let Some(lacks) = lacking(split.name(), per_class, classes) {
            let asked = [settings.train, settings.val, settings.test];
            // An explicitly empty split needs no warning.
            if !Split::ALL.into_iter().zip(asked).any(|(of, size)| of == split && size == Some(0)) {
                warnings.push(format!("{lacks}, {}.", without(split)));
            }
        } else if per_class[0] != per_class[1] {
            let [first, second] = per_class.map(thousands);
            warnings.push(format!(
                "The {} split is not balanced: {first} {} and {second} {}.",
                split.name(),
                classes[0],
                classes[1]
            ));
        }
    }
    warnings
}

/// The consequence of a split without images of both classes.
fn without(split: Split) -> &'static str {
    match split {
        Split::Train => "so no model can be trained on it; prepare with --split random, or with sizes",
        Split::Val => {
            "so no threshold that weighs the two classes, no calibration and no ROC AUC can be told from it; prepare \
             with --split random, or with sizes"
        }
        Split::Test => "so accuracy there says nothing of telling the two classes apart",
    }
}

/// Splits are drawn by image: a subject in training and test makes the test easier than it seems.
fn shared_subjects<'a>(chosen: impl Iterator<Item = (&'a Usable, Split)>, are_named: bool) -> Vec<String> {
    if !are_named {
        return vec![
            "The data set does not name its subjects: photographs of one person may be on both sides of a split."
                .into(),
        ];
    }
    let mut subjects: HashMap<Split, HashMap<(usize, &str), usize>> = HashMap::new();
    for (sample, split) in chosen {
        if let Some(subject) = &sample.row.subject {
            *subjects.entry(split).or_default().entry((sample.source, subject)).or_default() += 1;
        }
    }
    let train: HashSet<_> =
        subjects.get(&Split::Train).map(|train| train.keys().copied().collect()).unwrap_or_default();
    let mut warnings = Vec::new();
    for split in [Split::Val, Split::Test] {
        let held = subjects.get(&split).into_iter().flatten();
        let shared: Vec<usize> =
            held.filter(|(subject, _)| train.contains(subject)).map(|(_, images)| *images).collect();
        if !shared.is_empty() {
            let (people, images) = (thousands(shared.len()), thousands(shared.iter().sum()));
            warnings.push(format!(
                "{people} subjects of the {0} split, with {images} of its images, are in the train split too; \
                 {0} accuracy includes recognising them.",
                split.name()
            ));
        }
    }
    warnings
}
