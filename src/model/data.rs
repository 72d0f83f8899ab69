//! Labelled rows in memory: what training and validation work on.

use crate::error::{Error, Result};
use ndarray::{Array2, ArrayView2};

/// One row of values per sample and whether the sample is of class 1.
///
/// `f32` rows are features; `u16` rows are the benchmark's pooled pixels, kept as they are in the store (a quarter of
/// a gigabyte instead of half of one for 3,000 images) and converted batch by batch.
#[derive(Debug, Clone)]
pub struct LabelledRows<T = f32> {
    x: Array2<T>,
    y: Vec<bool>,
}

/// Pooled pixels: each row holds height x width x RGB sums of `pool * pool` 8-bit pixels.
pub type PixelRows = LabelledRows<u16>;

impl<T: Clone> LabelledRows<T> {
    /// `x` has shape (samples, values), `y` one label per sample.
    ///
    /// # Errors
    /// When the numbers of rows and labels differ, or there is nothing to learn from.
    pub fn new(x: Array2<T>, y: Vec<bool>) -> Result<Self> {
        if x.nrows() != y.len() {
            return Err(Error::failed(format!("{} rows of features came with {} labels", x.nrows(), y.len())));
        }
        if x.is_empty() {
            return Err(Error::failed("the split holds no samples; prepare the data set with a larger one"));
        }
        // Rows are handed to torch as slices, so they must lie one after the other.
        let x = if x.is_standard_layout() { x } else { x.as_standard_layout().into_owned() };
        Ok(Self { x, y })
    }

    /// The values, shape (samples, values), row-major.
    pub fn x(&self) -> ArrayView2<'_, T> {
        self.x.view()
    }

    /// Per sample, whether it is of class 1.
    pub fn y(&self) -> &[bool] {
        &self.y
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.y.len()
    }

    /// Never true: an empty split cannot be made.
    pub fn is_empty(&self) -> bool {
        self.y.is_empty()
    }

    /// Values per sample.
    pub fn width(&self) -> usize {
        self.x.ncols()
    }
}

/// Checks what every kind of training needs: both splits of one width, and both classes in the training split.
pub(super) fn check_pair<T: Clone>(train: &LabelledRows<T>, val: &LabelledRows<T>) -> Result<()> {
    if train.width() != val.width() {
        return Err(Error::failed(format!(
            "training rows have {} values and validation rows {}; extract both with the same settings",
            train.width(),
            val.width()
        )));
    }
    let positives = train.y().iter().filter(|&&positive| positive).count();
    if positives == 0 || positives == train.len() {
        return Err(Error::failed(
            "all training samples are of one class, and there is nothing to tell apart; prepare a split with both",
        ));
    }
    Ok(())
}

/// Refuses features that are not finite numbers.
pub(super) fn check_finite(rows: &LabelledRows, split: &str) -> Result<()> {
    match rows.x().outer_iter().position(|row| row.iter().any(|value| !value.is_finite())) {
        None => Ok(()),
        Some(row) => Err(Error::failed(format!(
            "the features of {split} sample {} hold a value that is not a finite number; extract them again, with \
             --dtype f32 if they were kept in a narrower type",
            row + 1
        ))),
    }
}
