//! Ensembles: several networks fine-tuned behind the same cut, combined by the mean of their logits.
//!
//! Networks that differ only in the seed err in part on different images, so their mean errs on fewer (Hansen and
//! Salamon 1990; Lakshminarayanan, Pritzel and Blundell 2017, who average probabilities).

use crate::backbone::Pool;
use crate::backbone::Tail;
use crate::features::RowSource;
use crate::features::{FeatureRows, StoreIdentity};
use crate::model::Kind;
use crate::model::data::Examples;
use crate::model::kind::{self, ModelKind};
use crate::model::kinds::finetune::training::Finetune;
use crate::model::kinds::finetune::training::tuned::Tuned;
use crate::model::network::Weights;
use crate::model::rows::{Prepared, TrainingRows};
use crate::model::scorer::Scorer;
use crate::model::trained::Trained;
use crate::model::{Checkpoints, EnsembleSettings, ModelInfo, ModelSpec, SavedModel};
use faceprobe_core::dataset::Manifest;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::evaluation::best_threshold;
use faceprobe_core::monitor::Monitor;
use faceprobe_core::run::RunFolder;
use faceprobe_core::run::results::ResultRow;
use faceprobe_core::workspace::Workspace;
use ndarray::{Array2, ArrayView2, Axis, concatenate};
use tch::Device;
use tch::{TchError, Tensor};

/// Prefix of the tensor names of member `index`.
fn prefix(index: usize) -> String {
    format!("member.{index}.")
}

/// The members of an ensemble's weights; a single network is its own only member.
fn by_member(weights: &Weights) -> Vec<Weights> {
    let member = |index| -> Option<Weights> {
        let prefix = prefix(index);
        let own: Weights = weights
            .iter()
            .filter_map(|(name, array)| Some((name.strip_prefix(&prefix)?.to_owned(), array.clone())))
            .collect();
        (!own.is_empty()).then_some(own)
    };
    let members: Vec<Weights> = (0..).map_while(member).collect();
    if members.is_empty() { vec![weights.clone()] } else { members }
}

/// The networks of a fine-tuned model for inference; usually one.
pub(in crate::model) struct Members(Vec<Tuned>);

impl Members {
    /// Checks that each member has all its parameters.
    pub(in crate::model) fn from_weights(tail: &Tail, weights: &Weights) -> Result<Self> {
        by_member(weights).iter().map(|own| Tuned::from_weights(tail, own)).collect::<Result<_>>().map(Self)
    }

    /// Values per image: those of the image and of its mirror image.
    pub(in crate::model) fn width(&self) -> usize {
        self.0.first().map_or(0, Tuned::width)
    }

    /// One logit per row: the mean of the members' logits.
    ///
    /// # Errors
    /// As [`Tuned::logits`].
    pub(in crate::model) fn logits(&self, rows: &dyn FeatureRows, monitor: &dyn Monitor) -> Result<Vec<f64>> {
        let each = self.0.iter().map(|one| one.logits(rows, monitor)).collect::<Result<_>>()?;
        Ok(mean(each))
    }

    /// The globally averaged last stages of each row, the members' concatenated; and the logits.
    ///
    /// # Errors
    /// As [`Tuned::logits`].
    pub(in crate::model) fn features(
        &self,
        rows: &dyn FeatureRows,
        monitor: &dyn Monitor,
    ) -> Result<(Array2<f32>, Vec<f64>)> {
        let each = self.0.iter().map(|one| one.features(rows, monitor)).collect::<Result<Vec<_>>>()?;
        let (features, logits): (Vec<_>, Vec<_>) = each.into_iter().unzip();
        let views: Vec<_> = features.iter().map(Array2::view).collect();
        let features = concatenate(Axis(1), &views).map_err(|error| Error::failed(error.to_string()))?;
        Ok((features, mean(logits)))
    }

    /// The last stage of each member; see [`Tuned::last`].
    pub(in crate::model) fn last(&self, rows: ArrayView2<f32>) -> Result<Vec<Tensor>, TchError> {
        let values: Vec<f32> = rows.iter().copied().collect();
        self.0.iter().map(|one| one.last(&values)).collect()
    }

    /// Logits `[N]` of the stages from [`Members::last`]: the mean of the members' logits. Differentiable.
    pub(in crate::model) fn logits_of_last(&self, last: &[Tensor]) -> Result<Tensor, TchError> {
        let each = self.0.iter().zip(last).map(|(one, last)| one.logits_of_last(last));
        let each = each.collect::<Result<Vec<_>, _>>()?;
        Tensor::f_stack(&each, 0)?.f_mean_dim([0i64].as_slice(), false, None)
    }
}

