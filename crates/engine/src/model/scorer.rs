//! Scores: probabilities from weights. All scores of the program are computed here.

use super::SavedModel;
use super::Weights;
use super::data::rows_at_once;
use super::kind;
use super::kinds::benchmark::training::{Cnn, Pixels};
use super::kinds::ensemble::training::Members;
use super::kinds::finetune::training::tuned::tail_of;
use super::kinds::knn::training::Neighbours;
use super::network::{Input, Network, torch_error};
use super::random::Dropout;
use super::scaling::{Features, Standardisation};
use crate::features::{FeatureRows, Rows, StoreIdentity};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::evaluation::sigmoid;
use faceprobe_core::monitor::{Monitor, Silent};
use ndarray::{Array2, ArrayView2};
use tch::{Device, TchError, Tensor};

/// Images scored at once by the benchmark, whose activations are large.
pub(super) const PIXEL_BATCH: usize = 32;

/// A model ready to score rows. Building one copies the weights, so reuse it.
pub struct Scorer(Ready);

enum Ready {
    Features { network: Box<dyn Network + Send>, scaling: Standardisation, width: usize },
    Pixels { network: Cnn, width: usize },
    Tuned(Members),
    Neighbours(Neighbours),
}

impl Scorer {
    /// The scorer of a saved model.
    ///
    /// # Errors
    /// Weights that are missing, or not of the shapes that this kind of model has.
    pub fn of(saved: &SavedModel) -> Result<Self> {
        kind::of(saved.info.kind)?.scorer(&saved.weights, &saved.info.input)
    }

    /// For a network on rows of `width` features, which are standardised first.
    pub(super) fn of_features(network: impl Network + Send + 'static, weights: &Weights, width: usize) -> Result<Self> {
        let scaling = Standardisation::from_weights(weights, width)?;
        Ok(Self(Ready::Features { network: Box::new(network), scaling, width }))
    }

    /// For a network on pooled pixels.
    pub(super) fn of_pixels(network: Cnn, width: usize) -> Self {
        Self(Ready::Pixels { network, width })
    }

    /// For k-nearest neighbours.
    pub(super) fn of_neighbours(neighbours: Neighbours) -> Self {
        Self(Ready::Neighbours(neighbours))
    }

    /// For one or several fine-tuned networks, whose rows are the activations that `input` identifies.
    pub fn tuned(weights: &Weights, input: &StoreIdentity) -> Result<Self> {
        Ok(Self(Ready::Tuned(Members::from_weights(&tail_of(input)?, weights)?)))
    }

    /// Probability of class 1 per row of features, as stored; standardisation is applied here. Rows are read in blocks.
    ///
    /// # Errors
    /// When the rows have another width than the model's, hold NaN or cannot be read, the model is the benchmark, or
    /// the monitor says stop.
    pub fn scores(&self, rows: &dyn FeatureRows, monitor: &dyn Monitor) -> Result<Vec<f64>> {
        match &self.0 {
            Ready::Features { network, scaling, width } => {
                check_width(rows.width(), *width)?;
                let batch = rows_at_once(*width);
                probabilities(network.as_ref(), &Features { rows, scaling }, batch, monitor)
            }
            Ready::Tuned(tuned) => {
                check_width(rows.width(), tuned.width())?;
                shares(tuned.logits(rows, monitor)?)
            }
            Ready::Neighbours(neighbours) => {
                check_width(rows.width(), neighbours.width())?;
                neighbours.scores(rows, monitor)
            }
            Ready::Pixels { .. } => Err(Error::failed("the benchmark model scores pixels and was given features")),
        }
    }

    /// Whether each voting training row is of class 1; none for kinds that do not vote.
    pub fn voting(&self) -> Option<&[bool]> {
        match &self.0 {
            Ready::Neighbours(neighbours) => Some(neighbours.positive()),
            _ => None,
        }
    }

    /// The training rows that vote on a row of features, the most similar first, each with its cosine; empty for kinds
    /// that do not vote.
    ///
    /// # Errors
    /// As [`Scorer::scores`].
    pub fn voters(&self, row: ArrayView2<f32>) -> Result<Vec<(usize, f64)>> {
        let Ready::Neighbours(neighbours) = &self.0 else { return Ok(Vec::new()) };
        check_width(row.ncols(), neighbours.width())?;
        Ok(neighbours.voters(&row)?.into_iter().map(|neighbour| (neighbour.row, neighbour.cosine)).collect())
    }

    /// The tuned features of a fine-tuned network: its globally averaged last stage, rows x features, the mean of image
    /// and mirror image (of an ensemble, those of all members concatenated); with the scores. None for other models,
    /// whose features are frozen.
    ///
    /// # Errors
    /// As [`Scorer::scores`].
    pub fn tuned_features(
        &self,
        rows: &dyn FeatureRows,
        monitor: &dyn Monitor,
    ) -> Result<Option<(Array2<f32>, Vec<f64>)>> {
        let Ready::Tuned(tuned) = &self.0 else { return Ok(None) };
        check_width(rows.width(), tuned.width())?;
        let (features, logits) = tuned.features(rows, monitor)?;
        Ok(Some((features, shares(logits)?)))
    }

    /// [`Scorer::scores`] of rows in memory.
    pub fn scores_f32(&self, rows: ArrayView2<f32>) -> Result<Vec<f64>> {
        self.scores(&rows, &Silent)
    }

