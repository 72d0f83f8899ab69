//! The training loop of the dense head and the benchmark.

use super::network::{Input, Network, torch_error};
use super::random::{Dropout, epoch_order};
use super::settings::Optimizer;
use crate::error::{Error, Result};
use crate::monitor::{EpochFigures, Monitor, Update};
use std::time::Instant;
use tch::nn::{self, OptimizerConfig};
use tch::{Reduction, TchError, Tensor};

/// How to train.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) epochs: usize,
    pub(super) batch: usize,
    pub(super) optimizer: Optimizer,
    pub(super) learning_rate: f64,
    pub(super) weight_decay: f64,
    pub(super) dropout: f64,
    pub(super) patience: Option<usize>,
    pub(super) seed: u64,
    /// Rows scored at once when nothing is learned.
    pub(super) scoring_batch: usize,
}

/// One split: its rows and its labels.
pub(super) struct Examples<'a> {
    pub(super) input: &'a dyn Input,
    pub(super) positive: &'a [bool],
}

/// How the training went; the weights of the best epoch are in the network's store.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) history: Vec<EpochFigures>,
    pub(super) best_epoch: usize,
}

/// Trains the variables of `store`, through which `network` computes.
///
/// Each epoch visits all training samples once in an order drawn from the seed, in batches of `plan.batch` (the last
/// one may be smaller), with binary cross-entropy on logits, then measures the validation split. The best epoch is the
/// one with the highest validation accuracy at 0.5; of equals the one with the lower validation loss, then the
/// earlier. With patience p the training ends after p epochs in a row without a higher validation accuracy. Same
/// inputs, plan and thread count: same weights.
///
/// # Errors
/// When stopped, when the loss is no longer a number, or when libtorch fails (such as for want of memory).
pub(super) fn fit(
    store: &nn::VarStore,
    network: &dyn Network,
    train: &Examples,
    val: &Examples,
    plan: &Plan,
    monitor: &dyn Monitor,
) -> Result<Course> {
    let mut optimizer = build_optimizer(store, plan).map_err(torch_error)?;
    let mut history: Vec<EpochFigures> = Vec::new();
    let mut best: Option<(EpochFigures, Vec<Tensor>)> = None;
    let mut last_gain = 0;
    for epoch in 1..=plan.epochs {
        let started = Instant::now();
        let (train_loss, train_accuracy) = train_epoch(&mut optimizer, network, train, plan, epoch, monitor)?;
        let (val_loss, val_accuracy) = measure(network, val, plan, monitor)?;
        if !(train_loss.is_finite() && val_loss.is_finite()) {
            return Err(not_a_number(epoch));
        }
        let seconds = started.elapsed().as_secs_f64();
        let figures =
            EpochFigures { epoch, epochs: plan.epochs, train_loss, train_accuracy, val_loss, val_accuracy, seconds };
        history.push(figures);
        if best.as_ref().is_none_or(|(best, _)| val_accuracy > best.val_accuracy) {
            last_gain = epoch;
        }
        if best.as_ref().is_none_or(|(best, _)| better(&figures, best)) {
            best = Some((figures, snapshot(store).map_err(torch_error)?));
        }
        monitor.update(Update::Epoch(figures));
        if plan.patience.is_some_and(|patience| epoch - last_gain >= patience) {
            break;
        }
    }
    let (best, weights) = best.ok_or_else(|| Error::usage("--epochs must be at least 1"))?;
    restore(store, &weights).map_err(torch_error)?;
    Ok(Course { history, best_epoch: best.epoch })
}

fn better(new: &EpochFigures, best: &EpochFigures) -> bool {
    new.val_accuracy > best.val_accuracy || (new.val_accuracy == best.val_accuracy && new.val_loss < best.val_loss)
}

/// With torch's defaults beside the learning rate and the weight decay: Adam and AdamW with betas 0.9 and 0.999,
/// RMSprop with smoothing 0.99; SGD with momentum 0.9.
fn build_optimizer(store: &nn::VarStore, plan: &Plan) -> Result<nn::Optimizer, TchError> {
    let (rate, wd) = (plan.learning_rate, plan.weight_decay);
    match plan.optimizer {
        Optimizer::Adam => nn::Adam { wd, ..Default::default() }.build(store, rate),
        Optimizer::AdamW => nn::AdamW { wd, ..Default::default() }.build(store, rate),
        Optimizer::Sgd => nn::Sgd { momentum: 0.9, wd, ..Default::default() }.build(store, rate),
        Optimizer::RmsProp => nn::RmsProp { wd, ..Default::default() }.build(store, rate),
    }
}

