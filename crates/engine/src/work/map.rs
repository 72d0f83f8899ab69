//! The map job: a two-dimensional map of a set's features, cached by its inputs and settings.

use super::execute::JobContext;
use super::scoring::{filled_stores, manifest, network_source};
use crate::features::{FeatureRows, FeatureSpec};
use crate::map::{pca, tsne};
use crate::model::rows::feature_rows;
use faceprobe_core::dataset::{PrepareReport, Split};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::map::{self, Map, MapSettings, Method, Point};
use faceprobe_core::monitor::{Monitor, Update};
use ndarray::Array2;

/// Principal components that t-SNE starts from.
const BEFORE: usize = 50;

/// Computes a map, unless it is cached.
///
/// # Errors
/// Missing data, weights or images; too few images; a stop.
pub(super) fn run(
    circumstances: &JobContext<'_>,
    dataset: &str,
    features: &FeatureSpec,
    settings: &MapSettings,
    monitor: &dyn Monitor,
) -> Result<String> {
    let workspace = circumstances.workspace;
    let manifest = manifest(workspace, dataset)?;
    let source = network_source(features, circumstances.device)?;
    let path = map::path(workspace, &source.identities(), &manifest, settings)?;
    if let Ok(map) = Map::read(&path) {
        return Ok(format!("{}: it was there before", map.title()));
    }
    let synthetic = PrepareReport::load(&workspace.prepared(dataset)).is_ok_and(|report| report.synthetic);
    let manifest = map::drawn(manifest, settings);
    monitor.update(Update::Stage { name: "extract features".into() });
    let (stores, _) = filled_stores(circumstances, &manifest, &Split::ALL, source.as_ref(), monitor)?;
    drop(source);
    let found = feature_rows(&stores, &manifest, &Split::ALL, monitor)?;
    let (count, width) = (found.samples.len(), found.rows.width());
    let mut values = vec![0f32; count * width];
    found.rows.copy_rows(&(0..count).collect::<Vec<_>>(), &mut values)?;
    let rows = Array2::from_shape_vec((count, width), values).map_err(|error| Error::failed(error.to_string()))?;
    monitor.update(Update::Stage { name: "principal components".into() });
    let wanted = if settings.method == Method::Pca { 2 } else { BEFORE };
    let components = pca(rows.view(), wanted)?;
    drop(rows);
    let places = match settings.method {
        Method::Pca => components.scores,
        Method::Tsne => {
            monitor.update(Update::Stage { name: format!("t-SNE of {count} images") });
            tsne(&components.scores, settings.perplexity, settings.seed, monitor)?
        }
    };
    let place = |row: usize, axis: usize| places.get((row, axis)).copied().unwrap_or(0.0);
    let point = |(row, sample): (usize, &&faceprobe_core::dataset::Sample)| Point {
        source: sample.source.clone(),
        path: sample.path.clone(),
        class: sample.class,
        split: sample.split,
        age: sample.age.clone(),
        x: place(row, 0),
        y: place(row, 1),
    };
    let map = Map {
        dataset: dataset.to_owned(),
        manifest_sha256: manifest.sha256.clone(),
        synthetic,
        classes: manifest.classes.clone(),
        features: features.clone(),
        settings: settings.clone(),
        width,
        components: components.explained.len(),
        explained: components.explained.iter().sum(),
        points: found.samples.iter().enumerate().map(point).collect(),
    };
    map.save(&path)?;
    Ok(format!(
        "{}; {} principal components have {:.1} % of the variance",
        map.title(),
        map.components,
        100.0 * map.explained
    ))
}
