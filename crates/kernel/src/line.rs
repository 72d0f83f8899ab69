//! Winograd convolutions along one axis: 1 x 3, 3 x 1, 1 x 7 and 7 x 1 with stride 1.
//!
//! F(4, 3) and F(4, 7) of Lavin and Gray (see `winograd`): four neighbouring outputs take 6 products instead of 12, or
//! 10 instead of 28. The points are 0, infinity and pairs ±p whose powers are exact in 32 bits. Those of F(4, 7) are
//! the best of all such pairs in sixteenths by the norm of the three transforms: the mean error of an output is 2.1e-6
//! of the outputs' root mean square, against 0.4e-6 for direct summation of the same 128 channels. For this reason F(4,
//! 7) is used along one axis only and 7 x 7 is computed directly.

use super::groups::{Corner, Group, in_groups};
use super::panels::Panels;
use super::{Bounds, Pictures, dispatch};
use pulp::{Simd, WithSimd};

/// Outputs of a tile.
const OUT: usize = 4;
/// ±p of F(4, 3) and F(4, 7).
const THREE: [f64; 2] = [0.75, 1.5];
const SEVEN: [f64; 4] = [0.4375, 0.8125, 1.25, 1.8125];
/// Bytes that the transformed inputs and the products of a group of tiles may take together.
const GROUP_BYTES: usize = 512 << 10;

/// A convolution along one axis.
#[derive(Debug, Clone)]
pub struct Line {
    /// One matrix product `[channels, outputs]` per point.
    products: Vec<Panels>,
    offsets: Vec<f32>,
    channels: usize,
    outputs: usize,
    /// 0: vertical, 1: horizontal.
    axis: usize,
}

impl Line {
    /// From a kernel `[out, in, rows, columns]`, row-major; none for a kernel of another shape, or for so few channels
    /// that the transforms cost more than they save.
    pub fn new(kernel: &[f32], shape: [usize; 4], offsets: &[f32]) -> Option<Self> {
        let ([outputs, channels, rows, columns], lanes) = (shape, super::lanes());
        let points: &[f64] = match (rows.min(columns), rows.max(columns)) {
            (1, 3) => &THREE,
            (1, 7) => &SEVEN,
            _ => return None,
        };
        let whole = channels.is_multiple_of(lanes) && outputs.is_multiple_of(lanes);
        if channels.min(outputs) < 64 || !whole {
            return None;
        }
        let taps = rows.max(columns);
        let transform = kernel_transform(points, taps);
        let pack = |row: &Vec<f64>| {
            let mut weights = vec![0.0; channels * outputs];
            for (index, kernel) in kernel.chunks_exact(taps).enumerate() {
                let value: f64 = row.iter().zip(kernel).map(|(factor, &value)| factor * f64::from(value)).sum();
                weights[index % channels * outputs + index / channels] = value as f32;
            }
            Panels::pack(&weights, channels, outputs, &[])
        };
        let products = transform.iter().map(pack).collect();
        Some(Self { products, offsets: offsets.to_vec(), channels, outputs, axis: usize::from(columns > 1) })
    }

    /// Output channels.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// `output = clamp(conv(input) + offset (+ residual))`.
    pub fn apply(&self, pictures: Pictures<'_>) {
        if self.products.len() == 2 * SEVEN.len() + 2 {
            self.tiles::<4, 10>(pictures, &Points::new(SEVEN));
        } else {
            self.tiles::<2, 6>(pictures, &Points::new(THREE));
        }
    }

    fn tiles<const PAIRS: usize, const IN: usize>(&self, pictures: Pictures<'_>, points: &Points<PAIRS>) {
        let Pictures { input, images, side, pitch, window, residual, bounds, output } = pictures;
        let mut kernel = [1; 2];
        kernel[self.axis] = IN - OUT + 1;
        assert_eq!((window.kernel, window.stride), (kernel, 1), "a window of the kernel's size with stride 1");
        let Some(out_side) = window.output(side) else { return };
        let mut tiles_side = out_side;
        tiles_side[self.axis] = out_side[self.axis].div_ceil(OUT);
        let tiles = images * tiles_side[0] * tiles_side[1];
        let shape = Shape { side, pitch, out_side, tiles_side, before: window.before, axis: self.axis };
        let (channels, offsets, shape) = (self.channels, self.offsets.as_slice(), &shape);
        in_groups(
            &self.products,
            [channels, self.outputs],
            tiles,
            GROUP_BYTES,
            |group, inputs| dispatch(Gather::<PAIRS, IN> { points, input, channels, shape, group, inputs }),
            |group, products| {
                let output = &mut *output;
                dispatch(Scatter::<PAIRS, IN> { points, products, offsets, shape, group, residual, bounds, output });
            },
        );
    }
}