/// One pass over the training split; mean loss and accuracy as they were while learning.
fn train_epoch(
    optimizer: &mut nn::Optimizer,
    network: &dyn Network,
    train: &Examples,
    plan: &Plan,
    epoch: usize,
    monitor: &dyn Monitor,
) -> Result<(f64, f64)> {
    let mut dropout = Dropout::for_epoch(plan.dropout, plan.seed, epoch);
    let (mut loss_sum, mut correct) = (0.0, 0usize);
    let order = epoch_order(plan.seed, epoch, train.positive.len());
    for rows in order.chunks(plan.batch) {
        if monitor.stopped() {
            return Err(Error::stopped());
        }
        let positive: Vec<bool> = rows.iter().map(|&row| train.positive[row]).collect();
        let (loss, logits) =
            step(optimizer, network, &train.input.batch(rows).map_err(torch_error)?, &positive, &mut dropout)
                .map_err(torch_error)?;
        if !loss.is_finite() {
            return Err(not_a_number(epoch));
        }
        loss_sum += loss * rows.len() as f64;
        correct += logits.iter().zip(&positive).filter(|&(&logit, &positive)| (logit >= 0.0) == positive).count();
    }
    let n = order.len() as f64;
    Ok((loss_sum / n, correct as f64 / n))
}

/// Learns from one batch; its mean loss and logits before the step.
fn step(
    optimizer: &mut nn::Optimizer,
    network: &dyn Network,
    input: &Tensor,
    positive: &[bool],
    dropout: &mut Dropout,
) -> Result<(f64, Vec<f32>), TchError> {
    let targets: Vec<f32> = positive.iter().map(|&positive| f32::from(u8::from(positive))).collect();
    let logits = network.logits(input, dropout)?;
    let loss = logits.f_binary_cross_entropy_with_logits::<Tensor>(
        &Tensor::f_from_slice(&targets)?,
        None,
        None,
        Reduction::Mean,
    )?;
    optimizer.zero_grad();
    loss.f_backward()?;
    optimizer.step();
    let mut values = vec![0f32; positive.len()];
    logits.f_detach()?.f_contiguous()?.f_copy_data(&mut values, positive.len())?;
    Ok((loss.f_double_value(&[])?, values))
}

/// Mean loss and accuracy at probability 0.5 with dropout off.
fn measure(network: &dyn Network, split: &Examples, plan: &Plan, monitor: &dyn Monitor) -> Result<(f64, f64)> {
    let logits = logits(network, split.input, plan.scoring_batch, &|| monitor.stopped())?;
    let n = logits.len() as f64;
    let cases = || logits.iter().zip(split.positive);
    let loss: f64 = cases().map(|(&logit, &positive)| cross_entropy(logit, positive)).sum();
    let correct = cases().filter(|&(&logit, &positive)| (logit >= 0.0) == positive).count();
    Ok((loss / n, correct as f64 / n))
}

/// Binary cross-entropy of one logit, in the form that neither overflows nor loses small values.
fn cross_entropy(logit: f64, positive: bool) -> f64 {
    let signed = if positive { -logit } else { logit };
    signed.max(0.0) + (-signed.abs()).exp().ln_1p()
}

/// The logits of all rows, dropout off, `batch` rows at a time.
pub(super) fn logits(
    network: &dyn Network,
    input: &dyn Input,
    batch: usize,
    stopped: &dyn Fn() -> bool,
) -> Result<Vec<f64>> {
    let mut all = Vec::with_capacity(input.len());
    let rows: Vec<usize> = (0..input.len()).collect();
    for rows in rows.chunks(batch.max(1)) {
        if stopped() {
            return Err(Error::stopped());
        }
        let mut values = vec![0f32; rows.len()];
        tch::no_grad(|| {
            let logits = network.logits(&input.batch(rows)?, &mut Dropout::off())?;
            logits.f_contiguous()?.f_copy_data(&mut values, rows.len())
        })
        .map_err(torch_error)?;
        all.extend(values.into_iter().map(f64::from));
    }
    Ok(all)
}

fn not_a_number(epoch: usize) -> Error {
    Error::failed(format!("the loss is not a number from epoch {epoch} on; lower --learning-rate"))
}

/// The trained variables in the store's order.
fn variables(store: &nn::VarStore) -> Vec<Tensor> {
    store.trainable_variables()
}

fn snapshot(store: &nn::VarStore) -> Result<Vec<Tensor>, TchError> {
    tch::no_grad(|| variables(store).iter().map(|variable| variable.f_detach_copy()).collect())
}

fn restore(store: &nn::VarStore, values: &[Tensor]) -> Result<(), TchError> {
    tch::no_grad(|| {
        variables(store).iter_mut().zip(values).try_for_each(|(variable, value)| variable.f_copy_(value).map(|_| ()))
    })
}
