//! Fine-tuning: the stages of a pretrained network behind a cut, trained together with a linear head on their global
//! average.
//!
//! The stages before the cut are frozen, so their output is computed once for each image and its mirror image and kept
//! in the feature store; for training, also for some variations of the image. An epoch uses one of them, drawn again
//! each time; scores are the mean of the image and its mirror image. Batch normalisation keeps its statistics; its
//! scale and shift are trained with everything else ([`fold`]). Gradients are libtorch's, computed in pieces on all
//! threads ([`data_parallel`]).

mod augmented;
mod average;
mod data_parallel;
mod fold;
mod learner;
mod parameters;
mod progress;
#[cfg(test)]
mod tests;
pub(in crate::model) mod tuned;

use crate::backbone::Pool;
use crate::features::{CutSource, FeatureRows, RowSource, Store, StoreIdentity, StoreRows};
use crate::model::FinetuneSettings;
use crate::model::Kind;
use crate::model::checkpoint::Checkpoints;
use crate::model::data::{Examples, check_pair};
use crate::model::kind::ModelKind;
use crate::model::network::Weights;
use crate::model::rows::{Prepared, TrainingRows, feature_rows};
use crate::model::scorer::Scorer;
use crate::model::trained::Trained;
use crate::model::training::{Plan, fit};
use crate::model::{ModelInfo, ModelSpec};
use faceprobe_core::dataset::Split;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::evaluation::best_threshold;
use faceprobe_core::imaging::Variation;
use faceprobe_core::monitor::{Monitor, ToTheEnd, Update};
use learner::FinetuneLearner;
use progress::Progress;
use std::time::Duration;
use tch::Device;
use tuned::{Geometry, tail_of};

/// A split whose rows exist for the image and for its mirror image: separately, and side by side in one row.
#[derive(Clone, Copy)]
pub struct Views<'a> {
    pairs: &'a [Pair<'a>],
    both: &'a dyn FeatureRows,
    positive: &'a [bool],
}

/// The rows of images and of their mirror images.
pub type Pair<'a> = [&'a dyn FeatureRows; 2];

impl<'a> Views<'a> {
    /// `pairs` are those of the images themselves, then of each variation; `both` has the rows of the first pair side
    /// by side, and a label for each.
    ///
    /// # Errors
    /// Rows that do not belong together; no pair.
    pub fn new(pairs: &'a [Pair<'a>], both: Examples<'a>) -> Result<Self> {
        let Examples { rows, positive } = both;
        let (count, width) = (rows.len(), rows.width());
        let fits = |one: &dyn FeatureRows| one.len() == count && 2 * one.width() == width;
        if pairs.is_empty() || !pairs.iter().flatten().all(|one| fits(*one)) {
            return Err(Error::failed("the rows of pictures and of their mirror images do not belong together"));
        }
        Ok(Self { pairs, both: rows, positive })
    }

    /// Values per image.
    fn width(&self) -> usize {
        self.both.width() / 2
    }

    fn examples(&self) -> Examples<'a> {
        Examples { rows: self.both, positive: self.positive }
    }
}

/// Implements fine-tuning.
pub(in crate::model) struct Finetune;

/// Its registry entry.
pub(in crate::model) const TRAINING: &dyn ModelKind = &Finetune;

impl ModelKind for Finetune {
    fn source(&self, spec: &ModelSpec, device: Device) -> Result<Box<dyn RowSource>> {
        Ok(Box::new(CutSource::new(spec.required_features()?, device)?))
    }

    fn source_of_saved(&self, info: &ModelInfo, device: Device) -> Result<Box<dyn RowSource>> {
        Ok(Box::new(CutSource::of_identity(&info.input, device)?))
    }

    fn variations(&self, spec: &ModelSpec, device: Device) -> Result<Vec<CutSource>> {
        let settings: &FinetuneSettings = spec.settings()?;
        let all = (1..=usize::from(settings.variations)).filter_map(Variation::numbered);
        let features = spec.required_features()?;
        all.map(|variation| CutSource::varied(features, variation, device)).collect()
    }