/// The finite points without ±: 0, p, -p, ... in order, and last the row of infinity; each (1, p, p², ...) divided by
/// the product of p - q over the other points q.
fn kernel_transform(pairs: &[f64], taps: usize) -> Vec<Vec<f64>> {
    let finite: Vec<f64> = std::iter::once(0.0).chain(pairs.iter().flat_map(|&p| [p, -p])).collect();
    let row = |&p: &f64| {
        let divisor: f64 = finite.iter().filter(|&&q| q != p).map(|q| p - q).product();
        (0..taps as i32).map(|power| p.powi(power) / divisor).collect()
    };
    let infinity = (1..=taps).map(|tap| if tap == taps { 1.0 } else { 0.0 }).collect();
    finite.iter().map(row).chain([infinity]).collect()
}

/// The coefficients of the transforms.
struct Points<const PAIRS: usize> {
    /// p.
    at: [f32; PAIRS],
    /// The coefficients of the product of (x² - q²) over the other pairs, from that of 1 on.
    others: [[f32; PAIRS]; PAIRS],
    /// The same over all pairs, without that of the highest power, which is 1.
    all: [f32; PAIRS],
    /// The powers of p from 0 on.
    powers: [[f32; OUT]; PAIRS],
}

impl<const PAIRS: usize> Points<PAIRS> {
    fn new(pairs: [f64; PAIRS]) -> Self {
        let product = |without: Option<usize>| {
            let mut coefficients = vec![1.0];
            for (_, p) in pairs.iter().enumerate().filter(|(index, _)| Some(*index) != without) {
                // Times (x² - p²).
                coefficients.insert(0, 0.0);
                for power in 1..coefficients.len() {
                    coefficients[power - 1] -= p * p * coefficients[power];
                }
            }
            std::array::from_fn(|power| coefficients[power] as f32)
        };
        Self {
            at: pairs.map(|p| p as f32),
            others: std::array::from_fn(|pair| product(Some(pair))),
            all: product(None),
            powers: pairs.map(|p| std::array::from_fn(|power| p.powi(power as i32) as f32)),
        }
    }

    /// Bᵀ d, in the order of `kernel_transform`.
    #[inline(always)]
    fn forward<S: Simd, const IN: usize>(&self, simd: S, d: [S::f32s; IN]) -> [S::f32s; IN] {
        let mut result = d;
        let (mut zero, mut infinity) = (d[2 * PAIRS], d[2 * PAIRS + 1]);
        for power in 0..PAIRS {
            let factor = simd.splat_f32s(self.all[power]);
            zero = simd.mul_add_f32s(factor, d[2 * power], zero);
            infinity = simd.mul_add_f32s(factor, d[2 * power + 1], infinity);
        }
        (result[0], result[IN - 1]) = (zero, infinity);
        for pair in 0..PAIRS {
            let (mut even, mut odd) = (d[2 * PAIRS], d[2 * PAIRS - 1]);
            for power in 0..PAIRS - 1 {
                let factor = simd.splat_f32s(self.others[pair][power]);
                even = simd.mul_add_f32s(factor, d[2 * power + 2], even);
                odd = simd.mul_add_f32s(factor, d[2 * power + 1], odd);
            }
            let odd = simd.mul_f32s(simd.splat_f32s(self.at[pair]), odd);
            result[2 * pair + 1] = simd.add_f32s(even, odd);
            result[2 * pair + 2] = simd.sub_f32s(even, odd);
        }
        result
    }

    /// Aᵀ m.
    #[inline(always)]
    fn backward<S: Simd, const IN: usize>(&self, simd: S, m: [S::f32s; IN]) -> [S::f32s; OUT] {
        let zero = simd.splat_f32s(0.0);
        let mut result = [m[0], zero, zero, m[IN - 1]];
        for pair in 0..PAIRS {
            let sum = simd.add_f32s(m[2 * pair + 1], m[2 * pair + 2]);
            let difference = simd.sub_f32s(m[2 * pair + 1], m[2 * pair + 2]);
            for power in 0..OUT {
                let factor = simd.splat_f32s(self.powers[pair][power]);
                let value = if power % 2 == 0 { sum } else { difference };
                result[power] = simd.mul_add_f32s(factor, value, result[power]);
            }
        }
        result
    }
}

struct Shape {
    side: [usize; 2],
    pitch: [usize; 2],
    out_side: [usize; 2],
    /// Tiles along the axis, positions along the other.
    tiles_side: [usize; 2],
    before: [usize; 2],
    axis: usize,
}

