//! A matrix product with packed weights, on which the convolutions stand.

use super::{Bounds, PLANE, available, dispatch, lanes};
use pulp::{Simd, WithSimd};

/// Input that is gone through again for every panel should stay in the second-level cache.
const BLOCK_BYTES: usize = 128 << 10;

/// Weights `[depth, outputs]` in panels of [`PLANE`] outputs (half of that for the rest, if it fits), each panel depth
/// by depth, so that the product reads them in order. Filled up with zeros.
#[derive(Debug, Clone)]
pub struct Panels {
    packed: Vec<f32>,
    /// One per output, filled up with zeros.
    offsets: Vec<f32>,
    depth: usize,
    outputs: usize,
}

/// One pass over panels: which runs of the input make which places of the output.
pub struct Pass<'a> {
    pub input: &'a [f32],
    pub places: &'a Places,
    /// A place's input is these runs, counted from its origin ...
    pub runs: &'a [usize],
    /// ... each of this length; all together make the depth.
    pub run: usize,
    /// Added before the activation, at the same places as the output.
    pub residual: Option<&'a [f32]>,
    pub bounds: Bounds,
    pub output: &'a mut [f32],
}

/// Where the input and the output of each place begin.
#[derive(Debug, Clone, Default)]
pub struct Places {
    origins: Vec<usize>,
    targets: Vec<usize>,
    /// The largest of each.
    last: [usize; 2],
}

impl Places {
    /// From pairs of an origin and a target.
    pub fn new(pairs: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let mut places = Self::default();
        places.refill(pairs);
        places
    }

    /// Other places in the same memory.
    pub fn refill(&mut self, pairs: impl IntoIterator<Item = (usize, usize)>) {
        self.origins.clear();
        self.targets.clear();
        for (origin, target) in pairs {
            self.origins.push(origin);
            self.targets.push(target);
        }
        // A tile is always whole; where there are fewer places than that, the last one fills it up.
        if let (Some(&origin), Some(&target)) = (self.origins.last(), self.targets.last()) {
            let whole = self.origins.len().max(TILE_MOST);
            self.origins.resize(whole, origin);
            self.targets.resize(whole, target);
        }
        self.last = [&self.origins, &self.targets].map(|places| places.iter().copied().max().unwrap_or(0));
    }
}

impl Panels {
    /// Packs weights `[depth, outputs]`, row-major, with one offset per output (none: zeros).
    pub fn pack(weights: &[f32], depth: usize, outputs: usize, offsets: &[f32]) -> Self {
        assert_eq!(weights.len(), depth * outputs, "weights of {depth} x {outputs}");
        assert!(available(), "the kernels need vector instructions");
        let filled = outputs.next_multiple_of(lanes());
        let mut packed = Vec::with_capacity(depth * filled);
        for first in (0..filled).step_by(PLANE) {
            let width = PLANE.min(filled - first);
            for row in weights.chunks_exact(outputs) {
                packed.extend((first..first + width).map(|output| row.get(output).copied().unwrap_or(0.0)));
            }
        }
        let mut offsets = offsets.to_vec();
        offsets.resize(filled, 0.0);
        Self { packed, offsets, depth, outputs }
    }

    /// Values that come out per place.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Values that go in per place.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// For each place: `output = clamp(input · weights + offset (+ residual))`.
    pub fn multiply(&self, pass: Pass<'_>) {
        self.pass(pass, 0, self.outputs, self.outputs);
    }

    /// [`Panels::multiply`] for the [`PLANE`] outputs from `first` on, a multiple of it; they begin at the targets.
    pub fn multiply_plane(&self, pass: Pass<'_>, first: usize) {
        let outputs = PLANE.min(self.outputs - first);
        self.pass(pass, first, first + outputs, outputs);
    }

    fn pass(&self, pass: Pass<'_>, first: usize, end: usize, width: usize) {
        assert_eq!(pass.run * pass.runs.len(), self.depth, "the runs make the depth");
        if pass.places.origins.is_empty() {
            return;
        }
        let [origin, target] = pass.places.last;
        let reach = pass.runs.iter().max().map_or(0, |run| run + pass.run);
        assert!(origin + reach <= pass.input.len(), "every place's input lies inside");
        assert!(target + width <= pass.output.len(), "every place's output lies inside");
        assert!(pass.residual.is_none_or(|residual| residual.len() >= pass.output.len()), "a residual per output");
        dispatch(Multiply { panels: self, pass, first, end });
    }
}

/// The most places that a tile has.
const TILE_MOST: usize = 12;

struct Multiply<'a, 'b> {
    panels: &'a Panels,
    pass: Pass<'b>,
    /// The outputs computed.
    first: usize,
    end: usize,
}

impl WithSimd for Multiply<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // With 16 registers, 6 places x 2 vectors of sums leave room for weights and input; with 32, twice as many
        // places x 1 vector of twice the length.
        if S::F32_LANES == PLANE {
            self.sweep::<S, TILE_MOST, 1>(simd);
        } else if 2 * S::F32_LANES == PLANE {
            self.sweep::<S, 6, 2>(simd);
        }
    }
}

