//! Caches what is known of one matrix while linfa works on it: its last matrix-vector products, and whether it is
//! triangular.
//!
//! linfa computes the loss at a point and then its gradient there, once in its line search and again at the accepted
//! point, and multiplies the features with the same vector each time. Such a product is bound by memory bandwidth, so a
//! repeated one would cost as much as the first; here it is copied.

use std::cell::RefCell;

/// A product and its vector.
struct Product {
    vector: Vec<f64>,
    values: Vec<f64>,
}

/// The matrix at an address: its last product, and the last product of its transpose.
struct Kept {
    matrix: usize,
    lower: bool,
    last: [Option<Product>; 2],
}

thread_local! {
    static KEPT: RefCell<Option<Kept>> = const { RefCell::new(None) };
}

/// Runs `work` on this thread. During it, the matrix that begins at the first of `values` (row-major) is not multiplied
/// twice with the same vector. With `lower` all values above its diagonal are zero, and most of those are not
/// multiplied at all. The borrow guarantees that the matrix does not change meanwhile.
pub(in crate::model) fn remembering<T, R>(values: &[T], lower: bool, work: impl FnOnce() -> R) -> R {
    /// Clears the cache, also if the work panics.
    struct Forget;
    impl Drop for Forget {
        fn drop(&mut self) {
            KEPT.set(None);
        }
    }
    let _forget = Forget;
    KEPT.set(Some(Kept { matrix: values.as_ptr().addr(), lower, last: [None, None] }));
    work()
}

/// Whether the matrix (row-major) is known to be lower triangular.
pub(super) fn is_lower(matrix: usize) -> bool {
    KEPT.with_borrow(|kept| kept.as_ref().is_some_and(|kept| kept.matrix == matrix && kept.lower))
}

/// The product of the matrix with the vector, `outs` values, if it is the last one computed. A product of another
/// length, as of a part of the matrix that begins at the same address, does not count.
pub(super) fn find(
    matrix: usize,
    turned: bool,
    vector: impl ExactSizeIterator<Item = f64>,
    outs: usize,
) -> Option<Vec<f64>> {
    KEPT.with_borrow(|kept| {
        let kept = kept.as_ref().filter(|kept| kept.matrix == matrix)?;
        let last = kept.last[usize::from(turned)].as_ref();
        let last = last.filter(|last| last.vector.len() == vector.len() && last.values.len() == outs)?;
        // A vector with NaN is never equal and is multiplied again.
        vector.zip(&last.vector).all(|(a, &b)| a == b).then(|| last.values.clone())
    })
}

/// Stores a product in place of the last one, if it is of the matrix in work.
pub(super) fn keep(matrix: usize, turned: bool, vector: impl Iterator<Item = f64>, values: impl Iterator<Item = f64>) {
    KEPT.with_borrow_mut(|kept| {
        if let Some(kept) = kept.as_mut().filter(|kept| kept.matrix == matrix) {
            kept.last[usize::from(turned)] = Some(Product { vector: vector.collect(), values: values.collect() });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_of_another_size_is_not_taken_for_the_one_asked_for() {
        let matrix = [1.0f64; 6];
        let vector = || [1.0, 2.0].into_iter();
        remembering(&matrix, false, || {
            let at = matrix.as_ptr().addr();
            keep(at, false, vector(), [3.0, 3.0, 3.0].into_iter());
            assert_eq!(find(at, false, vector(), 3), Some(vec![3.0; 3]));
            // Two of the three rows begin at the same address.
            assert_eq!(find(at, false, vector(), 2), None);
            assert_eq!(find(at, false, vector(), 4), None);
            assert_eq!(find(at, true, vector(), 3), None);
        });
    }
}
