//! Depthwise convolutions with gradients, put so that oneDNN has kernels for them.
//!
//! On a CPU it has none for the gradient of a depthwise kernel wider than three, nor in bf16 for one that skips places,
//! and then runs a loop that is five to a hundred times slower (8 pictures of 240 x 28 x 28, one thread: 5 x 5 in 25.7 ms,
//! 3 x 3 with stride 2 in bf16 in 24.5 ms and in 32 bits in 0.9). So a kernel that is five wide goes as two, one that is
//! seven wide as three, and what skips places goes in 32 bits. The sums are the same but for rounding.

use super::Padding;
use super::blueprint::ConvPlan;
use tch::{Kind, TchError, Tensor};

/// The widest kernel whose gradient is fast.
const WIDEST: i64 = 3;

/// The convolution of `[N, C, H, W]` with kernels `[C, 1, rows, columns]` and bias `[C]`, without scale and activation.
pub(super) fn sums(conv: &ConvPlan, input: &Tensor, kernel: &Tensor, offset: &Tensor) -> Result<Tensor, TchError> {
    let kind = input.f_kind()?;
    if kind != Kind::Float && conv.stride > 1 {
        let wide = |tensor: &Tensor| tensor.f_to_kind(Kind::Float);
        return sums(conv, &wide(input)?, &wide(kernel)?, &wide(offset)?)?.f_to_kind(kind);
    }
    let stride = conv.stride as i64;
    let run = |input: &Tensor, kernel: &Tensor, offset: Option<&Tensor>, padding: [i64; 2]| {
        input.f_conv2d(kernel, offset, [stride; 2], padding, [1, 1], conv.groups as i64)
    };
    let [[above, below], [left, right]] = margins(conv, &input.size());
    let columns = conv.kernel[1] as i64;
    let two = columns == WIDEST + 2 && stride <= 2;
    let three = columns == 2 * WIDEST + 1 && stride == 1;
    if !two && !three && above == below && left == right {
        return run(input, kernel, Some(offset), [above, left]);
    }
    let padded = input.f_constant_pad_nd([left, right, above, below])?;
    if three {
        let width = padded.size()[3] - columns + 1;
        let part = |first: i64, offset: Option<&Tensor>| {
            let columns = WIDEST.min(columns - first);
            let kernel = kernel.f_narrow(3, first, columns)?.f_constant_pad_nd([0, WIDEST - columns])?;
            // Zeros behind the last column meet what is there, or as many columns of zeros.
            let ahead = padded.f_narrow(3, first, padded.size()[3] - first)?;
            run(&ahead.f_constant_pad_nd([0, WIDEST - columns])?, &kernel, offset, [0, 0])?.f_narrow(3, 0, width)
        };
        return part(0, Some(offset))?.f_add(&part(WIDEST, None)?)?.f_add(&part(2 * WIDEST, None)?);
    }
    if !two {
        return run(&padded, kernel, Some(offset), [0, 0]);
    }
    // The second has a zero in front: it then begins two places behind the first, which is a whole number of strides.
    let first = run(&padded, &kernel.f_narrow(3, 0, WIDEST)?, Some(offset), [0, 0])?;
    let second = run(&padded, &kernel.f_narrow(3, WIDEST, 2)?.f_constant_pad_nd([1, 0])?, None, [0, 0])?;
    let ahead = 2 / stride;
    let width = first.size()[3] - ahead;
    first.f_narrow(3, 0, width)?.f_add(&second.f_narrow(3, ahead, width)?)
}

/// Padding above, below, left and right for an input of this size.
pub(super) fn margins(conv: &ConvPlan, size: &[i64]) -> [[i64; 2]; 2] {
    let of = |axis: usize| match conv.padding {
        Padding::Fixed(padding) => [padding[axis]; 2],
        // TensorFlow's SAME puts the odd row and column below and to the right.
        Padding::Same => {
            let (side, stride, kernel) = (size[2 + axis], conv.stride as i64, conv.kernel[axis] as i64);
            let missing = (((side + stride - 1) / stride - 1) * stride + kernel - side).max(0);
            [missing / 2, missing - missing / 2]
        }
    };
    [of(0), of(1)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backbone::Activation;
    use crate::backbone::blueprint::Norm;
    use tch::Device;

    fn plan(side: usize, stride: usize, padding: Padding) -> ConvPlan {
        ConvPlan {
            name: "depthwise".into(),
            norm: Norm::Bias,
            input: 4,
            output: 4,
            kernel: [side; 2],
            stride,
            padding,
            groups: 4,
            activation: Activation::None,
            scale: 1.0,
        }
    }

    /// The sum of squares and the gradients of input, kernel and bias.
    fn with_gradients(kind: Kind, shapes: [&[i64]; 3], sums: impl Fn([&Tensor; 3]) -> Tensor) -> Vec<Tensor> {
        tch::manual_seed(7);
        let drawn = shapes.map(|shape| Tensor::randn(shape, (Kind::Float, Device::Cpu)).to_kind(kind));
        let leaves = drawn.map(|tensor| tensor.set_requires_grad(true));
        let loss = sums(leaves.each_ref()).to_kind(Kind::Float).square().sum(None);
        let mut all = Tensor::run_backward(&[&loss], &leaves.each_ref(), false, false);
        all.push(loss);
        all.into_iter().map(|tensor| tensor.detach().to_kind(Kind::Float)).collect()
    }

    #[test]
    fn sums_and_gradients_are_those_of_the_plain_convolution() {
        let same = [(3, 1, 14), (3, 2, 14), (3, 2, 13), (5, 1, 14), (5, 2, 14), (5, 2, 13)];
        let cases = same.map(|(side, stride, rows)| (side, stride, rows, Padding::Same)).into_iter();
        let fixed = [(3, 1, 7, 1), (3, 2, 14, 1), (5, 1, 9, 2), (5, 2, 9, 2), (7, 1, 7, 3), (7, 1, 14, 3)];
        let fixed = fixed.map(|(side, stride, rows, zeros)| (side, stride, rows, Padding::Fixed([zeros; 2])));
        for (side, stride, rows, padding) in cases.chain(fixed) {
            let conv = plan(side, stride, padding);
            let (size, kernel) = ([2, 4, rows, rows], [4, 1, side as i64, side as i64]);
            let shapes: [&[i64]; 3] = [&size, &kernel, &[4]];
            let [[above, below], [left, right]] = margins(&conv, &size);
            let plain = with_gradients(Kind::Float, shapes, |[input, kernel, offset]| {
                let padded = input.constant_pad_nd([left, right, above, below]);
                padded.conv2d(kernel, Some(offset), [stride as i64; 2], [0, 0], [1, 1], 4)
            });
            for (kind, tolerance) in [(Kind::Float, 1e-5), (Kind::BFloat16, 2e-2)] {
                let own = with_gradients(kind, shapes, |[input, kernel, offset]| {
                    sums(&conv, input, kernel, offset).expect("sums")
                });
                for (own, plain) in own.iter().zip(&plain) {
                    let off = (own - plain).norm().double_value(&[]) / plain.norm().double_value(&[]);
                    assert!(off < tolerance, "{side} x {side}, stride {stride}, {rows} rows, {kind:?}: {off}");
                }
            }
        }
    }
}
