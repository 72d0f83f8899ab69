//! The dense head during training: one or two dense layers with ReLU and dropout, and a logit.
//!
//! libtorch writes the gradients of dense layers to memory and reads them again for the optimizer. For a head on
//! flattened features, with 25 to 100 million weights of which dropout keeps a fifth, that is most of the time;
//! [`kernels`] computes gradient and step in one pass, and only where a gradient flows. The formulas are libtorch's,
//! and tests compare gradients and steps with it.
//!
//! Results do not depend on the number of threads: every sum is computed by one thread in a fixed order.

mod kernels;
mod layer;
mod loader;
mod rule;
mod units;

pub(super) use loader::Loader;
pub(super) use rule::Step;

use super::network::Weights;
use super::random::{Dropout, Initialiser};
use super::tiled::{Batch, TILE, Tiles};
use super::training::{Figures, cross_entropy};
use super::{DenseSettings, Optimizer};
use crate::backbone::Arithmetic;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::monitor::Validated;
use layer::{Layer, as_input};
use ndarray::{Array1, Array2};
use units::{Activations, UnitGradients};

/// The head's parameters and optimizer state.
pub(super) struct Head {
    layers: Vec<Layer>,
    out_weight: Vec<f32>,
    out_bias: Vec<f32>,
    out_state: [Vec<f32>; 2],
    out_bias_state: [Vec<f32>; 2],
    optimizer: Optimizer,
    decay: f64,
    /// The arithmetic of the forward products; everything else is f32.
    arithmetic: Arithmetic,
    /// Buffers reused from batch to batch.
    spare_values: Vec<Vec<f32>>,
    spare_gradients: Vec<UnitGradients>,
}

impl Head {
    /// A new head, initialised as in Keras: Glorot-uniform kernels and zero biases.
    pub(super) fn new(inputs: usize, settings: &DenseSettings) -> Self {
        let mut init = Initialiser::new(settings.seed);
        let (width, optimizer) = (settings.width, settings.optimizer);
        let sides = [inputs, width];
        let layers = (0..settings.depth)
            .map(|depth| {
                let inputs = sides[depth.min(1)];
                let kernel = init.glorot(&[width, inputs], inputs, width);
                Layer::new(width, inputs, kernel.as_slice().unwrap_or(&[]), optimizer, settings.products)
            })
            .collect();
        Self {
            layers,
            out_weight: init.glorot(&[1, width], width, 1).into_raw_vec_and_offset().0,
            out_bias: vec![0.0],
            out_state: [vec![0.0; width], vec![0.0; width]],
            out_bias_state: [vec![0.0], vec![0.0]],
            optimizer,
            decay: settings.weight_decay,
            arithmetic: settings.products,
            spare_values: Vec::new(),
            spare_gradients: Vec::new(),
        }
    }

    /// Trains on one batch, `step` counted from 1; returns mean loss and correct predictions before the step.
    pub(super) fn train_step(
        &mut self,
        x: &Batch,
        positive: &[bool],
        dropout: &mut Dropout,
        step: u64,
        rate: f64,
    ) -> Figures {
        let samples = positive.len();
        let scale = dropout.scale();
        let mut inputs: Vec<Batch> = Vec::new();
        let mut activations: Vec<Activations> = Vec::new();
        for layer in &self.layers {
            inputs.extend(activations.last().map(|last| as_input(last, self.arithmetic)));
            let kept = dropout.kept(samples * layer.bias.len());
            let spare = self.spare_values.pop();
            activations.push(layer.forward(inputs.last().unwrap_or(x), kept, scale, spare));
        }
        let Some(last) = activations.last() else { unreachable!("a head has a layer") };
        let logits = self.logits(last);
        let figures = Figures::of(&logits, positive);

        // The gradient of the mean loss at each logit.
        let logit_gradients: Vec<f32> = logits
            .iter()
            .zip(positive)
            .map(|(&logit, &positive)| {
                let probability = 1.0 / (1.0 + (-f64::from(logit)).exp());
                ((probability - f64::from(u8::from(positive))) / samples as f64) as f32
            })
            .collect();
        let dot = |values: &[f32]| values.iter().zip(&logit_gradients).map(|(value, gradient)| value * gradient).sum();
        let out_gradient: Vec<f32> = last.units().map(dot).collect();
        let (by_sample, out_weight) = (&logit_gradients, &self.out_weight);
        let mut gradients = UnitGradients::through(
            last,
            |unit| {
                let share = out_weight[unit] * scale;
                move |sample| by_sample[sample] * share
            },
            self.spare_gradients.pop(),
        );
        let step = Step::new(self.optimizer, step, rate, self.decay);
        step.apply_all(&out_gradient, &mut self.out_weight, &mut self.out_state);
        step.apply_all(&[logit_gradients.iter().sum()], &mut self.out_bias, &mut self.out_bias_state);
        for depth in (0..self.layers.len()).rev() {
            // Gradients of earlier layers use the weights before the update.
            let below = depth.checked_sub(1).map(|below| {
                let gradient = self.layers[depth].input_gradient(samples, &gradients);
                UnitGradients::through(
                    &activations[below],
                    |unit| {
                        let pieces = &gradient.pieces()[unit / TILE * gradient.stride()..];
                        move |sample| pieces[sample][unit % TILE] * scale
                    },
                    self.spare_gradients.pop(),
                )
            });
            let input = depth.checked_sub(1).map_or(x, |below| &inputs[below]);
            self.layers[depth].step(input, &gradients, &step);
            let Some(below) = below else { break };
            self.spare_gradients.push(std::mem::replace(&mut gradients, below));
        }
        self.spare_gradients.push(gradients);
        self.spare_values.extend(activations.into_iter().map(|activations| activations.values));
        figures
    }

