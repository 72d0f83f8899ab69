//! The depth probe: how well each stage of a backbone separates the classes, by a logistic regression on its features.

use super::execute::JobContext;
use super::scoring::{filled_stores, manifest, network_source};
use crate::features::{FeatureSpec, Taps};
use crate::model::rows::feature_rows;
use crate::model::{LogisticSettings, train_logistic};
use faceprobe_core::dataset::Split;
use faceprobe_core::error::{AtPath, Error, Result};
use faceprobe_core::monitor::{Monitor, Update};
use faceprobe_core::run::probe::{FILE, Probe, StageFigures};
use faceprobe_core::workspace::write_whole;

/// Computes every stage of the training and validation images in one pass, each into a store of its own, and fits a
/// regression on each. The test split is not touched.
///
/// # Errors
/// Missing data, weights or images; a stage too wide for the pooling; a stop.
pub(super) fn run(
    circumstances: &JobContext<'_>,
    dataset: &str,
    features: &FeatureSpec,
    settings: &LogisticSettings,
    monitor: &dyn Monitor,
) -> Result<String> {
    let manifest = manifest(circumstances.workspace, dataset)?;
    let stages = features.check()?.stages();
    let all = FeatureSpec { tap: Taps::Stages((0..stages.len()).collect()), ..features.clone() };
    let source = network_source(&all, circumstances.device)?;
    monitor.update(Update::Stage { name: "extract every stage".into() });
    let (stores, _) = filled_stores(circumstances, &manifest, &[Split::Train, Split::Val], source.as_ref(), monitor)?;
    drop(source);
    monitor.update(Update::Stage { name: "fit a regression on each stage".into() });
    let mut figures = Vec::with_capacity(stages.len());
    for (tap, (stage, store)) in stages.iter().zip(&stores).enumerate() {
        let store = std::slice::from_ref(store);
        let train = feature_rows(store, &manifest, &[Split::Train], monitor)?;
        let val = feature_rows(store, &manifest, &[Split::Val], monitor)?;
        let trained = train_logistic(train.examples()?, val.examples()?, settings, &Quiet(monitor))?;
        let found = StageFigures {
            tap,
            name: stage.name.clone(),
            width: store.iter().map(|store| store.identity().width).sum(),
            alpha: trained.settings["alpha"].as_f64().unwrap_or_default(),
            train_accuracy: trained.accuracy(&trained.train_scores, &train.positive),
            val_accuracy: trained.accuracy(&trained.val_scores, &val.positive),
        };
        monitor.update(Update::Trial {
            index: tap,
            of: stages.len(),
            setting: format!("stage {tap}, {} ({} values)", found.name, found.width),
            val_accuracy: found.val_accuracy,
            val_loss: faceprobe_core::evaluation::log_loss(&trained.val_scores, &val.positive),
        });
        figures.push(found);
    }
    let probe = Probe { dataset: dataset.to_owned(), features: features.clone(), stages: figures };
    let path = circumstances.run.path().join(FILE);
    write_whole(&path, faceprobe_core::seal::text(&probe).at(&path)?.as_bytes())?;
    let best = probe.best().ok_or_else(|| Error::failed("The network has no stages to probe."))?;
    Ok(format!(
        "best on validation: stage {} ({}) with {:.3}; train on it with --tap {} --pool {}",
        best.tap, best.name, best.val_accuracy, best.tap, features.pool
    ))
}

/// Forwards a regression's messages except its penalties: the trials of a probe are its stages.
struct Quiet<'a>(&'a dyn Monitor);

impl Monitor for Quiet<'_> {
    fn update(&self, update: Update) {
        if !matches!(update, Update::Trial { .. }) {
            self.0.update(update);
        }
    }

    fn stopped(&self) -> bool {
        self.0.stopped()
    }
}
