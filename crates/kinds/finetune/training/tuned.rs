//! A fine-tuned network for inference: from rows of the cut's output to logits.

use super::data_parallel::{in_parallel, threads};
use crate::backbone::{self, Tail, TailNetwork};
use crate::features::{FeatureRows, StoreIdentity};
use crate::model::network::{Weights, take, to_array, to_tensor, torch_error};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::monitor::Monitor;
use ndarray::Array2;
use std::collections::BTreeMap;
use tch::{TchError, Tensor};

/// Images scored at once: image and mirror image are one batch.
const AT_ONCE: usize = 16;

/// The stages behind the cut with the head on their global average.
pub(in crate::model) struct Tuned {
    network: TailNetwork,
    head: Head,
    geometry: Geometry,
}

/// The result of a batch: per image, the mean of image and mirror image.
struct BatchOutput {
    features: Vec<f32>,
    logits: Vec<f64>,
}

/// A linear head, `[1, features]` and `[1]`.
struct Head {
    weight: Tensor,
    bias: Tensor,
}

impl Head {
    /// `[N, 1]` of `[N, features]`.
    fn logits(&self, features: &Tensor) -> Result<Tensor, TchError> {
        features.f_linear(&self.weight, Some(&self.bias))
    }
}

/// Global average of `[N, C, H, W]`.
fn averaged(stage: &Tensor) -> Result<Tensor, TchError> {
    stage.f_mean_dim([2, 3].as_slice(), false, None)
}

/// Rows as images: places in order, their channels together; the class token before them, where there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::model) struct Geometry {
    pub(in crate::model) side: usize,
    pub(in crate::model) channels: usize,
    pub(in crate::model) class_token: bool,
}

impl Geometry {
    pub(in crate::model) fn of(tail: &Tail) -> Self {
        let input = tail.input();
        Self { side: input.side, channels: input.channels, class_token: input.class_token }
    }

    /// Values of one image.
    pub(in crate::model) fn width(self) -> usize {
        self.channels * (self.side * self.side + usize::from(self.class_token))
    }

    /// Moves the places of one image down and to the right; what comes in at the edge is the edge again. A class token has
    /// no place.
    pub(in crate::model) fn shift(self, values: &mut [f32], [down, right]: [i8; 2]) {
        let values = &mut values[self.channels * usize::from(self.class_token)..];
        let before = values.to_vec();
        let from = |at: usize, by: i8| at.saturating_add_signed(-isize::from(by)).min(self.side - 1);
        for (place, out) in values.chunks_exact_mut(self.channels).enumerate() {
            let (y, x) = (from(place / self.side, down), from(place % self.side, right));
            out.copy_from_slice(&before[(y * self.side + x) * self.channels..][..self.channels]);
        }
    }

    /// `[N, C, H, W]` of images one after the other, channels last in memory; with a class token `[N, T, C]`.
    pub(in crate::model) fn tensor(self, values: &[f32]) -> Result<Tensor, TchError> {
        let (side, channels) = (self.side as i64, self.channels as i64);
        if self.class_token {
            return Tensor::f_from_slice(values)?.f_view([-1, 1 + side * side, channels]);
        }
        Tensor::f_from_slice(values)?.f_view([-1, side, side, channels])?.f_permute([0, 3, 1, 2])
    }
}

/// The tail for rows of this identity.
///
/// # Errors
/// An identity that is not of a cut of a known network.
pub(in crate::model) fn tail_of(input: &StoreIdentity) -> Result<Tail> {
    let cut = input.tap.parse().map_err(|_| {
        Error::failed(format!("the model was cut at '{}', which is no stage; train it again", input.tap))
    })?;
    Tail::new(backbone::find(&input.backbone)?, cut)
}

impl Tuned {
    /// Reads all parameters of the tail by their names in the checkpoint, `head.weight` and `head.bias`.
    pub(in crate::model) fn from_weights(tail: &Tail, weights: &Weights) -> Result<Self> {
        let read = |name: &str, shape: &[usize]| to_tensor(take(weights, name, shape)?).map_err(torch_error);
        let mut parameters = BTreeMap::new();
        for (name, shape) in tail.parameters() {
            parameters.insert(name.clone(), read(&name, &shape)?);
        }
        let head = Head { weight: read("head.weight", &[1, tail.features()])?, bias: read("head.bias", &[1])? };
        Ok(Self { network: tail.network(parameters)?, head, geometry: Geometry::of(tail) })
    }

