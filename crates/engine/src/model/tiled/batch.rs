//! The samples of a batch, laid out for the kernels.

use super::tiles::{Piece, TILE, Tiles};
use crate::backbone::Arithmetic;
use faceprobe_kernel::half::{self, HalfPanels};
use faceprobe_kernel::{Panels, vectorised};
use rayon::prelude::*;

/// Tiles whose columns are multiplied in one pass: a panel of 16 samples fits the first-level cache, all panels of a
/// batch and some units' weights the second.
pub(super) const TILES_AT_ONCE: usize = 16;

/// Samples x inputs, in the layouts that the kernels read.
pub(in crate::model) struct Batch {
    pub(in crate::model) tiles: Tiles,
    pub(super) packed: Packed,
}

/// The same values as the packed factor of a product, several tiles per panel.
pub(super) enum Packed {
    Single(Vec<Panels>),
    Half(Vec<HalfPanels>),
    /// Without vector instructions.
    Nothing,
}

/// Whether products are in bf16. Without the kernel (FACEPROBE_VECTORS), f32 is used instead.
pub(in crate::model) fn in_half(arithmetic: Arithmetic) -> bool {
    arithmetic == Arithmetic::Bf16 && half::available()
}

impl Batch {
    /// Zeros.
    pub(in crate::model) fn zeros(samples: usize, inputs: usize, arithmetic: Arithmetic) -> Self {
        let tiles = Tiles::zeros(samples, inputs);
        let firsts = (0..tiles.count()).step_by(TILES_AT_ONCE);
        let counts = firsts.map(|first| TILES_AT_ONCE.min(tiles.count() - first));
        let packed = if in_half(arithmetic) {
            Packed::Half(counts.map(|tiles| HalfPanels::zeros(tiles, samples)).collect())
        } else if faceprobe_kernel::available() {
            Packed::Single(counts.map(|tiles| Panels::zeros(tiles * TILE, samples)).collect())
        } else {
            Packed::Nothing
        };
        Self { tiles, packed }
    }

    /// Resizes for this number of samples and inputs; the contents are lost if they differ.
    pub(in crate::model) fn reshape(&mut self, samples: usize, inputs: usize, arithmetic: Arithmetic) {
        if (self.samples(), self.tiles.columns()) != (samples, inputs) {
            *self = Self::zeros(samples, inputs, arithmetic);
        }
    }

    pub(in crate::model) fn samples(&self) -> usize {
        self.tiles.rows()
    }

    /// Replaces the values: `fill` gets a tile, a sample, and the piece to write.
    pub(in crate::model) fn refill(&mut self, fill: impl Fn(usize, usize, &mut Piece) + Sync) {
        let (samples, stride) = (self.tiles.rows(), self.tiles.stride());
        self.tiles.fill(0..samples, fill);
        let pieces = self.tiles.pieces();
        match &mut self.packed {
            Packed::Nothing => {}
            Packed::Half(panels) => panels.par_iter_mut().enumerate().for_each(|(at, panels)| {
                panels.refill(|sample, tile| &pieces[(at * TILES_AT_ONCE + tile) * stride + sample]);
            }),
            Packed::Single(panels) => panels.par_iter_mut().enumerate().for_each(|(at, panels)| {
                let tiles = pieces.chunks_exact(stride).skip(at * TILES_AT_ONCE).take(TILES_AT_ONCE);
                for (first, room, panel) in panels.panels_mut() {
                    for (pieces, panel) in tiles.clone().zip(panel.chunks_exact_mut(room * TILE)) {
                        let pieces = &pieces[first..samples.min(first + room)];
                        vectorised(
                            #[inline(always)]
                            || turn(pieces, panel, room),
                        );
                    }
                }
            }),
        }
    }
}

/// Transposes the pieces: their first values, then their second ones and so on, each with the same stride.
#[inline(always)]
fn turn(pieces: &[Piece], out: &mut [f32], room: usize) {
    const WHOLE: usize = 16;
    let (columns, _) = out.as_chunks_mut::<WHOLE>();
    if let (Ok(pieces), WHOLE) = (<&[Piece; WHOLE]>::try_from(pieces), room) {
        // With constant sizes the compiler unrolls it.
        for (at, column) in columns.iter_mut().take(TILE).enumerate() {
            *column = std::array::from_fn(|piece| pieces[piece][at]);
        }
        return;
    }
    for (place, piece) in pieces.iter().enumerate() {
        let values = piece.iter();
        values.zip(out.chunks_exact_mut(room)).for_each(|(value, column)| column[place] = *value);
    }
}
