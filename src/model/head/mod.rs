//! The dense head while it learns: one or two dense layers with ReLU and dropout, and a logit.
//!
//! libtorch writes the gradients of dense layers to memory and goes through them again for the optimizer. For the study's
//! head on flattened features, with 25 to 100 million weights of which dropout leaves a fifth at work, that is most of the
//! time; [`kernels`] takes gradient and step in one pass, and only where a gradient flows. The formulas are libtorch's, and
//! tests hold gradients and steps against its own.
//!
//! Results do not depend on the number of threads: every sum is made by one thread in a fixed order.

mod kernels;
mod layer;
mod rule;
mod simd;
mod tiles;

pub(super) use rule::Step;

use super::network::Weights;
use super::random::{Dropout, Initialiser};
use super::settings::{DenseSettings, Optimizer};
use super::training::{Figures, cross_entropy};
use crate::error::{Error, Result};
use crate::features::FeatureRows;
use crate::model::scaling::Standardisation;
use kernels::{Flows, Group};
use layer::{Layer, as_input};
use ndarray::{Array1, Array2};
use rayon::prelude::*;
use tiles::{TILE, Tiles};

/// The head's numbers and the optimizer's memory of them.
pub(super) struct Head {
    layers: Vec<Layer>,
    out_weight: Vec<f32>,
    out_bias: Vec<f32>,
    out_memory: [Vec<f32>; 2],
    out_bias_memory: [Vec<f32>; 2],
    optimizer: Optimizer,
    decay: f64,
}

impl Head {
    /// A fresh head, as Keras makes it: Glorot-uniform kernels and zero biases.
    pub(super) fn new(inputs: usize, settings: &DenseSettings) -> Self {
        let mut init = Initialiser::new(settings.seed);
        let (width, optimizer) = (settings.width, settings.optimizer);
        let sides = [inputs, width];
        let layers = (0..settings.depth)
            .map(|depth| {
                let inputs = sides[depth.min(1)];
                let kernel = init.glorot(&[width, inputs], inputs, width);
                Layer::new(width, inputs, kernel.as_slice().unwrap_or(&[]), optimizer)
            })
            .collect();
        Self {
            layers,
            out_weight: init.glorot(&[1, width], width, 1).into_raw_vec_and_offset().0,
            out_bias: vec![0.0],
            out_memory: [vec![0.0; width], vec![0.0; width]],
            out_bias_memory: [vec![0.0], vec![0.0]],
            optimizer,
            decay: settings.weight_decay,
        }
    }

    /// Learns from one batch, step number `step` from 1 on; mean loss and correct answers as they were before it.
    pub(super) fn learn(
        &mut self,
        x: &Tiles,
        positive: &[bool],
        dropout: &mut Dropout,
        step: u64,
        rate: f64,
    ) -> Figures {
        let samples = positive.len();
        let scale = dropout.scale();
        let mut groups: Vec<Vec<Group>> = Vec::new();
        let mut inputs: Vec<Tiles> = Vec::new();
        for layer in &self.layers {
            let mut own = layer.groups(samples, dropout.draw(samples * layer.bias.len()));
            layer.forward(inputs.last().unwrap_or(x), &mut own, scale);
            if groups.len() + 1 < self.layers.len() {
                inputs.push(as_input(&own, samples, layer.bias.len()));
            }
            groups.push(own);
        }
        let last = groups.last().map(Vec::as_slice).unwrap_or_default();
        let logits = self.logits(last, samples);
        let figures = Figures::of(&logits, positive);

        // The gradient of the mean loss at each logit.
        let slopes: Vec<f32> = logits
            .iter()
            .zip(positive)
            .map(|(&logit, &positive)| {
                let probability = 1.0 / (1.0 + (-f64::from(logit)).exp());
                ((probability - f64::from(u8::from(positive))) / samples as f64) as f32
            })
            .collect();
        let mut out_gradient = vec![0f32; self.out_weight.len()];
        let mut flows: Flows = vec![Vec::new(); self.out_weight.len()];
        for group in last {
            for (sample, &slope) in slopes.iter().enumerate() {
                for (unit, value) in group.of(sample).filter(|(_, value)| *value > 0.0) {
                    out_gradient[unit] += slope * value;
                    flows[unit].push((sample as u32, slope * self.out_weight[unit] * scale));
                }
            }
        }
        let step = Step::new(self.optimizer, step, rate, self.decay);
        step.apply_all(&out_gradient, &mut self.out_weight, &mut self.out_memory);
        step.apply_all(&[slopes.iter().sum()], &mut self.out_bias, &mut self.out_bias_memory);
        for depth in (0..self.layers.len()).rev() {
            // What flows further back passes the weights as they were.
            let below = depth.checked_sub(1).map(|below| {
                let gradient = self.layers[depth].input_gradient(samples, &flows);
                flows_below(&groups[below], &gradient, samples, self.layers[below].bias.len(), scale)
            });
            let input = depth.checked_sub(1).map_or(x, |below| &inputs[below]);
            self.layers[depth].step(input, &flows, &step);
            flows = below.unwrap_or_default();
        }
        figures
    }

