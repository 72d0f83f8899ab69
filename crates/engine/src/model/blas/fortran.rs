//! Declarations of the Fortran BLAS and LAPACK functions that libtorch exports. Arguments are passed by reference;
//! matrices are column-major.

use std::ffi::c_void;

/// Fortran's INTEGER in LP64 builds.
pub(super) type Int = i32;

macro_rules! products {
    ($($gemm:ident $gemv:ident $dot:ident $number:ty;)*) => {
        // SAFETY: these are the signatures of the reference BLAS.
        unsafe extern "C" {
            $(
                pub(super) fn $gemm(
                    transa: *const u8, transb: *const u8, m: *const Int, n: *const Int, k: *const Int,
                    alpha: *const $number, a: *const $number, lda: *const Int, b: *const $number, ldb: *const Int,
                    beta: *const $number, c: *mut $number, ldc: *const Int,
                );
                pub(super) fn $gemv(
                    trans: *const u8, m: *const Int, n: *const Int, alpha: *const $number, a: *const $number,
                    lda: *const Int, x: *const $number, incx: *const Int, beta: *const $number, y: *mut $number,
                    incy: *const Int,
                );
                pub(super) fn $dot(
                    n: *const Int, x: *const $number, incx: *const Int, y: *const $number, incy: *const Int,
                ) -> $number;
            )*
        }
    };
}

products! {
    sgemm_ sgemv_ sdot_ f32;
    dgemm_ dgemv_ ddot_ f64;
}

// SAFETY: these are the signatures of the reference BLAS and LAPACK.
unsafe extern "C" {
    pub(super) fn cgemm_(
        transa: *const u8,
        transb: *const u8,
        m: *const Int,
        n: *const Int,
        k: *const Int,
        alpha: *const c_void,
        a: *const c_void,
        lda: *const Int,
        b: *const c_void,
        ldb: *const Int,
        beta: *const c_void,
        c: *mut c_void,
        ldc: *const Int,
    );
    pub(super) fn zgemm_(
        transa: *const u8,
        transb: *const u8,
        m: *const Int,
        n: *const Int,
        k: *const Int,
        alpha: *const c_void,
        a: *const c_void,
        lda: *const Int,
        b: *const c_void,
        ldb: *const Int,
        beta: *const c_void,
        c: *mut c_void,
        ldc: *const Int,
    );
    pub(super) fn dpotrf_(uplo: *const u8, n: *const Int, a: *mut f64, lda: *const Int, info: *mut Int);
    pub(super) fn dtrsm_(
        side: *const u8,
        uplo: *const u8,
        trans: *const u8,
        diagonal: *const u8,
        m: *const Int,
        n: *const Int,
        alpha: *const f64,
        a: *const f64,
        lda: *const Int,
        b: *mut f64,
        ldb: *const Int,
    );
}
