//! Finds what is wrong with a data set: duplicates, subjects in two splits, contradicting and likely wrong labels, poor
//! images.
//!
//! [`run`] checks every labelled image of the sources of a prepared set, including those that preparation left out, and
//! changes nothing. The user's decisions about findings are kept in [`faceprobe_core::dataset::decisions`], and the
//! next preparation applies them.

pub mod alike;
pub mod confident;
pub mod faces;
pub mod folds;
pub mod image_statistics;
pub mod near;
pub mod stores;
pub mod survey;

mod by_content;
mod findings;
mod labels;
mod reference_model;

pub use faceprobe_core::audit::{Audit, FeatureFilter, Finding, Kind, SeenByRun, Settings, Subject, Tally};
pub use faces::CountFaces;
pub use reference_model::ReferenceModel;

use crate::features::{Store, StoreRows};
use faceprobe_core::dataset::crops::picture_of;
use faceprobe_core::dataset::decisions::Decisions;
use faceprobe_core::dataset::groups;
use faceprobe_core::dataset::{ContentHash, Manifest, Version};
use faceprobe_core::error::{AtPath, Result};
use faceprobe_core::monitor::{Monitor, Update};
use faceprobe_core::workspace::{Workspace, write_whole};
use findings::Gallery;
use image_statistics::statistics_of;
use near::{Groups, Index};
use std::path::PathBuf;
use std::time::Instant;

/// What an audit uses besides the cached features.
#[derive(Clone, Copy, Default)]
pub struct Helpers<'a> {
    /// Counts faces, where a detector is installed.
    pub faces: Option<&'a dyn CountFaces>,
    /// The output of the run of [`Settings::with`].
    pub reference: Option<&'a ReferenceModel>,
}

/// Audits a prepared set and writes `audit.json` next to its manifest. Groups of near-duplicates are recorded for the
/// next preparation ([`groups`]).
///
/// # Errors
/// Sources or stores that cannot be read; a stop.
pub fn run(
    workspace: &Workspace,
    manifest: &Manifest,
    settings: &Settings,
    helpers: Helpers<'_>,
    monitor: &dyn Monitor,
) -> Result<Audit> {
    let began = Instant::now();
    let images = survey::survey(workspace, manifest, monitor)?;
    let decisions = Decisions::load(workspace)?;
    let mut notes = Vec::new();
    let stage = |name: &str| monitor.update(Update::Stage { name: name.into() });

    stage("analyse images");
    let files: Vec<(ContentHash, PathBuf)> = images.iter().map(|image| (image.hash, image.file.clone())).collect();
    let statistics = statistics_of(&files, &workspace.root().join("cache/looks.csv"), monitor)?;
    let gallery = Gallery::new(&images, &manifest.classes, &decisions);
    let mut found = gallery.exact();
    found.extend(gallery.subjects());
    found.extend(gallery.pictures(&statistics, settings));

    stage("compare images");
    let hashes: Vec<image_statistics::Hash> = gallery
        .unique()
        .map(|hash| statistics.get(hash).map_or([0; image_statistics::BITS / 64], |statistics| statistics.hash))
        .collect();
    let mut groups = Groups::new(hashes.len());
    found.extend(gallery.near(&hashes, &statistics, &Index::new(&hashes), settings.bits, &mut groups));

    let keys: Vec<ContentHash> = manifest.samples.iter().map(|sample| sample.hash).collect();
    // Features are those of a crop, where there is one; everything else is about the original image.
    let pictures: Vec<ContentHash> = manifest.samples.iter().map(picture_of).collect();
    let (sets, damaged) = stores::cached(&workspace.features(), &keys, &settings.wanted(), monitor)?;
    let name = &manifest.name;
    notes.extend(damaged.into_iter().map(|spec| {
        format!(
            "Cached features are damaged and were not used; faceprobe extract --data {name} {} computes what is lost again.",
            faceprobe_settings::options(&spec).join(" ")
        )
    }));
    if let Some(earliest) = sets.first().and_then(|set| set.stores.first()) {
        stage("compare features");
        // The earliest stage knows most about the image itself and least about the kind of object in it.
        let rows = StoreRows::new(&[earliest], keys.clone())?;
        let mut alike = alike::alike(&rows, settings.cosine, monitor)?;
        if alike.count > alike.pairs.len() as u64 {
            notes.push(format!(
                "{} pairs of images are alike; the {} most similar are listed.",
                alike.count,
                alike.pairs.len()
            ));
        }
        found.extend(gallery.alike(&pictures, &mut alike, &mut groups));
    } else {
        let what =
            if helpers.reference.is_some() { "Features were not" } else { "Labels were not judged and features not" };
        notes.push(format!(
            "{what} compared: no cached features cover all images of {name}; run faceprobe extract --data {name} (best: \
             --backbone mobilenet-v2 --tap 10,13,15,16 --pool grid4)."
        ));
    }
    groups::remember(workspace, &Version::of_folder(&manifest.name).name, &gallery.same_pictures(&mut groups))?;
    let (mut titles, mut agreement, mut likely_errors) = (Vec::new(), None, None);
    if !sets.is_empty() || helpers.reference.is_some() {
        stage("check labels");
        let together = gallery.sample_groups(&pictures, &mut groups);
        let judged = labels::judge(manifest, &keys, &sets, helpers.reference, &together, settings.seed, monitor)?;
        if let Some(reference) = helpers.reference {
            let kept = judged.as_ref().map_or(keys.len(), |judged| judged.kept_from_reference);
            notes.extend(reference.notes(kept, keys.len(), sets.is_empty()));
        }
        if judged.is_none() {
            notes.push(format!(
                "Labels were not judged: too many images of {name} are alike or of the same people, so no model of the others \
                 can judge them."
            ));
        }
        if let Some(judged) = judged {
            found.extend(gallery.label_errors(manifest, &judged.samples, &judged.confidence));
            likely_errors = Some(judged.confidence.suspicious.iter().filter(|suspicious| **suspicious).count());
            titles = judged.features;
            agreement = Some(judged.agreement);
        }
    }
    match helpers.faces {
        Some(count) => {
            stage("detect faces");
            let cache = workspace.root().join("cache/faces.csv");
            found.extend(gallery.without_face(&faces::faces_of(&files, count, &cache, monitor)?));
        }
        None => notes.push("Faces were not looked for.".into()),
    }
    let (tallies, findings) = findings::arrange(found);
    let audit = Audit {
        dataset: manifest.name.clone(),
        manifest_sha256: manifest.sha256.clone(),
        images: images.len(),
        in_no_split: Some(images.iter().filter(|image| image.split.is_none()).count()),
        features: titles,
        agreement,
        likely_errors,
        with: helpers.reference.map(|reference| reference.seen.clone()),
        tallies,
        findings,
        notes,
        seconds: began.elapsed().as_secs_f64(),
    };
    let path = manifest.folder.join("audit.json");
    write_whole(&path, faceprobe_core::seal::text(&audit).at(&path)?.as_bytes())?;
    Ok(audit)
}

/// The rows of a set of stores, side by side.
fn rows_of<'a>(stores: &'a [Store], keys: &[ContentHash]) -> Result<StoreRows<'a>> {
    StoreRows::new(&stores.iter().collect::<Vec<_>>(), keys.to_vec())
}

/// The log-odds of a probability, kept finite.
pub fn log_odds(probability: f64) -> f64 {
    let probability = probability.clamp(1e-9, 1.0 - 1e-9);
    (probability / (1.0 - probability)).ln()
}
