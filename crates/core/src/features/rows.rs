//! Access to feature rows, in memory or in stores.

use super::store::Store;
use crate::dataset::ContentHash;
use crate::error::{Error, Result};
use ndarray::{Array2, ArrayView2, ArrayViewMut1, ArrayViewMut2, s};
use std::ops::Range;

/// Rows of equal width that can be copied in any order.
///
/// Features can be larger than memory, so training and scoring never request all of them: they copy rows block by
/// block. Implemented by arrays in memory and by memory-mapped stores ([`StoreRows`]).
pub trait FeatureRows: Sync {
    /// Number of rows.
    fn len(&self) -> usize;

    /// Values per row.
    fn width(&self) -> usize;

    /// Copies the given rows one after the other into `out`, which holds `rows.len() * width` values.
    ///
    /// # Errors
    /// An index out of range, `out` of another length, or a store that lost a row.
    fn copy_rows(&self, rows: &[usize], out: &mut [f32]) -> Result<()>;

    /// Whether there are no rows.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn check(rows: &[usize], len: usize, width: usize, out: &[f32]) -> Result<()> {
    if out.len() != rows.len() * width {
        return Err(Error::failed(format!(
            "{} rows of {width} values do not fit a place for {} values",
            rows.len(),
            out.len()
        )));
    }
    match rows.iter().find(|&&row| row >= len) {
        Some(row) => Err(Error::failed(format!("there is no row {row} among {len} rows of features"))),
        None => Ok(()),
    }
}

impl FeatureRows for ArrayView2<'_, f32> {
    fn len(&self) -> usize {
        self.nrows()
    }

    fn width(&self) -> usize {
        self.ncols()
    }

    fn copy_rows(&self, rows: &[usize], out: &mut [f32]) -> Result<()> {
        check(rows, self.nrows(), self.ncols(), out)?;
        // Without columns there are no values, and chunks must not be empty.
        for (&row, out) in rows.iter().zip(out.chunks_exact_mut(self.ncols().max(1))) {
            ArrayViewMut1::from(out).assign(&self.row(row));
        }
        Ok(())
    }
}

/// The rows of some images, from the mapped files of one store or of several side by side.
///
/// With several stores, a row is the concatenation of their rows for one image: features from several stages.
pub struct StoreRows<'a> {
    stores: Vec<&'a Store>,
    keys: Vec<ContentHash>,
    width: usize,
}

impl<'a> StoreRows<'a> {
    /// The rows of `keys`, in their order.
    ///
    /// # Errors
    /// An image without a row in one of the stores; no stores.
    pub fn new(stores: &[&'a Store], keys: Vec<ContentHash>) -> Result<Self> {
        if stores.is_empty() {
            return Err(Error::failed("there is no feature store to take rows from; run faceprobe extract first"));
        }
        for store in stores {
            let missing = store.missing(&keys).len();
            if missing > 0 {
                let what = format!("lacks {missing} of {} images; run faceprobe extract first", keys.len());
                return Err(Error::file(store.folder(), what));
            }
        }
        let width = stores.iter().map(|store| store.identity().width).sum();
        Ok(Self { stores: stores.to_vec(), keys, width })
    }

    /// The rows of the same images in each of the stores.
    pub fn by_store(&self) -> Vec<Self> {
        let alone =
            |&store: &&'a Store| Self { stores: vec![store], keys: self.keys.clone(), width: store.identity().width };
        self.stores.iter().map(alone).collect()
    }

    /// The rows of the same images in some of the stores, by index.
    ///
    /// # Errors
    /// An index out of range.
    pub fn of_stores(&self, range: Range<usize>) -> Result<Self> {
        let stores = self.stores.get(range.clone()).filter(|stores| !stores.is_empty());
        let stores =
            stores.ok_or_else(|| Error::failed(format!("there are rows of fewer than {} stores", range.end)))?;
        let width = stores.iter().map(|store| store.identity().width).sum();
        Ok(Self { stores: stores.to_vec(), keys: self.keys.clone(), width })
    }
}

impl FeatureRows for StoreRows<'_> {
    fn len(&self) -> usize {
        self.keys.len()
    }

    fn width(&self) -> usize {
        self.width
    }

    fn copy_rows(&self, rows: &[usize], out: &mut [f32]) -> Result<()> {
        check(rows, self.keys.len(), self.width, out)?;
        let keys: Vec<ContentHash> = rows.iter().map(|&row| self.keys[row]).collect();
        let mut out = ArrayViewMut2::from_shape((rows.len(), self.width), out)
            .map_err(|error| Error::failed(error.to_string()))?;
        let mut first = 0;
        for store in &self.stores {
            let end = first + store.identity().width;
            store.gather_into(&keys, &mut out.slice_mut(s![.., first..end]))?;
            first = end;
        }
        Ok(())
    }
}

/// Rows in either number format, images x width.
#[derive(Debug, Clone, PartialEq)]
pub enum Rows {
    F32(Array2<f32>),
    U16(Array2<u16>),
}

impl Rows {
    /// Images and values per image.
    pub fn dim(&self) -> (usize, usize) {
        match self {
            Self::F32(rows) => rows.dim(),
            Self::U16(rows) => rows.dim(),
        }
    }

    /// Whether all values of a row are finite.
    pub fn is_finite(&self, row: usize) -> bool {
        match self {
            Self::F32(rows) => rows.row(row).iter().all(|value| value.is_finite()),
            Self::U16(_) => true,
        }
    }

    /// The rows with these indices, in their order.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        match self {
            Self::F32(all) => Self::F32(all.select(ndarray::Axis(0), rows)),
            Self::U16(all) => Self::U16(all.select(ndarray::Axis(0), rows)),
        }
    }
}
