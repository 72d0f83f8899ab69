//! A residual block of several branches as one fused layer.

use super::Padding;
use super::convolution::{Conv, Folded};
use super::layers::Layer;
use super::tensor_slices::{computed, values};
use faceprobe_kernel::{Bounds, Convolution, Pictures, Window};
use std::sync::Arc;
use tch::{TchError, Tensor};

/// Bytes of input, output and intermediate values of the images computed together, so that they stay in the caches
/// between products.
const GROUP_BYTES: usize = 12 << 20;

/// `join(concatenated branches(input)) + input`; scale and activation are those of `join`.
#[derive(Debug)]
pub struct Residual(Form);

#[derive(Debug)]
enum Form {
    /// The fused block, where the kernels support it.
    Fused(Arc<Fused>),
    Apart {
        branches: Vec<Vec<Conv>>,
        join: Conv,
    },
}

impl Residual {
    /// From its convolutions.
    pub fn new(branches: Vec<Vec<Folded>>, join: Folded) -> Self {
        if Fused::fits(&branches, &join) {
            return Self(Form::Fused(Arc::new(Fused::new(branches, &join))));
        }
        let branches = branches.into_iter().map(|branch| branch.into_iter().map(Conv::new).collect()).collect();
        Self(Form::Apart { branches, join: Conv::new(join) })
    }
}

impl Layer for Residual {
    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        match &self.0 {
            Form::Fused(fused) => {
                let window = |_| Window { kernel: [1, 1], stride: 1, before: [0, 0], after: [0, 0] };
                computed(input, None, fused.join.outputs(), fused.join_bounds, window, |it| fused.apply(it))
            }
            Form::Apart { branches, join } => {
                let through =
                    |branch: &Vec<Conv>| branch.iter().try_fold(input.shallow_clone(), |x, conv| conv.forward(&x));
                let outputs = branches.iter().map(through).collect::<Result<Vec<_>, _>>()?;
                join.forward_add(&Tensor::f_cat(&outputs, 1)?, input)
            }
        }
    }

    fn share(&self) -> Box<dyn Layer> {
        Box::new(Self(match &self.0 {
            Form::Fused(fused) => Form::Fused(Arc::clone(fused)),
            Form::Apart { branches, join } => Form::Apart {
                branches: branches.iter().map(|branch| branch.iter().map(Conv::share).collect()).collect(),
                join: join.share(),
            },
        }))
    }
}

/// The block as products over one wide buffer, images x positions x `width`. Each position holds, in this order: the
/// outputs of the longer branches, the outputs of the branches of one convolution, and the first outputs of the longer
/// branches. So the first convolutions of all branches are one product, and the last product reads its input as one
/// run; nothing is concatenated by copying.
#[derive(Debug)]
struct Fused {
    width: usize,
    /// Values per position before the results of `reduce`.
    before: usize,
    /// Input and output channels.
    depth: usize,
    reduce: Convolution,
    reduce_bounds: Bounds,
    longer: Vec<Branch>,
    join: Convolution,
    join_bounds: Bounds,
}

/// A branch after its first convolution.
#[derive(Debug)]
struct Branch {
    convolutions: Vec<Inner>,
    /// Offsets of the first convolution's output and of the branch's output within a position.
    from: usize,
    to: usize,
}

/// A convolution that keeps height and width.
#[derive(Debug)]
struct Inner {
    convolution: Convolution,
    window: Window,
    bounds: Bounds,
}

impl Inner {
    fn new(conv: Folded) -> Self {
        let kernel = [conv.sides[2], conv.sides[3]];
        // SAME with stride 1.
        let (before, after) = (kernel.map(|side| (side - 1) / 2), kernel.map(|side| side / 2));
        Self {
            convolution: Convolution::new(values(&conv.weight), conv.sides, 1, values(&conv.bias)),
            window: Window { kernel, stride: 1, before, after },
            bounds: conv.shape.bounds(),
        }
    }
}

impl Fused {
    /// Whether the block can be fused: branches begin with a 1 x 1 convolution, all with the same activation, keep
    /// height and width, and are joined by one convolution.
    fn fits(branches: &[Vec<Folded>], join: &Folded) -> bool {
        let Some(activation) = branches.first().and_then(|branch| branch.first()).map(|conv| conv.shape.activation)
        else {
            return false;
        };
        let first = |conv: &Folded| conv.is_pointwise() && conv.shape.activation == activation;
        let keeps = |conv: &Folded| {
            conv.is_own() && conv.shape.groups == 1 && conv.shape.stride == 1 && conv.shape.padding == Padding::Same
        };
        let branch = |branch: &Vec<Folded>| match branch.as_slice() {
            [reduce, rest @ ..] => first(reduce) && rest.iter().all(keeps),
            [] => false,
        };
        join.is_pointwise() && branches.iter().all(branch)
    }

