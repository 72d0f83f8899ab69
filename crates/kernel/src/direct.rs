//! Any convolution of one group.

use super::Pictures;
use super::panels::{Panels, Pass, Places};
use std::sync::Arc;

/// A convolution as one matrix product: the columns of a window row lie beside each other in memory, so a place's
/// input is one run per window row.
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
                for (place, &value) in kernel.iter().enumerate() {
                    weights[(place * channels + channel) * outputs + output] = value;
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

    /// Channels that come out.
    pub fn outputs(&self) -> usize {
        self.panels.outputs()
    }

    /// `output = clamp(conv(input) + offset (+ residual))`.
    pub fn apply(&self, pictures: Pictures<'_>) {
        let Pictures { input, images, side, pitch, window, residual, bounds, output } = pictures;
        assert_eq!(window.kernel, self.kernel, "the window is of the kernel's size");
        let Some([rows, columns]) = window.output(side) else { return };
        let (channels, stride) = (self.channels, window.stride);
        let places = rows * columns;
        let padded_side: [usize; 2] = std::array::from_fn(|axis| side[axis] + window.before[axis] + window.after[axis]);
        let at = |place: usize, width: usize| place / columns * stride * width + place % columns * stride;
        // A row of the window is one run where its places lie beside each other.
        if padded_side == side && (window.kernel[1] == 1 || pitch[0] == channels) {
            // Nothing is added around the pictures, so all of them are one pass.
            let image = side[0] * side[1];
            let runs: Vec<usize> = (0..window.kernel[0]).map(|row| row * side[1] * pitch[0]).collect();
            let origin = |place: usize| (place / places * image + at(place % places, side[1])) * pitch[0];
            let places = Places::new((0..images * places).map(|place| (origin(place), place * pitch[1])));
            let run = window.kernel[1] * channels;
            self.panels.multiply(Pass { input, places: &places, runs: &runs, run, residual, bounds, output });
            return;
        }
        let runs: Vec<usize> = (0..window.kernel[0]).map(|row| row * padded_side[1] * channels).collect();
        let origin = |place: usize| at(place, padded_side[1]) * channels;
        let of_picture = Places::new((0..places).map(|place| (origin(place), place * pitch[1])));
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
            let first = image * places * pitch[1];
            self.panels.multiply(Pass {
                input: &padded,
                places: &of_picture,
                runs: &runs,
                run: window.kernel[1] * channels,
                residual: residual.map(|residual| &residual[first..]),
                bounds,
                output: &mut output[first..],
            });
        }
    }
}
