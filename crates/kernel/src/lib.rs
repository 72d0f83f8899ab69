//! Convolutions and matrix products in 32-bit floats on the CPU.
//!
//! libtorch's convolutions write every intermediate result to memory and read it back. For small networks, which do
//! little arithmetic, that is most of the time. These kernels keep intermediate results in the caches:
//!
//! - [`Direct`]: a convolution as products of input runs with packed kernels; bias, residual and activation are applied
//!   before the result is stored once.
//! - [`Winograd`]: 3 x 3 with stride 1 in a quarter of the multiplications.
//! - [`Line`]: 1 x 3 and 1 x 7, lying or standing, in a half or a third of them.
//! - [`Panels`]: the product behind most of these; the dense head multiplies with it too.
//! - [`Convolution`]: the one of these that is fastest.
//! - [`Bottleneck`]: the inverted bottleneck of the MobileNet family strip by strip, so that its wide middle never
//!   leaves the second-level cache.
//!
//! - [`gelu`]: the activation of transformers and ConvNeXt.
//! - [`half`]: the same product of numbers rounded to bf16.
//!
//! All work on slices in the order image, row, column, channel on the calling thread, and sum in an order that depends
//! on neither batch nor thread, so that an image has the same features in any company. Vector instructions come
//! through the crate `pulp`, which picks AVX-512 or AVX2 with FMA at run time; without them [`available`] is false and
//! libtorch computes.

#![cfg_attr(not(test), deny(clippy::unwrap_used))]
#![allow(
    clippy::needless_range_loop,
    reason = "loops over a few registers are counted ones: they unroll whether or not an iterator's methods are inlined"
)]

mod bottleneck;
mod convolution;
mod depthwise;
mod direct;
mod gelu;
mod groups;
pub mod half;
mod line;
mod panels;
#[cfg(test)]
mod tests;
mod winograd;

pub use bottleneck::Bottleneck;
pub use convolution::Convolution;
pub use depthwise::Depthwise;
use direct::Direct;
pub use gelu::gelu;
use line::Line;
pub use panels::{Panels, Pass, Positions};
use winograd::Winograd;

use pulp::{Arch, Simd, WithSimd};
use std::sync::LazyLock;

/// Channels that are contiguous in the order plane, row, column, channel: one cache line.
pub const PLANE: usize = 16;

/// The range to which an activation clamps its values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    pub low: f32,
    pub high: f32,
}

impl Bounds {
    /// No activation.
    pub const NONE: Self = Self { low: f32::NEG_INFINITY, high: f32::INFINITY };

    #[inline(always)]
    fn clamp<S: Simd>(self, simd: S, value: S::f32s) -> S::f32s {
        // Argument order matters: these instructions return the second operand when one is NaN, so NaN propagates.
        let low = simd.max_f32s(simd.splat_f32s(self.low), value);
        simd.min_f32s(simd.splat_f32s(self.high), low)
    }
}

/// A square or rectangular window over an input, in rows and columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub kernel: [usize; 2],
    pub stride: usize,
    /// Zeros before the first row and the first column.
    pub before: [usize; 2],
    /// Zeros after the last row and the last column.
    pub after: [usize; 2],
}

impl Window {
    /// Output rows and columns for an input of `side` rows and columns; none where the window does not fit.
    pub fn output(&self, side: [usize; 2]) -> Option<[usize; 2]> {
        let along = |axis: usize| {
            let padded = side[axis] + self.before[axis] + self.after[axis];
            Some(padded.checked_sub(self.kernel[axis])? / self.stride + 1)
        };
        Some([along(0)?, along(1)?])
    }
}

/// A batch of images in the order image, row, column, channel, and the buffer for the output.
pub struct Pictures<'a> {
    pub input: &'a [f32],
    pub images: usize,
    /// Rows and columns of each.
    pub side: [usize; 2],
    /// Values from one position to the next in the input, and in the output and the residual: the number of channels,
    /// or more where other channels are interleaved.
    pub pitch: [usize; 2],
    /// Matches the convolution's kernel and stride.
    pub window: Window,
    /// Added before the activation; as long as the output.
    pub residual: Option<&'a [f32]>,
    /// Those of the last activation.
    pub bounds: Bounds,
    /// Images x [`Window::output`] x pitch; the output channels come first.
    pub output: &'a mut [f32],
}

/// The best level of this processor, or a lower one for tests and for comparing processors: `FACEPROBE_VECTORS=avx2`,
/// or `none`, with which libtorch computes.
static ARCH: LazyLock<Arch> = LazyLock::new(|| match std::env::var("FACEPROBE_VECTORS").as_deref() {
    #[cfg(target_arch = "x86_64")]
    Ok("avx2") => pulp::x86::V3::try_new().map_or_else(Arch::new, Arch::V3),
    Ok("none") => Arch::Scalar,
    _ => Arch::new(),
});

/// Runs an operation with the best vector instructions of this processor.
pub fn dispatch<Op: WithSimd>(op: Op) -> Op::Output {
    ARCH.dispatch(op)
}

/// Runs plain code compiled for the best vector instructions of this processor. It and what it calls must be inlined.
#[inline]
pub fn vectorised<R>(work: impl FnOnce() -> R) -> R {
    // pulp takes closures too, but does not inline them.
    struct Work<F>(F);
    impl<R, F: FnOnce() -> R> WithSimd for Work<F> {
        type Output = R;

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> R {
            (self.0)()
        }
    }
    dispatch(Work(work))
}

/// Lanes of a vector register; 1 without vector instructions.
pub fn lanes() -> usize {
    struct Lanes;
    impl WithSimd for Lanes {
        type Output = usize;

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            S::F32_LANES
        }
    }
    dispatch(Lanes)
}

/// Whether the kernels are faster than libtorch here: with AVX2 and FMA, or better.
pub fn available() -> bool {
    matches!(lanes(), 8 | 16)
}
