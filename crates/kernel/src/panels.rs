//! The matrix product with packed weights that the convolutions are built on.

use super::{Bounds, PLANE, available, dispatch, lanes};
use pulp::{Simd, WithSimd};

/// Input is read again for every panel, so a block of it should stay in the second-level cache.
const BLOCK_BYTES: usize = 128 << 10;

/// Weights `[depth, outputs]` in panels of [`PLANE`] outputs (half of that for the remainder, if it fits), each panel
/// depth by depth, so that the product reads them sequentially. Padded with zeros.
#[derive(Debug, Clone)]
pub struct Panels {
    packed: Vec<f32>,
    /// One per output, padded with zeros.
    offsets: Vec<f32>,
    depth: usize,
    outputs: usize,
}

/// One pass over the panels: which runs of the input make which output positions.
pub struct Pass<'a> {
    pub input: &'a [f32],
    pub positions: &'a Positions,
    /// The input of a position is these runs, as offsets from its origin ...
    pub runs: &'a [usize],
    /// ... each of this length; together they make the depth.
    pub run: usize,
    /// Added before the activation, at the same offsets as the output.
    pub residual: Option<&'a [f32]>,
    pub bounds: Bounds,
    pub output: &'a mut [f32],
}

/// Where the input and the output of each position begin.
#[derive(Debug, Clone, Default)]
pub struct Positions {
    origins: Vec<usize>,
    targets: Vec<usize>,
    /// The largest of each.
    last: [usize; 2],
}

impl Positions {
    /// From pairs of an origin and a target.
    pub fn new(pairs: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let mut positions = Self::default();
        positions.refill(pairs);
        positions
    }

    /// Replaces the positions and keeps the allocation.
    pub fn refill(&mut self, pairs: impl IntoIterator<Item = (usize, usize)>) {
        self.origins.clear();
        self.targets.clear();
        for (origin, target) in pairs {
            self.origins.push(origin);
            self.targets.push(target);
        }
        // A tile is always whole: with fewer positions than that, the last one is repeated.
        if let (Some(&origin), Some(&target)) = (self.origins.last(), self.targets.last()) {
            let whole = self.origins.len().max(TILE_MOST);
            self.origins.resize(whole, origin);
            self.targets.resize(whole, target);
        }
        self.last = [&self.origins, &self.targets].map(|positions| positions.iter().copied().max().unwrap_or(0));
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

    /// Zeros, to be filled in through [`Panels::panels_mut`].
    pub fn zeros(depth: usize, outputs: usize) -> Self {
        assert!(available(), "the kernels need vector instructions");
        let filled = outputs.next_multiple_of(lanes());
        Self { packed: vec![0.0; depth * filled], offsets: vec![0.0; filled], depth, outputs }
    }

    /// The weights, panel by panel: the panel's first output, how many it has room for, and depth x room values.
    pub fn panels_mut(&mut self) -> impl Iterator<Item = (usize, usize, &mut [f32])> {
        let (depth, filled) = (self.depth, self.offsets.len());
        let panels = self.packed.chunks_mut((depth * PLANE).max(1));
        panels.enumerate().map(move |(at, panel)| (at * PLANE, PLANE.min(filled - at * PLANE), panel))
    }

    /// Output values per position.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Input values per position.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// For each position: `output = clamp(input · weights + offset (+ residual))`.
    pub fn multiply(&self, pass: Pass<'_>) {
        self.pass(pass, 0, self.outputs, self.outputs);
    }

    /// [`Panels::multiply`] for the [`PLANE`] outputs from `first` on, a multiple of it; they are stored at the start
    /// of the targets.
    pub fn multiply_plane(&self, pass: Pass<'_>, first: usize) {
        let outputs = PLANE.min(self.outputs - first);
        self.pass(pass, first, first + outputs, outputs);
    }

    fn pass(&self, pass: Pass<'_>, first: usize, end: usize, width: usize) {
        assert_eq!(pass.run * pass.runs.len(), self.depth, "the runs make the depth");
        if pass.positions.origins.is_empty() {
            return;
        }
        let [origin, target] = pass.positions.last;
        let reach = pass.runs.iter().max().map_or(0, |run| run + pass.run);
        assert!(origin + reach <= pass.input.len(), "every position's input lies inside");
        assert!(target + width <= pass.output.len(), "every position's output lies inside");
        assert!(pass.residual.is_none_or(|residual| residual.len() >= pass.output.len()), "a residual per output");
        dispatch(Multiply { panels: self, pass, first, end });
    }
}

/// Positions in each group of a tile: the compiler keeps an array of six sums in registers, and leaves one of twelve on
/// the stack, storing every sum at every step.
const GROUP: usize = 6;
/// The largest number of positions in a tile.
const TILE_MOST: usize = 2 * GROUP;

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
        // With 16 registers, 6 positions x 2 vectors of sums leave room for weights and input; with 32, twice as many
        // positions x 1 vector of twice the length.
        if S::F32_LANES == PLANE {
            self.sweep::<S, 2, 1>(simd);
        } else if 2 * S::F32_LANES == PLANE {
            self.sweep::<S, 1, 2>(simd);
        }
    }
}

