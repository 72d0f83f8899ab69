//! The inverted bottleneck of the MobileNet family, computed in strips of rows.

use super::depthwise::Plane;
use super::panels::{Panels, Pass, Positions};
use super::{Bounds, Depthwise, PLANE, Pictures, Window};
use std::sync::Arc;

/// Bytes that a strip of one plane may take to stay in the first-level cache until the depthwise convolution reads it.
const PLANE_BYTES: usize = 24 << 10;

/// Optional expansion, depthwise convolution, and projection with an optional residual, one image at a time.
#[derive(Debug, Clone)]
pub struct Bottleneck {
    /// 1 x 1 from the input to the expanded channels; none where the block does not expand.
    pub expand: Option<(Arc<Panels>, Bounds)>,
    pub middle: Depthwise,
    pub middle_bounds: Bounds,
    /// 1 x 1 from the expanded channels to the output.
    pub project: Arc<Panels>,
    /// Whether the input is added to the output.
    pub residual: bool,
}

impl Bottleneck {
    /// Input channels.
    fn channels(&self) -> usize {
        self.expand.as_ref().map_or(self.middle.channels(), |(panels, _)| panels.depth())
    }

    /// Output channels.
    pub fn outputs(&self) -> usize {
        self.project.outputs()
    }

    /// Applies the block to a batch. The residual is the input; the batch's bounds are those of the projection.
    pub fn apply(&self, pictures: Pictures<'_>) {
        let Pictures { input, side, pitch, window, bounds, output, .. } = pictures;
        assert_eq!(pitch, [self.channels(), self.outputs()], "pictures by themselves");
        let Some(out_side) = window.output(side) else { return };
        let image = side[0] * side[1] * self.channels();
        let result = out_side[0] * out_side[1] * self.outputs();
        let mut work = Work::new(self, side, window, bounds, out_side);
        for (input, output) in input.chunks_exact(image).zip(output.chunks_exact_mut(result)) {
            work.image(input, output);
        }
    }
}

/// Buffers for images of one size. The expanded activations are kept in planes of [`PLANE`] channels, each a strip of
/// rows.
struct Work<'a> {
    block: &'a Bottleneck,
    side: [usize; 2],
    window: Window,
    bounds: Bounds,
    out_side: [usize; 2],
    /// Positions in a padded row.
    width: usize,
    /// Output rows per strip.
    step: usize,
    /// Padded rows per strip.
    rows: usize,
    /// planes x rows x width x PLANE.
    strip: Vec<f32>,
    /// planes x step x columns x PLANE.
    filtered: Vec<f32>,
    /// For the rows that are expanded.
    wide: Positions,
    /// For the output rows.
    narrow: Positions,
}

impl<'a> Work<'a> {
    fn new(block: &'a Bottleneck, side: [usize; 2], window: Window, bounds: Bounds, out_side: [usize; 2]) -> Self {
        let width = side[1] + window.before[1] + window.after[1];
        let fitting = PLANE_BYTES / (4 * PLANE * width);
        let step = (fitting.saturating_sub(window.kernel[0]) / window.stride + 1).min(out_side[0]);
        let rows = (step - 1) * window.stride + window.kernel[0];
        let middle = block.middle.channels();
        let strip = vec![0.0; rows * width * middle];
        let filtered = vec![0.0; step * out_side[1] * middle];
        let (wide, narrow) = (Positions::default(), Positions::default());
        Self { block, side, window, bounds, out_side, width, step, rows, strip, filtered, wide, narrow }
    }

    fn image(&mut self, input: &[f32], output: &mut [f32]) {
        let planes = self.block.middle.channels() / PLANE;
        let columns = self.out_side[1];
        // Padded rows before this one were moved here from the previous strip.
        let mut ready = 0;
        let mut row = 0;
        while row < self.out_side[0] {
            let rows = self.step.min(self.out_side[0] - row);
            let first = row * self.window.stride;
            let end = first + (rows - 1) * self.window.stride + self.window.kernel[0];
            let positions = rows * columns;
            self.aim(first, ready, end);
            for plane in 0..planes {
                self.widen(input, plane, first, ready, end);
                let padded = &self.strip[plane * self.rows * self.width * PLANE..][..self.rows * self.width * PLANE];
                let output = &mut self.filtered[plane * positions * PLANE..][..positions * PLANE];
                let bounds = self.block.middle_bounds;
                self.block.middle.apply(plane, Plane { padded, width: self.width, columns, bounds, output });
            }
            self.narrow(input, row, positions, output);
            row += rows;
            ready = end;
            self.keep(first, row * self.window.stride, end);
        }
    }

