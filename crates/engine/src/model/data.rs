//! Labelled rows: the input of training and validation.

use crate::features::FeatureRows;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::monitor::Monitor;
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

/// One row of values per sample, in memory, and whether the sample is of class 1.
///
/// `f32` rows are features. `u16` rows are the benchmark's pooled pixels, kept as in the store (a quarter of a gigabyte
/// instead of half of one for 3,000 images) and converted batch by batch.
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
    /// If the numbers of rows and labels differ, or there are no rows.
    pub fn new(x: Array2<T>, y: Vec<bool>) -> Result<Self> {
        check_size(x.nrows(), x.ncols(), y.len())?;
        // Rows are passed to libtorch as slices, so they must be contiguous.
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

/// A split for training or evaluation: rows of features, in memory or in a store, and one label per row.
#[derive(Clone, Copy)]
pub struct Examples<'a> {
    pub(super) rows: &'a dyn FeatureRows,
    pub(super) positive: &'a [bool],
}

impl<'a> Examples<'a> {
    /// `positive`: for each row whether it is of class 1.
    ///
    /// # Errors
    /// If the numbers of rows and labels differ, or there are no rows.
    pub fn new(rows: &'a dyn FeatureRows, positive: &'a [bool]) -> Result<Self> {
        check_size(rows.len(), rows.width(), positive.len())?;
        Ok(Self { rows, positive })
    }
}

/// Rows in memory as a split.
impl<'a> From<&'a LabelledRows> for Examples<'a> {
    fn from(labelled: &'a LabelledRows) -> Self {
        Self { rows: labelled, positive: labelled.y() }
    }
}

impl FeatureRows for LabelledRows {
    fn len(&self) -> usize {
        self.y.len()
    }

    fn width(&self) -> usize {
        self.x.ncols()
    }

    fn copy_rows(&self, rows: &[usize], out: &mut [f32]) -> Result<()> {
        self.x.view().copy_rows(rows, out)
    }
}

fn check_size(rows: usize, width: usize, labels: usize) -> Result<()> {
    if rows != labels {
        return Err(Error::failed(format!("{rows} rows of features came with {labels} labels")));
    }
    if rows == 0 || width == 0 {
        return Err(Error::failed("the split holds no samples; prepare the data set with a larger one"));
    }
    Ok(())
}

/// [`check_splits`] of two splits of features.
pub(super) fn check_pair(train: &Examples, val: &Examples) -> Result<()> {
    check_splits((train.rows.width(), val.rows.width()), train.positive)
}

/// Checks the requirements of every training: both splits of one width, and both classes in the training split.
pub(super) fn check_splits((train, val): (usize, usize), train_positive: &[bool]) -> Result<()> {
    if train != val {
        return Err(Error::failed(format!(
            "training rows have {train} values and validation rows {val}; extract both with the same settings"
        )));
    }
    let positives = train_positive.iter().filter(|&&positive| positive).count();
    if positives == 0 || positives == train_positive.len() {
        return Err(Error::failed(
            "all training samples are of one class, and there is nothing to tell apart; prepare a split with both",
        ));
    }
    Ok(())
}

/// Iterates over all rows of a split in blocks and refuses non-finite values. `take` gets each block and the values of
/// its rows.
///
/// # Errors
/// A value that is not finite, rows that cannot be read, a stop.
pub(super) fn for_each_block(
    rows: &dyn FeatureRows,
    split: &str,
    monitor: &dyn Monitor,
    mut take: impl FnMut(std::ops::Range<usize>, &[f32]) -> Result<()>,
) -> Result<()> {
    let width = rows.width();
    let at_once = rows_at_once(width);
    let mut values = Vec::new();
    for first in (0..rows.len()).step_by(at_once) {
        if monitor.stopped() {
            return Err(Error::stopped());
        }
        let block = first..rows.len().min(first + at_once);
        values.resize(block.len() * width, 0f32);
        let all: Vec<usize> = block.clone().collect();
        copy_rows(rows, &all, &mut values)?;
        let broken = values.par_chunks(width).position_first(|row| row.iter().any(|value| !value.is_finite()));
        if let Some(row) = broken {
            return Err(Error::failed(format!(
                "the features of {split} sample {} hold a value that is not a finite number, so their store was changed \
                 while it was read; run this again: rows that do not fit their checksums are computed again",
                first + row + 1
            )));
        }
        take(block, &values)?;
    }
    Ok(())
}

/// Rows that one thread copies at a time.
const COPIED_AT_ONCE: usize = 8;

/// [`FeatureRows::copy_rows`] on several threads.
pub(super) fn copy_rows(rows: &dyn FeatureRows, wanted: &[usize], out: &mut [f32]) -> Result<()> {
    let parts = out.par_chunks_mut(COPIED_AT_ONCE * rows.width().max(1)).zip(wanted.par_chunks(COPIED_AT_ONCE));
    parts.try_for_each(|(out, wanted)| rows.copy_rows(wanted, out))
}

/// Rows to hold at once: a few megabytes, but enough for fast products.
pub(super) fn rows_at_once(width: usize) -> usize {
    (4_000_000 / width.max(1)).clamp(32, 512)
}
