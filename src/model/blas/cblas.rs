//! The C names that ndarray calls, on top of the Fortran names that libtorch exports.
//!
//! The C interface differs in one thing: a matrix may be row by row. Such a matrix is the transpose of the same memory
//! column by column, so a product turns into the product of the transposes in the other order, and a matrix times a
//! vector into the transpose times the vector.
//!
//! A thread of rayon's is one of several that work side by side; a product on it stays on that thread.

use super::fortran::{self, Int};
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
    ($($name:ident $fortran:ident $number:ty, $scalar:ty, $by:expr;)*) => {
        $(
            /// The C interface's product `c = alpha op(a) op(b) + beta c`.
            ///
            /// # Safety
            /// The matrices must be as large as the C interface demands.
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name(
                layout: c_int, transa: c_int, transb: c_int, m: Int, n: Int, k: Int, alpha: $scalar,
                a: *const $number, lda: Int, b: *const $number, ldb: Int, beta: $scalar, c: *mut $number, ldc: Int,
            ) {
                let _alone = Alone::enter();
                let (transa, transb) = (letter(transa), letter(transb));
                let scalar: fn(&$scalar) -> *const $number = $by;
                let (alpha, beta) = (scalar(&alpha), scalar(&beta));
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

gemm! {
    cblas_sgemm sgemm_ f32, f32, |scalar| scalar;
    cblas_dgemm dgemm_ f64, f64, |scalar| scalar;
    cblas_cgemm cgemm_ c_void, *const c_void, |scalar| *scalar;
    cblas_zgemm zgemm_ c_void, *const c_void, |scalar| *scalar;
}

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
                let _alone = Alone::enter();
                // SAFETY: the caller's matrix and vectors, under the names that Fortran has for them.
                unsafe {
                    if layout == ROW_MAJOR {
                        let turned = if trans == TRANSPOSED || trans == CONJUGATE { b'N' } else { b'T' };
                        fortran::$fortran_gemv(&turned, &n, &m, &alpha, a, &lda, x, &incx, &beta, y, &incy);
                    } else {
                        let trans = letter(trans);
                        fortran::$fortran_gemv(&trans, &m, &n, &alpha, a, &lda, x, &incx, &beta, y, &incy);
                    }
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
