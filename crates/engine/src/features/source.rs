//! Row sources: the trait, and the pooled pixels of the benchmark.

use crate::backbone::{Pool, pooling};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::features::{Dtype, Rows, StoreIdentity};
use faceprobe_core::imaging::{Pixels, Preprocessing};
use ndarray::{Array2, ArrayView1};
use tch::{TchError, Tensor};

/// Computes rows from images.
pub trait RowSource: Sync {
    /// What the rows are.
    fn identity(&self) -> StoreIdentity;

    /// The stores that the rows belong to: their parts side by side, in this order, form a row. One store, unless
    /// features are taken from several stages.
    fn identities(&self) -> Vec<StoreIdentity> {
        vec![self.identity()]
    }

    /// How files are decoded and resized for the extractor.
    fn preprocessing(&self) -> Preprocessing;

    /// Recommended number of images per call.
    fn batch(&self) -> usize {
        16
    }

    /// An extractor for one thread. The caller sets libtorch's number of threads for that thread.
    ///
    /// # Errors
    /// Weights that cannot be read.
    fn worker(&self) -> Result<Box<dyn RowExtractor + Send>>;
}

/// Computes rows on one thread.
pub trait RowExtractor {
    /// The rows of a batch of pictures made by [`RowSource::preprocessing`]; row `i` is of image `i`.
    ///
    /// # Errors
    /// A computation that cannot be done for any image, such as a lack of memory. It ends the extraction.
    fn rows(&mut self, batch: &[Pixels]) -> Result<Rows>;

    /// The same, split by [`RowSource::identities`].
    ///
    /// # Errors
    /// As [`RowExtractor::rows`].
    fn parts(&mut self, batch: &[Pixels]) -> Result<Vec<Rows>> {
        Ok(vec![self.rows(batch)?])
    }

    /// The activations behind the row of one image, for explanations; none where rows come from no network.
    ///
    /// # Errors
    /// As [`RowExtractor::rows`].
    fn tapped(&mut self, _: &Pixels) -> Result<Option<Tapped>> {
        Ok(None)
    }
}

/// The stages of a network from which the features of one image are taken.
pub struct Tapped {
    /// `[1, C, H, W]`, or tokens `[1, T, C]`, for each stage.
    pub activations: Vec<Tensor>,
    pub pool: Pool,
}

impl Tapped {
    /// The rows `[N, width]` of the stages side by side, differentiable.
    ///
    /// # Errors
    /// Errors of libtorch.
    pub fn pooled(&self, stages: &[Tensor]) -> Result<Tensor, TchError> {
        let parts = stages.iter().map(|stage| pooling::apply(self.pool, stage)).collect::<Result<Vec<_>, _>>()?;
        Tensor::f_cat(&parts, 1)
    }
}

/// The input of the benchmark CNN. Its first layer is a fixed average pooling, so the exact sums over pool x pool
/// blocks of the resized image are stored instead of pixels.
///
/// A row is (input / pool) x (input / pool) x 3 in the order height, width, channel; divided by pool² and by 255 it is
/// the pooled image in 0..=1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PooledPixels {
    input: usize,
    pool: usize,
}

impl PooledPixels {
    /// Blocks of `pool` x `pool` pixels of a picture of `input` x `input`.
    ///
    /// # Errors
    /// A `pool` that does not divide `input`, or above 16, where the sum of a block would not fit 16 bits.
    pub fn new(input: usize, pool: usize) -> Result<Self> {
        if input == 0 || !(1..=16).contains(&pool) || !input.is_multiple_of(pool) {
            return Err(Error::usage(format!(
                "cannot pool {input} x {input} pixels in blocks of {pool}; give a pool from 1 to 16 that divides the input"
            )));
        }
        Ok(Self { input, pool })
    }

    /// Blocks along one side of the pooled picture.
    pub fn side(&self) -> usize {
        self.input / self.pool
    }

    /// Values per row.
    pub fn width(&self) -> usize {
        self.side() * self.side() * 3
    }

    /// The pooled image of a row as averages in 0..=1, in the same order.
    pub fn averages<'a>(&self, row: ArrayView1<'a, u16>) -> impl Iterator<Item = f32> + use<'a> {
        let full = (self.pool * self.pool * 255) as f32;
        (0..row.len()).map(move |index| f32::from(row[index]) / full)
    }

    /// Adds the pixels of each block to its sum in `row`.
    fn sums(&self, picture: &Pixels, row: &mut [u16]) {
        let line = self.input * 3;
        for (y, pixels) in picture.rgb().chunks_exact(line).enumerate() {
            let first = y / self.pool * self.side() * 3;
            let sums = &mut row[first..first + self.side() * 3];
            for (block, sum) in pixels.chunks_exact(self.pool * 3).zip(sums.chunks_exact_mut(3)) {
                for pixel in block.chunks_exact(3) {
                    sum.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += u16::from(*value));
                }
            }
        }
    }
}

impl RowSource for PooledPixels {
    fn identity(&self) -> StoreIdentity {
        StoreIdentity {
            backbone: "pixels".into(),
            weights: "none".into(),
            preprocessing: self.preprocessing().describe(),
            tap: "last".into(),
            pool: format!("sum{}", self.pool),
            dtype: Dtype::U16,
            width: self.width(),
        }
    }

    fn preprocessing(&self) -> Preprocessing {
        Preprocessing::default_mode(self.input, [0.0; 3], [1.0; 3])
    }

    fn worker(&self) -> Result<Box<dyn RowExtractor + Send>> {
        Ok(Box::new(*self))
    }
}

impl RowExtractor for PooledPixels {
    fn rows(&mut self, batch: &[Pixels]) -> Result<Rows> {
        let mut rows = vec![0; batch.len() * self.width()];
        for (picture, row) in batch.iter().zip(rows.chunks_exact_mut(self.width())) {
            if (picture.width(), picture.height()) != (self.input, self.input) {
                return Err(Error::failed(format!(
                    "A picture of {} x {} pixels came where {} x {} were expected.",
                    picture.width(),
                    picture.height(),
                    self.input,
                    self.input
                )));
            }
            self.sums(picture, row);
        }
        let rows = Array2::from_shape_vec((batch.len(), self.width()), rows);
        rows.map(Rows::U16).map_err(|error| Error::failed(format!("The pooled pixels have a wrong shape: {error}")))
    }
}
