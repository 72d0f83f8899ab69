//! The optimizers, with the formulas of `torch.optim`.

use crate::model::Optimizer;
use faceprobe_kernel::dispatch;
use pulp::{Simd, WithSimd};

/// The update of one weight, given its gradient and its optimizer state.
///
/// `first` and `second` are the optimizer state of the weight; optimizers with one state ignore `second`.
pub(super) trait Rule: Copy + Sync {
    /// Whether `second` is used.
    const TWO: bool;

    /// New weights and optimizer state, for as many weights as a vector register holds.
    fn apply<S: Simd>(&self, simd: S, gradient: S::f32s, old: Old<S>) -> Old<S>;
}

/// Weights, and the optimizer state of them: `first` and `second`.
pub(super) type Old<S> = [<S as Simd>::f32s; 3];

/// One step of an optimizer, with its constants computed.
#[derive(Debug, Clone, Copy)]
pub(in crate::model) enum Step {
    Adam(Adam),
    Sgd(Sgd),
    RmsProp(RmsProp),
}

/// Values of optimizer state per weight: one or two.
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
    /// Step number `step`, counted from 1, with torch's defaults except for learning rate and weight decay: Adam and
    /// AdamW with betas 0.9 and 0.999, RMSprop with smoothing 0.99, each with epsilon 1e-8; SGD with momentum 0.9.
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

    /// Applies the step to plain slices: biases and the output layer.
    pub(in crate::model) fn apply_all(&self, gradients: &[f32], weights: &mut [f32], state: &mut [Vec<f32>; 2]) {
        match self {
            Self::Adam(rule) => apply_all(rule, gradients, weights, state),
            Self::Sgd(rule) => apply_all(rule, gradients, weights, state),
            Self::RmsProp(rule) => apply_all(rule, gradients, weights, state),
        }
    }
}

fn apply_all(rule: &impl Rule, gradients: &[f32], weights: &mut [f32], [first, second]: &mut [Vec<f32>; 2]) {
    struct Apply<'a, R>(&'a R, &'a [f32], [&'a mut [f32]; 3]);
    impl<R: Rule> WithSimd for Apply<'_, R> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let Self(rule, gradients, places) = self;
            for begin in (0..gradients.len()).step_by(S::F32_LANES) {
                let here = begin..gradients.len().min(begin + S::F32_LANES);
                let old = [0, 1, 2].map(|place| simd.partial_load_f32s(&places[place][here.clone()]));
                let new = rule.apply(simd, simd.partial_load_f32s(&gradients[here.clone()]), old);
                for place in 0..3 {
                    simd.partial_store_f32s(&mut places[place][here.clone()], new[place]);
                }
            }
        }
    }
    dispatch(Apply(rule, gradients, [weights, first, second]));
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
    fn apply<S: Simd>(&self, simd: S, gradient: S::f32s, [weight, first, second]: Old<S>) -> Old<S> {
        let all = |value: f32| simd.splat_f32s(value);
        let gradient = simd.mul_add_e_f32s(all(self.decay), weight, gradient);
        let first = simd.mul_add_e_f32s(all((1.0 - BETA1) as f32), simd.sub_f32s(gradient, first), first);
        let squared = simd.mul_f32s(gradient, gradient);
        let kept = simd.mul_f32s(all(BETA2 as f32), second);
        let second = simd.mul_add_e_f32s(all((1.0 - BETA2) as f32), squared, kept);
        let root = simd.sqrt_f32s(second);
        let denominator = simd.mul_add_e_f32s(root, all(self.root), all(EPSILON as f32));
        let way = simd.mul_f32s(all(self.rate), simd.div_f32s(first, denominator));
        [simd.sub_f32s(simd.mul_f32s(weight, all(self.shrink)), way), first, second]
    }
}

/// Stochastic gradient descent with momentum, as in torch: the momentum accumulates gradients, not steps.
#[derive(Debug, Clone, Copy)]
pub(in crate::model) struct Sgd {
    decay: f32,
    rate: f32,
}

impl Rule for Sgd {
    const TWO: bool = false;

    #[inline(always)]
    fn apply<S: Simd>(&self, simd: S, gradient: S::f32s, [weight, first, second]: Old<S>) -> Old<S> {
        let gradient = simd.mul_add_e_f32s(simd.splat_f32s(self.decay), weight, gradient);
        let first = simd.mul_add_e_f32s(simd.splat_f32s(MOMENTUM as f32), first, gradient);
        [simd.sub_f32s(weight, simd.mul_f32s(simd.splat_f32s(self.rate), first)), first, second]
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
    fn apply<S: Simd>(&self, simd: S, gradient: S::f32s, [weight, first, second]: Old<S>) -> Old<S> {
        let all = |value: f32| simd.splat_f32s(value);
        let gradient = simd.mul_add_e_f32s(all(self.decay), weight, gradient);
        let squared = simd.mul_f32s(simd.mul_f32s(gradient, gradient), all((1.0 - SMOOTHING) as f32));
        let first = simd.mul_add_e_f32s(all(SMOOTHING as f32), first, squared);
        let way = simd.div_f32s(gradient, simd.add_f32s(simd.sqrt_f32s(first), all(EPSILON as f32)));
        [simd.sub_f32s(weight, simd.mul_f32s(all(self.rate), way)), first, second]
    }
}
