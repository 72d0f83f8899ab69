//! The study's head: dense(width, ReLU), dropout, dense(1), trained on frozen features.

use super::data::{LabelledRows, check_finite, check_pair};
use super::network::{Network, Weights, shape_of, take, to_array, to_tensor, torch_error};
use super::random::{Dropout, Initialiser};
use super::scaling::{Features, Standardisation};
use super::scorer::{FEATURE_BATCH, Scorer};
use super::settings::{DenseSettings, Kind};
use super::trained::Trained;
use super::training::{Examples, Plan, fit};
use crate::error::{Error, Result};
use crate::evaluation::best_threshold;
use crate::monitor::Monitor;
use tch::{Device, TchError, Tensor, nn};

/// `logit = out · dropout(relu(hidden x + b)) + c`.
pub(super) struct Dense {
    /// Shape (width, inputs).
    hidden_weight: Tensor,
    hidden_bias: Tensor,
    /// Shape (1, width).
    out_weight: Tensor,
    out_bias: Tensor,
}

impl Dense {
    /// Fresh variables in `store`, as Keras makes them: Glorot-uniform kernels and zero biases.
    fn new(store: &nn::VarStore, inputs: usize, settings: &DenseSettings) -> Result<Self, TchError> {
        let mut init = Initialiser::new(settings.seed);
        let width = settings.width;
        let path = |part: &str| store.root() / part;
        Ok(Self {
            hidden_weight: path("hidden")
                .f_var_copy("weight", &to_tensor(&init.glorot(&[width, inputs], inputs, width))?)?,
            hidden_bias: path("hidden").f_zeros("bias", &[width as i64])?,
            out_weight: path("out").f_var_copy("weight", &to_tensor(&init.glorot(&[1, width], width, 1))?)?,
            out_bias: path("out").f_zeros("bias", &[1])?,
        })
    }

    /// Reads `hidden.weight`, `hidden.bias`, `out.weight`, `out.bias`.
    pub(super) fn from_weights(weights: &Weights, inputs: usize) -> Result<Self> {
        let [width, _] = shape_of(weights, "hidden.weight")?;
        let read = |name, shape: &[usize]| to_tensor(take(weights, name, shape)?).map_err(torch_error);
        Ok(Self {
            hidden_weight: read("hidden.weight", &[width, inputs])?,
            hidden_bias: read("hidden.bias", &[width])?,
            out_weight: read("out.weight", &[1, width])?,
            out_bias: read("out.bias", &[1])?,
        })
    }

    fn weights(&self) -> Result<Weights, TchError> {
        Ok(Weights::from([
            ("hidden.weight".to_owned(), to_array(&self.hidden_weight)?),
            ("hidden.bias".to_owned(), to_array(&self.hidden_bias)?),
            ("out.weight".to_owned(), to_array(&self.out_weight)?),
            ("out.bias".to_owned(), to_array(&self.out_bias)?),
        ]))
    }
}

impl Network for Dense {
    fn logits(&self, input: &Tensor, dropout: &mut Dropout) -> Result<Tensor, TchError> {
        let hidden = input.f_linear(&self.hidden_weight, Some(&self.hidden_bias))?.f_relu()?;
        dropout.apply(hidden)?.f_linear(&self.out_weight, Some(&self.out_bias))?.f_squeeze_dim(1)
    }
}

/// Trains the head on feature rows and keeps its best epoch by validation accuracy.
///
/// # Errors
/// Settings out of range; splits that do not fit together, hold one class or values that are not finite; a loss that
/// is no longer a number; [`crate::error::ErrorKind::Stopped`].
pub fn train_dense(
    train: &LabelledRows,
    val: &LabelledRows,
    settings: &DenseSettings,
    monitor: &dyn Monitor,
) -> Result<Trained> {
    settings.check()?;
    check_pair(train, val)?;
    check_finite(train, "training")?;
    check_finite(val, "validation")?;
    let inputs = train.width();
    let scaling = if settings.standardise { Standardisation::of(train.x()) } else { Standardisation::identity(inputs) };
    let store = nn::VarStore::new(Device::Cpu);
    let network = Dense::new(&store, inputs, settings).map_err(torch_error)?;
    let plan = Plan {
        epochs: settings.epochs,
        batch: settings.batch,
        optimizer: settings.optimizer,
        learning_rate: settings.learning_rate,
        weight_decay: settings.weight_decay,
        dropout: settings.dropout,
        patience: settings.patience,
        seed: settings.seed,
        scoring_batch: FEATURE_BATCH,
    };
    let course = fit(
        &store,
        &network,
        &Examples { input: &Features { rows: train.x(), scaling: &scaling }, positive: train.y() },
        &Examples { input: &Features { rows: val.x(), scaling: &scaling }, positive: val.y() },
        &plan,
        monitor,
    )?;
    let mut weights = network.weights().map_err(torch_error)?;
    let params = weights.values().map(|array| array.len()).sum();
    scaling.put_into(&mut weights);
    let scorer = Scorer::new(Kind::Dense, &weights, inputs)?;
    let val_scores = scorer.scores_f32(val.x())?;
    Ok(Trained {
        kind: Kind::Dense,
        settings: serde_json::to_value(settings).map_err(|error| Error::failed(error.to_string()))?,
        epochs_run: course.history.len(),
        best_epoch: course.best_epoch,
        history: course.history,
        threshold: best_threshold(&val_scores, val.y()),
        train_scores: scorer.scores_f32(train.x())?,
        val_scores,
        params,
        weights,
    })
}