    /// The logits of some rows, dropout off.
    pub(super) fn score(&self, x: &Batch) -> Vec<f32> {
        let mut activations: Option<Activations> = None;
        for layer in &self.layers {
            let input = activations.as_ref().map(|last| as_input(last, self.arithmetic));
            activations = Some(layer.forward(input.as_ref().unwrap_or(x), None, 1.0, None));
        }
        activations.as_ref().map(|last| self.logits(last)).unwrap_or_default()
    }

    fn logits(&self, last: &Activations) -> Vec<f32> {
        let mut logits = vec![self.out_bias[0]; last.samples];
        for (values, &weight) in last.units().zip(&self.out_weight) {
            logits.iter_mut().zip(values).for_each(|(logit, value)| *logit += value * weight);
        }
        logits
    }

    /// The parameters, in memory order.
    pub(super) fn parameters(&self) -> Vec<&[f32]> {
        let mut all: Vec<&[f32]> = Vec::new();
        for layer in &self.layers {
            all.extend([layer.weights.raw(), &layer.bias]);
        }
        all.extend([self.out_weight.as_slice(), &self.out_bias]);
        all
    }

    /// Sets the parameters, in the order of [`Self::parameters`].
    pub(super) fn set_parameters(&mut self, parameters: &[Vec<f32>]) {
        let mut all: Vec<&mut [f32]> = Vec::new();
        for layer in &mut self.layers {
            all.extend([layer.weights.raw_mut(), &mut layer.bias]);
        }
        all.extend([self.out_weight.as_mut_slice(), &mut self.out_bias]);
        set(all, parameters);
        self.layers.iter_mut().for_each(Layer::round);
    }

    /// The optimizer state.
    pub(super) fn optimizer_state(&self) -> Vec<&[f32]> {
        let mut all: Vec<&[f32]> = Vec::new();
        for layer in &self.layers {
            all.extend(layer.state.iter().map(Tiles::raw));
            all.extend(layer.bias_state.iter().map(Vec::as_slice));
        }
        all.extend(self.out_state.iter().chain(&self.out_bias_state).map(Vec::as_slice));
        all
    }

    /// Sets the optimizer state, in the order of [`Self::optimizer_state`].
    pub(super) fn set_optimizer_state(&mut self, state: &[Vec<f32>]) {
        let mut all: Vec<&mut [f32]> = Vec::new();
        for layer in &mut self.layers {
            all.extend(layer.state.iter_mut().map(Tiles::raw_mut));
            all.extend(layer.bias_state.iter_mut().map(Vec::as_mut_slice));
        }
        all.extend(self.out_state.iter_mut().chain(&mut self.out_bias_state).map(Vec::as_mut_slice));
        set(all, state);
    }

    /// Drops the optimizer state, two thirds of the head's memory.
    pub(super) fn forget(&mut self) {
        for layer in &mut self.layers {
            layer.state = [Tiles::zeros(0, 0), Tiles::zeros(0, 0)];
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

/// Copies numbers of equal sizes into their places.
fn set(places: Vec<&mut [f32]>, values: &[Vec<f32>]) {
    for (place, values) in places.into_iter().zip(values) {
        place.copy_from_slice(values);
    }
}

/// Mean loss and accuracy over all rows, dropout off, in blocks.
pub(super) fn measure(
    head: &Head,
    loader: &mut Loader,
    positive: &[bool],
    batch: usize,
    stopped: &dyn Fn() -> bool,
) -> Result<Validated> {
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
    Ok(Validated { loss: loss / n, accuracy: correct as f64 / n })
}

#[cfg(test)]
mod tests;
