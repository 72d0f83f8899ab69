//! Winograd convolutions: 3 x 3 with stride 1.
//!
//! F(4 x 4, 3 x 3) of Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (CVPR 2016): a tile of 6 x 6
//! inputs and the kernel are transformed, multiplied value by value (over all channels: 36 matrix products), and
//! transformed back to 4 x 4 outputs, with 36 multiplications where the definition takes 144.
//!
//! The transforms evaluate and interpolate polynomials. The usual points 0, ±1, ±2 cost two to three bits of accuracy.
//! The points 0, ±3/4, ±3/2 (and infinity), whose powers are exact in binary and closer together, cost none against
//! direct summation: through the thirteen layers of VGG16 in 32 bits the largest relative deviation from 64 bits was
//! 1.2e-4, against 1.7e-4 for libtorch's direct convolutions.

use super::groups::{Corner, Group, in_groups};
use super::panels::Panels;
use super::{Bounds, Pictures, dispatch};
use pulp::{Simd, WithSimd};

/// Side of a tile of outputs.
const OUT: usize = 4;
/// Side of a tile of inputs.
const IN: usize = OUT + 2;
/// The points ±A and ±B.
const A: f32 = 0.75;
const B: f32 = 1.5;
const A2: f32 = A * A;
const B2: f32 = B * B;
/// Bytes of the transformed inputs and the products of a group of tiles: they should stay in the second-level cache,
/// unless the weights, which every group reads again, are the larger part.
const GROUP_BYTES: usize = 1 << 20;
const LARGE_GROUP_BYTES: usize = 8 << 20;
/// Bytes of weights from which the large group is used.
const LARGE_WEIGHTS: usize = 1 << 20;

/// A 3 x 3 convolution with stride 1.
#[derive(Debug, Clone)]
pub struct Winograd {
    /// One matrix product `[channels, outputs]` per point of the 6 x 6 tile.
    products: Vec<Panels>,
    offsets: Vec<f32>,
    channels: usize,
    outputs: usize,
}

impl Winograd {
    /// From a kernel `[out, in, 3, 3]`, row-major; none for a kernel of another size, or for so few channels that the
    /// transforms cost more than they save.
    pub fn new(kernel: &[f32], shape: [usize; 4], offsets: &[f32]) -> Option<Self> {
        let ([outputs, channels, rows, columns], lanes) = (shape, super::lanes());
        let fits = [rows, columns] == [3, 3] && channels.min(outputs) >= 32;
        if !fits || !channels.is_multiple_of(lanes) || !outputs.is_multiple_of(lanes) {
            return None;
        }
        let mut weights = vec![vec![0.0; channels * outputs]; IN * IN];
        let transform = kernel_transform();
        for (index, kernel) in kernel.as_chunks().0.iter().enumerate() {
            let (output, channel) = (index / channels, index % channels);
            let transformed = transform_kernel(&transform, kernel);
            for (weights, value) in weights.iter_mut().zip(transformed.as_flattened()) {
                weights[channel * outputs + output] = *value as f32;
            }
        }
        let products = weights.iter().map(|weights| Panels::pack(weights, channels, outputs, &[])).collect();
        Some(Self { products, offsets: offsets.to_vec(), channels, outputs })
    }

    /// Output channels.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// `output = clamp(conv(input) + offset (+ residual))`.
    pub fn apply(&self, pictures: Pictures<'_>) {
        let Pictures { input, images, side, pitch, window, residual, bounds, output } = pictures;
        assert_eq!((window.kernel, window.stride), ([3, 3], 1), "a window of 3 x 3 with stride 1");
        let Some(out_side) = window.output(side) else { return };
        let tiles_side = out_side.map(|side| side.div_ceil(OUT));
        let tiles = images * tiles_side[0] * tiles_side[1];
        let large = IN * IN * self.channels * self.outputs >= LARGE_WEIGHTS;
        let bytes = if large { LARGE_GROUP_BYTES } else { GROUP_BYTES };
        let shape = Shape { side, pitch, out_side, tiles_side, before: window.before };
        let (channels, offsets, shape) = (self.channels, self.offsets.as_slice(), &shape);
        in_groups(
            &self.products,
            [channels, self.outputs],
            tiles,
            bytes,
            |group, inputs| dispatch(Gather { input, channels, shape, group, inputs }),
            |group, products| {
                dispatch(Scatter { products, offsets, shape, group, residual, bounds, output: &mut *output });
            },
        );
    }
}