    /// Values per image: those of the image and of its mirror image.
    pub(in crate::model) fn width(&self) -> usize {
        2 * self.geometry.width()
    }

    /// One logit per row: the mean of the image's and its mirror image's.
    ///
    /// # Errors
    /// Rows that cannot be read; errors of libtorch; a stop.
    pub(in crate::model) fn logits(&self, rows: &dyn FeatureRows, monitor: &dyn Monitor) -> Result<Vec<f64>> {
        Ok(self.pass(rows, monitor)?.into_iter().flat_map(|seen| seen.logits).collect())
    }

    /// The globally averaged last stage of each row, rows x features, as the mean of the image's and its mirror
    /// image's; and the logits.
    ///
    /// # Errors
    /// As [`Tuned::logits`].
    pub(in crate::model) fn features(
        &self,
        rows: &dyn FeatureRows,
        monitor: &dyn Monitor,
    ) -> Result<(Array2<f32>, Vec<f64>)> {
        let seen = self.pass(rows, monitor)?;
        let width = self.head.weight.size().last().map_or(0, |width| *width as usize);
        let values = seen.iter().flat_map(|seen| seen.features.iter().copied()).collect();
        let features = Array2::from_shape_vec((rows.len(), width), values)
            .map_err(|error| Error::failed(format!("The tuned network gave rows that do not fit: {error}.")))?;
        Ok((features, seen.into_iter().flat_map(|seen| seen.logits).collect()))
    }

    fn pass(&self, rows: &dyn FeatureRows, monitor: &dyn Monitor) -> Result<Vec<BatchOutput>> {
        let all: Vec<usize> = (0..rows.len()).collect();
        let pieces: Vec<&[usize]> = all.chunks(AT_ONCE).collect();
        let shares = (0..threads().min(pieces.len())).map(|_| self.share()).collect();
        in_parallel(shares, pieces.len(), |own: &mut Self, piece| {
            if monitor.stopped() {
                return Err(Error::stopped());
            }
            let mut values = vec![0f32; pieces[piece].len() * own.width()];
            rows.copy_rows(pieces[piece], &mut values)?;
            own.forward(&values).map_err(torch_error)
        })
    }

    fn forward(&self, values: &[f32]) -> Result<BatchOutput, TchError> {
        tch::no_grad(|| {
            let features = averaged(&self.network.last(&self.geometry.tensor(values)?)?)?;
            let logits = to_array(&self.head.logits(&features)?)?;
            let logits: Vec<f64> = logits.iter().map(|&logit| f64::from(logit)).collect();
            let features = to_array(&features)?;
            let width = features.shape().last().copied().unwrap_or(0).max(1);
            let flat: Vec<f32> = features.iter().copied().collect();
            let mean = |both: &[f32]| {
                let (picture, mirror) = both.split_at(width);
                picture.iter().zip(mirror).map(|(a, b)| (a + b) / 2.0).collect::<Vec<f32>>()
            };
            Ok(BatchOutput {
                features: flat.chunks_exact(2 * width).flat_map(mean).collect(),
                logits: logits.chunks_exact(2).map(|both| (both[0] + both[1]) / 2.0).collect(),
            })
        })
    }

    /// The last stage of each row, `[N, features, H, W]`: the mean of the image's and of its mirror image's, which is
    /// mirrored back. The rest is linear, so the logits are those of [`Tuned::logits`].
    pub(in crate::model) fn last(&self, values: &[f32]) -> Result<Tensor, TchError> {
        tch::no_grad(|| {
            let both = self.network.last(&self.geometry.tensor(values)?)?;
            let (_, channels, rows, columns) = both.size4()?;
            let pairs = both.f_reshape([-1, 2, channels, rows, columns])?;
            pairs.f_select(1, 0)?.f_add(&pairs.f_select(1, 1)?.f_flip([3])?)?.f_mul_scalar(0.5)
        })
    }

    /// Logits `[N]` of the stages from [`Tuned::last`]. Differentiable.
    pub(in crate::model) fn logits_of_last(&self, last: &Tensor) -> Result<Tensor, TchError> {
        self.head.logits(&averaged(last)?)?.f_view([-1])
    }

    fn share(&self) -> Self {
        let head = Head { weight: self.head.weight.shallow_clone(), bias: self.head.bias.shallow_clone() };
        Self { network: self.network.share(), head, geometry: self.geometry }
    }
}
