//! Which cached features an audit works on.

use super::Wanted;
use crate::features::{Dtype, FeatureSpec, Store, Taps, inventory};
use faceprobe_core::dataset::ContentHash;
use faceprobe_core::error::Result;
use std::collections::BTreeMap;
use std::path::Path;

/// Stages of one network, computed alike, with a row for every image.
pub struct Cached {
    /// `mobilenet-v2, stages 10,13,15,16, grid4`.
    pub title: String,
    /// By depth.
    pub stores: Vec<Store>,
}

impl Cached {
    pub fn width(&self) -> usize {
        self.stores.iter().map(|store| store.identity().width).sum()
    }
}

/// Wider rows make a regression slow and no better.
const WIDEST: usize = 12_000;

/// The sets of stores that have a row for each of the images, the widest first: more stages and finer pooling tell more.
/// Of more stages than fit, the deepest are taken.
///
/// # Errors
/// A store that cannot be read.
pub fn cached(folder: &Path, keys: &[ContentHash], wanted: &Wanted) -> Result<Vec<Cached>> {
    let mut sets: BTreeMap<String, Vec<(usize, Store)>> = BTreeMap::new();
    for info in inventory(folder) {
        let identity = &info.identity;
        let Ok(spec) = FeatureSpec::of_identity(identity) else { continue };
        if identity.dtype == Dtype::U16
            || wanted.backbone.as_ref().is_some_and(|name| *name != spec.backbone)
            || wanted.pool.is_some_and(|pool| pool != spec.pool)
            || info.rows < keys.len()
        {
            continue;
        }
        let Ok(network) = spec.check() else { continue };
        let Some(&tap) = spec.taps(network).first() else { continue };
        let of_stages = |taps: &Taps| FeatureSpec { tap: taps.clone(), ..spec.clone() }.taps(network).contains(&tap);
        if wanted.tap.as_ref().is_some_and(|taps| !of_stages(taps)) {
            continue;
        }
        let store = Store::open(folder, identity)?;
        if store.missing(keys).is_empty() {
            let same = format!(
                "{} {} {} {} {}",
                identity.backbone, identity.pool, identity.dtype, identity.weights, identity.preprocessing
            );
            sets.entry(same).or_default().push((tap, store));
        }
    }
    let mut sets: Vec<Cached> = sets.into_values().map(deepest).collect();
    sets.sort_by_key(|set| (std::cmp::Reverse(set.width()), set.title.clone()));
    Ok(sets)
}

fn deepest(mut stages: Vec<(usize, Store)>) -> Cached {
    stages.sort_by_key(|(tap, _)| std::cmp::Reverse(*tap));
    stages.dedup_by_key(|(tap, _)| *tap);
    let mut width = 0;
    let mut taken: Vec<(usize, Store)> = Vec::new();
    for (tap, store) in stages {
        if taken.is_empty() || width + store.identity().width <= WIDEST {
            width += store.identity().width;
            taken.push((tap, store));
        }
    }
    taken.sort_by_key(|(tap, _)| *tap);
    let taps: Vec<String> = taken.iter().map(|(tap, _)| tap.to_string()).collect();
    let title = taken.first().map_or(String::new(), |(_, store)| {
        let identity = store.identity();
        format!("{}, stages {}, {}", identity.backbone, taps.join(","), identity.pool)
    });
    Cached { title, stores: taken.into_iter().map(|(_, store)| store).collect() }
}
