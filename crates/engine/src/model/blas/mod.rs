//! Matrix products with the BLAS inside libtorch (MKL in the builds for x86-64).
//!
//! libtorch exports the Fortran functions (`sgemm_`), ndarray with its `blas` feature calls the C functions
//! (`cblas_sgemm`); [`cblas`] maps one to the other. So linfa's products use a fast BLAS without a second one in the
//! program. The products that this crate needs itself are here, with their lengths checked.

mod cblas;
mod fortran;
mod remembered;
mod vector;

pub(super) use remembered::remembering;

use cblas::Alone;
use faceprobe_core::error::{Error, Result};
use fortran::Int;

/// `c += a bᵀ` over all columns of two matrices in tiles of `k` columns, for row-major `c` (rows of a x rows of b). On
/// a rayon thread it runs on that thread only.
///
/// # Panics
/// If a slice is shorter than its shape requires.
pub(super) fn add_tiled_product_transposed(c: &mut [f32], tiles: usize, k: usize, a: Tiled, b: Tiled) {
    let _alone = Alone::enter();
    let (m, n) = (a.rows, b.rows);
    let holds = |x: Tiled| x.rows == 0 || tiles == 0 || x.values.len() >= (tiles - 1) * x.step + x.rows * k;
    assert!(c.len() == m * n && holds(a) && holds(b), "shapes of a product");
    if c.is_empty() || k == 0 {
        return;
    }
    for tile in 0..tiles {
        let (a, b) = (&a.values[tile * a.step..], &b.values[tile * b.step..]);
        // Row-major here is column-major and transposed in Fortran: cᵀ = b aᵀ.
        // SAFETY: the lengths were checked, and c is borrowed exclusively.
        unsafe {
            fortran::sgemm_(
                &b'T',
                &b'N',
                &int(n),
                &int(m),
                &int(k),
                &1.0,
                b.as_ptr(),
                &int(k),
                a.as_ptr(),
                &int(k),
                &1.0,
                c.as_mut_ptr(),
                &int(n),
            );
        }
    }
}

/// Some rows of a matrix in tiles.
#[derive(Clone, Copy)]
pub(super) struct Tiled<'a> {
    /// Starts at the first of the rows in the first tile.
    pub(super) values: &'a [f32],
    /// Values from one tile to the next.
    pub(super) step: usize,
    pub(super) rows: usize,
}

/// Cholesky factorisation: replaces the lower triangle (row-major, with the diagonal) of a symmetric n x n matrix `a`
/// by the factor `l` with `l lᵀ = a`; the rest is neither read nor written. Returns whether the matrix was positive
/// definite; if not, the triangle is undefined.
///
/// # Panics
/// If `a` is not n x n.
pub(super) fn cholesky_lower(a: &mut [f64], n: usize) -> bool {
    assert_eq!(a.len(), n * n, "shape of a symmetric matrix");
    let mut info: Int = 0;
    // SAFETY: the length was checked. Fortran's upper triangle, column-major, is our lower one.
    unsafe { fortran::dpotrf_(&b'U', &int(n), a.as_mut_ptr(), &int(n.max(1)), &mut info) };
    info == 0
}

/// Solves `lᵀ x = b` in place for a lower triangular `l` from [`cholesky_lower`].
///
/// # Panics
/// If `l` is not n x n or `b` does not have n values.
pub(super) fn solve_lower_transposed(l: &[f64], b: &mut [f64]) {
    let n = b.len();
    assert_eq!(l.len(), n * n, "shape of a triangular matrix");
    // SAFETY: the lengths were checked. Our l is Fortran's upper triangle, transposed.
    unsafe {
        fortran::dtrsm_(
            &b'L',
            &b'U',
            &b'N',
            &b'N',
            &int(n),
            &1,
            &1.0,
            l.as_ptr(),
            &int(n.max(1)),
            b.as_mut_ptr(),
            &int(n.max(1)),
        );
    }
}

/// Refuses a size that a BLAS with 32-bit integers cannot take.
pub(super) fn check_size(side: usize) -> Result<()> {
    match Int::try_from(side) {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::failed(format!("{side} is too many rows or columns for a matrix product"))),
    }
}

