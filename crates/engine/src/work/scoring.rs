//! Rows for the splits of a prepared set, and the scores of a trained model on them.

use super::execute::Circumstances;
use crate::backbone;
use crate::features::{
    self, CutSource, ExtractOptions, FeatureSpec, NetworkSource, PooledPixels, RowSource, Store, StoreIdentity,
    StoreRows,
};
use crate::model::{Examples, Kind, PixelRows, SavedModel, Scorer};
use faceprobe_core::dataset::{ContentHash, Manifest, Sample, Split};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::imaging::Variation;
use faceprobe_core::monitor::{Monitor, Update};
use faceprobe_core::run::spec::ModelSpec;
use faceprobe_core::workspace::Workspace;
use ndarray::Array2;
use std::borrow::Borrow;
use std::path::PathBuf;

/// The source of the rows that a model works on.
pub(super) fn source_of(model: &ModelSpec, device: &str) -> Result<Box<dyn RowSource>> {
    Ok(match model {
        ModelSpec::Benchmark { settings } => Box::new(PooledPixels::new(settings.input, settings.pool)?),
        ModelSpec::Dense { features, .. } | ModelSpec::Logistic { features, .. } => network_source(features, device)?,
        ModelSpec::Finetune { features, .. } | ModelSpec::Ensemble { features, .. } => {
            Box::new(CutSource::new(features, backbone::device::parse(device)?)?)
        }
    })
}

/// The sources of the varied pictures that a model is trained on besides.
pub(super) fn variations_of(model: &ModelSpec, device: &str) -> Result<Vec<CutSource>> {
    let ModelSpec::Finetune { features, settings } = model else {
        return Ok(Vec::new());
    };
    let device = backbone::device::parse(device)?;
    let all = (1..=usize::from(settings.variations)).filter_map(Variation::numbered);
    all.map(|variation| CutSource::varied(features, variation, device)).collect()
}

/// The source of a backbone's features.
pub(super) fn network_source(features: &FeatureSpec, device: &str) -> Result<Box<dyn RowSource>> {
    Ok(Box::new(NetworkSource::new(features, backbone::device::parse(device)?)?))
}

/// Computes what the stores of a source lack for the given splits, and opens them.
pub(super) fn filled_stores(
    circumstances: &Circumstances<'_>,
    manifest: &Manifest,
    splits: &[Split],
    source: &dyn RowSource,
    monitor: &dyn Monitor,
) -> Result<(Vec<Store>, features::ExtractReport)> {
    let items: Vec<(ContentHash, PathBuf)> = splits
        .iter()
        .flat_map(|split| manifest.split(*split))
        .map(|sample| (sample.hash, manifest.path_of(sample)))
        .collect();
    let all = circumstances.workspace.features();
    let open = |identity| Store::open(&all, identity);
    let mut stores = source.identities().iter().map(open).collect::<Result<Vec<_>>>()?;
    let options = ExtractOptions { threads: circumstances.threads, ..ExtractOptions::default() };
    let report = features::extract_all(&mut stores, source, &items, &options, monitor)?;
    // Extraction gives each of its streams one thread; what follows has them all again.
    tch::set_num_threads(i32::try_from(circumstances.threads).unwrap_or(1));
    Ok((stores, report))
}

/// The samples of some splits that have a row, and how many have none.
fn with_rows<'a>(stores: &[impl Borrow<Store>], manifest: &'a Manifest, splits: &[Split]) -> (Vec<&'a Sample>, usize) {
    let all: Vec<&Sample> = splits.iter().flat_map(|split| manifest.split(*split)).collect();
    let total = all.len();
    let there: Vec<&Sample> =
        all.into_iter().filter(|sample| stores.iter().all(|store| store.borrow().contains(&sample.hash))).collect();
    let lost = total - there.len();
    (there, lost)
}

/// The samples of some splits with their pixels in memory.
pub(super) struct PixelSplit<'a> {
    pub samples: Vec<&'a Sample>,
    pub rows: PixelRows,
}

/// The samples of some splits with their features in the store.
pub(super) struct FeatureSplit<'a> {
    pub samples: Vec<&'a Sample>,
    pub rows: StoreRows<'a>,
    pub positive: Vec<bool>,
}

impl FeatureSplit<'_> {
    /// The same, for training.
    pub(super) fn examples(&self) -> Result<Examples<'_>> {
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

/// The feature rows of some splits, left where they are.
pub(super) fn feature_rows<'a>(
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
pub(super) fn pixel_rows<'a>(
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

/// Probability of class 1 for every sample of a split, with whether it is of class 1.
pub(super) fn score_split<'a>(
    model: &SavedModel,
    stores: &'a [Store],
    manifest: &'a Manifest,
    split: Split,
    monitor: &dyn Monitor,
) -> Result<(Vec<&'a Sample>, Vec<f64>, Vec<bool>)> {
    Ok(match model.info.kind {
        Kind::Benchmark => {
            let split = pixel_rows(stores, manifest, &[split], monitor)?;
            (split.samples, Scorer::of(model)?.scores_u16(split.rows.x())?, split.rows.y().to_vec())
        }
        _ => {
            let split = feature_rows(stores, manifest, &[split], monitor)?;
            (split.samples, Scorer::of(model)?.scores(&split.rows, monitor)?, split.positive)
        }
    })
}

/// The identity of the rows a model wants must be the one this machine computes; else scores would be nonsense.
pub(super) fn check_identity(wanted: &StoreIdentity, there: &StoreIdentity) -> Result<()> {
    if wanted == there {
        return Ok(());
    }
    let what = if wanted.weights == there.weights { "preprocessing" } else { "weights" };
    Err(Error::failed(format!(
        "The model was trained on features of {} with other {what} than those here; fetch the same weights or train it again.",
        wanted.backbone
    )))
}

/// The prepared set called `name`.
pub(super) fn manifest(workspace: &Workspace, name: &str) -> Result<Manifest> {
    Manifest::load_named(workspace, name)
}