struct Shape {
    side: [usize; 2],
    pitch: [usize; 2],
    out_side: [usize; 2],
    tiles_side: [usize; 2],
    before: [usize; 2],
}

impl Shape {
    /// Image, row of tiles and column of tiles.
    fn position(&self, tile: usize) -> (usize, usize, usize) {
        let per_image = self.tiles_side[0] * self.tiles_side[1];
        (tile / per_image, tile % per_image / self.tiles_side[1], tile % self.tiles_side[1])
    }
}

/// The rows of G: (1, p, p²) / ∏(p - q) over the other points q, and (0, 0, 1) for infinity.
fn kernel_transform() -> [[f64; 3]; IN] {
    let (a, b) = (f64::from(A), f64::from(B));
    let row = |p: f64, divisor: f64| [1.0 / divisor, p / divisor, p * p / divisor];
    let (near, far) = (2.0 * a * a * (a * a - b * b), 2.0 * b * b * (b * b - a * a));
    [row(0.0, a * a * b * b), row(a, near), row(-a, near), row(b, far), row(-b, far), [0.0, 0.0, 1.0]]
}

/// G k Gᵀ of a kernel of nine values. Counted loops, since VGG16 has 1.6 million kernels.
fn transform_kernel(g: &[[f64; 3]; IN], kernel: &[f32; 9]) -> [[f64; IN]; IN] {
    let mut half = [[0.0; IN]; 3];
    for row in 0..3 {
        for j in 0..IN {
            for column in 0..3 {
                half[row][j] += f64::from(kernel[row * 3 + column]) * g[j][column];
            }
        }
    }
    let mut whole = [[0.0; IN]; IN];
    for i in 0..IN {
        for j in 0..IN {
            for row in 0..3 {
                whole[i][j] += g[i][row] * half[row][j];
            }
        }
    }
    whole
}

/// Bᵀ d.
#[inline(always)]
fn forward<S: Simd>(simd: S, d: [S::f32s; IN]) -> [S::f32s; IN] {
    let of = |value: f32| simd.splat_f32s(value);
    let both = |low: S::f32s, mid: S::f32s, high: S::f32s| {
        let sum = simd.mul_add_f32s(of(-(A2 + B2)), mid, high);
        simd.mul_add_f32s(of(A2 * B2), low, sum)
    };
    let near_even = simd.mul_add_f32s(of(-B2), d[2], d[4]);
    let near_odd = simd.mul_f32s(of(A), simd.mul_add_f32s(of(-B2), d[1], d[3]));
    let far_even = simd.mul_add_f32s(of(-A2), d[2], d[4]);
    let far_odd = simd.mul_f32s(of(B), simd.mul_add_f32s(of(-A2), d[1], d[3]));
    [
        both(d[0], d[2], d[4]),
        simd.add_f32s(near_even, near_odd),
        simd.sub_f32s(near_even, near_odd),
        simd.add_f32s(far_even, far_odd),
        simd.sub_f32s(far_even, far_odd),
        both(d[1], d[3], d[5]),
    ]
}

/// Aᵀ m.
#[inline(always)]
fn backward<S: Simd>(simd: S, m: [S::f32s; IN]) -> [S::f32s; OUT] {
    let of = |value: f32| simd.splat_f32s(value);
    let (near_sum, near_difference) = (simd.add_f32s(m[1], m[2]), simd.sub_f32s(m[1], m[2]));
    let (far_sum, far_difference) = (simd.add_f32s(m[3], m[4]), simd.sub_f32s(m[3], m[4]));
    let mix = |near: f32, x: S::f32s, far: f32, y: S::f32s| simd.mul_add_f32s(of(near), x, simd.mul_f32s(of(far), y));
    [
        simd.add_f32s(m[0], simd.add_f32s(near_sum, far_sum)),
        mix(A, near_difference, B, far_difference),
        mix(A2, near_sum, B2, far_sum),
        simd.add_f32s(m[5], mix(A2 * A, near_difference, B2 * B, far_difference)),
    ]
}

/// Transforms tiles of the input: `inputs[position][tile][channel]`.
struct Gather<'a> {
    input: &'a [f32],
    channels: usize,
    shape: &'a Shape,
    group: Group,
    inputs: &'a mut [f32],
}

