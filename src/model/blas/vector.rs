//! Products of a matrix and a vector on several threads, which the BLAS in libtorch does on one.
//!
//! Its values are dot products that have nothing to do with each other, so they are cut into as many parts as there are
//! threads. They wait for memory most of the time, and two threads get more out of it than one: 1.1 to 1.4 ms for
//! 6,000 x 1,280 in place of 2.1 on two cores.

use super::cblas::Alone;
use super::fortran::Int;

/// Below so many numbers in the matrix, handing out work costs more than it saves.
const WORTHWHILE: i64 = 1 << 18;

/// A matrix, column by column, and how it is multiplied: as it is, or turned.
#[derive(Clone, Copy)]
pub(super) struct Matrix<T> {
    pub(super) turned: bool,
    pub(super) rows: Int,
    pub(super) columns: Int,
    pub(super) values: *const T,
    /// Values from one column to the next.
    pub(super) step: Int,
}

// SAFETY: it is only read, and the caller of `over_threads` keeps it alive for the call.
unsafe impl<T: Sync> Sync for Matrix<T> {}

/// Where the values of the product go: the first, and how far the next is.
#[derive(Clone, Copy)]
pub(super) struct Out<T> {
    pub(super) values: *mut T,
    pub(super) step: Int,
}

// SAFETY: each thread writes values of its own.
unsafe impl<T: Send> Sync for Out<T> {}

/// Calls `product` for parts of the matrix and the places of their values, side by side unless this is one of several
/// threads at work already or the matrix is small. `product` is told a matrix of the same kind.
///
/// # Safety
/// The matrix must be as large as it says, and `out` must have a place for each value of the product.
pub(super) unsafe fn over_threads<T: Sync + Send>(
    matrix: Matrix<T>,
    out: Out<T>,
    product: impl Fn(Matrix<T>, *mut T) + Sync,
) {
    let values = if matrix.turned { matrix.columns } else { matrix.rows };
    let count = usize::try_from(values).unwrap_or(0);
    let size = i64::from(matrix.rows) * i64::from(matrix.columns);
    let threads = rayon::current_num_threads();
    if threads < 2 || rayon::current_thread_index().is_some() || size < WORTHWHILE || out.step < 1 {
        let _alone = Alone::enter();
        return product(matrix, out.values);
    }
    let share = count.div_ceil(threads);
    rayon::scope(|scope| {
        let (matrix, out, product) = (&matrix, &out, &product);
        for first in (0..count).step_by(share) {
            scope.spawn(move |_| {
                let _alone = Alone::enter();
                let part = share.min(count - first) as Int;
                let skipped = if matrix.turned { first * matrix.step as usize } else { first };
                // SAFETY: the first column or row of the part is one of the matrix's, and so with the values.
                let (values, out) = unsafe { (matrix.values.add(skipped), out.values.add(first * out.step as usize)) };
                let part = if matrix.turned {
                    Matrix { columns: part, values, ..*matrix }
                } else {
                    Matrix { rows: part, values, ..*matrix }
                };
                product(part, out);
            });
        }
    });
}
