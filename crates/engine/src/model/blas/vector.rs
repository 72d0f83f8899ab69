//! Products of a matrix and a vector on several threads, which the BLAS in libtorch does on one.
//!
//! Its values are dot products that have nothing to do with each other, so they are cut into as many parts as there are
//! threads. They wait for memory most of the time, and two threads get more out of it than one: 1.1 to 1.4 ms for
//! 6,000 x 1,280 in place of 2.1 on two cores. Of a triangular matrix only half is there to be waited for.

use super::cblas::Alone;
use super::fortran::Int;

/// Below so many numbers in the matrix, handing out work costs more than it saves.
const WORTHWHILE: i64 = 1 << 18;

/// Values of a triangular matrix's product that are made together: with more of them more zeros are multiplied, with fewer
/// memory is read in short pieces.
const STRIP: usize = 768;

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

impl<T> Matrix<T> {
    /// The part that makes `count` values of the product from the value `first` on, and how many values of the vector it
    /// has no use for at the beginning. `upper` says that the matrix is square and all below its diagonal zeros.
    ///
    /// # Safety
    /// There must be so many values, and the matrix must be as large as it says.
    unsafe fn part(&self, first: usize, count: usize, upper: bool) -> (Self, usize) {
        // Values come one by one from columns of the turned matrix, from rows otherwise.
        let (across, left_out) = if self.turned {
            (first * self.step as usize, if upper { self.rows - (first + count) as Int } else { 0 })
        } else if upper {
            (first * self.step as usize + first, first as Int)
        } else {
            (first, 0)
        };
        // SAFETY: the first number of the part is one of the matrix's.
        let values = unsafe { self.values.add(across) };
        if self.turned {
            (Self { rows: self.rows - left_out, columns: count as Int, values, ..*self }, 0)
        } else {
            (Self { rows: count as Int, columns: self.columns - left_out, values, ..*self }, left_out as usize)
        }
    }
}

/// Calls `product` for parts of the matrix, which make some values of the product each: it is told a matrix of the same
/// kind, how many values of the vector come before those that the part needs, and where its values go. That is done side
/// by side unless this is one of several threads at work already or the matrix is small. With `upper` the matrix is square
/// and all numbers below its diagonal are zeros.
///
/// # Safety
/// The matrix must be as large as it says, and `out` must have a place for each value of the product.
pub(super) unsafe fn over_threads<T: Sync + Send>(
    matrix: Matrix<T>,
    upper: bool,
    out: Out<T>,
    product: impl Fn(Matrix<T>, usize, *mut T) + Sync,
) {
    let values = if matrix.turned { matrix.columns } else { matrix.rows };
    let count = usize::try_from(values).unwrap_or(0);
    let size = i64::from(matrix.rows) * i64::from(matrix.columns);
    let threads = rayon::current_num_threads();
    if threads < 2 || rayon::current_thread_index().is_some() || size < WORTHWHILE || out.step < 1 {
        let _alone = Alone::enter();
        return product(matrix, 0, out.values);
    }
    let share = if upper { STRIP } else { count.div_ceil(threads) };
    let mut firsts: Vec<usize> = (0..count).step_by(share).collect();
    if matrix.turned {
        // The longest come first, so that no thread is left alone with one.
        firsts.reverse();
    }
    rayon::scope(|scope| {
        let (matrix, out, product) = (&matrix, &out, &product);
        for first in firsts {
            scope.spawn(move |_| {
                let _alone = Alone::enter();
                // SAFETY: these are values of the product, and each has its place.
                let ((part, skipped), out) = unsafe {
                    let part = matrix.part(first, share.min(count - first), upper);
                    (part, out.values.add(first * out.step as usize))
                };
                product(part, skipped, out);
            });
        }
    });
}
