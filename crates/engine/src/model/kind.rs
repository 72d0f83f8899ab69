//! What a kind of model implements: its row source, training, scoring, calibration. Settings and titles are in
//! [`faceprobe_core::model`].

use super::kinds::REGISTRY;
use super::rows::{Prepared, TrainingRows};
use super::{Checkpoints, Kind, ModelInfo, ModelSpec, Scorer, Trained, Weights};
use crate::backbone::Pool;
use crate::features::{CutSource, FeatureSpec, NetworkSource, RowSource, StoreIdentity};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::evaluation::Calibration;
use faceprobe_core::monitor::Monitor;
use faceprobe_core::workspace::Workspace;
use tch::Device;

/// The implementation of a kind of model.
pub trait ModelKind: Sync {
    /// The row source of a model of this kind; by default frozen features.
    ///
    /// # Errors
    /// A network or weights that are missing; settings of another kind.
    fn source(&self, spec: &ModelSpec, device: Device) -> Result<Box<dyn RowSource>> {
        Ok(Box::new(NetworkSource::new(spec.required_features()?, device)?))
    }

    /// The row source of a saved model, which knows only the identity of its rows.
    ///
    /// # Errors
    /// As [`ModelKind::source`].
    fn source_of_saved(&self, info: &ModelInfo, device: Device) -> Result<Box<dyn RowSource>> {
        Ok(Box::new(NetworkSource::new(&FeatureSpec::of_identity(&info.input)?, device)?))
    }

    /// The sources of augmented images that it is additionally trained on.
    ///
    /// # Errors
    /// As [`ModelKind::source`].
    fn variations(&self, _spec: &ModelSpec, _device: Device) -> Result<Vec<CutSource>> {
        Ok(Vec::new())
    }

    /// The trained models that it is composed of, and their total number of trained parameters; none for most kinds.
    ///
    /// # Errors
    /// A member that was removed, or was trained on other data than `prepared`.
    fn members(
        &self,
        _spec: &ModelSpec,
        _workspace: &Workspace,
        _prepared: &Members<'_>,
    ) -> Result<(Vec<Weights>, usize)> {
        Ok(Default::default())
    }

    /// Trains a model, and chooses epoch or penalty and the threshold on validation.
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

    /// The scorer for trained parameters.
    ///
    /// # Errors
    /// Parameters that are missing or have the wrong shape.
    fn scorer(&self, weights: &Weights, input: &StoreIdentity) -> Result<Scorer>;

    /// Fits a calibration to validation scores; none where that is not possible.
    fn calibrate(&self, scores: &[f64], positive: &[bool]) -> Option<Calibration> {
        Calibration::temperature(scores, positive)
    }

    /// Whether a class-activation map with this pooling sums exactly to the logit, as with a linear head.
    fn is_explained_exactly(&self, _pool: Option<Pool>) -> bool {
        false
    }
}

/// What the members of an ensemble must match.
pub struct Members<'a> {
    pub refit: bool,
    pub manifest: &'a faceprobe_core::dataset::Manifest,
    pub input: &'a StoreIdentity,
}

/// The implementation of a kind.
///
/// # Errors
/// A kind that the core knows and the engine does not.
pub fn of(kind: Kind) -> Result<&'static dyn ModelKind> {
    let known = REGISTRY.iter().find(|(name, _)| *name == kind.name());
    known
        .map(|(_, kind)| *kind)
        .ok_or_else(|| Error::failed(format!("There is no training for {} models.", kind.name())))
}
