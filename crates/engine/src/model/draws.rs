//! The random draws of a dense head's training, for tests that train the same head with another tool.

use super::DenseSettings;
use super::head::Head;
use super::network::Weights;
use super::random::{Dropout, epoch_order};
use faceprobe_core::error::Result;

/// The draws of one epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct EpochDraws {
    /// Samples in the order in which they are visited.
    pub order: Vec<usize>,
    /// Per hidden layer, samples in that order x units: whether dropout keeps the unit. Empty without dropout.
    pub kept: Vec<Vec<bool>>,
}

impl EpochDraws {
    /// The draws of an epoch, counted from 1, of `samples` samples.
    pub fn new(settings: &DenseSettings, epoch: usize, samples: usize) -> Self {
        let order = epoch_order(settings.seed, epoch, samples);
        let mut dropout = Dropout::for_epoch(settings.dropout, settings.seed, epoch);
        let mut kept = vec![Vec::new(); settings.depth];
        for batch in order.chunks(settings.batch) {
            for kept in &mut kept {
                kept.extend(dropout.kept(batch.len() * settings.width).unwrap_or_default());
            }
        }
        Self { order, kept }
    }
}

/// The initial weights of a dense head with that many inputs: `hidden.weight` (width x inputs), `hidden.bias`, with two
/// layers `hidden2.…`, `out.weight`, `out.bias`.
///
/// # Errors
/// None for settings that pass [`DenseSettings::check`].
pub fn first_weights(settings: &DenseSettings, inputs: usize) -> Result<Weights> {
    Head::new(inputs, settings).weights()
}
