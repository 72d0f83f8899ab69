//! The two products of a dense layer, of which most terms are never asked for.
//!
//! Dropout's mask is drawn before the layer is computed, so only the units that a sample keeps are computed for it
//! ([`products`]), and only where such a unit is active does a gradient flow back ([`update`]). With a dropout of 0.8
//! a fifth and about a tenth of the dense products remain. The gradient of a weight is used where it arises, by the
//! optimizer's rule, and is never written to memory: the weights and the optimizer's memory go through the processor
//! once per batch.
//!
//! Everything is cut so that what is used again lies in a near cache: the columns into tiles, the units into groups.

use super::rule::{Rule, Step};
use super::simd::{Lanes, Portable, has_avx2};
use super::tiles::{Piece, TILE, Tiles};
use std::array::from_fn;

/// Tiles that [`products`] goes through at once, sample by sample.
const TILES_AT_ONCE: usize = 8;

/// For some of a layer's units: which samples of the batch compute them, and what comes out.
#[derive(Debug, Clone, Default)]
pub(super) struct Group {
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

/// Adds to each value of the group the product of its sample's row of `x` and its unit's row of `weights`.
pub(super) fn products(group: &mut Group, x: &Tiles, weights: &Tiles) {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        #[target_feature(enable = "avx2,fma")]
        fn on_avx2(group: &mut Group, x: &Tiles, weights: &Tiles) {
            products_on::<super::simd::Avx2>(group, x, weights);
        }
        // SAFETY: the processor has the features.
        return unsafe { on_avx2(group, x, weights) };
    }
    products_on::<Portable>(group, x, weights);
}

#[inline(always)]
fn products_on<L: Lanes>(group: &mut Group, x: &Tiles, weights: &Tiles) {
    for first in (0..x.count()).step_by(TILES_AT_ONCE) {
        let tiles = TILES_AT_ONCE.min(x.count() - first);
        let w = Strided { pieces: &weights.pieces()[first * weights.stride()..], stride: weights.stride(), tiles };
        for (sample, bounds) in group.starts.windows(2).enumerate() {
            let x = Strided { pieces: &x.pieces()[first * x.stride() + sample..], stride: x.stride(), tiles };
            let (units, values) = (&group.units[bounds[0]..bounds[1]], &mut group.values[bounds[0]..bounds[1]]);
            let ((units, units_left), (values, values_left)) = (units.as_chunks(), values.as_chunks_mut());
            for (units, values) in units.iter().zip(values) {
                dots::<L, 8, 1>(x, w, units, values);
            }
            rest::<L>(x, w, units_left, values_left);
        }
    }
}

/// Some tiles of a matrix: the piece of a row in tile t is at `t * stride + row`.
#[derive(Clone, Copy)]
struct Strided<'a> {
    pieces: &'a [Piece],
    stride: usize,
    tiles: usize,
}

/// The last units of a sample, fewer than eight. Few units need several sums each to keep the processor busy.
#[inline(always)]
fn rest<L: Lanes>(x: Strided, w: Strided, units: &[u32], values: &mut [f32]) {
    macro_rules! with {
        ($count:literal, $sums:literal) => {
            if let (Some(units), Some(values)) = (units.first_chunk::<$count>(), values.first_chunk_mut::<$count>()) {
                dots::<L, $count, $sums>(x, w, units, values);
            }
        };
    }
    match units.len() {
        1 => with!(1, 4),
        2 => with!(2, 4),
        3 => with!(3, 2),
        4 => with!(4, 2),
        5 => with!(5, 2),
        6 => with!(6, 1),
        7 => with!(7, 1),
        _ => {}
    }
}

/// The products of one row of `x` with `N` rows of `w`, each in `S` partial sums.
#[inline(always)]
fn dots<L: Lanes, const N: usize, const S: usize>(x: Strided, w: Strided, units: &[u32; N], values: &mut [f32; N]) {
    let mut sums = [[L::splat(0.0); S]; N];
    for tile in 0..x.tiles {
        let x = &x.pieces[tile * x.stride];
        let x: [L; TILE / 8] = from_fn(|at| L::load(&x[at]));
        for (sums, &unit) in sums.iter_mut().zip(units) {
            let w = &w.pieces[tile * w.stride + unit as usize];
            for at in 0..TILE / 8 {
                sums[at % S] = L::load(&w[at]).mul_add(x[at], sums[at % S]);
            }
        }
    }
    for (value, sums) in values.iter_mut().zip(sums) {
        *value += sums[1..].iter().fold(sums[0], |sum, more| sum.add(*more)).sum();
    }
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