    fn train<'a>(
        &self,
        spec: &ModelSpec,
        rows: &'a Prepared<'_>,
        checkpoints: &Checkpoints,
        monitor: &dyn Monitor,
    ) -> Result<(Trained, TrainingRows<'a>)> {
        let all: Vec<&Store> = rows.stores.iter().chain(rows.varied).collect();
        let train = feature_rows(&all, rows.manifest, rows.learnt, monitor)?;
        let val = feature_rows(rows.stores, rows.manifest, &[Split::Val], monitor)?;
        let (train_views, val_views) = (train.rows.by_store(), val.rows.by_store());
        let (train_pairs, val_pairs) = (pairs(&train_views), pairs(&val_views));
        let train_both = train.rows.of_stores(0..rows.stores.len())?;
        let train_views = Views::new(&train_pairs, Examples::new(&train_both, &train.positive)?)?;
        let val_views = Views::new(&val_pairs, val.examples()?)?;
        let trained =
            train_finetune(rows.identity, train_views, val_views, spec.settings()?, Some(checkpoints), monitor)?;
        let train_positive = train.positive.clone();
        Ok((
            trained,
            TrainingRows { train_positive, val_samples: val.samples.clone(), val_positive: val.positive.clone() },
        ))
    }

    fn scorer(&self, weights: &Weights, input: &StoreIdentity) -> Result<Scorer> {
        Scorer::tuned(weights, input)
    }

    /// Its head is linear on the globally averaged last stage.
    fn is_explained_exactly(&self, _: Option<Pool>) -> bool {
        true
    }
}

/// Rows of images and of their mirror images, in adjacent stores.
fn pairs<'a>(stores: &'a [StoreRows<'_>]) -> Vec<Pair<'a>> {
    stores.chunks_exact(2).map(|two| [&two[0] as &dyn FeatureRows, &two[1]]).collect()
}

/// Trains the stages behind the cut and keeps their best and their last epoch, the best by validation accuracy. `input`
/// identifies network and cut; its weights are loaded.
///
/// The duration of an epoch is measured and reported before the first one. With `checkpoints`, an interrupted training
/// resumes.
///
/// # Errors
/// Settings out of range; splits that do not fit the cut or each other, or have one class; weights that are missing; a
/// loss that is not finite; [`faceprobe_core::error::ErrorKind::Stopped`].
pub fn train_finetune(
    input: &StoreIdentity,
    train: Views<'_>,
    val: Views<'_>,
    settings: &FinetuneSettings,
    checkpoints: Option<&Checkpoints>,
    monitor: &dyn Monitor,
) -> Result<Trained> {
    faceprobe_settings::check(settings)?;
    check_pair(&train.examples(), &val.examples())?;
    let tail = tail_of(input)?;
    let width = Geometry::of(&tail).width();
    if train.width() != width {
        return Err(Error::failed(format!(
            "the activations have {} values per image, and the cut of {} gives {width}",
            train.width(),
            input.backbone
        )));
    }
    let plan = Plan {
        epochs: settings.epochs,
        batch: settings.batch,
        learning_rate: settings.learning_rate,
        schedule: settings.rates(),
        dropout: settings.dropout,
        patience: settings.patience,
        seed: settings.seed,
    };
    let mut learner = FinetuneLearner::new(&tail, settings, (train, val), monitor)?;
    let epochs = checkpoints.map_or(settings.epochs, |checkpoints| checkpoints.planned(settings.epochs));
    let validates = checkpoints.is_none_or(Checkpoints::validates);
    tell_time(learner.epoch_time(validates)?, epochs, monitor);
    let course = fit(&mut learner, &plan, checkpoints, monitor)?;
    let monitor = &ToTheEnd(monitor);
    let last_weights = if course.stopped || course.best_epoch == course.history.len() {
        None
    } else {
        Some(learner.measured_weights()?)
    };
    let params = course.best.iter().map(Vec::len).sum();
    let weights: Weights = learner.parameters.weights(&course.best)?;
    drop(learner);
    let scorer = Scorer::tuned(&weights, input)?;
    let val_scores = scorer.scores(val.both, monitor)?;
    Ok(Trained {
        kind: Kind::FINETUNE,
        settings: serde_json::to_value(settings).map_err(|error| Error::failed(error.to_string()))?,
        epochs_run: course.history.len(),
        best_epoch: course.best_epoch,
        finished: course.finished,
        stopped: course.stopped,
        history: course.history,
        threshold: best_threshold(&val_scores, val.positive),
        train_scores: scorer.scores(train.both, monitor)?,
        val_scores,
        params,
        weights,
        last_weights,
    })
}

fn tell_time(epoch: Duration, epochs: usize, monitor: &dyn Monitor) {
    let seconds = epoch.as_secs_f64();
    let whole = seconds * epochs as f64;
    let total = if whole >= 120.0 { format!("{:.0} min", whole / 60.0) } else { format!("{whole:.0} s") };
    let each = if seconds >= 10.0 { format!("{seconds:.0}") } else { format!("{seconds:.1}") };
    let text = format!("{epochs} epochs of about {each} s, {total} in all");
    monitor.update(Update::Note { text });
}
