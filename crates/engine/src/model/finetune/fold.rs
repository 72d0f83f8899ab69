//! Batch normalisation with frozen statistics as part of the convolution before it, and back.
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
//! are those of the pretrained network.

use crate::backbone::{TailConv, TailOffset};
use crate::model::network::{Weights, take};
use faceprobe_core::error::Result;

/// A convolution of the tail: how its parameters become a folded kernel and offset.
pub(super) struct FoldedConv {
    pub(super) shape: [usize; 4],
    scale: f32,
    statistics: Option<Statistics>,
    /// Whether anything is added to its sums.
    has_offset: bool,
}

/// Per channel.
struct Statistics {
    mean: Vec<f32>,
    /// `1 / sqrt(variance + epsilon)`.
    root: Vec<f32>,
}

impl FoldedConv {
    /// Takes what is not trained from the weights.
    pub(super) fn new(conv: &TailConv, weights: &Weights) -> Result<Self> {
        let outputs = conv.shape[0];
        let statistics = match &conv.offset {
            TailOffset::Bias(_) | TailOffset::None => None,
            TailOffset::Norm(norm, epsilon) => {
                let part = |part: &str| take(weights, &format!("{norm}.{part}"), &[outputs]);
                let root = |variance: &f32| (1.0 / (f64::from(*variance) + epsilon).sqrt()) as f32;
                Some(Statistics {
                    mean: part("running_mean")?.iter().copied().collect(),
                    root: part("running_var")?.iter().map(root).collect(),
                })
            }
        };
        let has_offset = conv.offset != TailOffset::None;
        Ok(Self { shape: conv.shape, scale: conv.scale as f32, statistics, has_offset })
    }

    /// The names of what is trained, in the order in which the other functions have it.
    pub(super) fn names(conv: &TailConv) -> Vec<String> {
        match &conv.offset {
            TailOffset::None => vec![conv.weight.clone()],
            TailOffset::Bias(bias) => vec![conv.weight.clone(), bias.clone()],
            TailOffset::Norm(norm, _) => {
                vec![conv.weight.clone(), format!("{norm}.weight"), format!("{norm}.bias")]
            }
        }
    }

    /// How many names there are.
    pub(super) fn count(&self) -> usize {
        if self.statistics.is_some() { 3 } else { 1 + usize::from(self.has_offset) }
    }

    /// Values per output channel of the kernel.
    fn per_channel(&self) -> usize {
        self.shape[1..].iter().product()
    }

    /// The folded kernel and offset of the parameters.
    pub(super) fn fold(&self, values: &[Vec<f32>]) -> [Vec<f32>; 2] {
        let k = self.scale;
        match (&self.statistics, values) {
            (Some(Statistics { mean, root }), [weight, gamma, beta]) => {
                let factor: Vec<f32> = gamma.iter().zip(root).map(|(gamma, root)| gamma * root).collect();
                let mut kernel = weight.clone();
                for (kernel, factor) in kernel.chunks_exact_mut(self.per_channel()).zip(&factor) {
                    kernel.iter_mut().for_each(|value| *value *= k * factor);
                }
                let offset = beta.iter().zip(mean).zip(&factor).map(|((beta, mean), s)| k * (beta - mean * s));
                [kernel, offset.collect()]
            }
            (_, [weight]) => [weight.iter().map(|value| k * value).collect(), vec![0.0; self.shape[0]]],
            (_, [weight, bias, ..]) => [weight, bias].map(|values| values.iter().map(|value| k * value).collect()),
            _ => [Vec::new(), Vec::new()],
        }
    }

    /// The gradients of the parameters, from those of the folded kernel and offset.
    pub(super) fn unfold(&self, values: &[Vec<f32>], kernel: Vec<f32>, offset: Vec<f32>) -> Vec<Vec<f32>> {
        let k = self.scale;
        let times = |mut values: Vec<f32>, factor: f32| {
            values.iter_mut().for_each(|value| *value *= factor);
            values
        };
        let (Some(Statistics { mean, root }), [weight, gamma, _]) = (&self.statistics, values) else {
            let mut gradients = vec![times(kernel, k)];
            if self.has_offset {
                gradients.push(times(offset, k));
            }
            return gradients;
        };
        let mut kernel = kernel;
        let mut of_gamma = Vec::with_capacity(gamma.len());
        let channels = kernel.chunks_exact_mut(self.per_channel()).zip(weight.chunks_exact(self.per_channel()));
        for (channel, (kernel, weight)) in channels.enumerate() {
            let along: f32 = kernel.iter().zip(weight).map(|(gradient, weight)| gradient * weight).sum();
            of_gamma.push(k * root[channel] * (along - mean[channel] * offset[channel]));
            kernel.iter_mut().for_each(|value| *value *= k * gamma[channel] * root[channel]);
        }
        vec![kernel, of_gamma, times(offset, k)]
    }
}
