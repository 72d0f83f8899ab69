//! What is known of one matrix while linfa works on it: its last products with vectors, and whether half of it is zeros.
//!
//! linfa works out the loss at a point and then its gradient there, once while it searches along a line and again where
//! it has arrived, and multiplies the features with the same numbers each time. Such a product waits for memory, so the
//! next one would cost as much as the first; here it is copied.

use std::cell::RefCell;

/// A product and the vector that it is of.
struct Product {
    vector: Vec<f64>,
    values: Vec<f64>,
}

/// What is known of the matrix at an address: the last product with it, and the last with the turned matrix.
struct Kept {
    matrix: usize,
    lower: bool,
    last: [Option<Product>; 2],
}

thread_local! {
    static KEPT: RefCell<Option<Kept>> = const { RefCell::new(None) };
}

/// Does some work on this thread, in which the matrix that begins with the first of `values`, row by row, is not multiplied
/// twice with the same vector. With `lower` all numbers above its diagonal are zeros, and most are not multiplied at all.
/// The borrow sees to it that the matrix does not change meanwhile.
pub(in crate::model) fn remembering<T, R>(values: &[T], lower: bool, work: impl FnOnce() -> R) -> R {
    /// Forgets, also when the work panics.
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

/// Whether all above the diagonal of the matrix, row by row, is known to be zeros.
pub(super) fn is_lower(matrix: usize) -> bool {
    KEPT.with_borrow(|kept| kept.as_ref().is_some_and(|kept| kept.matrix == matrix && kept.lower))
}

/// The `outs` values of the product of the matrix with the vector, if it is the last one that was made. A product of
/// another number of values, as of a part of the matrix that begins at the same address, is none.
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
        // Numbers that are not equal to themselves are multiplied again.
        vector.zip(&last.vector).all(|(a, &b)| a == b).then(|| last.values.clone())
    })
}

/// Keeps a product in place of the last, if it is of a matrix that is worked with.
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
