//! One dense layer with ReLU and dropout.

use super::kernels::{Flows, Group, Slice, flow_back, products, update};
use super::rule::{Step, slots};
use super::tiles::{Piece, Tiles};
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

    /// Which units each of `samples` samples computes: those that `mask` keeps (samples x units, not 0), or all.
    pub(super) fn groups(&self, samples: usize, mask: Option<&[f32]>) -> Vec<Group> {
        let units = self.bias.len();
        // Enough for a matrix product, and still several of the study's 1024 units, for several threads.
        let size = 256;
        let firsts: Vec<usize> = (0..units).step_by(size).collect();
        firsts
            .into_par_iter()
            .map(|first| {
                let all = first..units.min(first + size);
                let mut group = Group { range: all.clone(), starts: vec![0], ..Group::default() };
                for sample in 0..samples {
                    match mask {
                        None => group.units.extend(all.clone().map(|unit| unit as u32)),
                        Some(mask) => {
                            let mask = &mask[sample * units..][..units];
                            group.units.extend(all.clone().filter(|&unit| mask[unit] != 0.0).map(|unit| unit as u32));
                        }
                    }
                    group.starts.push(group.units.len());
                }
                group.values = vec![0.0; group.units.len()];
                group
            })
            .collect()
    }

    /// Computes the groups' values: `scale * max(0, weights x + bias)`. `x` has one row per sample.
    pub(super) fn forward(&self, x: &Tiles, groups: &mut [Group], scale: f32) {
        groups.par_iter_mut().for_each(|group| {
            products(group, x, &self.weights);
            for (value, &unit) in group.values.iter_mut().zip(&group.units) {
                *value = (*value + self.bias[unit as usize]).max(0.0) * scale;
            }
        });
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
    pub(super) fn step(&mut self, x: &Tiles, flows: &Flows, step: &Step) {
        let gradients: Vec<f32> = flows.iter().map(|flows| flows.iter().map(|flow| flow.1).sum()).collect();
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
            .zip(x.pieces().par_chunks_exact(x.stride()))
            .for_each(|(((weights, first), second), x)| update(&mut Slice { weights, first, second }, x, flows, step));
    }
}

/// The groups' values as the input of the next layer, samples x units.
pub(super) fn as_input(groups: &[Group], samples: usize, units: usize) -> Tiles {
    let mut tiles = Tiles::zeros(samples, units);
    let stride = tiles.stride();
    let pieces = tiles.pieces_mut();
    for group in groups {
        for sample in 0..samples {
            for (unit, value) in group.of(sample) {
                pieces[unit / super::tiles::TILE * stride + sample].as_flattened_mut()[unit % super::tiles::TILE] =
                    value;
            }
        }
    }
    tiles
}
