//! The training images behind the rows of a nearest-neighbour model.

use crate::features::Store;
use crate::model::{SavedModel, Scorer};
use faceprobe_core::dataset::{Manifest, Sample, Split};
use faceprobe_core::error::Result;
use faceprobe_core::path_text::text_of;
use faceprobe_core::predict::Neighbour;
use faceprobe_core::run::{JobSpec, RunFolder};
use faceprobe_core::workspace::Workspace;

/// The most neighbours reported for one answer.
const MOST: usize = 20;

/// File and label of each training row.
pub(super) struct Known(Vec<(String, String)>);

impl Known {
    /// For a run's model; none for other kinds, and where the data set was removed or edited by hand: the scores do not
    /// need the names.
    pub(super) fn of(workspace: &Workspace, run: &RunFolder, saved: &SavedModel, scorer: &Scorer) -> Option<Self> {
        let positive = scorer.voting()?;
        let JobSpec::Train { model, refit, .. } = run.spec().ok()?.job else { return None };
        let provenance = &saved.info.provenance;
        let whole = Manifest::load_recorded(workspace, &provenance.dataset, &provenance.manifest_sha256).ok()?;
        let whole = Some(whole).filter(|whole| whole.sha256 == provenance.manifest_sha256)?;
        let manifest = match model.train_images() {
            Some(count) => whole.drawn(count, model.seed()).ok()?,
            None => whole,
        };
        let learnt: &[Split] = if refit.is_some() { &[Split::Train, Split::Val] } else { &[Split::Train] };
        let all: Vec<&Sample> = learnt.iter().flat_map(|split| manifest.split(*split)).collect();
        let fits = |samples: &[&Sample]| {
            samples.len() == positive.len()
                && samples.iter().zip(positive).all(|(sample, positive)| (sample.class == 1) == *positive)
        };
        // An image that could not be read has no row.
        let samples = if fits(&all) { all } else { with_rows(workspace, model.features()?, all).ok()? };
        let named = |sample: &&Sample| {
            let path = text_of(&manifest.path_of(sample)).to_string();
            (path, manifest.classes[sample.class].clone())
        };
        fits(&samples).then(|| Self(samples.iter().map(named).collect()))
    }

    /// The neighbours that voted on an answer.
    pub(super) fn told(&self, voters: Vec<(usize, f64)>) -> Vec<Neighbour> {
        let neighbour = |(row, similarity): (usize, f64)| {
            let (path, label) = self.0.get(row)?;
            Some(Neighbour { path: path.clone(), label: label.clone(), similarity })
        };
        voters.into_iter().take(MOST).filter_map(neighbour).collect()
    }
}

fn with_rows<'a>(
    workspace: &Workspace,
    features: &crate::features::FeatureSpec,
    samples: Vec<&'a Sample>,
) -> Result<Vec<&'a Sample>> {
    let identities = features.identities()?;
    let open = |identity| Store::open(&workspace.features(), identity);
    let stores = identities.iter().map(open).collect::<Result<Vec<_>>>()?;
    Ok(samples.into_iter().filter(|sample| stores.iter().all(|store| store.contains(&sample.hash))).collect())
}
