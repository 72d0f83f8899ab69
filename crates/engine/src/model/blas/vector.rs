//! Matrix-vector products on several threads; the BLAS in libtorch uses one.
//!
//! The values are independent dot products, so they are divided among the threads. They are bound by memory bandwidth,
//! of which two threads get more than one: 1.1 to 1.4 ms for 6,000 x 1,280 instead of 2.1 on two cores. Of a triangular
//! matrix only half is read.

use super::cblas::Alone;
use super::fortran::Int;

/// Below this number of values in the matrix, distributing the work costs more than it saves.
const WORTHWHILE: i64 = 1 << 18;

/// Values of a triangular matrix's product that are computed together: more would multiply more zeros, fewer would read
/// memory in short pieces.
const STRIP: usize = 768;

/// A column-major matrix, and whether it is transposed in the product.
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

/// Output of the product: address of the first value, and distance to the next.
#[derive(Clone, Copy)]
pub(super) struct Out<T> {
    pub(super) values: *mut T,
    pub(super) step: Int,
}

// SAFETY: each thread writes different values.
unsafe impl<T: Send> Sync for Out<T> {}

impl<T> Matrix<T> {
    /// The part that computes `count` values of the product from `first` on, and how many leading values of the vector
    /// it does not need. `upper`: the matrix is square and upper triangular.
    ///
    /// # Safety
    /// There must be that many values, and the matrix must have the size that it states.
    unsafe fn part(&self, first: usize, count: usize, upper: bool) -> (Self, usize) {
        // Values are columns of a transposed matrix, rows otherwise.
        let (across, left_out) = if self.turned {
            (first * self.step as usize, if upper { self.rows - (first + count) as Int } else { 0 })
        } else if upper {
            (first * self.step as usize + first, first as Int)
        } else {
            (first, 0)
        };
        // SAFETY: the first value of the part is inside the matrix.
        let values = unsafe { self.values.add(across) };
        if self.turned {
            (Self { rows: self.rows - left_out, columns: count as Int, values, ..*self }, 0)
        } else {
            (Self { rows: count as Int, columns: self.columns - left_out, values, ..*self }, left_out as usize)
        }
    }
}

/// Calls `product` for parts of the matrix, each of which computes some values of the product. It gets the part, the
/// number of leading vector values to skip, and the output. The parts run in parallel unless this thread is a rayon
/// thread already or the matrix is small. With `upper` the matrix is square and upper triangular.
///
/// # Safety
/// The matrix must have the size that it states, and `out` must have memory for each value of the product.
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
        // The longest parts come first, so that no thread ends with a long one alone.
        firsts.reverse();
    }
    rayon::scope(|scope| {
        let (matrix, out, product) = (&matrix, &out, &product);
        for first in firsts {
            scope.spawn(move |_| {
                let _alone = Alone::enter();
                // SAFETY: these are values of the product, and each has its memory.
                let ((part, skipped), out) = unsafe {
                    let part = matrix.part(first, share.min(count - first), upper);
                    (part, out.values.add(first * out.step as usize))
                };
                product(part, skipped, out);
            });
        }
    });
}
