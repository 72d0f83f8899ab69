//! One dense layer with ReLU and dropout.

use super::kernels::{Slice, input_gradient_tile, update};
use super::rule::{Step, slots};
use super::units::{Activations, UnitGradients};
use crate::backbone::Arithmetic;
use crate::model::Optimizer;
use crate::model::tiled::{Batch, ROWS_AT_ONCE, TILE, Tiles, in_half, products};
use faceprobe_kernel::half::{self, HalfRows};
use faceprobe_kernel::vectorised;
use rayon::prelude::*;

/// Weights, biases and their optimizer state.
pub(super) struct Layer {
    /// Units x inputs.
    pub(super) weights: Tiles,
    /// The same weights rounded to bf16, updated with every step.
    rounded: Option<HalfRows>,
    pub(super) bias: Vec<f32>,
    /// For the weights; the second is empty where the optimizer has one state only.
    pub(super) state: [Tiles; 2],
    pub(super) bias_state: [Vec<f32>; 2],
}

impl Layer {
    pub(super) fn new(
        units: usize,
        inputs: usize,
        weights: &[f32],
        optimizer: Optimizer,
        arithmetic: Arithmetic,
    ) -> Self {
        let second = if slots(optimizer) == 2 { Tiles::zeros(units, inputs) } else { Tiles::zeros(0, 0) };
        let weights = Tiles::from_rows(units, inputs, weights);
        let rounded = in_half(arithmetic).then(|| HalfRows::zeros(units, weights.count()));
        let mut layer = Self {
            weights,
            rounded,
            bias: vec![0.0; units],
            state: [Tiles::zeros(units, inputs), second],
            bias_state: [vec![0.0; units], vec![0.0; units]],
        };
        layer.round();
        layer
    }

    /// To be called after weights were set by anything but a step.
    pub(super) fn round(&mut self) {
        let Some(rounded) = &mut self.rounded else { return };
        let strides = (self.weights.stride(), rounded.stride());
        let pieces = self.weights.pieces().par_chunks_exact(strides.0);
        pieces.zip(rounded.lines_mut().par_chunks_exact_mut(strides.1)).for_each(|(pieces, lines)| {
            half::round(pieces.iter().map(|piece| &**piece), lines);
        });
    }

    /// The units' activations `scale * max(0, weights x + bias)`, zero where `kept` (samples x units) is false.
    ///
    /// All products are computed, although dropout needs only some: that is faster than computing some. The result
    /// reuses the memory of `spare`.
    pub(super) fn forward(&self, x: &Batch, kept: Option<&[bool]>, scale: f32, spare: Option<Vec<f32>>) -> Activations {
        let (samples, units) = (x.samples(), self.bias.len());
        let mut values = spare.unwrap_or_default();
        values.resize(units * samples, 0.0);
        values.par_chunks_mut(ROWS_AT_ONCE * samples).enumerate().for_each(|(group, values)| {
            let first = group * ROWS_AT_ONCE;
            products(values, &self.weights, self.rounded.as_ref(), first, x);
            let biases = &self.bias[first..];
            vectorised(
                #[inline(always)]
                || activate(values, samples, biases, kept.map(|kept| (&kept[first..], units)), scale),
            );
        });
        Activations { samples, values }
    }

    /// The gradient at the layer's input, samples x inputs, from the gradient at its units before ReLU.
    pub(super) fn input_gradient(&self, samples: usize, unit_gradients: &UnitGradients) -> Tiles {
        let mut gradient = Tiles::zeros(samples, self.weights.columns());
        let (stride, units) = (self.weights.stride(), self.weights.rows());
        let out_stride = gradient.stride();
        gradient
            .pieces_mut()
            .par_chunks_exact_mut(out_stride)
            .zip(self.weights.pieces().par_chunks_exact(stride))
            .for_each(|(out, weights)| input_gradient_tile(out, &weights[..units], unit_gradients));
        gradient
    }

    /// Takes one optimizer step.
    pub(super) fn step(&mut self, x: &Batch, unit_gradients: &UnitGradients, step: &Step) {
        let gradients: Vec<f32> = unit_gradients.units().map(|unit| unit.iter().map(|sample| sample.1).sum()).collect();
        step.apply_all(&gradients, &mut self.bias, &mut self.bias_state);
        let stride = self.weights.stride();
        let tiles = self.weights.count();
        let [first, second] = &mut self.state;
        let rounded = self.rounded.as_mut().map_or(&mut [][..], HalfRows::lines_mut);
        self.weights
            .pieces_mut()
            .par_chunks_exact_mut(stride)
            .zip(first.pieces_mut().par_chunks_exact_mut(stride))
            .zip(by_tile(second.pieces_mut(), tiles))
            .zip(by_tile(rounded, tiles))
            .zip(x.tiles.pieces().par_chunks_exact(x.tiles.stride()))
            .for_each(|((((weights, first), second), rounded), x)| {
                update(&mut Slice { weights, first, second }, x, unit_gradients, step);
                half::round(weights.iter().map(|piece| &**piece), rounded);
            });
    }
}

/// One slice for each tile; none where there is no data.
fn by_tile<T: Send>(all: &mut [T], tiles: usize) -> Vec<&mut [T]> {
    let mut parts: Vec<_> = all.chunks_exact_mut((all.len() / tiles).max(1)).collect();
    parts.resize_with(tiles, Default::default);
    parts
}

/// Turns products of some units into activations. `kept` holds all units from the first of these on, sample by sample,
/// with the given number of units per sample.
#[inline(always)]
fn activate(values: &mut [f32], samples: usize, biases: &[f32], kept: Option<(&[bool], usize)>, scale: f32) {
    // NaN propagates and is detected in the loss.
    let value = |sum: f32| if sum < 0.0 { 0.0 } else { sum * scale };
    for (unit, (values, &bias)) in values.chunks_exact_mut(samples).zip(biases).enumerate() {
        match kept {
            None => values.iter_mut().for_each(|place| *place = value(*place + bias)),
            Some((kept, units)) => {
                for (place, &kept) in values.iter_mut().zip(kept[unit..].iter().step_by(units)) {
                    let value = value(*place + bias);
                    *place = if kept { value } else { 0.0 };
                }
            }
        }
    }
}

/// The activations of a layer as the input of the next, samples x units.
pub(super) fn as_input(activations: &Activations, arithmetic: Arithmetic) -> Batch {
    let units = activations.values.len() / activations.samples;
    let mut batch = Batch::zeros(activations.samples, units, arithmetic);
    batch.refill(
        #[inline(always)]
        |tile, sample, piece| {
            let units = activations.values[tile * TILE * activations.samples..].iter().skip(sample);
            let values = units.step_by(activations.samples);
            piece.iter_mut().zip(values).for_each(|(place, &value)| *place = value);
        },
    );
    batch
}
