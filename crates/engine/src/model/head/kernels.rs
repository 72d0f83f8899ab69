//! The way back through a dense layer.
//!
//! Of this product most terms are never asked for: only where a unit is kept by dropout and active does a gradient flow
//! back ([`update`]), with a dropout of 0.8 about a tenth of them. The gradient of a weight is used where it arises, by
//! the optimizer's rule, and is never written to memory: the weights and the optimizer's memory go through the processor
//! once per batch.

use super::rule::{Rule, Step};
use super::units::{Flow, Flows};
use crate::model::tiled::{Piece, TILE};
use faceprobe_kernel::dispatch;
use pulp::{Simd, WithSimd};

/// One tile of a layer's weights with the optimizer's memory of them; `second` is empty where the rule needs none.
pub(super) struct Slice<'a> {
    pub(super) weights: &'a mut [Piece],
    pub(super) first: &'a mut [Piece],
    pub(super) second: &'a mut [Piece],
}

/// Takes one step of the optimizer on one tile of weights; their gradient is the sum over each unit's flows of the
/// flow times the sample's row. `x` is the same tile of the batch.
pub(super) fn update(slice: &mut Slice, x: &[Piece], flows: &Flows, step: &Step) {
    match step {
        Step::Adam(rule) => dispatch(Update { slice, x, flows, rule }),
        Step::Sgd(rule) => dispatch(Update { slice, x, flows, rule }),
        Step::RmsProp(rule) => dispatch(Update { slice, x, flows, rule }),
    }
}

/// [`update`] by one rule.
struct Update<'a, 'b, R> {
    slice: &'a mut Slice<'b>,
    x: &'a [Piece],
    flows: &'a Flows,
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
    /// With `VECTORS` vectors to a tile. Loops over these are counted ones: they unroll, and the sums stay in registers.
    #[allow(clippy::needless_range_loop)]
    #[inline(always)]
    fn run<S: Simd, const VECTORS: usize>(self, simd: S) {
        let Self { slice, x, flows, rule } = self;
        let zero = simd.splat_f32s(0.0);
        for (unit, mut flows) in flows.units().enumerate() {
            // Two sums side by side, or the processor waits for each addition.
            let (mut even, mut odd) = ([zero; VECTORS], [zero; VECTORS]);
            while let [first, second, rest @ ..] = flows {
                even = add_flow(simd, even, x, first);
                odd = add_flow(simd, odd, x, second);
                flows = rest;
            }
            if let [last] = flows {
                even = add_flow(simd, even, x, last);
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

#[allow(clippy::needless_range_loop)]
#[inline(always)]
fn add_flow<S: Simd, const VECTORS: usize>(
    simd: S,
    mut sums: [S::f32s; VECTORS],
    x: &[Piece],
    &(sample, flow): &Flow,
) -> [S::f32s; VECTORS] {
    let (x, flow) = (S::as_simd_f32s(&x[sample as usize][..]).0, simd.splat_f32s(flow));
    for at in 0..VECTORS {
        sums[at] = simd.mul_add_e_f32s(flow, x[at], sums[at]);
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

/// The gradient at a layer's input, one tile of it: for every sample the sum over its flows of the flow times the
/// unit's weights.
pub(super) fn flow_back(out: &mut [Piece], weights: &[Piece], flows: &Flows) {
    for (weights, flows) in weights.iter().zip(flows.units()) {
        for &(sample, flow) in flows {
            let out = &mut out[sample as usize];
            out.iter_mut().zip(&**weights).for_each(|(out, weight)| *out += flow * weight);
        }
    }
}
