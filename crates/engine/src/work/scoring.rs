//! Feature rows for the splits of a prepared set, and the scores of a trained model on them.

use super::execute::JobContext;
use crate::backbone;
use crate::features::{self, ExtractOptions, FeatureSpec, NetworkSource, RowSource, Store, StoreIdentity};
use crate::model::rows::{feature_rows, pixel_rows};
use crate::model::{ModelInput, SavedModel, Scorer, kind};
use faceprobe_core::dataset::{ContentHash, Manifest, Sample, Split};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::model::ModelSpec;
use faceprobe_core::monitor::Monitor;
use faceprobe_core::slurm::{Share, images};
use faceprobe_core::workspace::Workspace;
use std::path::PathBuf;

/// The row source of a model.
pub(super) fn source_of(model: &ModelSpec, device: &str) -> Result<Box<dyn RowSource>> {
    kind::of(model.kind())?.source(model, backbone::device::parse(device)?)
}

/// The row source of a backbone's features.
pub(super) fn network_source(features: &FeatureSpec, device: &str) -> Result<Box<dyn RowSource>> {
    Ok(Box::new(NetworkSource::new(features, backbone::device::parse(device)?)?))
}

/// Computes missing rows of the given splits and opens the stores.
pub(super) fn filled_stores(
    circumstances: &JobContext<'_>,
    manifest: &Manifest,
    splits: &[Split],
    source: &dyn RowSource,
    monitor: &dyn Monitor,
) -> Result<(Vec<Store>, features::ExtractReport)> {
    filled_share(circumstances, manifest, splits, source, None, monitor)
}

/// The same for the images of a share only, which no other process computes.
pub(super) fn filled_share(
    circumstances: &JobContext<'_>,
    manifest: &Manifest,
    splits: &[Split],
    source: &dyn RowSource,
    share: Option<Share>,
    monitor: &dyn Monitor,
) -> Result<(Vec<Store>, features::ExtractReport)> {
    let items: Vec<(ContentHash, PathBuf)> = splits
        .iter()
        .flat_map(|split| manifest.split(*split))
        .filter(|sample| share.is_none_or(|share| share.has(&sample.hash)))
        .map(|sample| (sample.hash, manifest.path_of(sample)))
        .collect();
    let all = circumstances.workspace.features();
    let open = |identity| Store::open(&all, identity);
    let mut stores = source.identities().iter().map(open).collect::<Result<Vec<_>>>()?;
    let options = ExtractOptions {
        threads: circumstances.threads,
        alone: share.is_some(),
        copies: std::env::var_os(images::VARIABLE).map(PathBuf::from),
        ..ExtractOptions::default()
    };
    if share.is_some() && items.is_empty() {
        let report = features::ExtractReport { computed: 0, reused: 0, skipped: Vec::new(), seconds: 0.0, rate: 0.0 };
        return Ok((stores, report));
    }
    let report = features::extract_all(&mut stores, source, &items, &options, monitor)?;
    // Extraction sets one thread per stream; later computations may use all again.
    tch::set_num_threads(i32::try_from(circumstances.threads).unwrap_or(1));
    Ok((stores, report))
}

/// Probability of class 1 for every sample of a split, with whether it is of class 1.
pub(super) fn score_split<'a>(
    model: &SavedModel,
    stores: &'a [Store],
    manifest: &'a Manifest,
    split: Split,
    monitor: &dyn Monitor,
) -> Result<(Vec<&'a Sample>, Vec<f64>, Vec<bool>)> {
    Ok(match model.info.kind.info().input {
        ModelInput::Pixels => {
            let split = pixel_rows(stores, manifest, &[split], monitor)?;
            (split.samples, Scorer::of(model)?.scores_u16(split.rows.x())?, split.rows.y().to_vec())
        }
        ModelInput::Features | ModelInput::Cut | ModelInput::Classifier => {
            let split = feature_rows(stores, manifest, &[split], monitor)?;
            (split.samples, Scorer::of(model)?.scores(&split.rows, monitor)?, split.positive)
        }
    })
}

/// The identity of the model's rows must equal the one computed on this machine; otherwise scores would be meaningless.
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
