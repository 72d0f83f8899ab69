//! What each kind of model does: the rows it reads, its training, its scores, its explanation; and the registry of them.
//! What is said of it (settings, words) is [`faceprobe_core::model`].

use super::rows::{Prepared, TrainingRows};
use super::{Checkpoints, Kind, ModelInfo, ModelSpec, Scorer, Trained, Weights};
use super::{benchmark, dense, finetune, knn, logistic, offtheshelf};
use crate::backbone::Pool;
use crate::features::{CutSource, FeatureSpec, NetworkSource, RowSource, StoreIdentity};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::evaluation::Calibration;
use faceprobe_core::monitor::Monitor;
use faceprobe_core::workspace::Workspace;
use tch::Device;

/// Every kind, under the name that the core has for it.
static REGISTRY: [(&str, &dyn ModelKind); 7] = [
    ("benchmark", &benchmark::Benchmark),
    ("dense", &dense::DenseHead),
    ("logistic", &logistic::Logistic),
    ("finetune", &finetune::Finetune),
    ("knn", &knn::Knn),
    ("ensemble", &finetune::ensemble::Ensemble),
    ("offtheshelf", &offtheshelf::OffTheShelf),
];

/// A kind of model at work.
pub trait ModelKind: Sync {
    /// The rows that a model of this kind works on: frozen features, where it says nothing else.
    ///
    /// # Errors
    /// A network or weights that are not there; settings of another kind.
    fn source(&self, spec: &ModelSpec, device: Device) -> Result<Box<dyn RowSource>> {
        Ok(Box::new(NetworkSource::new(spec.required_features()?, device)?))
    }

    /// The same for a saved model, which knows only where its rows come from.
    ///
    /// # Errors
    /// As [`ModelKind::source`].
    fn source_of_saved(&self, info: &ModelInfo, device: Device) -> Result<Box<dyn RowSource>> {
        Ok(Box::new(NetworkSource::new(&FeatureSpec::of_identity(&info.input)?, device)?))
    }

    /// The sources of varied pictures that it is trained on besides.
    ///
    /// # Errors
    /// As [`ModelKind::source`].
    fn variations(&self, _spec: &ModelSpec, _device: Device) -> Result<Vec<CutSource>> {
        Ok(Vec::new())
    }

    /// The trained models that it is made of, and how many parameters were trained for them; most are made of none.
    ///
    /// # Errors
    /// A member that is gone, or was trained on something else than `prepared` says.
    fn members(
        &self,
        _spec: &ModelSpec,
        _workspace: &Workspace,
        _prepared: &Members<'_>,
    ) -> Result<(Vec<Weights>, usize)> {
        Ok(Default::default())
    }

    /// Trains a model and chooses its epoch or penalty and its threshold on validation.
    ///
    /// # Errors
    /// Rows that cannot be read or trained on; a stop.
    fn train<'a>(
        &self,
        spec: &ModelSpec,
        rows: &'a Prepared<'_>,
        checkpoints: &Checkpoints,
        monitor: &dyn Monitor,
    ) -> Result<(Trained, TrainingRows<'a>)>;

    /// What scores rows with trained parameters.
    ///
    /// # Errors
    /// Parameters that are missing, or of other shapes.
    fn scorer(&self, weights: &Weights, input: &StoreIdentity) -> Result<Scorer>;

    /// Fits calibrated probabilities to validation scores; none where that is not possible.
    fn calibrate(&self, scores: &[f64], positive: &[bool]) -> Option<Calibration> {
        Calibration::temperature(scores, positive)
    }

    /// Whether a class-activation map of features pooled so adds up to the logit exactly, as it does with a linear head.
    fn is_explained_exactly(&self, _pool: Option<Pool>) -> bool {
        false
    }
}

/// What an ensemble's members have to fit.
pub struct Members<'a> {
    pub refit: bool,
    pub manifest: &'a faceprobe_core::dataset::Manifest,
    pub input: &'a StoreIdentity,
}

/// The kind at work.
///
/// # Errors
/// A kind that the core knows and the engine does not.
pub fn of(kind: Kind) -> Result<&'static dyn ModelKind> {
    let known = REGISTRY.iter().find(|(name, _)| *name == kind.name());
    known
        .map(|(_, kind)| *kind)
        .ok_or_else(|| Error::failed(format!("There is no training for {} models.", kind.name())))
}
