//! Prepares a trained run as the reference model of an audit.

use super::execute::JobContext;
use super::external_evaluation::{own_images, swapped};
use super::scoring::{check_identity, filled_stores, source_of};
use crate::audit::{ReferenceModel, SeenByRun};
use crate::features::StoreRows;
use crate::model::{Kind, SavedModel, Scorer};
use faceprobe_core::dataset::crops::picture_of;
use faceprobe_core::dataset::{ContentHash, Manifest, PrepareReport, Split};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::monitor::{Monitor, Update};
use faceprobe_core::run::RunFolder;
use faceprobe_core::run::refit;
use faceprobe_core::run::results::ResultRow;
use faceprobe_core::run::spec::JobSpec;
use ndarray::Array2;

/// Applies run `name` to the samples of `manifest` that it was not trained on. Missing rows are computed first.
///
/// # Errors
/// A run without a model, the benchmark, other classes; a run whose own data set was removed or changed, since then it
/// is unknown which images it has seen; images that cannot be read.
pub(super) fn ask(
    circumstances: &JobContext<'_>,
    name: &str,
    manifest: &Manifest,
    monitor: &dyn Monitor,
) -> Result<ReferenceModel> {
    let run = RunFolder::find(circumstances.workspace, name)?;
    let JobSpec::Train { dataset, model: spec, refit } = run.spec()?.job else {
        return Err(Error::usage(format!("Run {name} trains no model, so it cannot judge labels.")));
    };
    if ResultRow::load(&run)?.is_none() {
        return Err(Error::failed(format!("Run {name} has no trained model yet; wait for its end or train it again.")));
    }
    let model = SavedModel::load(&run.model_path())?;
    if model.info.kind == Kind::BENCHMARK {
        return Err(Error::usage(format!(
            "{name} is a benchmark, which is too often wrong to judge labels; name a fine-tuned run or a head."
        )));
    }
    let swapped = swapped(&model.info.classes, &manifest.classes).ok_or_else(|| {
        Error::failed(format!(
            "{name} tells {} from {}, but the classes of {} are {} and {}.",
            model.info.classes[0], model.info.classes[1], manifest.name, manifest.classes[0], manifest.classes[1]
        ))
    })?;
    if PrepareReport::load(&manifest.folder)?.alignment != model.info.alignment {
        return Err(Error::failed(format!(
            "{name} was trained on pictures that are cropped otherwise than those of {}; prepare both alike.",
            manifest.name
        )));
    }
    let own = own_images(circumstances.workspace, &dataset, &model).ok_or_else(|| {
        Error::failed(format!(
            "{dataset} is no longer as it was when {name} was trained on it, so nobody knows which images {name} has \
             seen with their labels; train it again, or audit without it."
        ))
    })?;
    let split_in_own = |at: usize| own.get(&picture_of(&manifest.samples[at])).copied();
    let learnt = refit::training_splits(refit.is_some());
    let (mut trained_on, mut asked) = (Vec::new(), Vec::new());
    let mut seen = SeenByRun { run: name.to_owned(), ..SeenByRun::default() };
    for at in 0..manifest.samples.len() {
        match split_in_own(at) {
            Some(Split::Train) => seen.train += 1,
            Some(Split::Val) => seen.val += 1,
            Some(Split::Test) => seen.test += 1,
            None => {}
        }
        let was_learnt = split_in_own(at).is_some_and(|split| learnt.contains(&split));
        if was_learnt { trained_on.push(at) } else { asked.push(at) }
    }
    let title = match spec.features() {
        Some(features) if spec.kind() == Kind::FINETUNE => {
            format!("{name} ({} tuned after stage {})", features.backbone, features.tap)
        }
        _ => format!("{name} ({})", spec.describe()),
    };
    let mut reference = ReferenceModel { title, seen, trained_on, asked, logits: Vec::new(), features: None };
    if reference.asked.is_empty() {
        return Ok(reference);
    }
    let source = source_of(&spec, circumstances.device)?;
    check_identity(&model.info.input, &source.identity())?;
    let wanted = Manifest {
        samples: reference.asked.iter().map(|&at| manifest.samples[at].clone()).collect(),
        ..manifest.clone()
    };
    monitor.update(Update::Stage { name: format!("features for {name}") });
    let (stores, _) = filled_stores(circumstances, &wanted, &Split::ALL, source.as_ref(), monitor)?;
    // An image that can no longer be read has no row and is not scored.
    reference.asked.retain(|&at| stores.iter().all(|store| store.contains(&manifest.samples[at].hash)));
    let keys: Vec<ContentHash> = reference.asked.iter().map(|&at| manifest.samples[at].hash).collect();
    let rows = StoreRows::new(&stores.iter().collect::<Vec<_>>(), keys)?;
    monitor.update(Update::Stage { name: format!("ask {name}") });
    let scorer = Scorer::of(&model)?;
    let (features, scores): (Option<Array2<f32>>, Vec<f64>) = match scorer.tuned_features(&rows, monitor)? {
        Some((features, scores)) => (Some(features), scores),
        None => (None, scorer.scores(&rows, monitor)?),
    };
    let sign = if swapped { -1.0 } else { 1.0 };
    reference.logits = scores.into_iter().map(|score| sign * crate::audit::log_odds(score)).collect();
    reference.features = features;
    Ok(reference)
}
