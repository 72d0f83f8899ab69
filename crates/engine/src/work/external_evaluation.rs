//! External evaluation: scores a trained run on another data set than its own.
//!
//! This does not open a test split: images that are in any split of the run's own data set are recognised by their
//! content and left out.

use super::execute::JobContext;
use super::scoring::{check_identity, filled_stores, score_split, source_of};
use crate::model::SavedModel;
use faceprobe_core::dataset::crops::picture_of;
use faceprobe_core::dataset::{ContentHash, Manifest, PrepareReport, Sample, Split};
use faceprobe_core::error::{AtPath, Error, Result};
use faceprobe_core::evaluation::{Confusion, Figures, wilson95};
use faceprobe_core::monitor::{Monitor, Update};
use faceprobe_core::run::RunFolder;
use faceprobe_core::run::external_evaluation::{ClassFigures, ExternalEvaluation, LeftOut, figures_path, find_dataset};
use faceprobe_core::run::results::ResultRow;
use faceprobe_core::run::score_file;
use faceprobe_core::run::spec::JobSpec;
use faceprobe_core::workspace::{Workspace, write_whole};
use std::collections::HashMap;

/// Scores run `name` on all splits of another data set, and writes figures and scores to the folder of the present run.
///
/// # Errors
/// A run without a model; other classes; no images that are new to the run; images that cannot be read.
pub(super) fn evaluate(circumstances: &JobContext<'_>, name: &str, on: &str, monitor: &dyn Monitor) -> Result<String> {
    let run = RunFolder::find(circumstances.workspace, name)?;
    let JobSpec::Train { dataset: trained_on, model: spec, .. } = run.spec()?.job else {
        return Err(Error::usage(format!("Run {name} trains no model, so there is nothing to evaluate.")));
    };
    if ResultRow::load(&run)?.is_none() {
        return Err(Error::failed(format!("Run {name} has no trained model yet; wait for its end or train it again.")));
    }
    let model = SavedModel::load(&run.model_path())?;
    let manifest = find_dataset(circumstances.workspace, on)?;
    let swapped = swapped(&model.info.classes, &manifest.classes).ok_or_else(|| {
        Error::failed(format!(
            "{name} tells {} from {}, but the classes of {} are {} and {}; prepare that set with the same names.",
            model.info.classes[0], model.info.classes[1], manifest.name, manifest.classes[0], manifest.classes[1]
        ))
    })?;
    let own = own_images(circumstances.workspace, &trained_on, &model);
    let mut left_out = LeftOut::default();
    if let Some(own) = &own {
        manifest
            .samples
            .iter()
            .filter_map(|sample| own.get(&picture_of(sample)))
            .for_each(|split| left_out.count(*split));
    }
    let fresh = |sample: &Sample| own.as_ref().is_none_or(|own| !own.contains_key(&picture_of(sample)));
    // Excluded images are not even computed.
    let scored = Manifest {
        samples: manifest.samples.iter().filter(|sample| fresh(sample)).cloned().collect(),
        ..manifest.clone()
    };
    if scored.samples.is_empty() {
        return Err(Error::failed(format!(
            "All {} images of {} are in {trained_on}, which {name} was trained on; its own test split is opened with \
             'faceprobe evaluate {name} --open-test'.",
            manifest.samples.len(),
            manifest.name
        )));
    }
    let source = source_of(&spec, circumstances.device)?;
    check_identity(&model.info.input, &source.identity())?;
    let (stores, report) = filled_stores(circumstances, &scored, &Split::ALL, source.as_ref(), monitor)?;
    monitor.update(Update::Stage { name: format!("score {}", manifest.name) });
    let (mut samples, mut scores, mut positive) = (Vec::new(), Vec::new(), Vec::new());
    for split in Split::ALL.into_iter().filter(|split| scored.split(*split).next().is_some()) {
        let part = score_split(&model, &stores, &scored, split, monitor)?;
        samples.extend(part.0);
        scores.extend(part.1);
        positive.extend(part.2.into_iter().map(|positive| positive != swapped));
    }
    let SavedModel { info, .. } = &model;
    let of = Figures::of(&scores, &positive, info.threshold, &info.classes, info.calibration);
    let figures = ExternalEvaluation {
        run: name.to_owned(),
        trained_on,
        dataset: manifest.name.clone(),
        manifest_sha256: manifest.sha256.clone(),
        synthetic: PrepareReport::load(&manifest.folder)?.synthetic,
        unreadable: report.skipped.len(),
        left_out,
        own_images_known: own.is_some(),
        images: of.images,
        threshold: of.threshold,
        accuracy: of.accuracy,
        interval: of.interval,
        balanced_accuracy: of.balanced_accuracy,
        classes: classes(&info.classes, &of.confusion),
        confusion: of.confusion,
        of_scores: of.of_scores,
    };
    let folder = circumstances.run.path();
    score_file::write(&folder.join("scores.csv"), &scored, &samples, &scores)?;
    let path = figures_path(folder);
    write_whole(&path, faceprobe_core::seal::text(&figures).at(&path)?.as_bytes())?;
    Ok(format!("{name}: accuracy {:.3} on {} images of {}", figures.accuracy, figures.images, figures.dataset))
}

/// Whether two pairs of classes are the same in swapped order; none if they are different.
pub(super) fn swapped(model: &[String; 2], data: &[String; 2]) -> Option<bool> {
    if model == data {
        return Some(false);
    }
    (model[0] == data[1] && model[1] == data[0]).then_some(true)
}

/// The images of the data set that a run was trained on, with their splits; none if it was removed or changed.
pub(super) fn own_images(
    workspace: &Workspace,
    dataset: &str,
    model: &SavedModel,
) -> Option<HashMap<ContentHash, Split>> {
    let trained_on = &model.info.provenance.manifest_sha256;
    let manifest = Manifest::load_recorded(workspace, dataset, trained_on).ok()?;
    (manifest.sha256 == *trained_on)
        .then(|| manifest.samples.iter().map(|sample| (picture_of(sample), sample.split)).collect())
}

/// The figures of both classes, from the confusion matrix.
fn classes(names: &[String; 2], confusion: &Confusion) -> Vec<ClassFigures> {
    let class = |class: usize, right: usize, missed: usize, wrong: usize| {
        let share = |of: usize| (of > 0).then(|| right as f64 / of as f64);
        ClassFigures {
            class: names[class].clone(),
            images: right + missed,
            accuracy: share(right + missed),
            interval: wilson95(right, right + missed),
            precision: share(right + wrong).filter(|_| right + missed > 0),
        }
    };
    let Confusion { true_negative, false_positive, false_negative, true_positive } = *confusion;
    vec![
        class(0, true_negative, false_positive, false_negative),
        class(1, true_positive, false_negative, false_positive),
    ]
}
