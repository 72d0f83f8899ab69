//! The product of each of some matrix rows with each sample of a batch.

use super::batch::{Batch, Packed, TILES_AT_ONCE};
use super::tiles::{TILE, Tiles};
use crate::model::blas::{Tiled, add_tiled_product_transposed};
use faceprobe_kernel::half::HalfRows;
use faceprobe_kernel::{Bounds, Pass, Positions};

/// Rows that one thread multiplies at a time: whole tiles of the kernels, and enough pieces of 1024 units for several
/// threads.
pub(in crate::model) const ROWS_AT_ONCE: usize = 60;

/// For the rows of a matrix from `first` on, as many as `out` has room for: the product of the row with each sample.
/// `rounded` is the same matrix in bf16, for batches in bf16.
///
/// # Panics
/// If the batch does not have as many columns, or is in bf16 and there is no rounded matrix.
pub(in crate::model) fn products(
    out: &mut [f32],
    matrix: &Tiles,
    rounded: Option<&HalfRows>,
    first: usize,
    batch: &Batch,
) {
    let samples = batch.samples();
    let rows = out.len() / samples;
    let tiles_of = |at: usize| at * TILES_AT_ONCE..matrix.count().min((at + 1) * TILES_AT_ONCE);
    match &batch.packed {
        Packed::Single(panels) => {
            let positions = Positions::new((0..rows).map(|row| ((first + row) * TILE, row * samples)));
            // The sums so far go to and fro between two buffers and end up in the right one.
            let mut other = vec![0f32; if panels.len() > 1 { out.len() } else { 0 }];
            let (mut from, mut to) = (other.as_mut_slice(), out);
            if panels.len().is_multiple_of(2) {
                std::mem::swap(&mut from, &mut to);
            }
            for (at, panels) in panels.iter().enumerate() {
                panels.multiply(Pass {
                    input: matrix.raw(),
                    positions: &positions,
                    runs: &tiles_of(at).map(|tile| tile * matrix.stride() * TILE).collect::<Vec<_>>(),
                    run: TILE,
                    residual: (at > 0).then_some(&*from),
                    bounds: Bounds::NONE,
                    output: to,
                });
                std::mem::swap(&mut from, &mut to);
            }
        }
        Packed::Half(panels) => {
            let Some(rounded) = rounded else { unreachable!("a batch in bf16 is multiplied with a rounded matrix") };
            for (at, panels) in panels.iter().enumerate() {
                panels.multiply(rounded, [first, tiles_of(at).start], out, at > 0);
            }
        }
        Packed::Nothing => {
            out.fill(0.0);
            let (matrix_rows, batch_rows) = (some_rows(matrix, first, rows), some_rows(&batch.tiles, 0, samples));
            add_tiled_product_transposed(out, matrix.count(), TILE, matrix_rows, batch_rows);
        }
    }
}

/// Some rows of a matrix from `first` on.
fn some_rows(tiles: &Tiles, first: usize, rows: usize) -> Tiled<'_> {
    Tiled { values: &tiles.raw()[first * TILE..], step: tiles.stride() * TILE, rows }
}
