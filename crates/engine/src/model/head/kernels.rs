//! The backward pass through a dense layer.
//!
//! Most terms of this product are not needed: a gradient flows back only through units that dropout keeps and that are
//! active ([`update`]), with a dropout of 0.8 about a tenth of them. The optimizer uses the gradient of a weight as
//! soon as it is computed, so gradients are never written to memory: weights and optimizer state are read and written
//! once per batch.

use super::rule::{Rule, Step};
use super::units::{SampleGradient, UnitGradients};
use crate::model::tiled::{Piece, TILE};
use faceprobe_kernel::dispatch;
use pulp::{Simd, WithSimd};

/// One tile of a layer's weights with the optimizer state; `second` is empty where the optimizer has one state only.
pub(super) struct Slice<'a> {
    pub(super) weights: &'a mut [Piece],
    pub(super) first: &'a mut [Piece],
    pub(super) second: &'a mut [Piece],
}

/// Takes one optimizer step on one tile of weights; their gradient is the sum over each unit's samples of the sample's
/// gradient times its row. `x` is the same tile of the batch.
pub(super) fn update(slice: &mut Slice, x: &[Piece], gradients: &UnitGradients, step: &Step) {
    match step {
        Step::Adam(rule) => dispatch(Update { slice, x, gradients, rule }),
        Step::Sgd(rule) => dispatch(Update { slice, x, gradients, rule }),
        Step::RmsProp(rule) => dispatch(Update { slice, x, gradients, rule }),
    }
}

/// [`update`] for one optimizer.
struct Update<'a, 'b, R> {
    slice: &'a mut Slice<'b>,
    x: &'a [Piece],
    gradients: &'a UnitGradients,
    rule: &'a R,
}

impl<R: Rule> WithSimd for Update<'_, '_, R> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match TILE / S::F32_LANES {
            2 => self.run::<S, 2>(simd),
            4 => self.run::<S, 4>(simd),
            8 => self.run::<S, 8>(simd),
            _ => self.run::<pulp::Scalar, TILE>(pulp::Scalar),
        }
    }
}

impl<R: Rule> Update<'_, '_, R> {
    /// With `VECTORS` vectors to a tile.
    #[allow(clippy::needless_range_loop, reason = "counted loops unroll, and the sums stay in registers")]
    #[inline(always)]
    fn run<S: Simd, const VECTORS: usize>(self, simd: S) {
        let Self { slice, x, gradients, rule } = self;
        let zero = simd.splat_f32s(0.0);
        for (unit, mut gradients) in gradients.units().enumerate() {
            // Two independent sums, to hide the latency of additions.
            let (mut even, mut odd) = ([zero; VECTORS], [zero; VECTORS]);
            while let [first, second, rest @ ..] = gradients {
                even = add_sample(simd, even, x, first);
                odd = add_sample(simd, odd, x, second);
                gradients = rest;
            }
            if let [last] = gradients {
                even = add_sample(simd, even, x, last);
            }
            let weights: &mut [S::f32s; VECTORS] = vectors_mut::<S, VECTORS>(&mut slice.weights[unit]);
            let first: &mut [S::f32s; VECTORS] = vectors_mut::<S, VECTORS>(&mut slice.first[unit]);
            let mut none = [zero; VECTORS];
            let second = if R::TWO { vectors_mut::<S, VECTORS>(&mut slice.second[unit]) } else { &mut none };
            for at in 0..VECTORS {
                let gradient = simd.add_f32s(even[at], odd[at]);
                [weights[at], first[at], second[at]] = rule.apply(simd, gradient, [weights[at], first[at], second[at]]);
            }
        }
    }
}

#[allow(clippy::needless_range_loop, reason = "counted loops unroll, and the sums stay in registers")]
#[inline(always)]
fn add_sample<S: Simd, const VECTORS: usize>(
    simd: S,
    mut sums: [S::f32s; VECTORS],
    x: &[Piece],
    &(sample, gradient): &SampleGradient,
) -> [S::f32s; VECTORS] {
    let (x, gradient) = (S::as_simd_f32s(&x[sample as usize][..]).0, simd.splat_f32s(gradient));
    for at in 0..VECTORS {
        sums[at] = simd.mul_add_e_f32s(gradient, x[at], sums[at]);
    }
    sums
}

#[inline(always)]
fn vectors_mut<S: Simd, const VECTORS: usize>(piece: &mut Piece) -> &mut [S::f32s; VECTORS] {
    let Some(vectors) = S::as_mut_simd_f32s(&mut piece[..]).0.first_chunk_mut() else {
        unreachable!("a tile is {VECTORS} vectors")
    };
    vectors
}

/// One tile of the gradient at a layer's input: for every sample the sum over its units of the unit's gradient times
/// the unit's weights.
pub(super) fn input_gradient_tile(out: &mut [Piece], weights: &[Piece], gradients: &UnitGradients) {
    for (weights, gradients) in weights.iter().zip(gradients.units()) {
        for &(sample, gradient) in gradients {
            let out = &mut out[sample as usize];
            out.iter_mut().zip(&**weights).for_each(|(out, weight)| *out += gradient * weight);
        }
    }
}
