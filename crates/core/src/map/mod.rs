//! Maps of features: images as points in two dimensions, cached in the workspace by their inputs.

mod draw;
mod groups;
mod selection;

pub use draw::{colour_name, png, svg};
pub use groups::{Colour, Groups, Judged, groups, judged};
pub use selection::{Proposal, Rectangle, selected, written};

use crate::dataset::draw::place;
use crate::dataset::{Manifest, Split};
use crate::error::{AtPath, Error, Result};
use crate::features::{FeatureSpec, StoreIdentity};
use crate::own_files;
use crate::workspace::{Workspace, write_whole};
use faceprobe_settings::{Rules, choices, settings};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::PathBuf;

/// Part of the cache key: increased when the same settings give other points.
const VERSION: u32 = 1;

settings! {
    /// How features become points.
    pub struct MapSettings {
        /// Dimensionality reduction: pca (the first two components) or tsne.
        method: Method = Method::Tsne, any();
        /// At most this many images of all splits, drawn by the seed.
        images: usize = 2000, whole(10..=5000);
        /// Perplexity of t-SNE, roughly the number of neighbours of each image; less where there are few images.
        perplexity: f64 = 30.0, number(2.0..=100.0);
        /// Seed of the drawn images and of t-SNE's start.
        seed: u64 = 1, any();
    }
}

choices! {
    /// The method of dimensionality reduction.
    pub enum Method {
        Pca = "pca",
        Tsne = "tsne",
    }
}

impl Rules for MapSettings {}

impl Method {
    /// The name for display.
    pub fn title(self) -> &'static str {
        match self {
            Self::Pca => "PCA",
            Self::Tsne => "t-SNE",
        }
    }
}

/// An image as a point of a map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    pub source: String,
    /// Relative to the root of its source.
    pub path: String,
    /// Index into [`Map::classes`].
    pub class: usize,
    pub split: Split,
    /// The age group in the data set's notation, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age: Option<String>,
    pub x: f64,
    pub y: f64,
}

/// A map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Map {
    pub dataset: String,
    pub manifest_sha256: String,
    /// Whether the images are the program's own drawings.
    pub synthetic: bool,
    pub classes: [String; 2],
    pub features: FeatureSpec,
    pub settings: MapSettings,
    /// Values per row of features.
    pub width: usize,
    /// Principal components that the points were computed from: 2, or the input dimensions of t-SNE.
    pub components: usize,
    /// The fraction of the variance of these components, in 0..=1.
    pub explained: f64,
    pub points: Vec<Point>,
}

/// The path of a map of a set's features.
pub fn path(
    workspace: &Workspace,
    identities: &[StoreIdentity],
    manifest: &Manifest,
    settings: &MapSettings,
) -> Result<PathBuf> {
    let key = serde_json::to_vec(&(VERSION, identities, &manifest.sha256, settings))
        .map_err(|error| Error::failed(format!("The settings of the map cannot be written ({error}).")))?;
    let hash = hex::encode(&Sha256::digest(key)[..12]);
    Ok(folder(workspace).join(format!("{hash}.json")))
}

fn folder(workspace: &Workspace) -> PathBuf {
    workspace.root().join("cache/maps")
}

/// The images of a map: the first so many in an order determined by the seed and the images.
pub fn drawn(manifest: Manifest, settings: &MapSettings) -> Manifest {
    let mut places: Vec<[u8; 32]> = manifest.samples.iter().map(|sample| place(sample, settings.seed)).collect();
    places.sort_unstable();
    let Some(last) = places.get(settings.images.saturating_sub(1)).copied() else { return manifest };
    let mut drawn = manifest;
    drawn.samples.retain(|sample| place(sample, settings.seed) <= last);
    drawn
}

impl Map {
    /// Reads a map.
    ///
    /// # Errors
    /// A file that does not exist or is not a map.
    pub fn read(path: &std::path::Path) -> Result<Self> {
        let map: Self = serde_json::from_slice(&own_files::read(path).at(path)?)
            .map_err(|error| Error::file(path, format!("is not a map ({error}); remove it and make the map again")))?;
        let sound = map.points.iter().all(|point| point.class < 2 && point.x.is_finite() && point.y.is_finite());
        if !sound {
            return Err(Error::file(path, "is not a map (its points are damaged); remove it and make the map again"));
        }
        Ok(map)
    }

    /// Writes the file atomically.
    ///
    /// # Errors
    /// A cache that cannot be written.
    pub fn save(&self, path: &std::path::Path) -> Result<()> {
        write_whole(path, crate::text::json_value(self).at(path)?.as_bytes())
    }

    /// A one-line description.
    pub fn title(&self) -> String {
        let Self { features, settings, points, .. } = self;
        let pool =
            if features.pool == FeatureSpec::default().pool { String::new() } else { format!(" {}", features.pool) };
        let tap =
            if features.tap == FeatureSpec::default().tap { String::new() } else { format!(" tap {}", features.tap) };
        format!("{} of {}{tap}{pool}, {} images", settings.method.title(), features.backbone, points.len())
    }

    /// The range of its points on each axis; widened if all are on a line.
    pub fn bounds(&self) -> [(f64, f64); 2] {
        let of = |at: fn(&Point) -> f64| {
            let low = self.points.iter().map(at).fold(f64::INFINITY, f64::min);
            let high = self.points.iter().map(at).fold(f64::NEG_INFINITY, f64::max);
            if low < high {
                (low, high)
            } else if low.is_finite() {
                (low - 1.0, low + 1.0)
            } else {
                (-1.0, 1.0)
            }
        };
        [of(|point| point.x), of(|point| point.y)]
    }
}

/// The maps of the present version of a set, the newest first. Damaged ones are left out: it is a cache.
pub fn all(workspace: &Workspace, manifest_sha256: &str) -> Vec<Map> {
    let listed = fs::read_dir(folder(workspace)).into_iter().flatten().flatten();
    let mut found: Vec<(std::time::SystemTime, PathBuf)> = listed
        .filter(|entry| entry.path().extension().is_some_and(|end| end == "json"))
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    let maps = found.into_iter().filter_map(|(_, path)| Map::read(&path).ok());
    maps.filter(|map| map.manifest_sha256 == manifest_sha256).collect()
}
