//! The common part of the Winograd convolutions: tiles are transformed, multiplied point by point over all channels,
//! and transformed back, in groups that stay in the caches.

use super::panels::{Panels, Pass, Positions};
use super::{Bounds, PLANE};
use pulp::Simd;

/// A contiguous range of tiles.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    pub first: usize,
    pub count: usize,
}

impl Group {
    /// Distance in values between one point of the transformed tiles and the next: one cache line more than needed, so
    /// that the points of a tile do not all map to the same lines of the first-level cache.
    pub fn stride(self, channels: usize) -> usize {
        self.count * channels + PLANE
    }
}

/// Where a tile's output is stored, and what is added to it.
#[derive(Clone, Copy)]
pub struct Corner {
    target: *mut f32,
    residual: Option<*const f32>,
    bounds: Bounds,
}

impl Corner {
    /// `at` values after the start of the output and of its residual.
    #[inline(always)]
    pub fn new(output: &mut [f32], residual: Option<&[f32]>, at: usize, bounds: Bounds) -> Self {
        Self { target: output[at..].as_mut_ptr(), residual: residual.map(|residual| residual[at..].as_ptr()), bounds }
    }

    /// Stores a vector of sums, with residual and activation.
    ///
    /// # Safety
    /// A vector must lie inside the target and the residual, `at` values behind the corner.
    #[inline(always)]
    pub unsafe fn store<S: Simd>(self, simd: S, at: usize, mut value: S::f32s) {
        // SAFETY: the caller's promise.
        unsafe {
            if let Some(residual) = self.residual {
                value = simd.add_f32s(value, residual.add(at).cast::<S::f32s>().read_unaligned());
            }
            self.target.add(at).cast::<S::f32s>().write_unaligned(self.bounds.clamp(simd, value));
        }
    }
}

/// Multiplies `tiles` tiles by one matrix `[channels, outputs]` per point.
///
/// For each group, whose transformed inputs and products take about `bytes` together, `gather` fills
/// `inputs[point][tile][channel]` and `scatter` takes `products[point][tile][output]`, points [`Group::stride`] apart.
pub fn in_groups(
    points: &[Panels],
    [channels, outputs]: [usize; 2],
    tiles: usize,
    bytes: usize,
    mut gather: impl FnMut(Group, &mut [f32]),
    mut scatter: impl FnMut(Group, &[f32]),
) {
    let per_tile = points.len() * (channels + outputs) * 4;
    // Panels take tiles twelve at a time.
    let group = (bytes / per_tile).clamp(24, tiles.max(24)) / 12 * 12;
    let most = Group { first: 0, count: group.min(tiles) };
    let mut inputs = vec![0.0; points.len() * most.stride(channels)];
    let mut products = vec![0.0; points.len() * most.stride(outputs)];
    let mut positions = Positions::default();
    let mut first = 0;
    while first < tiles {
        let group = Group { first, count: group.min(tiles - first) };
        positions.refill((0..group.count).map(|tile| (tile * channels, tile * outputs)));
        gather(group, &mut inputs);
        for (point, panels) in points.iter().enumerate() {
            panels.multiply(Pass {
                input: &inputs[point * group.stride(channels)..][..group.count * channels],
                positions: &positions,
                runs: &[0],
                run: channels,
                residual: None,
                bounds: Bounds::NONE,
                output: &mut products[point * group.stride(outputs)..][..group.count * outputs],
            });
        }
        scatter(group, &products);
        first += group.count;
    }
}
