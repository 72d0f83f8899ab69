//! Products of a large matrix with a batch of rows, both in tiles of a few columns: what the dense head computes of its
//! units' weights and some samples, and the logistic regression of all samples and some.
//!
//! [`products`] computes with the program's kernel or, without vector instructions, with libtorch's BLAS. Everything is
//! cut so that what is used again lies in a near cache: the columns into tiles, the rows into groups.

mod batch;
mod products;
mod tiles;

pub(super) use batch::{Batch, in_half};
pub(super) use products::{ROWS_AT_ONCE, products};
pub(super) use tiles::{Piece, TILE, Tiles};
