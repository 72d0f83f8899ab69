//! One dense layer with ReLU and dropout.

use super::batch::Batch;
use super::kernels::{Slice, flow_back, products, update};
use super::rule::{Step, slots};
use super::tiles::{Piece, TILE, Tiles};
use super::units::{Activations, Flows, UNITS_AT_ONCE};
use crate::backbone::Arithmetic;
use crate::kernel::vectorised;
use crate::model::settings::Optimizer;
use rayon::prelude::*;

/// Weights, biases, and what the optimizer remembers of them.
pub(super) struct Layer {
    /// Units x inputs.
    pub(super) weights: Tiles,
    pub(super) bias: Vec<f32>,
    /// Of the weights; the second is empty where the optimizer needs none.
    pub(super) memory: [Tiles; 2],
    pub(super) bias_memory: [Vec<f32>; 2],
}

impl Layer {
    pub(super) fn new(units: usize, inputs: usize, weights: &[f32], optimizer: Optimizer) -> Self {
        let second = if slots(optimizer) == 2 { Tiles::zeros(units, inputs) } else { Tiles::zeros(0, 0) };
        Self {
            weights: Tiles::from_rows(units, inputs, weights),
            bias: vec![0.0; units],
            memory: [Tiles::zeros(units, inputs), second],
            bias_memory: [vec![0.0; units], vec![0.0; units]],
        }
    }

    /// The units' values `scale * max(0, weights x + bias)`, zero where `kept` (samples x units) says no.
    ///
    /// They are put where earlier ones were, in `spare`.
    pub(super) fn forward(&self, x: &Batch, kept: Option<&[bool]>, scale: f32, spare: Option<Vec<f32>>) -> Activations {
        let (samples, units) = (x.samples(), self.bias.len());
        let mut values = spare.unwrap_or_default();
        values.resize(units * samples, 0.0);
        values.par_chunks_mut(UNITS_AT_ONCE * samples).enumerate().for_each(|(group, values)| {
            let first = group * UNITS_AT_ONCE;
            products(values, &self.weights, first, x);
            let biases = &self.bias[first..];
            vectorised(
                #[inline(always)]
                || activate(values, samples, biases, kept.map(|kept| (&kept[first..], units)), scale),
            );
        });
        Activations { samples, values }
    }

    /// The gradient at the layer's input, samples x inputs, given the gradient at its units before ReLU.
    pub(super) fn input_gradient(&self, samples: usize, flows: &Flows) -> Tiles {
        let mut gradient = Tiles::zeros(samples, self.weights.columns());
        let (stride, units) = (self.weights.stride(), self.weights.rows());
        let out_stride = gradient.stride();
        gradient
            .pieces_mut()
            .par_chunks_exact_mut(out_stride)
            .zip(self.weights.pieces().par_chunks_exact(stride))
            .for_each(|(out, weights)| flow_back(out, &weights[..units], flows));
        gradient
    }

    /// Takes one step of the optimizer.
    pub(super) fn step(&mut self, x: &Batch, flows: &Flows, step: &Step) {
        let gradients: Vec<f32> = flows.units().map(|flows| flows.iter().map(|flow| flow.1).sum()).collect();
        step.apply_all(&gradients, &mut self.bias, &mut self.bias_memory);
        let stride = self.weights.stride();
        let tiles = self.weights.count();
        let [first, second] = &mut self.memory;
        let second: Vec<&mut [Piece]> = if second.count() == 0 {
            (0..tiles).map(|_| <&mut [Piece]>::default()).collect()
        } else {
            second.pieces_mut().chunks_exact_mut(stride).collect()
        };
        self.weights
            .pieces_mut()
            .par_chunks_exact_mut(stride)
            .zip(first.pieces_mut().par_chunks_exact_mut(stride))
            .zip(second.into_par_iter())
            .zip(x.tiles.pieces().par_chunks_exact(x.tiles.stride()))
            .for_each(|(((weights, first), second), x)| update(&mut Slice { weights, first, second }, x, flows, step));
    }
}

/// Turns some units' products into their values; `kept` are all units' from the first of these on, sample by sample, and
/// how many units that is.
#[inline(always)]
fn activate(values: &mut [f32], samples: usize, biases: &[f32], kept: Option<(&[bool], usize)>, scale: f32) {
    // What is not a number stays so, and is found in the loss.
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

/// A layer's values as the input of the next, samples x units.
pub(super) fn as_input(activations: &Activations, arithmetic: Arithmetic) -> Batch {
    let units = activations.values.len() / activations.samples;
    let mut batch = Batch::zeros(activations.samples, units, arithmetic);
    batch.refill(|tile, pieces| {
        for (at, values) in activations.units().skip(tile * TILE).take(TILE).enumerate() {
            pieces.iter_mut().zip(values).for_each(|(piece, &value)| piece[at] = value);
        }
    });
    batch
}
