//! Products of a large matrix with a batch of rows, both in tiles of a few columns. Used by the dense head (its weights
//! with some samples) and by the logistic regression (all samples with some).
//!
//! [`products`] computes with our kernel or, without vector instructions, with libtorch's BLAS. Columns are divided
//! into tiles and rows into groups so that reused values stay in a near cache.

mod batch;
mod products;
mod tiles;

pub(super) use batch::{Batch, in_half};
pub(super) use products::{ROWS_AT_ONCE, products};
pub(super) use tiles::{Piece, TILE, Tiles};
