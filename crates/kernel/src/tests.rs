//! Every kind of convolution against its definition in 64 bits. `FACEPROBE_VECTORS=avx2` tests the AVX2 kernels.

use super::{Bounds, Convolution, Pictures, Window, available};

/// Reproducible pseudo-random values from -1 to 1.
fn numbers(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// Marks positions that must not be written.
const KEPT: f32 = 7.5;

struct Case {
    /// Out, in, rows, columns.
    shape: [usize; 4],
    side: [usize; 2],
    stride: usize,
    /// Zeros around the picture.
    padding: [usize; 2],
    /// Values of other tensors interleaved after those of each position, in the input and in the output.
    gap: [usize; 2],
    residual: bool,
}

/// The largest difference from the definition, relative to the outputs' root mean square.
fn difference(case: &Case) -> f64 {
    let Case { shape, side, stride, padding, gap, residual } = *case;
    let [outputs, channels, rows, columns] = shape;
    let images = 2;
    let window = Window { kernel: [rows, columns], stride, before: padding, after: padding };
    let out_side = window.output(side).unwrap();
    let pitch = [channels + gap[0], outputs + gap[1]];
    let (kernel, offsets) = (numbers(shape.iter().product(), 1), numbers(outputs, 2));
    let input = numbers(images * side[0] * side[1] * pitch[0], 3);
    let positions = images * out_side[0] * out_side[1];
    let mut output = vec![KEPT; positions * pitch[1]];
    let added = numbers(output.len(), 4);
    let bounds = Bounds { low: -1.0, high: f32::INFINITY };
    Convolution::new(&kernel, shape, stride, &offsets).apply(Pictures {
        input: &input,
        images,
        side,
        pitch,
        window,
        residual: residual.then_some(added.as_slice()),
        bounds,
        output: &mut output,
    });
    let (mut largest, mut squares) = (0.0_f64, 0.0);
    for position in 0..positions {
        let (image, at) = (position / (out_side[0] * out_side[1]), position % (out_side[0] * out_side[1]));
        let (row, column) = (at / out_side[1], at % out_side[1]);
        for channel in 0..pitch[1] {
            let got = output[position * pitch[1] + channel];
            if channel >= outputs {
                assert_eq!(got, KEPT, "what lies between the positions is not this convolution's");
                continue;
            }
            let mut sum = f64::from(offsets[channel]);
            for step in 0..rows * columns {
                let y = (row * stride + step / columns).wrapping_sub(padding[0]);
                let x = (column * stride + step % columns).wrapping_sub(padding[1]);
                if y >= side[0] || x >= side[1] {
                    continue;
                }
                let values = &input[((image * side[0] + y) * side[1] + x) * pitch[0]..][..channels];
                for (depth, &value) in values.iter().enumerate() {
                    let weight = kernel[(channel * channels + depth) * rows * columns + step];
                    sum += f64::from(value) * f64::from(weight);
                }
            }
            if residual {
                sum += f64::from(added[position * pitch[1] + channel]);
            }
            let sum = sum.max(f64::from(bounds.low));
            largest = largest.max((sum - f64::from(got)).abs());
            squares += sum * sum;
        }
    }
    largest / (squares / (positions * outputs) as f64).sqrt()
}

#[test]
fn every_convolution_is_its_definition() {
    if !available() {
        return;
    }
    let case = |shape, side, stride, padding, gap, residual| Case { shape, side, stride, padding, gap, residual };
    let cases = [
        // Direct: a product of positions; deep and wide enough for two panels at once; a stride; few channels; the rest.
        case([80, 64, 1, 1], [5, 7], 1, [0, 0], [0, 0], true),
        case([100, 300, 1, 1], [5, 7], 1, [0, 0], [20, 12], true),
        case([40, 24, 3, 3], [9, 8], 2, [1, 1], [0, 0], false),
        case([32, 3, 3, 3], [11, 11], 2, [0, 0], [0, 0], false),
        case([48, 16, 5, 5], [6, 9], 1, [2, 2], [5, 3], true),
        // Winograd: sides that tiles of four divide and do not, with and without padding.
        case([64, 48, 3, 3], [8, 8], 1, [1, 1], [0, 0], true),
        case([32, 80, 3, 3], [9, 6], 1, [0, 0], [16, 32], false),
        // Along a line, lying and standing.
        case([64, 96, 1, 7], [5, 17], 1, [0, 3], [0, 0], true),
        case([96, 64, 7, 1], [17, 5], 1, [3, 0], [32, 16], true),
        case([64, 64, 1, 3], [8, 8], 1, [0, 1], [16, 0], false),
        case([80, 64, 3, 1], [7, 3], 1, [1, 0], [0, 16], true),
    ];
    for case in cases {
        let difference = difference(&case);
        let lying = case.shape[2..].contains(&1) && case.shape[2..].contains(&7);
        // Direct summation in 32 bits has up to 3e-6, F(4, 7) five times as much.
        let most = if lying { 5e-5 } else { 1e-5 };
        let (shape, side) = (case.shape, case.side);
        assert!(difference < most, "{shape:?} over {side:?}: {difference:.1e}");
    }
}
