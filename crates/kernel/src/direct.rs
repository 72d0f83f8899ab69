//! Direct convolution with one group, of any kernel size.

use super::Pictures;
use super::panels::{Panels, Pass, Positions};
use std::sync::Arc;

/// A convolution as one matrix product: the values under a window row are contiguous in memory, so the input of an
/// output position is one run per window row.
#[derive(Debug, Clone)]
pub struct Direct {
    panels: Arc<Panels>,
    kernel: [usize; 2],
    channels: usize,
}

impl Direct {
    /// From a kernel `[out, in, rows, columns]`, row-major, and one offset per output.
    pub fn new(kernel: &[f32], shape: [usize; 4], offsets: &[f32]) -> Self {
        let [outputs, channels, rows, columns] = shape;
        let depth = rows * columns * channels;
        let mut weights = vec![0.0; depth * outputs];
        for (output, kernel) in kernel.chunks_exact(depth).enumerate() {
            for (channel, kernel) in kernel.chunks_exact(rows * columns).enumerate() {
                for (position, &value) in kernel.iter().enumerate() {
                    weights[(position * channels + channel) * outputs + output] = value;
                }
            }
        }
        let panels = Arc::new(Panels::pack(&weights, depth, outputs, offsets));
        Self { panels, kernel: [rows, columns], channels }
    }

    /// The packed weights of a 1 x 1 convolution; none for any other.
    pub fn pointwise(&self) -> Option<Arc<Panels>> {
        (self.kernel == [1, 1]).then(|| Arc::clone(&self.panels))
    }

    /// Output channels.
    pub fn outputs(&self) -> usize {
        self.panels.outputs()
    }

    /// `output = clamp(conv(input) + offset (+ residual))`.
    pub fn apply(&self, pictures: Pictures<'_>) {
        let Pictures { input, images, side, pitch, window, residual, bounds, output } = pictures;
        assert_eq!(window.kernel, self.kernel, "the window is of the kernel's size");
        let Some([rows, columns]) = window.output(side) else { return };
        let (channels, stride) = (self.channels, window.stride);
        let positions = rows * columns;
        let padded_side: [usize; 2] = std::array::from_fn(|axis| side[axis] + window.before[axis] + window.after[axis]);
        let at = |position: usize, width: usize| position / columns * stride * width + position % columns * stride;
        // A window row is one run where its positions are contiguous.
        if padded_side == side && (window.kernel[1] == 1 || pitch[0] == channels) {
            // Without padding, all images are one pass.
            let image = side[0] * side[1];
            let runs: Vec<usize> = (0..window.kernel[0]).map(|row| row * side[1] * pitch[0]).collect();
            let origin =
                |position: usize| (position / positions * image + at(position % positions, side[1])) * pitch[0];
            let positions =
                Positions::new((0..images * positions).map(|position| (origin(position), position * pitch[1])));
            let run = window.kernel[1] * channels;
            self.panels.multiply(Pass { input, positions: &positions, runs: &runs, run, residual, bounds, output });
            return;
        }
        let runs: Vec<usize> = (0..window.kernel[0]).map(|row| row * padded_side[1] * channels).collect();
        let origin = |position: usize| at(position, padded_side[1]) * channels;
        let of_picture = Positions::new((0..positions).map(|position| (origin(position), position * pitch[1])));
        let mut padded = vec![0.0; padded_side[0] * padded_side[1] * channels];
        for image in 0..images {
            for row in 0..side[0] {
                let values = &input[(image * side[0] + row) * side[1] * pitch[0]..];
                let to = ((row + window.before[0]) * padded_side[1] + window.before[1]) * channels;
                let to = &mut padded[to..to + side[1] * channels];
                if pitch[0] == channels {
                    to.copy_from_slice(&values[..to.len()]);
                    continue;
                }
                for (to, values) in to.chunks_exact_mut(channels).zip(values.chunks(pitch[0])) {
                    to.copy_from_slice(&values[..channels]);
                }
            }
            let first = image * positions * pitch[1];
            self.panels.multiply(Pass {
                input: &padded,
                positions: &of_picture,
                runs: &runs,
                run: window.kernel[1] * channels,
                residual: residual.map(|residual| &residual[first..]),
                bounds,
                output: &mut output[first..],
            });
        }
    }
}
