//! The optimizers, formula for formula those of `torch.optim`.

use super::simd::Number;
use crate::model::settings::Optimizer;

/// What an optimizer does to one weight, given its gradient and what it remembers of earlier ones.
///
/// `first` and `second` are the optimizer's memory of the weight; rules that need only one leave `second` alone.
pub(super) trait Rule: Copy + Sync {
    /// Whether `second` is used.
    const TWO: bool;

    /// The new weight and memory.
    fn apply<N: Number>(&self, gradient: N, weight: N, first: N, second: N) -> (N, N, N);
}

/// One step of an optimizer, its constants worked out.
#[derive(Debug, Clone, Copy)]
pub(in crate::model) enum Step {
    Adam(Adam),
    Sgd(Sgd),
    RmsProp(RmsProp),
}

/// The memory an optimizer keeps per weight: one number or two.
pub(super) fn slots(optimizer: Optimizer) -> usize {
    match optimizer {
        Optimizer::Adam | Optimizer::AdamW => 2,
        Optimizer::Sgd | Optimizer::RmsProp => 1,
    }
}

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;
const MOMENTUM: f64 = 0.9;
const SMOOTHING: f64 = 0.99;

impl Step {
    /// Step number `step`, counted from 1, with torch's defaults beside the learning rate and the weight decay: Adam
    /// and AdamW with betas 0.9 and 0.999, RMSprop with smoothing 0.99, each with epsilon 1e-8; SGD with momentum 0.9.
    pub(in crate::model) fn new(optimizer: Optimizer, step: u64, rate: f64, decay: f64) -> Self {
        match optimizer {
            Optimizer::Adam | Optimizer::AdamW => {
                let decoupled = optimizer == Optimizer::AdamW;
                let steps = i32::try_from(step).unwrap_or(i32::MAX);
                Self::Adam(Adam {
                    shrink: if decoupled { (1.0 - rate * decay) as f32 } else { 1.0 },
                    decay: if decoupled { 0.0 } else { decay as f32 },
                    rate: (rate / (1.0 - BETA1.powi(steps))) as f32,
                    root: (1.0 / (1.0 - BETA2.powi(steps)).sqrt()) as f32,
                })
            }
            Optimizer::Sgd => Self::Sgd(Sgd { decay: decay as f32, rate: rate as f32 }),
            Optimizer::RmsProp => Self::RmsProp(RmsProp { decay: decay as f32, rate: rate as f32 }),
        }
    }

    /// Applies the step to single numbers: biases and the output layer.
    pub(in crate::model) fn apply_all(&self, gradients: &[f32], weights: &mut [f32], memory: &mut [Vec<f32>; 2]) {
        match self {
            Self::Adam(rule) => apply_all(rule, gradients, weights, memory),
            Self::Sgd(rule) => apply_all(rule, gradients, weights, memory),
            Self::RmsProp(rule) => apply_all(rule, gradients, weights, memory),
        }
    }
}

fn apply_all(rule: &impl Rule, gradients: &[f32], weights: &mut [f32], [first, second]: &mut [Vec<f32>; 2]) {
    for (((gradient, weight), first), second) in gradients.iter().zip(weights).zip(first).zip(second) {
        (*weight, *first, *second) = rule.apply(*gradient, *weight, *first, *second);
    }
}

/// Adam (Kingma and Ba, 2015) and, with decoupled decay, AdamW (Loshchilov and Hutter, 2019).
#[derive(Debug, Clone, Copy)]
pub(in crate::model) struct Adam {
    /// `1 - rate * decay` of AdamW.
    shrink: f32,
    decay: f32,
    /// The learning rate over the bias correction of the first moment.
    rate: f32,
    /// One over the root of the bias correction of the second moment.
    root: f32,
}

impl Rule for Adam {
    const TWO: bool = true;

    #[inline(always)]
    fn apply<N: Number>(&self, gradient: N, weight: N, first: N, second: N) -> (N, N, N) {
        let gradient = N::splat(self.decay).mul_add(weight, gradient);
        let first = N::splat((1.0 - BETA1) as f32).mul_add(gradient.sub(first), first);
        let second = N::splat((1.0 - BETA2) as f32).mul_add(gradient.mul(gradient), N::splat(BETA2 as f32).mul(second));
        let denominator = second.sqrt().mul_add(N::splat(self.root), N::splat(EPSILON as f32));
        let weight = weight.mul(N::splat(self.shrink)).sub(N::splat(self.rate).mul(first.div(denominator)));
        (weight, first, second)
    }
}

/// Stochastic gradient descent with momentum, as torch has it: the momentum is of gradients, not of steps.
#[derive(Debug, Clone, Copy)]
pub(in crate::model) struct Sgd {
    decay: f32,
    rate: f32,
}

impl Rule for Sgd {
    const TWO: bool = false;

    #[inline(always)]
    fn apply<N: Number>(&self, gradient: N, weight: N, first: N, second: N) -> (N, N, N) {
        let gradient = N::splat(self.decay).mul_add(weight, gradient);
        let first = N::splat(MOMENTUM as f32).mul_add(first, gradient);
        (weight.sub(N::splat(self.rate).mul(first)), first, second)
    }
}

/// RMSprop (Tieleman and Hinton, 2012), not centred, without momentum.
#[derive(Debug, Clone, Copy)]
pub(in crate::model) struct RmsProp {
    decay: f32,
    rate: f32,
}

impl Rule for RmsProp {
    const TWO: bool = false;

    #[inline(always)]
    fn apply<N: Number>(&self, gradient: N, weight: N, first: N, second: N) -> (N, N, N) {
        let gradient = N::splat(self.decay).mul_add(weight, gradient);
        let squared = gradient.mul(gradient).mul(N::splat((1.0 - SMOOTHING) as f32));
        let first = N::splat(SMOOTHING as f32).mul_add(first, squared);
        let step = gradient.div(first.sqrt().add(N::splat(EPSILON as f32)));
        (weight.sub(N::splat(self.rate).mul(step)), first, second)
    }
}
