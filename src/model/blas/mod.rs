//! Matrix products by the BLAS inside libtorch (MKL in the builds for x86-64).
//!
//! libtorch exports the Fortran names (`sgemm_`), ndarray with its `blas` feature asks for the C names
//! (`cblas_sgemm`): [`cblas`] gives it those. That is all it takes to have linfa's products on a real BLAS, without
//! a second BLAS in the program. What the program itself needs is here, with the lengths checked.

mod cblas;
mod fortran;
mod remembered;
mod vector;

pub(super) use remembered::remembering;

use crate::error::{Error, Result};
use cblas::Alone;
use fortran::Int;

/// Columns of a row-major matrix: values from the first wanted one on, and how many lie from one row to the next.
#[derive(Clone, Copy)]
pub(super) struct Columns<'a> {
    pub(super) values: &'a [f32],
    pub(super) stride: usize,
    pub(super) rows: usize,
}

/// `c = a bᵀ` over `k` columns of `a` (m rows) and `b` (n rows), for row-major `c` (m x n).
///
/// # Panics
/// When a slice is shorter than its shape says.
pub(super) fn product_transposed(c: &mut [f32], a: Columns, b: Columns, k: usize) {
    multiply_transposed(c, a, b, k, 0.0);
}

/// `c += a bᵀ` over all columns of two matrices in tiles of `k` columns; otherwise as [`product_transposed`]. On a rayon thread it stays on that thread.
///
/// # Panics
/// As [`product_transposed`].
pub(super) fn add_tiled_product_transposed(c: &mut [f32], tiles: usize, k: usize, a: Tiled, b: Tiled) {
    let _alone = Alone::enter();
    for tile in 0..tiles {
        multiply_transposed(c, a.columns(tile, k), b.columns(tile, k), k, 1.0);
    }
}

/// Some rows of a matrix in tiles.
#[derive(Clone, Copy)]
pub(super) struct Tiled<'a> {
    /// From the first of the rows in the first tile on.
    pub(super) values: &'a [f32],
    /// Values from one tile to the next.
    pub(super) step: usize,
    pub(super) rows: usize,
}

impl<'a> Tiled<'a> {
    fn columns(self, tile: usize, k: usize) -> Columns<'a> {
        Columns { values: &self.values[tile * self.step..], stride: k, rows: self.rows }
    }
}

/// `c = a bᵀ + beta c`.
fn multiply_transposed(c: &mut [f32], a: Columns, b: Columns, k: usize, beta: f32) {
    let (m, n) = (a.rows, b.rows);
    let holds = |x: Columns| x.rows == 0 || k <= x.stride && x.values.len() >= (x.rows - 1) * x.stride + k;
    assert!(c.len() == m * n && holds(a) && holds(b), "shapes of a product");
    if c.is_empty() || k == 0 {
        return c.iter_mut().for_each(|value| *value *= beta);
    }
    // Row by row for us is column by column, transposed, for Fortran: cᵀ = b aᵀ.
    // SAFETY: the lengths were checked, and c is borrowed alone.
    unsafe {
        fortran::sgemm_(
            &b'T',
            &b'N',
            &int(n),
            &int(m),
            &int(k),
            &1.0,
            b.values.as_ptr(),
            &int(b.stride),
            a.values.as_ptr(),
            &int(a.stride),
            &beta,
            c.as_mut_ptr(),
            &int(n),
        );
    }
}

/// Replaces the upper triangle (row-major: on and right of the diagonal) of a symmetric n x n matrix `a` by the factor
/// `r` with `rᵀ r = a`. Answers whether the matrix was positive definite; if not, `a` is spoiled.
///
/// # Panics
/// When `a` is not n x n.
pub(super) fn cholesky_upper(a: &mut [f64], n: usize) -> bool {
    assert_eq!(a.len(), n * n, "shape of a symmetric matrix");
    let mut info: Int = 0;
    // SAFETY: the length was checked. Fortran's lower triangle, column by column, is our upper one.
    unsafe { fortran::dpotrf_(&b'L', &int(n), a.as_mut_ptr(), &int(n.max(1)), &mut info) };
    info == 0
}

/// Solves `r x = b` in place for an upper triangular `r` from [`cholesky_upper`].
///
/// # Panics
/// When `r` is not n x n or `b` has not n values.
pub(super) fn solve_upper(r: &[f64], b: &mut [f64]) {
    let n = b.len();
    assert_eq!(r.len(), n * n, "shape of a triangular matrix");
    // SAFETY: the lengths were checked. Our r is Fortran's lower triangle transposed.
    unsafe {
        fortran::dtrsm_(
            &b'L',
            &b'L',
            &b'T',
            &b'N',
            &int(n),
            &1,
            &1.0,
            r.as_ptr(),
            &int(n.max(1)),
            b.as_mut_ptr(),
            &int(n.max(1)),
        );
    }
}

/// Refuses a size that a BLAS of 32-bit integers cannot take.
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

    /// Every layout that ndarray hands to a BLAS, large enough that it does.
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
        // Large enough to be cut over threads: the matrix as it is, turned, and with a matrix of one column.
        let (large, vector) = (numbers(700, 500, 6), numbers(500, 1, 7));
        let expected = plain(&large, &vector).mapv(f64::from);
        let near = |got: Array2<f32>| {
            assert!(got.iter().zip(&expected).all(|(got, expected)| (f64::from(*got) - expected).abs() < 1e-2));
        };
        near(large.dot(&vector));
        near(large.dot(&vector.column(0)).insert_axis(ndarray::Axis(1)));
        near(turned(&large).t().dot(&vector.column(0)).insert_axis(ndarray::Axis(1)));
        near(turned(&large).t().dot(&vector));
        // The same again while products are remembered, then with other vectors in between.
        let other = vector.mapv(|value| value - 0.5);
        remembering(large.as_slice().unwrap(), || {
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
        let mut c = vec![f32::NAN; 20];
        let columns = |x: &'static [f32], rows| Columns { values: &x[2..], stride: 9, rows };
        let leak = |x: &Array2<f32>| &*x.as_slice().unwrap().to_vec().leak();
        product_transposed(&mut c, columns(leak(&a), 5), columns(leak(&b), 4), 6);
        let expected = plain(&a.slice(s![.., 2..8]).to_owned(), &b.slice(s![.., 2..8]).t().to_owned());
        close(&Array2::from_shape_vec((5, 4), c).unwrap(), &expected);

        let x = numbers(6, 20, 8).mapv(f64::from);
        let gram = x.dot(&x.t()) + Array2::<f64>::eye(6);
        let mut factor = gram.as_standard_layout().into_owned().into_raw_vec_and_offset().0;
        assert!(cholesky_upper(&mut factor, 6));
        let upper = Array2::from_shape_fn((6, 6), |(i, j)| if j >= i { factor[i * 6 + j] } else { 0.0 });
        assert!((upper.t().dot(&upper) - &gram).iter().all(|difference| difference.abs() < 1e-9));
        let mut solution = vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        solve_upper(&factor, &mut solution);
        let back = upper.dot(&Array1::from(solution));
        assert!(back.iter().zip(1..).all(|(back, i)| (back - f64::from(i)).abs() < 1e-9), "{back}");
        assert!(!cholesky_upper(&mut [1.0, 2.0, 2.0, 1.0], 2));
    }
}