fn mean(each: Vec<Vec<f64>>) -> Vec<f64> {
    let count = each.len() as f64;
    let sum = |mut sums: Vec<f64>, own: Vec<f64>| {
        sums.iter_mut().zip(own).for_each(|(sum, value)| *sum += value);
        sums
    };
    each.into_iter().reduce(sum).unwrap_or_default().into_iter().map(|sum| sum / count).collect()
}

/// Combines fine-tuned networks and chooses the threshold of their mean on validation. `input` identifies network and
/// cut, `params` is the number of trained parameters of all members; rows hold image and mirror image.
///
/// # Errors
/// Networks with another cut; rows that cannot be read; a stop.
pub fn ensemble(
    input: &StoreIdentity,
    (members, params): (&[Weights], usize),
    train: Examples<'_>,
    val: Examples<'_>,
    monitor: &dyn Monitor,
) -> Result<Trained> {
    let name = |(index, own): (usize, &Weights)| -> Weights {
        own.iter().map(|(name, array)| (prefix(index) + name, array.clone())).collect()
    };
    let weights: Weights = members.iter().enumerate().flat_map(name).collect();
    let scorer = Scorer::tuned(&weights, input)?;
    let val_scores = scorer.scores(val.rows, monitor)?;
    Ok(Trained {
        kind: Kind::FINETUNE,
        settings: serde_json::json!({ "members": members.len() }),
        epochs_run: 0,
        best_epoch: 0,
        finished: true,
        stopped: false,
        history: Vec::new(),
        threshold: best_threshold(&val_scores, val.positive),
        train_scores: scorer.scores(train.rows, monitor)?,
        val_scores,
        params,
        weights,
        last_weights: None,
    })
}

/// Implements ensembles.
pub(in crate::model) struct Ensemble;

/// Its registry entry.
pub(in crate::model) const TRAINING: &dyn ModelKind = &Ensemble;

impl ModelKind for Ensemble {
    fn source(&self, spec: &ModelSpec, device: Device) -> Result<Box<dyn RowSource>> {
        Finetune.source(spec, device)
    }

    fn source_of_saved(&self, info: &ModelInfo, device: Device) -> Result<Box<dyn RowSource>> {
        Finetune.source_of_saved(info, device)
    }

    fn members(
        &self,
        spec: &ModelSpec,
        workspace: &Workspace,
        fit: &kind::Members<'_>,
    ) -> Result<(Vec<Weights>, usize)> {
        let EnsembleSettings { members } = spec.settings()?;
        trained_members(workspace, members, fit.refit, fit.manifest, fit.input)
    }

    fn train<'a>(
        &self,
        _: &ModelSpec,
        rows: &'a Prepared<'_>,
        _: &Checkpoints,
        monitor: &dyn Monitor,
    ) -> Result<(Trained, TrainingRows<'a>)> {
        let (train, val) = rows.features(monitor)?;
        let members = (rows.members.0.as_slice(), rows.members.1);
        let trained = ensemble(rows.identity, members, train.examples()?, val.examples()?, monitor)?;
        Ok((trained, TrainingRows::of(train, val)))
    }

    fn scorer(&self, weights: &Weights, input: &StoreIdentity) -> Result<Scorer> {
        Finetune.scorer(weights, input)
    }

    fn is_explained_exactly(&self, pool: Option<Pool>) -> bool {
        Finetune.is_explained_exactly(pool)
    }
}

/// The weights of the members, and their total number of trained parameters.
///
/// # Errors
/// A member that was removed, or was trained on other data than `manifest` and `input` describe.
fn trained_members(
    workspace: &Workspace,
    names: &[String],
    refit: bool,
    manifest: &Manifest,
    input: &StoreIdentity,
) -> Result<(Vec<Weights>, usize)> {
    let (mut weights, mut params) = (Vec::new(), 0);
    for name in names {
        let run = RunFolder::find(workspace, name)?;
        let row = ResultRow::required(&run)?;
        let SavedModel { info, weights: own } = SavedModel::load(&run.model_path())?;
        let same = info.kind == Kind::FINETUNE && info.input == *input && row.refit.is_some() == refit;
        if !same || info.provenance.manifest_sha256 != manifest.sha256 {
            return Err(Error::failed(format!(
                "{name} was not trained on the data set '{}' as it is now, after the same cut with the same weights; \
                 train it again.",
                manifest.name
            )));
        }
        params += row.params;
        weights.push(own);
    }
    Ok((weights, params))
}
