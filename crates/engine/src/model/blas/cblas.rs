//! The C BLAS functions that ndarray calls, implemented with the Fortran functions that libtorch exports.
//!
//! The C interface differs in one respect: a matrix may be row-major. Such a matrix is the transpose of the same memory
//! in column-major order, so a product becomes the product of the transposes in reverse order, and a matrix-vector
//! product uses the transpose.
//!
//! Products on a rayon thread run on that thread only, since several such threads work at the same time.

use super::fortran::{self, Int};
use super::remembered;
use super::vector::{Matrix, Out, over_threads};
use std::ffi::{c_int, c_void};

const ROW_MAJOR: c_int = 101;
const TRANSPOSED: c_int = 112;
const CONJUGATE: c_int = 113;

fn letter(transposition: c_int) -> u8 {
    match transposition {
        TRANSPOSED => b'T',
        CONJUGATE => b'C',
        _ => b'N',
    }
}

unsafe extern "C" {
    /// MKL's: sets the number of threads for products called from this thread, 0 for the default; returns the previous
    /// value.
    #[link_name = "MKL_Set_Num_Threads_Local"]
    fn set_threads(threads: c_int) -> c_int;
}

/// While this value lives, products of a rayon thread run on that thread only.
pub(super) struct Alone(Option<c_int>);

impl Alone {
    pub(super) fn enter() -> Self {
        // SAFETY: takes an integer and changes only MKL's setting for this thread.
        Self(rayon::current_thread_index().map(|_| unsafe { set_threads(1) }))
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        if let Some(before) = self.0 {
            // SAFETY: as in `enter`.
            unsafe { set_threads(before) };
        }
    }
}

macro_rules! gemm {
    ($($name:ident $fortran:ident $gemv:ident $number:ty;)*) => {
        $(
            /// The C interface's product `c = alpha op(a) op(b) + beta c`.
            ///
            /// # Safety
            /// The matrices must have the sizes that the C interface requires.
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name(
                layout: c_int, transa: c_int, transb: c_int, m: Int, n: Int, k: Int, alpha: $number,
                a: *const $number, lda: Int, b: *const $number, ldb: Int, beta: $number, c: *mut $number, ldc: Int,
            ) {
                if layout == ROW_MAJOR && n == 1 {
                    // linfa's form of a matrix-vector product.
                    let step = if letter(transb) == b'N' { ldb } else { 1 };
                    let (rows, columns) = if letter(transa) == b'N' { (m, k) } else { (k, m) };
                    // SAFETY: the caller's matrices, of which two have one column.
                    return unsafe { $gemv(layout, transa, rows, columns, alpha, a, lda, b, step, beta, c, ldc) };
                }
                let _alone = Alone::enter();
                let (transa, transb) = (letter(transa), letter(transb));
                // SAFETY: the caller's matrices, passed to the Fortran function.
                unsafe {
                    if layout == ROW_MAJOR {
                        fortran::$fortran(&transb, &transa, &n, &m, &k, &alpha, b, &ldb, a, &lda, &beta, c, &ldc);
                    } else {
                        fortran::$fortran(&transa, &transb, &m, &n, &k, &alpha, a, &lda, b, &ldb, &beta, c, &ldc);
                    }
                }
            }
        )*
    };
}

gemm! {
    cblas_sgemm sgemm_ cblas_sgemv f32;
    cblas_dgemm dgemm_ cblas_dgemv f64;
}

macro_rules! complex_gemm {
    ($($name:ident $fortran:ident;)*) => {
        $(
            /// The C interface's product `c = alpha op(a) op(b) + beta c`.
            ///
            /// # Safety
            /// The matrices must have the sizes that the C interface requires.
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name(
                layout: c_int, transa: c_int, transb: c_int, m: Int, n: Int, k: Int, alpha: *const c_void,
                a: *const c_void, lda: Int, b: *const c_void, ldb: Int, beta: *const c_void, c: *mut c_void, ldc: Int,
            ) {
                let _alone = Alone::enter();
                let (transa, transb) = (letter(transa), letter(transb));
                // SAFETY: the caller's matrices, passed to the Fortran function.
                unsafe {
                    if layout == ROW_MAJOR {
                        fortran::$fortran(&transb, &transa, &n, &m, &k, alpha, b, &ldb, a, &lda, beta, c, &ldc);
                    } else {
                        fortran::$fortran(&transa, &transb, &m, &n, &k, alpha, a, &lda, b, &ldb, beta, c, &ldc);
                    }
                }
            }
        )*
    };
}

