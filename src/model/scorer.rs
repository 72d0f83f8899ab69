//! Probabilities from weights: the only place scores come from.

use super::benchmark::{Cnn, Pixels};
use super::dense::Dense;
use super::logistic::Linear;
use super::network::{Input, Network, Weights};
use super::scaling::{Features, Standardisation};
use super::settings::Kind;
use super::training::logits;
use crate::error::{Error, Result};
use ndarray::ArrayView2;

/// Rows of features scored at once.
pub(super) const FEATURE_BATCH: usize = 512;
/// Images scored at once by the benchmark, whose activations are large.
pub(super) const PIXEL_BATCH: usize = 32;

/// A model ready to score rows. Building one copies the weights, so keep it for many images.
pub struct Scorer(Ready);

enum Ready {
    Features { network: Box<dyn Network + Send>, scaling: Standardisation, width: usize },
    Pixels { network: Cnn, width: usize },
}

impl Scorer {
    /// Checks that all weights of this kind of model for rows of `width` values are there with their shapes.
    pub fn new(kind: Kind, weights: &Weights, width: usize) -> Result<Self> {
        Ok(Self(match kind {
            Kind::Dense => Self::features(Box::new(Dense::from_weights(weights, width)?), weights, width)?,
            Kind::Logistic => Self::features(Box::new(Linear::from_weights(weights, width)?), weights, width)?,
            Kind::Benchmark => Ready::Pixels { network: Cnn::from_weights(weights, width)?, width },
            Kind::Finetune => return Err(Error::failed("this version of faceprobe cannot use fine-tuned models")),
        }))
    }

    fn features(network: Box<dyn Network + Send>, weights: &Weights, width: usize) -> Result<Ready> {
        Ok(Ready::Features { network, scaling: Standardisation::from_weights(weights, width)?, width })
    }

    /// Probability of class 1 per row of features, as they are in the store; standardisation happens inside.
    ///
    /// # Errors
    /// When the rows have another width than the model's or hold NaN, or the model is the benchmark.
    pub fn scores_f32(&self, rows: ArrayView2<f32>) -> Result<Vec<f64>> {
        match &self.0 {
            Ready::Features { network, scaling, width } => {
                check_width(rows.ncols(), *width)?;
                probabilities(network.as_ref(), &Features { rows: rows.view(), scaling }, FEATURE_BATCH)
            }
            Ready::Pixels { .. } => Err(Error::failed("the benchmark model scores pixels and was given features")),
        }
    }

    /// Probability of class 1 per row of pooled pixels (see [`super::PixelRows`]).
    ///
    /// # Errors
    /// When the rows have another width than the model's, or the model works on features.
    pub fn scores_u16(&self, rows: ArrayView2<u16>) -> Result<Vec<f64>> {
        match &self.0 {
            Ready::Pixels { network, width } => {
                check_width(rows.ncols(), *width)?;
                probabilities(network, &Pixels::new(rows, network.scale())?, PIXEL_BATCH)
            }
            Ready::Features { .. } => Err(Error::failed("this model scores features and was given pixels")),
        }
    }
}

fn check_width(given: usize, wanted: usize) -> Result<()> {
    if given == wanted {
        return Ok(());
    }
    Err(Error::failed(format!("the model takes {wanted} values per image and was given {given}")))
}

fn probabilities(network: &dyn Network, input: &dyn Input, batch: usize) -> Result<Vec<f64>> {
    let logits = logits(network, input, batch, &|| false)?;
    if let Some(row) = logits.iter().position(|logit| logit.is_nan()) {
        return Err(Error::failed(format!(
            "the score of image {} is not a number, because its features are not; extract them again",
            row + 1
        )));
    }
    Ok(logits.into_iter().map(|logit| 1.0 / (1.0 + (-logit).exp())).collect())
}
