//! What makes the same study again: its file, what it stands on, and which figures will be the same.

use super::document::{Align, Block, Document};
use super::gather::Study;
use crate::study::write;
use crate::text::lines;
use Align::{Left, Path};
use std::collections::BTreeSet;

/// Adds the section.
pub fn add(document: &mut Document, study: &Study) {
    document.heading(2, "How to make it again");
    if study.sets.is_empty() {
        document.text("No data set is prepared here, so there is no study's file.");
        return;
    }
    document.text(
        "This file is the study: 'faceprobe study run FILE' makes it in an empty workspace, once the images are where its sources \
         say and the weights below are there. Test splits are opened when everything is trained.",
    );
    document.blocks.push(Block::Code(lines(&write(&study.file.study)).into_owned()));
    if !study.file.left_out.is_empty() {
        document.text("Not in it, because they are unfinished or their data is not there as it was:");
        document.list(study.file.left_out.iter().cloned());
    }
    if let Some(choice) = &study.chosen {
        let adapted = choice.adapted.as_ref().map_or_else(String::new, |adapted| {
            format!(
                ", chosen with the calibration on {} images of {} (seed {})",
                adapted.images, adapted.dataset, adapted.seed
            )
        });
        document.text(format!(
            "The model that predict uses is {}, with threshold {}{adapted}.",
            choice.run, choice.threshold
        ));
    }
    let sets = study.sets.iter().filter(|set| !set.report.manifest_sha256.is_empty());
    let sets =
        sets.map(|set| vec![format!("data {}, manifest.csv", set.report.name), set.report.manifest_sha256.clone()]);
    let weights = study.weights.iter().map(|(name, hash)| vec![format!("weights of {name}"), hash.clone()]);
    document.table("What it stands on.", &[("", Left), ("SHA-256", Path)], sets.chain(weights).collect());
    document.heading(3, "Which figures are the same elsewhere");
    document.list(same(study));
}

/// What depends on the machine and what does not.
fn same(study: &Study) -> Vec<String> {
    let mut said = vec![
        "On any machine: what is read, dropped and drawn, the splits and with them the manifests' hashes, how many images each \
         figure is of, and which settings are tried."
            .to_owned(),
    ];
    if study.sets.iter().any(|set| set.report.alignment.is_some()) {
        said.push(
            "Not those of sets whose images are cropped to faces: another processor may round a crop differently."
                .to_owned(),
        );
    }
    for set in
        study.sets.iter().filter(|set| set.report.warnings.iter().any(|warning| warning.contains("data/alike.csv")))
    {
        said.push(format!(
            "Not the splits of {}, unless data/alike.csv of this workspace is there too: it holds the near duplicates that are \
             kept in one split.",
            set.report.name
        ));
    }
    let threads: BTreeSet<usize> = study.jobs.iter().map(|(_, spec)| spec.threads).collect();
    let threads: Vec<String> = threads.iter().map(usize::to_string).collect();
    said.push(format!(
        "With the same weights, version, number of threads ({} here) and processor: every accuracy, threshold and chosen epoch, and \
         which setting or model is the best by them. \
         Other threads or another processor sum floating-point numbers in another order, which can move an accuracy by an image \
         or two.",
        if threads.is_empty() { "none".to_owned() } else { threads.join(", ") }
    ));
    said.push("On no other machine: times.".to_owned());
    said
}