impl Shape {
    /// Image, row and column of a tile's first output.
    fn position(&self, tile: usize) -> (usize, [usize; 2]) {
        let per_image = self.tiles_side[0] * self.tiles_side[1];
        let mut at = [tile % per_image / self.tiles_side[1], tile % self.tiles_side[1]];
        at[self.axis] *= OUT;
        (tile / per_image, at)
    }
}

/// Transforms tiles of the input: `inputs[point][tile][channel]`.
struct Gather<'a, const PAIRS: usize, const IN: usize> {
    points: &'a Points<PAIRS>,
    input: &'a [f32],
    channels: usize,
    shape: &'a Shape,
    group: Group,
    inputs: &'a mut [f32],
}

impl<const PAIRS: usize, const IN: usize> WithSimd for Gather<'_, PAIRS, IN> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (channels, shape) = (self.channels, self.shape);
        let stride = self.group.stride(channels);
        assert!(channels.is_multiple_of(S::F32_LANES), "whole vectors of channels");
        assert!(self.inputs.len() >= IN * stride, "room for every point of the tiles");
        let zeros = vec![0.0; channels];
        for tile in 0..self.group.count {
            let (image, at) = shape.position(self.group.first + tile);
            // Outside the image a tile reads zeros.
            let mut pixels = [zeros.as_ptr(); IN];
            for step in 0..IN {
                let mut from = at;
                from[shape.axis] += step;
                let (row, column) = (from[0].wrapping_sub(shape.before[0]), from[1].wrapping_sub(shape.before[1]));
                if row < shape.side[0] && column < shape.side[1] {
                    let at = ((image * shape.side[0] + row) * shape.side[1] + column) * shape.pitch[0];
                    pixels[step] = self.input[at..at + channels].as_ptr();
                }
            }
            let target = self.inputs[tile * channels..].as_mut_ptr();
            let mut channel = 0;
            while channel < channels {
                // SAFETY: every pixel has `channels` values, of which a whole vector lies from `channel` on; the target
                // has `IN` points that are `stride` apart, checked above.
                unsafe {
                    let mut d = [simd.splat_f32s(0.0); IN];
                    for step in 0..IN {
                        d[step] = pixels[step].add(channel).cast::<S::f32s>().read_unaligned();
                    }
                    let line = self.points.forward::<S, IN>(simd, d);
                    for point in 0..IN {
                        target.add(point * stride + channel).cast::<S::f32s>().write_unaligned(line[point]);
                    }
                }
                channel += S::F32_LANES;
            }
        }
    }
}

/// Transforms products back, adds bias and residual, and stores the part that is inside the output.
struct Scatter<'a, const PAIRS: usize, const IN: usize> {
    points: &'a Points<PAIRS>,
    products: &'a [f32],
    offsets: &'a [f32],
    shape: &'a Shape,
    group: Group,
    residual: Option<&'a [f32]>,
    bounds: Bounds,
    output: &'a mut [f32],
}

impl<const PAIRS: usize, const IN: usize> WithSimd for Scatter<'_, PAIRS, IN> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (outputs, shape) = (self.offsets.len(), self.shape);
        let ([rows, columns], pitch) = (shape.out_side, shape.pitch[1]);
        let stride = self.group.stride(outputs);
        let step = if shape.axis == 0 { columns * pitch } else { pitch };
        assert!(outputs.is_multiple_of(S::F32_LANES), "whole vectors of outputs");
        assert!(self.products.len() >= IN * stride, "every point of the tiles");
        assert!(self.residual.is_none_or(|residual| residual.len() == self.output.len()), "a residual per output");
        for tile in 0..self.group.count {
            let (image, at) = shape.position(self.group.first + tile);
            let inside = (shape.out_side[shape.axis] - at[shape.axis]).min(OUT);
            let corner = ((image * rows + at[0]) * columns + at[1]) * pitch;
            assert!(corner + (inside - 1) * step + outputs <= self.output.len(), "the tile lies inside the output");
            let source = self.products[tile * outputs..].as_ptr();
            let corner = Corner::new(self.output, self.residual, corner, self.bounds);
            let mut channel = 0;
            while channel < outputs {
                // SAFETY: whole vectors of outputs from `channel` on; the source's points and the target's reach are
                // checked above, and the residual is as long as the output.
                unsafe {
                    let mut m = [simd.splat_f32s(0.0); IN];
                    for point in 0..IN {
                        m[point] = source.add(point * stride + channel).cast::<S::f32s>().read_unaligned();
                    }
                    let line = self.points.backward::<S, IN>(simd, m);
                    let offset = self.offsets.as_ptr().add(channel).cast::<S::f32s>().read_unaligned();
                    for position in 0..OUT {
                        if position >= inside {
                            break;
                        }
                        corner.store(simd, position * step + channel, simd.add_f32s(line[position], offset));
                    }
                }
                channel += S::F32_LANES;
            }
        }
    }
}