    /// The logits of some rows, dropout off.
    pub(super) fn score(&self, x: &Tiles) -> Vec<f32> {
        let samples = x.rows();
        let mut input: Option<Tiles> = None;
        let mut groups = Vec::new();
        for layer in &self.layers {
            if !groups.is_empty() {
                input = Some(as_input(&groups, samples, layer.weights.columns()));
            }
            groups = layer.groups(samples, None);
            layer.forward(input.as_ref().unwrap_or(x), &mut groups, 1.0);
        }
        self.logits(&groups, samples)
    }

    fn logits(&self, groups: &[Group], samples: usize) -> Vec<f32> {
        (0..samples)
            .map(|sample| {
                let terms = groups.iter().flat_map(|group| group.of(sample));
                self.out_bias[0] + terms.map(|(unit, value)| value * self.out_weight[unit]).sum::<f32>()
            })
            .collect()
    }

    /// The trained numbers, as they lie in memory.
    pub(super) fn numbers(&self) -> Vec<&[f32]> {
        let mut all: Vec<&[f32]> = Vec::new();
        for layer in &self.layers {
            all.extend([layer.weights.raw(), &layer.bias]);
        }
        all.extend([self.out_weight.as_slice(), &self.out_bias]);
        all
    }

    /// The trained numbers, to be set.
    pub(super) fn numbers_mut(&mut self) -> Vec<&mut [f32]> {
        let mut all: Vec<&mut [f32]> = Vec::new();
        for layer in &mut self.layers {
            all.extend([layer.weights.raw_mut(), &mut layer.bias]);
        }
        all.extend([self.out_weight.as_mut_slice(), &mut self.out_bias]);
        all
    }

    /// The optimizer's memory.
    pub(super) fn memory(&self) -> Vec<&[f32]> {
        let mut all: Vec<&[f32]> = Vec::new();
        for layer in &self.layers {
            all.extend(layer.memory.iter().map(Tiles::raw));
            all.extend(layer.bias_memory.iter().map(Vec::as_slice));
        }
        all.extend(self.out_memory.iter().chain(&self.out_bias_memory).map(Vec::as_slice));
        all
    }

    /// The optimizer's memory, to be set.
    pub(super) fn memory_mut(&mut self) -> Vec<&mut [f32]> {
        let mut all: Vec<&mut [f32]> = Vec::new();
        for layer in &mut self.layers {
            all.extend(layer.memory.iter_mut().map(Tiles::raw_mut));
            all.extend(layer.bias_memory.iter_mut().map(Vec::as_mut_slice));
        }
        all.extend(self.out_memory.iter_mut().chain(&mut self.out_bias_memory).map(Vec::as_mut_slice));
        all
    }

    /// Lets go of the optimizer's memory, two thirds of what the head holds.
    pub(super) fn forget(&mut self) {
        for layer in &mut self.layers {
            layer.memory = [Tiles::zeros(0, 0), Tiles::zeros(0, 0)];
        }
    }

