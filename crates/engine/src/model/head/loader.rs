//! Loads the rows of a split batch by batch.

use crate::backbone::Arithmetic;
use crate::features::FeatureRows;
use crate::model::data::copy_rows;
use crate::model::scaling::Standardisation;
use crate::model::tiled::{Batch, TILE};
use faceprobe_core::error::Result;

/// Reads rows, standardises them, and lays them out for the kernels.
pub(in crate::model) struct Loader<'a> {
    rows: &'a dyn FeatureRows,
    scaling: &'a Standardisation,
    arithmetic: Arithmetic,
    raw: Vec<f32>,
    batch: Batch,
}

impl<'a> Loader<'a> {
    /// Batches for products in the given arithmetic.
    pub(in crate::model) fn new(
        rows: &'a dyn FeatureRows,
        scaling: &'a Standardisation,
        arithmetic: Arithmetic,
    ) -> Self {
        Self { rows, scaling, arithmetic, raw: Vec::new(), batch: Batch::zeros(0, 0, arithmetic) }
    }

    /// The standardised rows, in order.
    pub(in crate::model) fn batch(&mut self, rows: &[usize]) -> Result<&Batch> {
        let width = self.rows.width();
        self.raw.resize(rows.len() * width, 0.0);
        self.batch.reshape(rows.len(), width, self.arithmetic);
        copy_rows(self.rows, rows, &mut self.raw)?;
        let (raw, scaling) = (&self.raw, self.scaling);
        self.batch.refill(
            #[inline(always)]
            |tile, sample, piece| {
                let columns = tile * TILE..width.min((tile + 1) * TILE);
                let row = &raw[sample * width..][..width];
                scaling.scale(columns.clone(), &row[columns], &mut piece[..]);
            },
        );
        Ok(&self.batch)
    }
}