impl Multiply<'_, '_> {
    /// Blocks of places that stay in cache, over all panels, tile by tile. The last tile of a block is moved back to
    /// be whole: computing a few places twice costs less than kernels for every remainder.
    #[inline(always)]
    fn sweep<S: Simd, const TILE: usize, const WIDTH: usize>(mut self, simd: S) {
        let panels = self.panels;
        let block = (BLOCK_BYTES / (4 * panels.depth)).max(2 * TILE) / TILE * TILE;
        let places = self.pass.places.origins.len();
        let mut begin = 0;
        while begin < places {
            let end = if places - begin <= block + TILE { places } else { begin + block };
            let mut output = self.first;
            while output < self.end {
                let width = (panels.offsets.len() - output).min(PLANE);
                let panel = &panels.packed[output * panels.depth..][..width * panels.depth];
                let offsets = &panels.offsets[output..output + width];
                let stored = output - self.first..self.end.min(output + width) - self.first;
                let mut at = begin;
                while at < end {
                    let first = at.min(end - TILE);
                    if width == PLANE {
                        tile::<S, TILE, WIDTH>(simd, panel, offsets, &mut self.pass, first, stored.clone());
                    } else {
                        tile::<S, TILE, 1>(simd, panel, offsets, &mut self.pass, first, stored.clone());
                    }
                    at += TILE;
                }
                output += PLANE;
            }
            begin = end;
        }
    }
}

/// The `TILE` places from `first` on x `WIDTH` vectors of outputs.
#[inline(always)]
fn tile<S: Simd, const TILE: usize, const WIDTH: usize>(
    simd: S,
    panel: &[f32],
    offsets: &[f32],
    pass: &mut Pass<'_>,
    first: usize,
    stored: std::ops::Range<usize>,
) {
    let (offsets, _) = S::as_simd_f32s(offsets);
    let mut sums = [[offsets[0]; WIDTH]; TILE];
    for sums in &mut sums {
        sums.copy_from_slice(&offsets[..WIDTH]);
    }
    let (weights, _) = S::as_simd_f32s(panel);
    let (weights, _) = weights.as_chunks::<WIDTH>();
    let origins: &[usize; TILE] = pass.places.origins[first..].first_chunk().expect("a tile is whole");
    for (run, weights) in pass.runs.iter().zip(weights.chunks_exact(pass.run)) {
        // SAFETY: `Panels::pass` has checked that every origin with every run of this length lies inside the input.
        sums = unsafe { accumulate::<S, TILE, WIDTH>(simd, &pass.input[*run..], origins, weights, sums) };
    }
    let targets: &[usize; TILE] = pass.places.targets[first..].first_chunk().expect("a tile is whole");
    for (sums, target) in sums.iter().zip(targets) {
        let range = target + stored.start..target + stored.end;
        let residual = pass.residual.map(|residual| &residual[range.clone()]);
        let output = &mut pass.output[range];
        if output.len() == WIDTH * S::F32_LANES {
            let (output, _) = S::as_mut_simd_f32s(output);
            for (vector, sum) in sums.iter().enumerate() {
                let mut value = *sum;
                if let Some(residual) = residual {
                    value = simd.add_f32s(value, S::as_simd_f32s(residual).0[vector]);
                }
                output[vector] = pass.bounds.clamp(simd, value);
            }
            continue;
        }
        for (vector, sum) in sums.iter().enumerate() {
            let here = vector * S::F32_LANES..output.len().min((vector + 1) * S::F32_LANES);
            if here.is_empty() {
                continue;
            }
            let mut value = *sum;
            if let Some(residual) = residual {
                value = simd.add_f32s(value, simd.partial_load_f32s(&residual[here.clone()]));
            }
            simd.partial_store_f32s(&mut output[here], pass.bounds.clamp(simd, value));
        }
    }
}

/// `sums + input · weights` for the places whose input begins at `origins`. All sums stay in registers, which they
/// only do without a bounds check between them.
///
/// # Safety
/// Every origin and the length of the weights added must lie inside the input.
#[inline(always)]
unsafe fn accumulate<S: Simd, const TILE: usize, const WIDTH: usize>(
    simd: S,
    input: &[f32],
    origins: &[usize; TILE],
    weights: &[[S::f32s; WIDTH]],
    mut sums: [[S::f32s; WIDTH]; TILE],
) -> [[S::f32s; WIDTH]; TILE] {
    let mut inputs = [input.as_ptr(); TILE];
    for place in 0..TILE {
        // SAFETY: the caller's promise.
        inputs[place] = unsafe { input.as_ptr().add(origins[place]) };
    }
    for (depth, weights) in weights.iter().enumerate() {
        for place in 0..TILE {
            // SAFETY: the caller's promise, since `depth` is below the length of the weights.
            let value = simd.splat_f32s(unsafe { *inputs[place].add(depth) });
            for vector in 0..WIDTH {
                sums[place][vector] = simd.mul_add_f32s(value, weights[vector], sums[place][vector]);
            }
        }
    }
    sums
}
