//! The dense head: one or two dense layers with ReLU and dropout, and dense(1), trained on frozen features.

use crate::features::StoreIdentity;
use crate::model::ModelSpec;
use crate::model::checkpoint::Checkpoints;
use crate::model::data::{Examples, check_pair, for_each_block};
use crate::model::head::{Head, Loader, measure};
use crate::model::kind::ModelKind;
use crate::model::network::{Network, Weights, shape_of, take, to_tensor, torch_error};
use crate::model::random::Dropout;
use crate::model::rows::{Prepared, TrainingRows};
use crate::model::scaling::Standardisation;
use crate::model::scorer::Scorer;
use crate::model::trained::Trained;
use crate::model::training::{Figures, Learner, Plan, fit};
use crate::model::{DenseSettings, Kind};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::evaluation::best_threshold;
use faceprobe_core::monitor::{Monitor, ToTheEnd, Validated};
use tch::{TchError, Tensor};

/// `logit = out · h + c` with `h = relu(hidden x + b)`, with one or two such hidden layers.
pub(in crate::model) struct Dense {
    /// Weights of shape (width, inputs), biases of shape (width).
    hidden: Vec<(Tensor, Tensor)>,
    /// Shape (1, width).
    out_weight: Tensor,
    out_bias: Tensor,
}

impl Dense {
    /// Reads `hidden.weight`, `hidden.bias`, `hidden2.…` if there is a second layer, `out.weight`, `out.bias`.
    pub(in crate::model) fn from_weights(weights: &Weights, inputs: usize) -> Result<Self> {
        let read = |name: &str, shape: &[usize]| to_tensor(take(weights, name, shape)?).map_err(torch_error);
        let layer = |name: &str, inputs| {
            let [width, _] = shape_of(weights, &format!("{name}.weight"))?;
            let weight = read(&format!("{name}.weight"), &[width, inputs])?;
            Ok::<_, Error>((width, (weight, read(&format!("{name}.bias"), &[width])?)))
        };
        let (mut width, first) = layer("hidden", inputs)?;
        let mut hidden = vec![first];
        if weights.contains_key("hidden2.weight") {
            let (second_width, second) = layer("hidden2", width)?;
            width = second_width;
            hidden.push(second);
        }
        Ok(Self { hidden, out_weight: read("out.weight", &[1, width])?, out_bias: read("out.bias", &[1])? })
    }
}

#[cfg(test)]
impl Dense {
    /// A head over the variables of a store, which have the names of the weights.
    pub(in crate::model) fn share(&mut self, store: &tch::nn::VarStore) {
        let variables = store.variables();
        for (depth, (weight, bias)) in self.hidden.iter_mut().enumerate() {
            let name = if depth == 0 { "hidden" } else { "hidden2" };
            *weight = variables[&format!("{name}.weight")].shallow_clone();
            *bias = variables[&format!("{name}.bias")].shallow_clone();
        }
        self.out_weight = variables["out.weight"].shallow_clone();
        self.out_bias = variables["out.bias"].shallow_clone();
    }
}

impl Network for Dense {
    fn logits(&self, input: &Tensor, dropout: &mut Dropout) -> Result<Tensor, TchError> {
        let mut values = input.shallow_clone();
        for (weight, bias) in &self.hidden {
            values = dropout.apply(values.f_linear(weight, Some(bias))?.f_relu()?)?;
        }
        values.f_linear(&self.out_weight, Some(&self.out_bias))?.f_squeeze_dim(1)
    }
}

/// Rows evaluated at once: one training batch, a size that suits the kernels.
const MEASURED_AT_ONCE: usize = 128;

/// The head with its training and validation splits.
struct HeadLearner<'a> {
    head: Head,
    train: Loader<'a>,
    train_positive: &'a [bool],
    val: Loader<'a>,
    val_positive: &'a [bool],
}