impl Multiply<'_, '_> {
    /// Blocks of positions that stay in cache, over all panels, tile by tile. The last tile of a block is moved back so
    /// that it is whole: computing a few positions twice costs less than kernels for every remainder.
    #[inline(always)]
    fn sweep<S: Simd, const GROUPS: usize, const WIDTH: usize>(mut self, simd: S) {
        let panels = self.panels;
        let tile_positions = GROUPS * GROUP;
        let block = (BLOCK_BYTES / (4 * panels.depth)).max(2 * tile_positions) / tile_positions * tile_positions;
        let positions = self.pass.positions.origins.len();
        let mut begin = 0;
        while begin < positions {
            let end = if positions - begin <= block + tile_positions { positions } else { begin + block };
            let mut output = self.first;
            while output < self.end {
                let width = (panels.offsets.len() - output).min(PLANE);
                let panel = &panels.packed[output * panels.depth..][..width * panels.depth];
                let offsets = &panels.offsets[output..output + width];
                let stored = (output - self.first, self.end.min(output + width) - output);
                let mut at = begin;
                while at < end {
                    let first = at.min(end - tile_positions);
                    // SAFETY: `Panels::pass` has checked the pass; `first` is at most a tile before the end of the positions,
                    // which are at least as many; panel and offsets are cut to the width.
                    unsafe {
                        if width == WIDTH * S::F32_LANES {
                            tile::<S, GROUPS, WIDTH>(simd, panel, offsets, &mut self.pass, first, stored);
                        } else {
                            tile::<S, GROUPS, 1>(simd, panel, offsets, &mut self.pass, first, stored);
                        }
                    }
                    at += tile_positions;
                }
                output += PLANE;
            }
            begin = end;
        }
    }
}

/// The `GROUPS * GROUP` positions from `first` on x `WIDTH` vectors of outputs, of which `stored` values per position
/// are kept.
///
/// Written with pointers and counted loops: a tile of a shallow product takes a few hundred cycles, which checked
/// slices and iterators would double.
///
/// # Safety
/// `Panels::pass` must have checked the pass, `first..first + GROUPS * GROUP` must lie inside its positions, and the panel
/// must hold the pass's depth x `WIDTH` vectors, the offsets `WIDTH` vectors.
#[inline(always)]
unsafe fn tile<S: Simd, const GROUPS: usize, const WIDTH: usize>(
    simd: S,
    panel: &[f32],
    offsets: &[f32],
    pass: &mut Pass<'_>,
    first: usize,
    stored: (usize, usize),
) {
    // SAFETY: the caller's promise covers every pointer below: weights and offsets in the first block, the input's
    // runs in the second, targets and their residuals in the third.
    let sums = unsafe {
        let offsets: *const S::f32s = offsets.as_ptr().cast();
        let origins = pass.positions.origins.as_ptr().add(first);
        let mut sums = [[[simd.splat_f32s(0.0); WIDTH]; GROUP]; GROUPS];
        let mut inputs = [[pass.input.as_ptr(); GROUP]; GROUPS];
        for group in 0..GROUPS {
            for position in 0..GROUP {
                inputs[group][position] = inputs[group][position].add(*origins.add(group * GROUP + position));
                for vector in 0..WIDTH {
                    sums[group][position][vector] = offsets.add(vector).read_unaligned();
                }
            }
        }
        let targets = pass.positions.targets.as_ptr().add(first);
        // Rows of the residual are far apart, so the hardware prefetcher does not find them. Prefetched here, they
        // arrive with the sums.
        if let Some(residual) = pass.residual {
            for position in 0..GROUPS * GROUP {
                prefetch(residual.as_ptr().add(*targets.add(position) + stored.0));
            }
        }
        let mut weights: *const S::f32s = panel.as_ptr().cast();
        let mut run = 0;
        while run < pass.runs.len() {
            let start = *pass.runs.get_unchecked(run);
            let mut depth = 0;
            while depth < pass.run {
                let mut here = [simd.splat_f32s(0.0); WIDTH];
                for vector in 0..WIDTH {
                    here[vector] = weights.add(vector).read_unaligned();
                }
                for group in 0..GROUPS {
                    for position in 0..GROUP {
                        let value = simd.splat_f32s(*inputs[group][position].add(start + depth));
                        for vector in 0..WIDTH {
                            let sum = sums[group][position][vector];
                            sums[group][position][vector] = simd.mul_add_f32s(value, here[vector], sum);
                        }
                    }
                }
                weights = weights.add(WIDTH);
                depth += 1;
            }
            run += 1;
        }
        let output = pass.output.as_mut_ptr();
        let (begin, count) = stored;
        if count == WIDTH * S::F32_LANES {
            for group in 0..GROUPS {
                for position in 0..GROUP {
                    let target = *targets.add(group * GROUP + position) + begin;
                    for vector in 0..WIDTH {
                        let at = target + vector * S::F32_LANES;
                        let mut value = sums[group][position][vector];
                        if let Some(residual) = pass.residual {
                            let added: *const S::f32s = residual.as_ptr().add(at).cast();
                            value = simd.add_f32s(value, added.read_unaligned());
                        }
                        output.add(at).cast::<S::f32s>().write_unaligned(pass.bounds.clamp(simd, value));
                    }
                }
            }
            return;
        }
        sums
    };
    let (begin, count) = stored;
    let targets = &pass.positions.targets[first..first + GROUPS * GROUP];
    for (&target, sums) in targets.iter().zip(sums.as_flattened()) {
        for vector in 0..WIDTH {
            let from = target + begin + vector * S::F32_LANES;
            let here = from..from + S::F32_LANES.min(count.saturating_sub(vector * S::F32_LANES));
            if here.is_empty() {
                continue;
            }
            let mut value = sums[vector];
            if let Some(residual) = pass.residual {
                value = simd.add_f32s(value, simd.partial_load_f32s(&residual[here.clone()]));
            }
            simd.partial_store_f32s(&mut pass.output[here], pass.bounds.clamp(simd, value));
        }
    }
}

/// Prefetches the cache line of a value that is read soon.
#[inline(always)]
fn prefetch(value: *const f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch changes nothing that the program sees and cannot fail, whatever the address; every x86_64 has it.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(value.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}
