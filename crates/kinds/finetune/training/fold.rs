//! Batch normalisation with frozen statistics as part of the convolution before it, LayerScale as part of the dense layer
//! before it, and back.
//!
//! With `r = 1 / sqrt(variance + epsilon)` per channel, `s = gamma r` and `k` the convolution's own scale, kernel and
//! offset of the folded convolution are `W' = k s W` and `b' = k (beta - mean s)`. So with the gradients of these, `G` and
//! `g`, the gradients of what is trained are
//!
//! ```text
//! dW = k s G        dgamma = k r (sum of G W over the channel - mean g)        dbeta = k g
//! ```
//!
//! Kernel, gamma and beta are trained as PyTorch trains them with its normalisation in evaluation mode; mean and variance
//! are those of the pretrained network. A dense layer with LayerScale `gamma` is `W' = gamma W` and `b' = gamma b`, so
//!
//! ```text
//! dW = gamma G      db = gamma g      dgamma = sum of G W over the output + g b
//! ```

use crate::backbone::{TailLayer, TailOffset};
use crate::model::network::{Weights, take};
use faceprobe_core::error::Result;

/// A layer of the tail: how its parameters become a folded weight and offset.
pub(super) struct FoldedLayer {
    pub(super) shape: Vec<usize>,
    scale: f32,
    offset: Offset,
}

/// What is trained besides the weight, and what is not.
enum Offset {
    None,
    Bias,
    /// A bias, and a factor of everything.
    Scaled,
    /// Factor and offset of batch normalisation, whose statistics these are.
    Norm(Statistics),
}

/// Per channel.
struct Statistics {
    mean: Vec<f32>,
    /// `1 / sqrt(variance + epsilon)`.
    root: Vec<f32>,
}

impl FoldedLayer {
    /// Takes what is not trained from the weights.
    pub(super) fn new(layer: &TailLayer, weights: &Weights) -> Result<Self> {
        let outputs = layer.shape[0];
        let offset = match &layer.offset {
            TailOffset::None => Offset::None,
            TailOffset::Bias(_) => Offset::Bias,
            TailOffset::Scaled(..) => Offset::Scaled,
            TailOffset::Norm(norm, epsilon) => {
                let part = |part: &str| take(weights, &format!("{norm}.{part}"), &[outputs]);
                let root = |variance: &f32| (1.0 / (f64::from(*variance) + epsilon).sqrt()) as f32;
                Offset::Norm(Statistics {
                    mean: part("running_mean")?.iter().copied().collect(),
                    root: part("running_var")?.iter().map(root).collect(),
                })
            }
        };
        Ok(Self { shape: layer.shape.clone(), scale: layer.scale as f32, offset })
    }

    /// The names of what is trained, in the order in which the other functions have it.
    pub(super) fn names(layer: &TailLayer) -> Vec<String> {
        let weight = layer.weight.clone();
        match &layer.offset {
            TailOffset::None => vec![weight],
            TailOffset::Bias(bias) => vec![weight, bias.clone()],
            TailOffset::Scaled(bias, scale) => vec![weight, bias.clone(), scale.clone()],
            TailOffset::Norm(norm, _) => vec![weight, format!("{norm}.weight"), format!("{norm}.bias")],
        }
    }

    /// How many names there are.
    pub(super) fn count(&self) -> usize {
        match self.offset {
            Offset::None => 1,
            Offset::Bias => 2,
            Offset::Scaled | Offset::Norm(_) => 3,
        }
    }

    /// Values of the weight per output channel.
    fn per_channel(&self) -> usize {
        self.shape[1..].iter().product()
    }

    /// The folded weight and offset of the parameters.
    pub(super) fn fold(&self, values: &[Vec<f32>]) -> [Vec<f32>; 2] {
        let k = self.scale;
        match (&self.offset, values) {
            (Offset::Norm(Statistics { mean, root }), [weight, gamma, beta]) => {
                let factor: Vec<f32> = gamma.iter().zip(root).map(|(gamma, root)| gamma * root).collect();
                let offset = beta.iter().zip(mean).zip(&factor).map(|((beta, mean), s)| k * (beta - mean * s));
                let offset = offset.collect();
                [self.per_output(weight.clone(), |channel| k * factor[channel]), offset]
            }
            (Offset::Scaled, [weight, bias, gamma]) => {
                let offset = bias.iter().zip(gamma).map(|(bias, gamma)| k * gamma * bias).collect();
                [self.per_output(weight.clone(), |channel| k * gamma[channel]), offset]
            }
            (_, [weight]) => [weight.iter().map(|value| k * value).collect(), vec![0.0; self.shape[0]]],
            (_, [weight, bias, ..]) => [weight, bias].map(|values| values.iter().map(|value| k * value).collect()),
            _ => [Vec::new(), Vec::new()],
        }
    }

    /// The gradients of the parameters, from those of the folded weight and offset.
    pub(super) fn unfold(&self, values: &[Vec<f32>], weights: Vec<f32>, offset: Vec<f32>) -> Vec<Vec<f32>> {
        let k = self.scale;
        let times = |mut values: Vec<f32>, factor: f32| {
            values.iter_mut().for_each(|value| *value *= factor);
            values
        };
        match (&self.offset, values) {
            (Offset::Norm(Statistics { mean, root }), [weight, gamma, _]) => {
                let along = self.along(&weights, weight);
                let of_gamma = along.iter().enumerate();
                let of_gamma = of_gamma.map(|(at, along)| k * root[at] * (along - mean[at] * offset[at])).collect();
                let of_weight = self.per_output(weights, |channel| k * gamma[channel] * root[channel]);
                vec![of_weight, of_gamma, times(offset, k)]
            }
            (Offset::Scaled, [weight, bias, gamma]) => {
                let along = self.along(&weights, weight);
                let of_gamma = along.iter().zip(&offset).zip(bias);
                let of_gamma = of_gamma.map(|((along, offset), bias)| k * (along + offset * bias)).collect();
                let of_bias = offset.iter().zip(gamma).map(|(offset, gamma)| k * gamma * offset).collect();
                vec![self.per_output(weights, |channel| k * gamma[channel]), of_bias, of_gamma]
            }
            (Offset::None, _) => vec![times(weights, k)],
            _ => vec![times(weights, k), times(offset, k)],
        }
    }

    /// A weight with each output channel multiplied by a factor.
    fn per_output(&self, mut weight: Vec<f32>, factor: impl Fn(usize) -> f32) -> Vec<f32> {
        for (channel, values) in weight.chunks_exact_mut(self.per_channel()).enumerate() {
            let factor = factor(channel);
            values.iter_mut().for_each(|value| *value *= factor);
        }
        weight
    }

    /// Of each output channel, the sum of the gradients times the values of the weight.
    fn along(&self, gradients: &[f32], weight: &[f32]) -> Vec<f32> {
        let channels = gradients.chunks_exact(self.per_channel()).zip(weight.chunks_exact(self.per_channel()));
        channels
            .map(|(gradients, weight)| gradients.iter().zip(weight).map(|(gradient, weight)| gradient * weight).sum())
            .collect()
    }
}