impl WithSimd for Gather<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let channels = self.channels;
        let [rows, columns] = self.shape.side;
        let stride = self.group.stride(channels);
        assert!(channels.is_multiple_of(S::F32_LANES), "whole vectors of channels");
        assert!(self.inputs.len() >= IN * IN * stride, "room for every position of the tiles");
        let zeros = vec![0.0; channels];
        for tile in 0..self.group.count {
            let (image, tile_row, tile_column) = self.shape.position(self.group.first + tile);
            // Outside the image a tile reads zeros.
            let mut pixels = [[zeros.as_ptr(); IN]; IN];
            for row in 0..IN {
                let at_row = (tile_row * OUT + row).wrapping_sub(self.shape.before[0]);
                for column in 0..IN {
                    let at_column = (tile_column * OUT + column).wrapping_sub(self.shape.before[1]);
                    if at_row < rows && at_column < columns {
                        let at = ((image * rows + at_row) * columns + at_column) * self.shape.pitch[0];
                        pixels[row][column] = self.input[at..at + channels].as_ptr();
                    }
                }
            }
            let target = self.inputs[tile * channels..].as_mut_ptr();
            let mut channel = 0;
            while channel < channels {
                // SAFETY: every pixel has `channels` values, of which a whole vector lies from `channel` on; the target
                // has `IN * IN` positions that are `stride` apart, checked above.
                unsafe {
                    let mut half = [[simd.splat_f32s(0.0); IN]; IN];
                    for column in 0..IN {
                        let mut d = [simd.splat_f32s(0.0); IN];
                        for row in 0..IN {
                            d[row] = pixels[row][column].add(channel).cast::<S::f32s>().read_unaligned();
                        }
                        let line = forward(simd, d);
                        for row in 0..IN {
                            half[row][column] = line[row];
                        }
                    }
                    for row in 0..IN {
                        let line = forward(simd, half[row]);
                        for column in 0..IN {
                            let at = (row * IN + column) * stride + channel;
                            target.add(at).cast::<S::f32s>().write_unaligned(line[column]);
                        }
                    }
                }
                channel += S::F32_LANES;
            }
        }
    }
}

/// Transforms products back, adds bias and residual, and stores the part that is inside the output.
struct Scatter<'a> {
    products: &'a [f32],
    offsets: &'a [f32],
    shape: &'a Shape,
    group: Group,
    residual: Option<&'a [f32]>,
    bounds: Bounds,
    output: &'a mut [f32],
}

impl WithSimd for Scatter<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let outputs = self.offsets.len();
        let ([rows, columns], pitch) = (self.shape.out_side, self.shape.pitch[1]);
        let stride = self.group.stride(outputs);
        assert!(outputs.is_multiple_of(S::F32_LANES), "whole vectors of outputs");
        assert!(self.products.len() >= IN * IN * stride, "every position of the tiles");
        assert!(self.residual.is_none_or(|residual| residual.len() == self.output.len()), "a residual per output");
        for tile in 0..self.group.count {
            let (image, tile_row, tile_column) = self.shape.position(self.group.first + tile);
            let (row, column) = (tile_row * OUT, tile_column * OUT);
            let (inside_rows, inside_columns) = ((rows - row).min(OUT), (columns - column).min(OUT));
            let corner = ((image * rows + row) * columns + column) * pitch;
            let reach = ((inside_rows - 1) * columns + inside_columns - 1) * pitch + outputs;
            assert!(corner + reach <= self.output.len(), "the tile lies inside the output");
            let source = self.products[tile * outputs..].as_ptr();
            let corner = Corner::new(self.output, self.residual, corner, self.bounds);
            let mut channel = 0;
            while channel < outputs {
                // SAFETY: whole vectors of outputs from `channel` on; the source's positions and the target's reach are
                // checked above, and the residual is as long as the output.
                unsafe {
                    let mut half = [[simd.splat_f32s(0.0); IN]; OUT];
                    for column in 0..IN {
                        let mut m = [simd.splat_f32s(0.0); IN];
                        for row in 0..IN {
                            let at = (row * IN + column) * stride + channel;
                            m[row] = source.add(at).cast::<S::f32s>().read_unaligned();
                        }
                        let line = backward(simd, m);
                        for row in 0..OUT {
                            half[row][column] = line[row];
                        }
                    }
                    let offset = self.offsets.as_ptr().add(channel).cast::<S::f32s>().read_unaligned();
                    for below in 0..OUT {
                        if below >= inside_rows {
                            break;
                        }
                        let line = backward(simd, half[below]);
                        for right in 0..OUT {
                            if right >= inside_columns {
                                break;
                            }
                            let at = (below * columns + right) * pitch + channel;
                            corner.store(simd, at, simd.add_f32s(line[right], offset));
                        }
                    }
                }
                channel += S::F32_LANES;
            }
        }
    }
}
