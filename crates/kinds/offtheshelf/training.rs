//! The pretrained classifier that comes with some networks, applied to their globally averaged last stage. Its weights
//! are copied into the model as if they had been trained.

use crate::features::StoreIdentity;
use crate::model::kind::ModelKind;
use crate::model::network::{Network, Weights, take, to_tensor, torch_error};
use crate::model::random::Dropout;
use crate::model::rows::{Prepared, TrainingRows};
use crate::model::scaling::Standardisation;
use crate::model::scorer::Scorer;
use crate::model::trained::Trained;
use crate::model::{Checkpoints, ModelSettings, ModelSpec, OffTheShelfSettings};
use faceprobe_core::backbone::weights::StoredWeights;
use faceprobe_core::backbone::{self, Head};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::evaluation::best_threshold;
use faceprobe_core::monitor::Monitor;
use ndarray::ArrayD;
use tch::{TchError, Tensor};

/// Dense layers with ReLU between them.
struct Classifier(Vec<(Tensor, Tensor)>);

impl Classifier {
    fn from_weights(weights: &Weights, head: &Head) -> Result<Self> {
        let read = |name: String, shape: &[usize]| to_tensor(take(weights, &name, shape)?).map_err(torch_error);
        let layer = |&(name, input, output): &(&str, usize, usize)| {
            Ok((read(format!("{name}.weight"), &[output, input])?, read(format!("{name}.bias"), &[output])?))
        };
        head.layers.iter().map(layer).collect::<Result<_>>().map(Self)
    }
}

impl Network for Classifier {
    fn logits(&self, input: &Tensor, _: &mut Dropout) -> Result<Tensor, TchError> {
        let mut values = input.shallow_clone();
        for (place, (weight, bias)) in self.0.iter().enumerate() {
            let rectified = if place > 0 { values.f_relu()? } else { values };
            values = rectified.f_linear(weight, Some(bias))?;
        }
        values.f_squeeze_dim(1)
    }
}

/// Implements off-the-shelf classifiers.
pub(in crate::model) struct OffTheShelf;

/// Its registry entry.
pub(in crate::model) const TRAINING: &dyn ModelKind = &OffTheShelf;

impl ModelKind for OffTheShelf {
    fn train<'a>(
        &self,
        spec: &ModelSpec,
        rows: &'a Prepared<'_>,
        _: &Checkpoints,
        monitor: &dyn Monitor,
    ) -> Result<(Trained, TrainingRows<'a>)> {
        let settings: &OffTheShelfSettings = spec.settings()?;
        let (train, val) = rows.features(monitor)?;
        let mut weights = shipped(rows.identity, &rows.manifest.classes)?;
        Standardisation::none(rows.identity.width).put_into(&mut weights);
        let scorer = self.scorer(&weights, rows.identity)?;
        let val_scores = scorer.scores(&val.rows, monitor)?;
        let trained = Trained {
            kind: OffTheShelfSettings::KIND,
            settings: serde_json::to_value(settings).map_err(|error| Error::failed(error.to_string()))?,
            history: Vec::new(),
            best_epoch: 0,
            finished: true,
            stopped: false,
            epochs_run: 0,
            threshold: settings.threshold.unwrap_or_else(|| best_threshold(&val_scores, &val.positive)),
            train_scores: scorer.scores(&train.rows, monitor)?,
            val_scores,
            params: 0,
            weights,
            last_weights: None,
        };
        Ok((trained, TrainingRows::of(train, val)))
    }

    fn scorer(&self, weights: &Weights, input: &StoreIdentity) -> Result<Scorer> {
        Scorer::of_features(Classifier::from_weights(weights, head(input)?)?, weights, input.width)
    }
}

/// The classifier of the network that the rows come from.
fn head(input: &StoreIdentity) -> Result<&'static Head> {
    let info = backbone::find(&input.backbone)?;
    info.head.ok_or_else(|| Error::failed(format!("{} brings no classifier of its own.", info.title)))
}

/// The classifier's weights, with the classes swapped where the data set has them in the other order.
fn shipped(input: &StoreIdentity, classes: &[String; 2]) -> Result<Weights> {
    let (info, head) = (backbone::find(&input.backbone)?, head(input)?);
    let [first, second] = head.classes;
    let sign = match [classes[0].as_str(), classes[1].as_str()] {
        same if same == [first, second] => 1.0,
        other if other == [second, first] => -1.0,
        [one, two] => {
            return Err(Error::failed(format!(
                "The classifier of {} answers {first} or {second}, and the classes of this data set are {one} and {two}.",
                info.title
            )));
        }
    };
    let stored = StoredWeights::read(info)?;
    if stored.sha256 != input.weights {
        return Err(Error::failed(format!(
            "The weights of {} were exchanged while this run began; start it again.",
            info.title
        )));
    }
    let tensors = stored.tensors()?;
    let last = head.layers.last().map_or("", |(name, ..)| name);
    let mut weights = Weights::new();
    for (name, shape) in head.parameters() {
        let broken = |error: &dyn std::fmt::Display| Error::failed(format!("`{name}` of {}: {error}.", info.title));
        let view = tensors.tensor(&name).map_err(|error| broken(&error))?;
        let sign = if name.split('.').next() == Some(last) { sign } else { 1.0 };
        let numbers = view.data().as_chunks::<4>().0.iter().map(|&bytes| sign * f32::from_le_bytes(bytes)).collect();
        let array = ArrayD::from_shape_vec(shape, numbers).map_err(|error| broken(&error))?;
        weights.insert(name.clone(), array);
    }
    Ok(weights)
}
