//! The samples of a batch, laid out for the kernels.

use super::tiles::{Piece, TILE, Tiles};
use crate::backbone::Arithmetic;
use faceprobe_kernel::half::{self, HalfPanels};
use faceprobe_kernel::{Panels, vectorised};
use rayon::prelude::*;

/// Tiles whose columns are multiplied in one go: a panel of 16 samples of them fills the first-level cache, all panels
/// of a batch and some units' weights the second.
pub(super) const TILES_AT_ONCE: usize = 16;

/// Samples x inputs, in both layouts that the kernels read.
pub(in crate::model) struct Batch {
    pub(in crate::model) tiles: Tiles,
    pub(super) packed: Packed,
}

/// The same numbers as the side of a product that stays in the caches, some tiles after the other.
pub(super) enum Packed {
    Single(Vec<Panels>),
    Half(Vec<HalfPanels>),
    /// The processor has no vector instructions for it.
    Nothing,
}

/// Whether products are in bf16. Without the kernel (FACEPROBE_VECTORS), it is as if f32 had been asked for.
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

    /// Makes room for so many samples and inputs; what was there is gone when there were others.
    pub(in crate::model) fn reshape(&mut self, samples: usize, inputs: usize, arithmetic: Arithmetic) {
        if (self.samples(), self.tiles.columns()) != (samples, inputs) {
            *self = Self::zeros(samples, inputs, arithmetic);
        }
    }

    pub(in crate::model) fn samples(&self) -> usize {
        self.tiles.rows()
    }

    /// Takes new numbers: `fill` is told of a tile, a sample, and the place of its piece.
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

/// Lays the pieces' first numbers beside each other, then their second ones and so on, each time with the same room.
#[inline(always)]
fn turn(pieces: &[Piece], out: &mut [f32], room: usize) {
    const WHOLE: usize = 16;
    let (columns, _) = out.as_chunks_mut::<WHOLE>();
    if let (Ok(pieces), WHOLE) = (<&[Piece; WHOLE]>::try_from(pieces), room) {
        // All sizes known: the compiler makes few instructions of it.
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
