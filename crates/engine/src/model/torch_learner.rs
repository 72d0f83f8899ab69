//! A learner for small networks, with libtorch's autograd.

use super::Optimizer;
use super::head::Step;
use super::network::{Input, Network, to_array, torch_error};
use super::random::Dropout;
use super::scorer::logits;
use super::training::{Figures, Learner, validated};
use faceprobe_core::error::Result;
use faceprobe_core::monitor::Validated;
use tch::{Reduction, TchError, Tensor};

/// A split: its rows and its labels.
pub(super) struct Split<'a> {
    pub(super) input: &'a dyn Input,
    pub(super) positive: &'a [bool],
}

/// A network with few parameters. The optimizer is our own, so that its state can be saved and restored.
pub(super) struct TorchLearner<'a, N> {
    network: &'a N,
    variables: Vec<Tensor>,
    /// The values of the variables, and their optimizer state.
    values: Vec<Vec<f32>>,
    state: Vec<[Vec<f32>; 2]>,
    optimizer: Optimizer,
    decay: f64,
    train: Split<'a>,
    val: Split<'a>,
    scoring_batch: usize,
}

impl<'a, N: Network> TorchLearner<'a, N> {
    /// `variables` are the network's trainable variables.
    pub(super) fn new(
        network: &'a N,
        variables: Vec<Tensor>,
        (optimizer, decay): (Optimizer, f64),
        train: Split<'a>,
        val: Split<'a>,
        scoring_batch: usize,
    ) -> Result<Self> {
        let values: Vec<Vec<f32>> =
            variables.iter().map(values_of).collect::<Result<_, TchError>>().map_err(torch_error)?;
        let state = values.iter().map(|values| [vec![0.0; values.len()], vec![0.0; values.len()]]).collect();
        Ok(Self { network, variables, values, state, optimizer, decay, train, val, scoring_batch })
    }

    fn try_learn(
        &mut self,
        input: &Tensor,
        positive: &[bool],
        dropout: &mut Dropout,
        step: &Step,
    ) -> Result<Figures, TchError> {
        let targets: Vec<f32> = positive.iter().map(|&positive| f32::from(u8::from(positive))).collect();
        let logits = self.network.logits(input, dropout)?;
        let targets = Tensor::f_from_slice(&targets)?;
        let loss = logits.f_binary_cross_entropy_with_logits::<Tensor>(&targets, None, None, Reduction::Mean)?;
        let gradients = Tensor::f_run_backward(&[loss], &self.variables, false, false)?;
        for (((gradient, variable), values), state) in
            gradients.iter().zip(&mut self.variables).zip(&mut self.values).zip(&mut self.state)
        {
            step.apply_all(&values_of(gradient)?, values, state);
            put(variable, values)?;
        }
        let values = values_of(&logits)?;
        Ok(Figures::of(&values, positive))
    }
}

fn values_of(tensor: &Tensor) -> Result<Vec<f32>, TchError> {
    Ok(to_array(tensor)?.into_raw_vec_and_offset().0)
}

fn put(variable: &mut Tensor, values: &[f32]) -> Result<(), TchError> {
    tch::no_grad(|| {
        let values = Tensor::f_from_slice(values)?.f_view(variable.size().as_slice())?;
        variable.f_copy_(&values)
    })
}

impl<N: Network> Learner for TorchLearner<'_, N> {
    fn samples(&self) -> usize {
        self.train.positive.len()
    }

    fn train_step(&mut self, rows: &[usize], dropout: &mut Dropout, step: u64, rate: f64) -> Result<Figures> {
        let positive: Vec<bool> = rows.iter().map(|&row| self.train.positive[row]).collect();
        let input = self.train.input.batch(rows)?;
        let step = Step::new(self.optimizer, step, rate, self.decay);
        self.try_learn(&input, &positive, dropout, &step).map_err(torch_error)
    }

    fn measure(&mut self, stopped: &dyn Fn() -> bool) -> Result<Validated> {
        let logits = logits(self.network, self.val.input, self.scoring_batch, stopped)?;
        Ok(validated(&logits, self.val.positive))
    }

    fn parameters(&self) -> Vec<&[f32]> {
        self.values.iter().map(Vec::as_slice).collect()
    }

    fn set_parameters(&mut self, parameters: &[Vec<f32>]) -> Result<()> {
        for ((variable, values), kept) in self.variables.iter_mut().zip(&mut self.values).zip(parameters) {
            values.clone_from(kept);
            put(variable, values).map_err(torch_error)?;
        }
        Ok(())
    }

    fn optimizer_state(&self) -> Vec<&[f32]> {
        self.state.iter().flatten().map(Vec::as_slice).collect()
    }

    fn set_optimizer_state(&mut self, state: &[Vec<f32>]) -> Result<()> {
        for (place, values) in self.state.iter_mut().flatten().zip(state) {
            place.clone_from(values);
        }
        Ok(())
    }
}
