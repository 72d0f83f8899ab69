//! The rows of a prepared set's splits, for training and scoring.

use super::{Examples, PixelRows, Weights};
use crate::features::{Store, StoreIdentity, StoreRows};
use faceprobe_core::dataset::{ContentHash, Manifest, Sample, Split};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::monitor::{Monitor, Update};
use ndarray::Array2;
use std::borrow::Borrow;

/// The training data of a model: the stores of its rows, complete for every image.
pub struct Prepared<'a> {
    pub manifest: &'a Manifest,
    pub identity: &'a StoreIdentity,
    /// For training, validation and test.
    pub stores: &'a [Store],
    /// For training only: the variations.
    pub varied: &'a [Store],
    /// The splits used for training.
    pub learnt: &'static [Split],
    /// The trained models that it is composed of, and their total number of trained parameters.
    pub members: &'a (Vec<Weights>, usize),
}

/// The samples that a model was trained and validated on.
pub struct TrainingRows<'a> {
    pub train_positive: Vec<bool>,
    pub val_samples: Vec<&'a Sample>,
    pub val_positive: Vec<bool>,
}

impl Prepared<'_> {
    /// The training features, and those of validation.
    pub(super) fn features(&self, monitor: &dyn Monitor) -> Result<(FeatureSplit<'_>, FeatureSplit<'_>)> {
        let train = feature_rows(self.stores, self.manifest, self.learnt, monitor)?;
        Ok((train, feature_rows(self.stores, self.manifest, &[Split::Val], monitor)?))
    }
}

impl<'a> TrainingRows<'a> {
    pub(super) fn of(train: FeatureSplit<'a>, val: FeatureSplit<'a>) -> Self {
        Self { train_positive: train.positive, val_samples: val.samples, val_positive: val.positive }
    }
}

/// The samples of some splits that have a row, and the number of those without.
fn with_rows<'a>(stores: &[impl Borrow<Store>], manifest: &'a Manifest, splits: &[Split]) -> (Vec<&'a Sample>, usize) {
    let all: Vec<&Sample> = splits.iter().flat_map(|split| manifest.split(*split)).collect();
    let total = all.len();
    let there: Vec<&Sample> =
        all.into_iter().filter(|sample| stores.iter().all(|store| store.borrow().contains(&sample.hash))).collect();
    let lost = total - there.len();
    (there, lost)
}

/// The samples of some splits with their pixels in memory.
pub(crate) struct PixelSplit<'a> {
    pub samples: Vec<&'a Sample>,
    pub rows: PixelRows,
}

/// The samples of some splits with their features in the store.
pub(crate) struct FeatureSplit<'a> {
    pub samples: Vec<&'a Sample>,
    pub rows: StoreRows<'a>,
    pub positive: Vec<bool>,
}

impl FeatureSplit<'_> {
    /// The same, for training.
    pub(crate) fn examples(&self) -> Result<Examples<'_>> {
        Examples::new(&self.rows, &self.positive)
    }
}

fn samples_of<'a>(
    stores: &[impl Borrow<Store>],
    manifest: &'a Manifest,
    splits: &[Split],
    monitor: &dyn Monitor,
) -> Result<(Vec<&'a Sample>, Vec<ContentHash>, Vec<bool>)> {
    let (samples, lost) = with_rows(stores, manifest, splits);
    let names = splits.iter().map(|split| split.name()).collect::<Vec<_>>().join(" and ");
    if lost > 0 {
        let text = format!("{lost} images of the {names} split could not be read and are left out");
        monitor.update(Update::Note { text });
    }
    if samples.is_empty() {
        return Err(Error::failed(format!(
            "No image of the {names} split of {} can be read; see the skipped files, mend them and prepare again.",
            manifest.name
        )));
    }
    let keys = samples.iter().map(|sample| sample.hash).collect();
    let positive = samples.iter().map(|sample| sample.class == 1).collect();
    Ok((samples, keys, positive))
}

/// The feature rows of some splits, not copied to memory.
pub(crate) fn feature_rows<'a>(
    stores: &'a [impl Borrow<Store>],
    manifest: &'a Manifest,
    splits: &[Split],
    monitor: &dyn Monitor,
) -> Result<FeatureSplit<'a>> {
    let (samples, keys, positive) = samples_of(stores, manifest, splits, monitor)?;
    Ok(FeatureSplit {
        samples,
        rows: StoreRows::new(&stores.iter().map(Borrow::borrow).collect::<Vec<_>>(), keys)?,
        positive,
    })
}

/// The pooled pixels of some splits.
pub(crate) fn pixel_rows<'a>(
    stores: &[Store],
    manifest: &'a Manifest,
    splits: &[Split],
    monitor: &dyn Monitor,
) -> Result<PixelSplit<'a>> {
    let (samples, keys, positive) = samples_of(stores, manifest, splits, monitor)?;
    let [store] = stores else {
        return Err(Error::failed(format!("Pooled pixels lie in one store, not in {}.", stores.len())));
    };
    let mut x = Array2::zeros((keys.len(), store.identity().width));
    store.gather_u16_into(&keys, &mut x.view_mut())?;
    Ok(PixelSplit { samples, rows: PixelRows::new(x, positive)? })
}