/// Shapes come from slices in memory with f32 rows, checked by [`check_size`] where they are made.
fn int(value: usize) -> Int {
    Int::try_from(value).unwrap_or(Int::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Array2, s};

    fn numbers(rows: usize, columns: usize, seed: usize) -> Array2<f32> {
        Array2::from_shape_fn((rows, columns), |(i, j)| ((i * 31 + j * 17 + seed * 7) % 23) as f32 / 11.0 - 1.0)
    }

    fn plain(a: &Array2<f32>, b: &Array2<f32>) -> Array2<f32> {
        let dot = |(i, j)| a.row(i).iter().zip(b.column(j)).map(|(a, b)| a * b).sum();
        Array2::from_shape_fn((a.nrows(), b.ncols()), dot)
    }

    fn close(a: &Array2<f32>, b: &Array2<f32>) {
        assert_eq!(a.dim(), b.dim());
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4), "{a} instead of {b}");
    }

    /// Every memory layout that ndarray passes to a BLAS, above the size at which it does.
    #[test]
    fn ndarray_products_are_right_in_every_layout() {
        let (a, b) = (numbers(19, 33, 1), numbers(33, 21, 2));
        let expected = plain(&a, &b);
        let turned = |m: &Array2<f32>| m.t().as_standard_layout().into_owned();
        for a in [a.view(), turned(&a).t()] {
            for b in [b.view(), turned(&b).t()] {
                close(&a.dot(&b), &expected);
                let mut out = Array2::zeros((21, 19));
                ndarray::linalg::general_mat_mul(1.0, &a, &b, 0.0, &mut out.view_mut().reversed_axes());
                close(&turned(&out), &expected);
            }
            let vector = b.column(3).to_owned();
            let product = a.dot(&vector);
            close(&product.insert_axis(ndarray::Axis(1)), &expected.slice(s![.., 3..4]).to_owned());
            let backwards: Array1<f32> = vector.iter().rev().copied().collect();
            close(
                &a.dot(&backwards.slice(s![..;-1])).insert_axis(ndarray::Axis(1)),
                &expected.slice(s![.., 3..4]).to_owned(),
            );
        }
        // Large enough to be split over threads: the matrix as it is, transposed, and with a matrix of one column.
        let (large, vector) = (numbers(700, 500, 6), numbers(500, 1, 7));
        let expected = plain(&large, &vector).mapv(f64::from);
        let near = |got: Array2<f32>| {
            assert!(got.iter().zip(&expected).all(|(got, expected)| (f64::from(*got) - expected).abs() < 1e-2));
        };
        near(large.dot(&vector));
        near(large.dot(&vector.column(0)).insert_axis(ndarray::Axis(1)));
        near(turned(&large).t().dot(&vector.column(0)).insert_axis(ndarray::Axis(1)));
        near(turned(&large).t().dot(&vector));
        // The same again with remembered products, then with other vectors in between.
        let other = vector.mapv(|value| value - 0.5);
        remembering(large.as_slice().unwrap(), false, || {
            for _ in 0..2 {
                near(large.dot(&vector));
                near(large.dot(&vector));
                let turned_back = large.t().dot(&numbers(700, 1, 8));
                let expected = plain(&turned(&large), &numbers(700, 1, 8));
                assert!((turned_back - expected).iter().all(|difference| difference.abs() < 1e-2));
                let difference = large.dot(&other) - plain(&large, &other);
                assert!(difference.iter().all(|difference| difference.abs() < 1e-2));
            }
        });
        // Half of the products with a triangular matrix are skipped: that half must not be read either.
        let side = 2000;
        let mut lower = numbers(side, side, 9);
        lower.indexed_iter_mut().filter(|((i, j), _)| j > i).for_each(|(_, value)| *value = 0.0);
        let vector = numbers(side, 1, 10);
        let (plainly, turned_plainly) = (plain(&lower, &vector), plain(&turned(&lower), &vector));
        lower[(0, side - 1)] = f32::NAN;
        remembering(lower.as_slice().unwrap(), true, || {
            for (product, expected) in [(lower.dot(&vector), &plainly), (lower.t().dot(&vector), &turned_plainly)] {
                assert!((product - expected).iter().all(|difference| difference.abs() < 2e-2));
            }
        });
        let long: Array1<f32> = (0..100).map(|i| i as f32 / 50.0 - 1.0).collect();
        let dot: f32 = long.iter().map(|value| value * value).sum();
        assert!((long.dot(&long) - dot).abs() < 1e-4);
        let doubles = numbers(12, 12, 5).mapv(f64::from);
        let square = doubles.dot(&doubles).mapv(|value| value as f32);
        close(&square, &plain(&numbers(12, 12, 5), &numbers(12, 12, 5)));
    }

    #[test]
    fn products_and_factors_are_right() {
        let (a, b) = (numbers(5, 9, 3), numbers(4, 9, 4));
        // Three tiles of three columns, and two numbers between them.
        let in_tiles = |x: &Array2<f32>| -> Vec<f32> {
            let tile = |at: usize| x.slice(s![.., 3 * at..3 * at + 3]).iter().copied().chain([f32::NAN; 2]).collect();
            (0..3).flat_map(|at| -> Vec<f32> { tile(at) }).collect()
        };
        let (a_tiles, b_tiles) = (in_tiles(&a), in_tiles(&b));
        let tiled = |values, rows| Tiled { values, step: 3 * rows + 2, rows };
        let mut c = vec![0.5; 20];
        add_tiled_product_transposed(&mut c, 3, 3, tiled(&a_tiles, 5), tiled(&b_tiles, 4));
        let expected = plain(&a, &b.t().to_owned()) + 0.5;
        close(&Array2::from_shape_vec((5, 4), c).unwrap(), &expected);

        let x = numbers(6, 20, 8).mapv(f64::from);
        let gram = x.dot(&x.t()) + Array2::<f64>::eye(6);
        let mut factor = gram.as_standard_layout().into_owned().into_raw_vec_and_offset().0;
        assert!(cholesky_lower(&mut factor, 6));
        let lower = Array2::from_shape_fn((6, 6), |(i, j)| if j <= i { factor[i * 6 + j] } else { 0.0 });
        assert!((lower.dot(&lower.t()) - &gram).iter().all(|difference| difference.abs() < 1e-9));
        let mut solution = vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        solve_lower_transposed(&factor, &mut solution);
        let back = lower.t().dot(&Array1::from(solution));
        assert!(back.iter().zip(1..).all(|(back, i)| (back - f64::from(i)).abs() < 1e-9), "{back}");
        assert!(!cholesky_lower(&mut [1.0, 2.0, 2.0, 1.0], 2));
    }
}
