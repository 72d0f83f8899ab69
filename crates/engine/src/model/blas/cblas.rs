//! The C names that ndarray calls, on top of the Fortran names that libtorch exports.
//!
//! The C interface differs in one thing: a matrix may be row by row. Such a matrix is the transpose of the same memory
//! column by column, so a product turns into the product of the transposes in the other order, and a matrix times a
//! vector into the transpose times the vector.
//!
//! A thread of rayon's is one of several that work side by side; a product on it stays on that thread.

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
    /// MKL's: how many threads products called from this thread use, 0 for the usual number; answers the last value.
    #[link_name = "MKL_Set_Num_Threads_Local"]
    fn set_threads(threads: c_int) -> c_int;
}

/// Keeps products of a rayon thread on that thread while it lives.
pub(super) struct Alone(Option<c_int>);

impl Alone {
    pub(super) fn enter() -> Self {
        // SAFETY: takes a number and touches only MKL's own setting for this thread.
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
            /// The matrices must be as large as the C interface demands.
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name(
                layout: c_int, transa: c_int, transb: c_int, m: Int, n: Int, k: Int, alpha: $number,
                a: *const $number, lda: Int, b: *const $number, ldb: Int, beta: $number, c: *mut $number, ldc: Int,
            ) {
                if layout == ROW_MAJOR && n == 1 {
                    // linfa's way of multiplying with a vector.
                    let step = if letter(transb) == b'N' { ldb } else { 1 };
                    let (rows, columns) = if letter(transa) == b'N' { (m, k) } else { (k, m) };
                    // SAFETY: the caller's matrices, of which two have one column.
                    return unsafe { $gemv(layout, transa, rows, columns, alpha, a, lda, b, step, beta, c, ldc) };
                }
                let _alone = Alone::enter();
                let (transa, transb) = (letter(transa), letter(transb));
                // SAFETY: the caller's matrices, under the names that Fortran has for them.
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
            /// The matrices must be as large as the C interface demands.
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name(
                layout: c_int, transa: c_int, transb: c_int, m: Int, n: Int, k: Int, alpha: *const c_void,
                a: *const c_void, lda: Int, b: *const c_void, ldb: Int, beta: *const c_void, c: *mut c_void, ldc: Int,
            ) {
                let _alone = Alone::enter();
                let (transa, transb) = (letter(transa), letter(transb));
                // SAFETY: the caller's matrices, under the names that Fortran has for them.
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

// SAFETY: it is only read, while the caller's call lasts.
unsafe impl<T: Sync> Sync for Shared<T> {}

macro_rules! gemv_and_dot {
    ($($gemv:ident $fortran_gemv:ident $dot:ident $fortran_dot:ident $number:ty;)*) => {
        $(
            /// The C interface's product `y = alpha op(a) x + beta y`.
            ///
            /// # Safety
            /// Matrix and vectors must be as large as the C interface demands.
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $gemv(
                layout: c_int, trans: c_int, m: Int, n: Int, alpha: $number, a: *const $number, lda: Int,
                x: *const $number, incx: Int, beta: $number, y: *mut $number, incy: Int,
            ) {
                let turned = trans == TRANSPOSED || trans == CONJUGATE;
                // Row by row is the transpose, column by column.
                let (turned, rows, columns) = if layout == ROW_MAJOR { (!turned, n, m) } else { (turned, m, n) };
                let length = |count: Int| usize::try_from(count).unwrap_or(0);
                let (ins, outs) = if turned { (length(rows), length(columns)) } else { (length(columns), length(rows)) };
                let plain = alpha == 1.0 && beta == 0.0 && incx == 1 && incy == 1;
                // SAFETY: the caller's vector, value by value.
                let vector = || unsafe { std::slice::from_raw_parts(x, ins) }.iter().map(|&value| f64::from(value));
                if plain && let Some(values) = remembered::find(a.addr(), turned, vector(), outs) {
                    for (at, value) in values.into_iter().enumerate() {
                        // SAFETY: there are `outs` values, and the caller has a place for each.
                        unsafe { y.add(at).write(value as $number) };
                    }
                    return;
                }
                let x = Shared(x);
                let product = |part: Matrix<$number>, skipped: usize, y: *mut $number| {
                    let x = &x;
                    let letter = if part.turned { b'T' } else { b'N' };
                    // SAFETY: the caller's matrix and vectors or parts of them, under the names that Fortran has. Values
                    // are skipped only where they lie beside each other.
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
                // SAFETY: the caller's matrix, and its place for each value.
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
            /// The vectors must be as long as the C interface demands.
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