    /// Fuses a block for which [`Fused::fits`] holds.
    fn new(branches: Vec<Vec<Folded>>, join: &Folded) -> Self {
        // Offset and number of each branch's channels in the checkpoint's order.
        let mut begin = 0;
        let place = |branch: Vec<Folded>| {
            let count = branch.last().map_or(0, |conv| conv.sides[0]);
            begin += count;
            (begin - count, count, branch)
        };
        let placed: Vec<(usize, usize, Vec<Folded>)> = branches.into_iter().map(place).collect();
        let (short, long): (Vec<_>, Vec<_>) = placed.into_iter().partition(|(.., branch)| branch.len() == 1);
        let before: usize = long.iter().map(|(_, count, _)| count).sum();
        let joined: Vec<usize> =
            long.iter().chain(&short).flat_map(|(begin, count, _)| *begin..begin + count).collect();
        let [outputs, channels, ..] = join.sides;
        let kernels = values(&join.weight).chunks_exact(channels);
        let kernel: Vec<f32> = kernels.flat_map(|kernel| joined.iter().map(|&channel| kernel[channel])).collect();
        let join_conv = Convolution::new(&kernel, [outputs, channels, 1, 1], 1, values(&join.bias));

        let firsts: Vec<&Folded> = short.iter().chain(&long).filter_map(|(.., branch)| branch.first()).collect();
        let kernel: Vec<f32> = firsts.iter().flat_map(|conv| values(&conv.weight)).copied().collect();
        let offsets: Vec<f32> = firsts.iter().flat_map(|conv| values(&conv.bias)).copied().collect();
        let depth = kernel.len() / offsets.len();
        let reduce = Convolution::new(&kernel, [offsets.len(), depth, 1, 1], 1, &offsets);
        let reduce_bounds = firsts.first().map_or(Bounds::NONE, |conv| conv.shape.bounds());

        let mut from = joined.len();
        let mut to = 0;
        let mut longer = Vec::new();
        for (_, count, branch) in long {
            let mut convolutions = branch.into_iter();
            let first = convolutions.next().map_or(0, |conv| conv.sides[0]);
            longer.push(Branch { convolutions: convolutions.map(Inner::new).collect(), from, to });
            from += first;
            to += count;
        }
        let join_bounds = join.shape.bounds();
        Self { width: from, before, depth, reduce, reduce_bounds, longer, join: join_conv, join_bounds }
    }

    /// Applies the block to a batch.
    fn apply(&self, pictures: Pictures<'_>) {
        let Pictures { input, images, side, pitch, window, bounds, output, .. } = pictures;
        assert_eq!(pitch, [self.depth; 2], "pictures by themselves");
        let image = side[0] * side[1];
        let group = (GROUP_BYTES / (4 * image * (2 * self.depth + self.width))).clamp(1, images.max(1));
        let mut wide = vec![0.0; group * image * self.width];
        let chunk = group * image * self.depth;
        for (input, output) in input.chunks(chunk).zip(output.chunks_mut(chunk)) {
            let images = input.len() / (image * self.depth);
            self.reduce.apply(Pictures {
                input,
                images,
                side,
                pitch: [self.depth, self.width],
                window,
                residual: None,
                bounds: self.reduce_bounds,
                output: &mut wide[self.before..],
            });
            for branch in &self.longer {
                branch.apply(&mut wide, images, side, self.width);
            }
            self.join.apply(Pictures {
                input: &wide,
                images,
                side,
                pitch: [self.width, self.depth],
                window,
                residual: Some(input),
                bounds,
                output,
            });
        }
    }
}

impl Branch {
    /// Reads offset `from` and writes offset `to` of every position of the wide buffer.
    fn apply(&self, wide: &mut [f32], images: usize, side: [usize; 2], width: usize) {
        // The output of the previous convolution; none while that is in the wide buffer.
        let mut inside: Option<(Vec<f32>, usize)> = None;
        for (index, Inner { convolution, window, bounds }) in self.convolutions.iter().enumerate() {
            let (window, bounds, outputs) = (*window, *bounds, convolution.outputs());
            let apply = |input: &[f32], pitch: [usize; 2], output: &mut [f32]| {
                convolution.apply(Pictures { input, images, side, pitch, window, residual: None, bounds, output });
            };
            if let (true, Some((values, channels))) = (index + 1 == self.convolutions.len(), &inside) {
                return apply(values, [*channels, width], &mut wide[self.to..]);
            }
            let mut result = vec![0.0; images * side[0] * side[1] * outputs];
            match &inside {
                Some((values, channels)) => apply(values, [*channels, outputs], &mut result),
                None => apply(&wide[self.from..], [width, outputs], &mut result),
            }
            inside = Some((result, outputs));
        }
        // A branch of two convolutions: the last one read from the buffer that it writes to.
        if let Some((values, channels)) = inside {
            for (place, values) in wide.chunks_exact_mut(width).zip(values.chunks_exact(channels)) {
                place[self.to..self.to + channels].copy_from_slice(values);
            }
        }
    }
}