complex_gemm! {
    cblas_cgemm cgemm_;
    cblas_zgemm zgemm_;
}

/// A vector that several threads read.
struct Shared<T>(*const T);

// SAFETY: it is only read, for the duration of the caller's call.
unsafe impl<T: Sync> Sync for Shared<T> {}

macro_rules! gemv_and_dot {
    ($($gemv:ident $fortran_gemv:ident $dot:ident $fortran_dot:ident $number:ty;)*) => {
        $(
            /// The C interface's product `y = alpha op(a) x + beta y`.
            ///
            /// # Safety
            /// Matrix and vectors must have the sizes that the C interface requires.
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $gemv(
                layout: c_int, trans: c_int, m: Int, n: Int, alpha: $number, a: *const $number, lda: Int,
                x: *const $number, incx: Int, beta: $number, y: *mut $number, incy: Int,
            ) {
                let turned = trans == TRANSPOSED || trans == CONJUGATE;
                // Row-major is the transpose, column-major.
                let (turned, rows, columns) = if layout == ROW_MAJOR { (!turned, n, m) } else { (turned, m, n) };
                let length = |count: Int| usize::try_from(count).unwrap_or(0);
                let (ins, outs) = if turned { (length(rows), length(columns)) } else { (length(columns), length(rows)) };
                let plain = alpha == 1.0 && beta == 0.0 && incx == 1 && incy == 1;
                // SAFETY: the caller's vector, value by value.
                let vector = || unsafe { std::slice::from_raw_parts(x, ins) }.iter().map(|&value| f64::from(value));
                if plain && let Some(values) = remembered::find(a.addr(), turned, vector(), outs) {
                    for (at, value) in values.into_iter().enumerate() {
                        // SAFETY: there are `outs` values, and the caller provides memory for each.
                        unsafe { y.add(at).write(value as $number) };
                    }
                    return;
                }
                let x = Shared(x);
                let product = |part: Matrix<$number>, skipped: usize, y: *mut $number| {
                    let x = &x;
                    let letter = if part.turned { b'T' } else { b'N' };
                    // SAFETY: the caller's matrix and vectors or parts of them, passed to the Fortran function. Values
                    // are skipped only where they are contiguous.
                    unsafe {
                        let x = x.0.add(skipped);
                        fortran::$fortran_gemv(
                            &letter, &part.rows, &part.columns, &alpha, part.values, &part.step, x, &incx, &beta, y,
                            &incy,
                        );
                    }
                };
                let matrix = Matrix { turned, rows, columns, values: a, step: lda };
                let upper = plain && rows == columns && remembered::is_lower(a.addr());
                // SAFETY: the caller's matrix, and its memory for each value.
                unsafe { over_threads(matrix, upper, Out { values: y, step: incy }, product) }
                if plain {
                    // SAFETY: every value was written.
                    let values = unsafe { std::slice::from_raw_parts(y, outs) }.iter().map(|&value| f64::from(value));
                    remembered::keep(a.addr(), turned, vector(), values);
                }
            }

            /// The C interface's dot product.
            ///
            /// # Safety
            /// The vectors must have the lengths that the C interface requires.
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $dot(n: Int, x: *const $number, incx: Int, y: *const $number, incy: Int) -> $number {
                let _alone = Alone::enter();
                // SAFETY: the caller's vectors.
                unsafe { fortran::$fortran_dot(&n, x, &incx, y, &incy) }
            }
        )*
    };
}

gemv_and_dot! {
    cblas_sgemv sgemv_ cblas_sdot sdot_ f32;
    cblas_dgemv dgemv_ cblas_ddot ddot_ f64;
}
