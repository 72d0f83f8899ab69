//! The last product of one matrix with a vector, kept for whoever asks for it again.
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

/// What is kept of the matrix at an address: the last product with it, and the last with the turned matrix.
struct Kept {
    matrix: usize,
    last: [Option<Product>; 2],
}

thread_local! {
    static KEPT: RefCell<Option<Kept>> = const { RefCell::new(None) };
}

/// Does some work on this thread, in which the matrix that begins with the first of `values` is not multiplied twice with
/// the same vector. The borrow sees to it that the matrix does not change meanwhile.
pub(in crate::model) fn remembering<T, R>(values: &[T], work: impl FnOnce() -> R) -> R {
    /// Forgets, also when the work panics.
    struct Forget;
    impl Drop for Forget {
        fn drop(&mut self) {
            KEPT.set(None);
        }
    }
    let _forget = Forget;
    KEPT.set(Some(Kept { matrix: values.as_ptr().addr(), last: [None, None] }));
    work()
}

/// The product of the matrix with the vector, if it is the last one that was made.
pub(super) fn find(matrix: usize, turned: bool, vector: impl ExactSizeIterator<Item = f64>) -> Option<Vec<f64>> {
    KEPT.with_borrow(|kept| {
        let kept = kept.as_ref().filter(|kept| kept.matrix == matrix)?;
        let last = kept.last[usize::from(turned)].as_ref().filter(|last| last.vector.len() == vector.len())?;
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
