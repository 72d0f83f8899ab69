//! Selects the cached features that an audit works on.

use super::FeatureFilter;
use crate::features::{Dtype, FeatureSpec, Store, Taps, inventory};
use faceprobe_core::dataset::ContentHash;
use faceprobe_core::error::Result;
use faceprobe_core::monitor::Monitor;
use std::collections::BTreeMap;
use std::path::Path;

/// Stages of one network, computed with the same settings, with a row for every image.
pub struct Cached {
    /// The request that computes them.
    pub spec: FeatureSpec,
    /// `mobilenet-v2, stages 10,13,15,16, grid4`.
    pub title: String,
    /// By depth.
    pub stores: Vec<Store>,
}

impl Cached {
    pub fn width(&self) -> usize {
        self.stores.iter().map(|store| store.identity().width).sum()
    }

    fn backbone(&self) -> Option<&str> {
        self.stores.first().map(|store| store.identity().backbone.as_str())
    }
}

/// Wider rows make a regression slow and no better.
const WIDEST: usize = 12_000;

/// The number of networks used; each adds a cross-validation and, from the third on, little else.
const NETWORKS: usize = 2;

/// The stores that have a row for each of the images: of each of the first networks the widest, since more stages and
/// finer pooling carry more information. Of more stages than fit, the deepest are taken. Rows are checked against their
/// checksums ([`Store::verify`]); a damaged set is left out, and the second result is the request that recomputes it.
///
/// # Errors
/// A store that cannot be read; a stop.
pub fn cached(
    folder: &Path,
    keys: &[ContentHash],
    wanted: &FeatureFilter,
    monitor: &dyn Monitor,
) -> Result<(Vec<Cached>, Vec<FeatureSpec>)> {
    let (mut taken, mut damaged) = (Vec::<Cached>::new(), Vec::new());
    for mut set in complete(folder, keys, wanted)? {
        if taken.len() == NETWORKS || taken.iter().any(|other| other.backbone() == set.backbone()) {
            continue;
        }
        set.stores.iter_mut().try_for_each(|store| store.verify(keys, monitor))?;
        if set.stores.iter().all(|store| store.missing(keys).is_empty()) {
            taken.push(set);
        } else {
            damaged.push(set.spec);
        }
    }
    Ok((taken, damaged))
}

/// All sets of stores that have a row for each of the images, the widest first.
fn complete(folder: &Path, keys: &[ContentHash], wanted: &FeatureFilter) -> Result<Vec<Cached>> {
    let mut sets: BTreeMap<String, (FeatureSpec, Vec<(usize, Store)>)> = BTreeMap::new();
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
            sets.entry(same).or_insert_with(|| (spec, Vec::new())).1.push((tap, store));
        }
    }
    let mut sets: Vec<Cached> = sets.into_values().map(|(spec, stages)| deepest(spec, stages)).collect();
    sets.sort_by_key(|set| (std::cmp::Reverse(set.width()), set.title.clone()));
    Ok(sets)
}

fn deepest(spec: FeatureSpec, mut stages: Vec<(usize, Store)>) -> Cached {
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
    let spec = FeatureSpec { tap: Taps::Stages(taken.iter().map(|(tap, _)| *tap).collect()), ..spec };
    let title = format!("{}, stages {}, {}", spec.backbone, spec.tap, spec.pool);
    Cached { spec, title, stores: taken.into_iter().map(|(_, store)| store).collect() }
}