    /// `hidden.weight` (width x inputs), `hidden.bias`, with two layers `hidden2.…`, `out.weight`, `out.bias`.
    pub(super) fn weights(&self) -> Result<Weights> {
        let impossible = |error: ndarray::ShapeError| Error::failed(error.to_string());
        let mut weights = Weights::new();
        for (depth, layer) in self.layers.iter().enumerate() {
            let name = if depth == 0 { "hidden".to_owned() } else { format!("hidden{}", depth + 1) };
            let shape = (layer.weights.rows(), layer.weights.columns());
            let matrix = Array2::from_shape_vec(shape, layer.weights.to_rows()).map_err(impossible)?;
            weights.insert(format!("{name}.weight"), matrix.into_dyn());
            weights.insert(format!("{name}.bias"), Array1::from(layer.bias.clone()).into_dyn());
        }
        let out = Array2::from_shape_vec((1, self.out_weight.len()), self.out_weight.clone()).map_err(impossible)?;
        weights.insert("out.weight".into(), out.into_dyn());
        weights.insert("out.bias".into(), Array1::from(self.out_bias.clone()).into_dyn());
        Ok(weights)
    }
}

/// What flows through the units of a lower layer, given the gradient at its output.
fn flows_below(groups: &[Group], gradient: &Tiles, samples: usize, units: usize, scale: f32) -> Flows {
    let mut flows: Flows = vec![Vec::new(); units];
    for group in groups {
        for sample in 0..samples {
            for (unit, _) in group.of(sample).filter(|(_, value)| *value > 0.0) {
                let piece = &gradient.pieces()[unit / TILE * gradient.stride() + sample];
                flows[unit].push((sample as u32, piece.as_flattened()[unit % TILE] * scale));
            }
        }
    }
    flows
}

/// Takes rows from where they lie, standardises them, and lays them out for the kernels.
pub(super) struct Loader<'a> {
    rows: &'a dyn FeatureRows,
    scaling: &'a Standardisation,
    raw: Vec<f32>,
    tiles: Tiles,
}

/// Rows that one thread copies at a time.
const COPIED_AT_ONCE: usize = 8;

impl<'a> Loader<'a> {
    pub(super) fn new(rows: &'a dyn FeatureRows, scaling: &'a Standardisation) -> Self {
        Self { rows, scaling, raw: Vec::new(), tiles: Tiles::zeros(0, 0) }
    }

    /// The standardised rows, in order.
    pub(super) fn batch(&mut self, rows: &[usize]) -> Result<&Tiles> {
        let width = self.rows.width();
        if (self.tiles.rows(), self.tiles.columns()) != (rows.len(), width) {
            self.raw.resize(rows.len() * width, 0.0);
            self.tiles = Tiles::zeros(rows.len(), width);
        }
        self.raw
            .par_chunks_mut(COPIED_AT_ONCE * width.max(1))
            .zip(rows.par_chunks(COPIED_AT_ONCE))
            .try_for_each(|(raw, rows)| self.rows.copy_rows(rows, raw))?;
        let (raw, scaling) = (&self.raw, self.scaling);
        let stride = self.tiles.stride();
        self.tiles.pieces_mut().par_chunks_exact_mut(stride).enumerate().for_each(|(tile, pieces)| {
            let columns = tile * TILE..width.min((tile + 1) * TILE);
            for (piece, row) in pieces.iter_mut().zip(raw.chunks_exact(width)) {
                scaling.scale(columns.clone(), &row[columns.clone()], piece.as_flattened_mut());
            }
        });
        Ok(&self.tiles)
    }
}

/// The mean loss and the share of right answers over all rows, dropout off, some at a time.
pub(super) fn measure(
    head: &Head,
    loader: &mut Loader,
    positive: &[bool],
    batch: usize,
    stopped: &dyn Fn() -> bool,
) -> Result<(f64, f64)> {
    let rows: Vec<usize> = (0..positive.len()).collect();
    let (mut loss, mut correct) = (0.0, 0);
    for rows in rows.chunks(batch) {
        if stopped() {
            return Err(Error::stopped());
        }
        let logits = head.score(loader.batch(rows)?);
        for (&logit, &row) in logits.iter().zip(rows) {
            loss += cross_entropy(f64::from(logit), positive[row]);
            correct += usize::from((logit >= 0.0) == positive[row]);
        }
    }
    let n = positive.len() as f64;
    Ok((loss / n, correct as f64 / n))
}

#[cfg(test)]
mod tests;
