//! Depthwise convolution: every channel has its own kernel.

use super::{Bounds, PLANE, available, dispatch};
use pulp::{Simd, WithSimd};

/// Positions of a row computed together: a weight is loaded once for all of them, and their multiplications are
/// independent (two start per cycle, each takes four cycles).
const TILE: usize = 8;

/// The same for shorter rows.
const SHORT: usize = 7;

/// A depthwise convolution with a 3 x 3 or 5 x 5 window and stride 1 or 2, in planes of [`PLANE`] channels.
#[derive(Debug, Clone)]
pub struct Depthwise {
    /// `[planes, side * side, PLANE]`.
    weights: Vec<f32>,
    offsets: Vec<f32>,
    channels: usize,
    side: usize,
    stride: usize,
}

/// One plane of padded rows, rows x width x [`PLANE`], and its output.
pub struct Plane<'a> {
    pub padded: &'a [f32],
    /// Positions in a padded row.
    pub width: usize,
    /// Positions in an output row.
    pub columns: usize,
    pub bounds: Bounds,
    /// Rows x columns x [`PLANE`]; its length says how many rows.
    pub output: &'a mut [f32],
}

impl Depthwise {
    /// From a kernel `[channels, 1, side, side]`, row-major; none for a side, stride or channel count that the kernel
    /// does not support.
    pub fn new(kernel: &[f32], channels: usize, side: usize, stride: usize, offsets: &[f32]) -> Option<Self> {
        let fits = matches!(side, 3 | 5) && matches!(stride, 1 | 2);
        if !fits || !channels.is_multiple_of(PLANE) || !available() {
            return None;
        }
        let area = side * side;
        let mut weights = vec![0.0; area * channels];
        for (channel, kernel) in kernel.chunks_exact(area).enumerate() {
            for (position, &value) in kernel.iter().enumerate() {
                weights[(channel / PLANE * area + position) * PLANE + channel % PLANE] = value;
            }
        }
        Some(Self { weights, offsets: offsets.to_vec(), channels, side, stride })
    }

    /// Channels in and out.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// `output = clamp(sums + offset)` for one plane of channels.
    pub fn apply(&self, plane: usize, data: Plane<'_>) {
        let area = self.side * self.side;
        let weights = &self.weights[plane * area * PLANE..][..area * PLANE];
        let offsets = &self.offsets[plane * PLANE..][..PLANE];
        dispatch(Apply { side: self.side, stride: self.stride, weights, offsets, data });
    }
}

struct Apply<'a> {
    side: usize,
    stride: usize,
    weights: &'a [f32],
    offsets: &'a [f32],
    data: Plane<'a>,
}

impl WithSimd for Apply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match (self.side, self.stride) {
            (3, 1) => self.rows::<S, 3, 1>(simd),
            (3, _) => self.rows::<S, 3, 2>(simd),
            (_, 1) => self.rows::<S, 5, 1>(simd),
            (_, _) => self.rows::<S, 5, 2>(simd),
        }
    }
}

impl Apply<'_> {
    #[inline(always)]
    fn rows<S: Simd, const SIDE: usize, const STRIDE: usize>(self, simd: S) {
        let Plane { padded, width, columns, bounds, output } = self.data;
        let vectors = PLANE / S::F32_LANES;
        let (padded, _) = S::as_simd_f32s(padded);
        let (weights, _) = S::as_simd_f32s(self.weights);
        let (offsets, _) = S::as_simd_f32s(self.offsets);
        let (output, _) = S::as_mut_simd_f32s(output);
        for (row, output) in output.chunks_exact_mut(columns * vectors).enumerate() {
            let padded = &padded[row * STRIDE * width * vectors..][..SIDE * width * vectors];
            for vector in 0..vectors {
                let offset = offsets[vector];
                let position = Position { padded, weights, offset, rows: self.side, width, vectors, vector };
                match columns {
                    TILE.. => position.row::<SIDE, STRIDE, TILE>(simd, bounds, columns, output),
                    SHORT => position.row::<SIDE, STRIDE, SHORT>(simd, bounds, columns, output),
                    4.. => position.row::<SIDE, STRIDE, 4>(simd, bounds, columns, output),
                    _ => position.row::<SIDE, STRIDE, 1>(simd, bounds, columns, output),
                }
            }
        }
    }
}

/// One vector of channels of the padded rows under a row of windows.
struct Position<'a, S: Simd> {
    padded: &'a [S::f32s],
    weights: &'a [S::f32s],
    offset: S::f32s,
    /// Rows of the window. The value is a compile-time constant but hidden from the compiler, which would otherwise
    /// unroll all of them and run out of registers.
    rows: usize,
    width: usize,
    vectors: usize,
    vector: usize,
}

impl<S: Simd> Position<'_, S> {
    /// A whole row of at least `COUNT` positions; the last tile is moved back so that it is whole.
    #[inline(always)]
    fn row<const SIDE: usize, const STRIDE: usize, const COUNT: usize>(
        &self,
        simd: S,
        bounds: Bounds,
        columns: usize,
        output: &mut [S::f32s],
    ) {
        assert!(columns >= COUNT && output.len() >= columns * self.vectors, "a row of its positions");
        let mut column = 0;
        while column < columns {
            let first = column.min(columns - COUNT);
            let sums = self.sums::<SIDE, STRIDE, COUNT>(simd, first);
            for at in 0..COUNT {
                let value = bounds.clamp(simd, sums[at]);
                // SAFETY: `first + COUNT` is at most `columns`, and the row was asserted to have them.
                unsafe { *output.get_unchecked_mut((first + at) * self.vectors + self.vector) = value };
            }
            column += COUNT;
        }
    }

    /// The sums of the `COUNT` positions from column `first` on. Neighbouring positions load the same input again: a
    /// load is cheap next to its multiplication, and keeping the values would take the registers that the sums need.
    #[inline(always)]
    fn sums<const SIDE: usize, const STRIDE: usize, const COUNT: usize>(
        &self,
        simd: S,
        first: usize,
    ) -> [S::f32s; COUNT] {
        let last_column = (first + COUNT - 1) * STRIDE + SIDE - 1;
        let last = ((SIDE - 1) * self.width + last_column) * self.vectors + self.vector;
        let weights_end = (SIDE * SIDE - 1) * self.vectors + self.vector;
        assert!(last < self.padded.len() && weights_end < self.weights.len(), "the window lies inside");
        let mut sums = [self.offset; COUNT];
        assert!(self.rows <= SIDE, "the window's own rows");
        for row in 0..self.rows {
            let line = (row * self.width + first * STRIDE) * self.vectors + self.vector;
            let mut kernel = [self.offset; SIDE];
            for column in 0..SIDE {
                let at = (row * SIDE + column) * self.vectors + self.vector;
                // SAFETY: not behind the last weight, which was asserted to be there.
                kernel[column] = unsafe { *self.weights.get_unchecked(at) };
            }
            for column in 0..SIDE {
                for position in 0..COUNT {
                    let at = line + (position * STRIDE + column) * self.vectors;
                    // SAFETY: not behind the last value, which was asserted to be there.
                    let value = unsafe { *self.padded.get_unchecked(at) };
                    sums[position] = simd.mul_add_f32s(value, kernel[column], sums[position]);
                }
            }
        }
        sums
    }
}
