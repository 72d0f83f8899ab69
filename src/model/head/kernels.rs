//! The two products of a dense layer.
//!
//! The first is libtorch's BLAS's ([`products`]). Of the second most terms are never asked for: only where a unit is kept
//! by dropout and active does a gradient flow back ([`update`]), with a dropout of 0.8 about a tenth of them. The
//! gradient of a weight is used where it arises, by the optimizer's rule, and is never written to memory: the weights and
//! the optimizer's memory go through the processor once per batch.
//!
//! Everything is cut so that what is used again lies in a near cache: the columns into tiles, the units into groups.

use super::rule::{Rule, Step};
use super::simd::{Lanes, Portable, has_avx2};
use super::tiles::{Piece, TILE, Tiles};
use crate::model::blas::{Tiled, add_tiled_product_transposed};
use std::ops::Range;

/// For some of a layer's units: which samples of the batch compute them, and what comes out.
#[derive(Debug, Clone, Default)]
pub(super) struct Group {
    /// The units that it is about.
    pub(super) range: Range<usize>,
    /// Units, sample after sample, ascending.
    pub(super) units: Vec<u32>,
    /// Where the units of each sample begin, and the end of the last.
    pub(super) starts: Vec<usize>,
    /// One value per unit in `units`.
    pub(super) values: Vec<f32>,
}

impl Group {
    /// The units and values of one sample.
    pub(super) fn of(&self, sample: usize) -> impl Iterator<Item = (usize, f32)> {
        let range = self.starts[sample]..self.starts[sample + 1];
        self.units[range.clone()].iter().zip(&self.values[range]).map(|(&unit, &value)| (unit as usize, value))
    }
}

/// Computes the values of the group: for each sample and unit, the product of the sample's row of `x` and the unit's row
/// of `weights`. A matrix product of all of them, of which dropout needs a part, is quicker than the part on its own.
pub(super) fn products(group: &mut Group, x: &Tiles, weights: &Tiles) {
    let (samples, units) = (group.starts.len() - 1, group.range.len());
    let mut sums = vec![0f32; samples * units];
    let (x_rows, unit_rows) = (tiled(x, 0, samples), tiled(weights, group.range.start, units));
    add_tiled_product_transposed(&mut sums, x.count(), TILE, x_rows, unit_rows);
    for (sample, bounds) in group.starts.windows(2).enumerate() {
        let own = &sums[sample * units..][..units];
        let bounds = bounds[0]..bounds[1];
        for (value, &unit) in group.values[bounds.clone()].iter_mut().zip(&group.units[bounds]) {
            *value = own[unit as usize - group.range.start];
        }
    }
}

/// Some rows of a matrix, `first` being the first.
fn tiled(tiles: &Tiles, first: usize, rows: usize) -> Tiled<'_> {
    Tiled { values: &tiles.raw()[first * TILE..], step: tiles.stride() * TILE, rows }
}

/// Per unit, the samples through which a gradient flows back to it, and how much of it.
pub(super) type Flows = Vec<Vec<(u32, f32)>>;

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
        Step::Adam(rule) => update_by(slice, x, flows, rule),
        Step::Sgd(rule) => update_by(slice, x, flows, rule),
        Step::RmsProp(rule) => update_by(slice, x, flows, rule),
    }
}

fn update_by<R: Rule>(slice: &mut Slice, x: &[Piece], flows: &Flows, rule: &R) {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        #[target_feature(enable = "avx2,fma")]
        fn on_avx2<R: Rule>(slice: &mut Slice, x: &[Piece], flows: &Flows, rule: &R) {
            update_on::<super::simd::Avx2, R>(slice, x, flows, rule);
        }
        // SAFETY: the processor has the features.
        return unsafe { on_avx2(slice, x, flows, rule) };
    }
    update_on::<Portable, R>(slice, x, flows, rule);
}

#[inline(always)]
fn update_on<L: Lanes, R: Rule>(slice: &mut Slice, x: &[Piece], flows: &Flows, rule: &R) {
    let zero = L::splat(0.0);
    for (unit, flows) in flows.iter().enumerate() {
        // Two sums side by side, or the processor waits for each addition.
        let mut sums = [[zero; TILE / 8]; 2];
        let (pairs, last) = flows.as_chunks::<2>();
        for pair in pairs {
            for (sums, flow) in sums.iter_mut().zip(pair) {
                add_flow(sums, x, flow);
            }
        }
        for flow in last {
            add_flow(&mut sums[0], x, flow);
        }
        let (weights, first) = (&mut slice.weights[unit], &mut slice.first[unit]);
        for at in 0..TILE / 8 {
            let second = if R::TWO { L::load(&slice.second[unit][at]) } else { zero };
            let gradient = sums[0][at].add(sums[1][at]);
            let (weight, one, two) = rule.apply(gradient, L::load(&weights[at]), L::load(&first[at]), second);
            weight.store(&mut weights[at]);
            one.store(&mut first[at]);
            if R::TWO {
                two.store(&mut slice.second[unit][at]);
            }
        }
    }
}

#[inline(always)]
fn add_flow<L: Lanes>(sums: &mut [L; TILE / 8], x: &[Piece], &(sample, flow): &(u32, f32)) {
    let (x, flow) = (&x[sample as usize], L::splat(flow));
    for at in 0..TILE / 8 {
        sums[at] = flow.mul_add(L::load(&x[at]), sums[at]);
    }
}

/// The gradient at a layer's input, one tile of it: for every sample the sum over its flows of the flow times the
/// unit's weights.
pub(super) fn flow_back(out: &mut [Piece], weights: &[Piece], flows: &Flows) {
    for (weights, flows) in weights.iter().zip(flows) {
        for &(sample, flow) in flows {
            let out = out[sample as usize].as_flattened_mut();
            out.iter_mut().zip(weights.as_flattened()).for_each(|(out, weight)| *out += flow * weight);
        }
    }
}
