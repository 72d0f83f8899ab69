//! Matrices in tiles of a few columns, the layout that the kernels read.

use bytemuck::{Pod, Zeroable};
use faceprobe_kernel::vectorised;
use rayon::prelude::*;
use std::ops::{Deref, DerefMut, Range};

/// Columns of a tile: two cache lines.
pub(in crate::model) const TILE: usize = 32;

/// The values of one row in one tile, aligned to a cache line: a vector that crosses two lines takes twice as long to
/// load.
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C, align(64))]
pub(in crate::model) struct Piece([f32; TILE]);

impl Deref for Piece {
    type Target = [f32; TILE];

    #[inline(always)]
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Piece {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

/// Tiles filled together: their values of a row are contiguous in the source.
const FILLED_AT_ONCE: usize = 8;

/// Rows of zeros between the tiles, so that equal rows of neighbouring tiles do not map to the same lines of the
/// first-level cache.
const GAP: usize = 8;

const EMPTY: Piece = Piece([0.0; TILE]);

/// A matrix whose columns are divided into tiles; each tile holds its piece of row 0, of row 1, and so on. Columns
/// beyond the last are zero.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::model) struct Tiles {
    rows: usize,
    columns: usize,
    pieces: Vec<Piece>,
}

impl Tiles {
    /// A matrix of zeros.
    pub(in crate::model) fn zeros(rows: usize, columns: usize) -> Self {
        Self { rows, columns, pieces: vec![EMPTY; columns.div_ceil(TILE) * (rows + GAP)] }
    }

    /// Replaces the values of some rows: `fill` gets a tile, a row counted from the first of these, and the piece to
    /// write.
    pub(in crate::model) fn fill(&mut self, rows: Range<usize>, fill: impl Fn(usize, usize, &mut Piece) + Sync) {
        let stride = self.stride();
        let groups = self.pieces.par_chunks_mut(FILLED_AT_ONCE * stride);
        groups.enumerate().for_each(|(group, pieces)| {
            vectorised(
                #[inline(always)]
                || {
                    for row in rows.clone() {
                        for (at, piece) in pieces.iter_mut().skip(row).step_by(stride).enumerate() {
                            fill(group * FILLED_AT_ONCE + at, row - rows.start, piece);
                        }
                    }
                },
            );
        });
    }

    /// From values row by row.
    pub(in crate::model) fn from_rows(rows: usize, columns: usize, values: &[f32]) -> Self {
        let mut tiles = Self::zeros(rows, columns);
        let stride = tiles.stride();
        for (row, values) in values.chunks_exact(columns.max(1)).take(rows).enumerate() {
            for (tile, values) in values.chunks(TILE).enumerate() {
                tiles.pieces[tile * stride + row][..values.len()].copy_from_slice(values);
            }
        }
        tiles
    }

    /// The values row by row.
    pub(in crate::model) fn to_rows(&self) -> Vec<f32> {
        let mut values = Vec::with_capacity(self.rows * self.columns);
        for row in 0..self.rows {
            for tile in 0..self.count() {
                let wanted = TILE.min(self.columns - tile * TILE);
                values.extend_from_slice(&self.pieces[tile * self.stride() + row][..wanted]);
            }
        }
        values
    }

    /// Number of rows.
    pub(in crate::model) fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns, without padding.
    pub(in crate::model) fn columns(&self) -> usize {
        self.columns
    }

    /// Number of tiles.
    pub(in crate::model) fn count(&self) -> usize {
        self.columns.div_ceil(TILE)
    }

    /// Pieces from a row of one tile to the same row of the next.
    pub(in crate::model) fn stride(&self) -> usize {
        self.rows + GAP
    }

    /// All pieces, tile after tile.
    pub(in crate::model) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// All pieces, tile after tile.
    pub(in crate::model) fn pieces_mut(&mut self) -> &mut [Piece] {
        &mut self.pieces
    }

    /// All values in memory order, for snapshots.
    pub(in crate::model) fn raw(&self) -> &[f32] {
        bytemuck::cast_slice(&self.pieces)
    }

    /// All values in memory order.
    pub(in crate::model) fn raw_mut(&mut self) -> &mut [f32] {
        bytemuck::cast_slice_mut(&mut self.pieces)
    }
}