    /// Probability of class 1 per row of pooled pixels (see [`super::PixelRows`]).
    ///
    /// # Errors
    /// When the rows have another width than the model's, or the model works on features.
    pub fn scores_u16(&self, rows: ArrayView2<u16>) -> Result<Vec<f64>> {
        match &self.0 {
            Ready::Pixels { network, width } => {
                check_width(rows.ncols(), *width)?;
                probabilities(network, &Pixels::new(rows, network.scale())?, PIXEL_BATCH, &Silent)
            }
            Ready::Features { .. } | Ready::Tuned(_) | Ready::Neighbours(_) => {
                Err(Error::failed("this model scores features and was given pixels"))
            }
        }
    }
}

/// For explanations: a differentiable path to the logit.
impl Scorer {
    /// Logits (batch) of feature rows (batch, width), as stored; of nearest neighbours, which have no logits, the
    /// difference of similarities to class 1 and class 0.
    ///
    /// # Errors
    /// Errors of libtorch; a model that works on pixels.
    pub fn logits_of_rows(&self, rows: &Tensor) -> Result<Tensor, TchError> {
        match &self.0 {
            Ready::Features { network, scaling, .. } => {
                let rows = rows.f_to_device(Device::Cpu)?;
                network.logits(&scaling.scale_tensor(&rows)?, &mut Dropout::off())
            }
            Ready::Neighbours(neighbours) => neighbours.leaning(&rows.f_to_device(Device::Cpu)?),
            Ready::Pixels { .. } => Err(TchError::Shape("the benchmark model takes pixels".into())),
            Ready::Tuned(_) => Err(TchError::Shape("a fine-tuned model takes activations".into())),
        }
    }

    /// The feature maps of the model's own convolutions for rows, `[N, C, H, W]` for each of its networks: the
    /// benchmark's after ReLU; the last stage of a fine-tuned network, of image and mirror image together.
    ///
    /// # Errors
    /// Rows of another width or kind than the model's; a model whose features are frozen.
    pub fn convolved(&self, rows: &Rows) -> Result<Vec<Tensor>> {
        match (&self.0, rows) {
            (Ready::Pixels { network, width }, Rows::U16(rows)) => {
                check_width(rows.ncols(), *width)?;
                let all: Vec<usize> = (0..rows.nrows()).collect();
                let input = Pixels::new(rows.view(), network.scale())?.batch(&all)?;
                Ok(vec![tch::no_grad(|| network.convolved(&input)).map_err(torch_error)?])
            }
            (Ready::Tuned(tuned), Rows::F32(rows)) => {
                check_width(rows.ncols(), tuned.width())?;
                tuned.last(rows.view()).map_err(torch_error)
            }
            _ => Err(Error::failed("this model has no convolutions for such rows")),
        }
    }

    /// Logits (batch) of the maps from [`Scorer::convolved`]. Differentiable.
    ///
    /// # Errors
    /// Errors of libtorch; a model whose features are frozen.
    pub fn logits_of_convolved(&self, maps: &[Tensor]) -> Result<Tensor, TchError> {
        match (&self.0, maps) {
            (Ready::Pixels { network, .. }, [maps]) => {
                network.logits_of(&maps.f_mean_dim([2, 3].as_slice(), false, None)?, &mut Dropout::off())
            }
            (Ready::Tuned(tuned), maps) => tuned.logits_of_last(maps),
            _ => Err(TchError::Shape("this model has no such convolutions".into())),
        }
    }
}

fn check_width(given: usize, wanted: usize) -> Result<()> {
    if given == wanted {
        return Ok(());
    }
    Err(Error::failed(format!("the model takes {wanted} values per image and was given {given}")))
}

fn probabilities(network: &dyn Network, input: &dyn Input, batch: usize, monitor: &dyn Monitor) -> Result<Vec<f64>> {
    shares(logits(network, input, batch, &|| monitor.stopped())?)
}

/// Logits as probabilities.
fn shares(logits: Vec<f64>) -> Result<Vec<f64>> {
    if let Some(row) = logits.iter().position(|logit| logit.is_nan()) {
        return Err(Error::failed(format!(
            "the score of image {} is not a number: its features were changed while they were read, or the model's weights \
             are out of range; run this again, and if it says the same, train the model again",
            row + 1
        )));
    }
    Ok(logits.into_iter().map(sigmoid).collect())
}

/// The logits of all rows, dropout off, `batch` rows at a time.
pub(super) fn logits(
    network: &dyn Network,
    input: &dyn Input,
    batch: usize,
    stopped: &dyn Fn() -> bool,
) -> Result<Vec<f64>> {
    let mut all = Vec::with_capacity(input.len());
    let rows: Vec<usize> = (0..input.len()).collect();
    for rows in rows.chunks(batch.max(1)) {
        if stopped() {
            return Err(Error::stopped());
        }
        let input = input.batch(rows)?;
        let mut values = vec![0f32; rows.len()];
        tch::no_grad(|| {
            let logits = network.logits(&input, &mut Dropout::off())?;
            logits.f_contiguous()?.f_copy_data(&mut values, rows.len())
        })
        .map_err(torch_error)?;
        all.extend(values.into_iter().map(f64::from));
    }
    Ok(all)
}