impl Learner for HeadLearner<'_> {
    fn samples(&self) -> usize {
        self.train_positive.len()
    }

    fn train_step(&mut self, rows: &[usize], dropout: &mut Dropout, step: u64, rate: f64) -> Result<Figures> {
        let positive: Vec<bool> = rows.iter().map(|&row| self.train_positive[row]).collect();
        Ok(self.head.train_step(self.train.batch(rows)?, &positive, dropout, step, rate))
    }

    fn measure(&mut self, stopped: &dyn Fn() -> bool) -> Result<Validated> {
        measure(&self.head, &mut self.val, self.val_positive, MEASURED_AT_ONCE, stopped)
    }

    fn parameters(&self) -> Vec<&[f32]> {
        self.head.parameters()
    }

    fn set_parameters(&mut self, parameters: &[Vec<f32>]) -> Result<()> {
        self.head.set_parameters(parameters);
        Ok(())
    }

    fn optimizer_state(&self) -> Vec<&[f32]> {
        self.head.optimizer_state()
    }

    fn set_optimizer_state(&mut self, state: &[Vec<f32>]) -> Result<()> {
        self.head.set_optimizer_state(state);
        Ok(())
    }
}

/// Implements the dense head.
pub(in crate::model) struct DenseHead;

/// Its registry entry.
pub(in crate::model) const TRAINING: &dyn ModelKind = &DenseHead;

impl ModelKind for DenseHead {
    fn train<'a>(
        &self,
        spec: &ModelSpec,
        rows: &'a Prepared<'_>,
        checkpoints: &Checkpoints,
        monitor: &dyn Monitor,
    ) -> Result<(Trained, TrainingRows<'a>)> {
        let (train, val) = rows.features(monitor)?;
        let trained = train_dense(train.examples()?, val.examples()?, spec.settings()?, Some(checkpoints), monitor)?;
        Ok((trained, TrainingRows::of(train, val)))
    }

    fn scorer(&self, weights: &Weights, input: &StoreIdentity) -> Result<Scorer> {
        Scorer::of_features(Dense::from_weights(weights, input.width)?, weights, input.width)
    }
}

/// Trains the head on feature rows and keeps its best and its last epoch, the best by validation accuracy.
///
/// Rows are read batch by batch, so features may be larger than memory. With `checkpoints`, an interrupted training
/// resumes.
///
/// # Errors
/// Settings out of range; splits that do not fit together, have one class or non-finite values; a loss that is not
/// finite; [`faceprobe_core::error::ErrorKind::Stopped`].
pub fn train_dense<'a>(
    train: impl Into<Examples<'a>>,
    val: impl Into<Examples<'a>>,
    settings: &DenseSettings,
    checkpoints: Option<&Checkpoints>,
    monitor: &dyn Monitor,
) -> Result<Trained> {
    faceprobe_settings::check(settings)?;
    let (train, val) = (train.into(), val.into());
    check_pair(&train, &val)?;
    let inputs = train.rows.width();
    let scaling = Standardisation::of_split(&train, "training", monitor)?;
    for_each_block(val.rows, "validation", monitor, |_, _| Ok(()))?;
    let scaling = if settings.standardise { scaling } else { Standardisation::identity(inputs) };
    let plan = Plan {
        epochs: settings.epochs,
        batch: settings.batch,
        learning_rate: settings.learning_rate,
        schedule: settings.rates(),
        dropout: settings.dropout,
        patience: settings.patience,
        seed: settings.seed,
    };
    let mut learner = HeadLearner {
        head: Head::new(inputs, settings),
        train: Loader::new(train.rows, &scaling, settings.products),
        train_positive: train.positive,
        val: Loader::new(val.rows, &scaling, settings.products),
        val_positive: val.positive,
    };
    let course = fit(&mut learner, &plan, checkpoints, monitor)?;
    let monitor = &ToTheEnd(monitor);
    learner.head.forget();
    let last_weights = if course.stopped || course.best_epoch == course.history.len() {
        None
    } else {
        let mut last = learner.head.weights()?;
        scaling.put_into(&mut last);
        Some(last)
    };
    learner.set_parameters(&course.best)?;
    drop(course.best);
    let mut weights = learner.head.weights()?;
    drop(learner);
    let params = weights.values().map(|array| array.len()).sum();
    scaling.put_into(&mut weights);
    let scorer = Scorer::of_features(Dense::from_weights(&weights, inputs)?, &weights, inputs)?;
    let val_scores = scorer.scores(val.rows, monitor)?;
    Ok(Trained {
        kind: Kind::DENSE,
        settings: serde_json::to_value(settings).map_err(|error| Error::failed(error.to_string()))?,
        epochs_run: course.history.len(),
        best_epoch: course.best_epoch,
        finished: course.finished,
        stopped: course.stopped,
        history: course.history,
        threshold: best_threshold(&val_scores, val.positive),
        train_scores: scorer.scores(train.rows, monitor)?,
        val_scores,
        params,
        weights,
        last_weights,
    })
}