    /// The rows of the image among the padded rows `from..end`.
    fn real(&self, from: usize, end: usize) -> std::ops::Range<usize> {
        let before = self.window.before[0];
        let top = from.max(before).min(before + self.side[0]);
        let bottom = end.min(before + self.side[0]).max(top);
        top - before..bottom - before
    }

    /// Sets the source and the target of the expansion for the padded rows `ready..end`, in a strip that begins at
    /// `first`.
    fn aim(&mut self, first: usize, ready: usize, end: usize) {
        let Some((panels, _)) = &self.block.expand else { return };
        let (depth, columns, width) = (panels.depth(), self.side[1], self.width);
        let [top, left] = self.window.before;
        let rows = self.real(ready, end);
        self.wide.refill(rows.flat_map(|row| {
            let (from, to) = (row * columns, (row + top - first) * width + left);
            (0..columns).map(move |column| ((from + column) * depth, (to + column) * PLANE))
        }));
    }

    /// Fills the padded rows `ready..end` of one plane.
    fn widen(&mut self, input: &[f32], plane: usize, first: usize, ready: usize, end: usize) {
        let line = self.width * PLANE;
        let rows = self.real(ready, end);
        let [top, left] = self.window.before;
        let strip = &mut self.strip[plane * self.rows * line..][..self.rows * line];
        // The padding columns are zero from the start and are never written.
        for row in (ready..end).filter(|row| !(rows.start + top..rows.end + top).contains(row)) {
            strip[(row - first) * line..][..line].fill(0.0);
        }
        match &self.block.expand {
            Some((panels, bounds)) => panels.multiply_plane(
                Pass {
                    input,
                    positions: &self.wide,
                    runs: &[0],
                    run: panels.depth(),
                    residual: None,
                    bounds: *bounds,
                    output: strip,
                },
                plane * PLANE,
            ),
            None => {
                let (columns, channels) = (self.side[1], self.block.middle.channels());
                for row in rows {
                    let picture = input[row * columns * channels..].chunks_exact(channels);
                    let strip = strip[((row + top - first) * self.width + left) * PLANE..].chunks_exact_mut(PLANE);
                    for (strip, position) in strip.zip(picture).take(columns) {
                        strip.copy_from_slice(&position[plane * PLANE..][..PLANE]);
                    }
                }
            }
        }
    }

    /// Projects the filtered strip into the output rows from `row` on.
    fn narrow(&mut self, input: &[f32], row: usize, positions: usize, output: &mut [f32]) {
        let (planes, outputs) = (self.block.middle.channels() / PLANE, self.block.outputs());
        let range = row * self.out_side[1] * outputs..(row * self.out_side[1] + positions) * outputs;
        let runs: Vec<usize> = (0..planes).map(|plane| plane * positions * PLANE).collect();
        self.narrow.refill((0..positions).map(|position| (position * PLANE, position * outputs)));
        self.block.project.multiply(Pass {
            input: &self.filtered,
            positions: &self.narrow,
            runs: &runs,
            run: PLANE,
            residual: self.block.residual.then(|| &input[range.clone()]),
            bounds: self.bounds,
            output: &mut output[range],
        });
    }

    /// Moves the padded rows `next..end`, which the next strip reads again, to the start of the buffer.
    fn keep(&mut self, first: usize, next: usize, end: usize) {
        let line = self.width * PLANE;
        if next >= end {
            return;
        }
        for strip in self.strip.chunks_exact_mut(self.rows * line) {
            strip.copy_within((next - first) * line..(end - first) * line, 0);
        }
    }
}
