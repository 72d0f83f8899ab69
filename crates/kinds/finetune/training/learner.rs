//! Training steps and validation of the tail and its head.

use super::augmented::Augmented;
use super::average::Average;
use super::data_parallel::{in_parallel, threads};
use super::parameters::{Leaves, Parameters};
use super::tuned::{Geometry, Tuned};
use super::{Progress, Views};
use crate::backbone::Tail;
use crate::backbone::device::kind_of;
use crate::features::FeatureRows;
use crate::model::FinetuneSettings;
use crate::model::head::Step;
use crate::model::network::{Weights, to_array, torch_error};
use crate::model::random::Dropout;
use crate::model::training::{Figures, Learner, validated};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::monitor::{Monitor, Silent, Validated};
use rayon::prelude::*;
use std::time::{Duration, Instant};
use tch::{Kind, Reduction, TchError, Tensor};

/// Images per piece: few enough that activations between layers stay in a near cache.
const PIECE: usize = 8;

/// The parameters with their training and validation splits.
pub(super) struct FinetuneLearner<'a> {
    tail: &'a Tail,
    geometry: Geometry,
    pub(super) parameters: Parameters,
    leaves: Leaves,
    /// The optimizer state of each parameter.
    state: Vec<[Vec<f32>; 2]>,
    average: Option<Average>,
    settings: &'a FinetuneSettings,
    train: Augmented<'a>,
    val: Views<'a>,
    progress: Progress<'a>,
}

impl<'a> FinetuneLearner<'a> {
    pub(super) fn new(
        tail: &'a Tail,
        settings: &'a FinetuneSettings,
        splits: (Views<'a>, Views<'a>),
        monitor: &'a dyn Monitor,
    ) -> Result<Self> {
        Self::on(tail, Parameters::new(tail, settings.seed)?, settings, splits, monitor)
    }

    /// The same from given parameters.
    pub(super) fn on(
        tail: &'a Tail,
        parameters: Parameters,
        settings: &'a FinetuneSettings,
        (train, val): (Views<'a>, Views<'a>),
        monitor: &'a dyn Monitor,
    ) -> Result<Self> {
        let state = parameters.values.iter().map(|values| [vec![0.0; values.len()], vec![0.0; values.len()]]).collect();
        let average = (settings.averaging > 0.0).then(|| Average::new(settings.averaging, &parameters.values));
        let (leaves, geometry) = (parameters.leaves(kind_of(settings.dtype))?, Geometry::of(tail));
        let progress = Progress::new(monitor, train.positive.len());
        Ok(Self {
            tail,
            geometry,
            parameters,
            leaves,
            state,
            average,
            settings,
            train: Augmented::new(train, geometry, settings),
            val,
            progress,
        })
    }

    /// Seconds per epoch, estimated from a few batches without updates and, if the epoch is evaluated, a part of the
    /// validation split.
    pub(super) fn epoch_time(&self, validates: bool) -> Result<Duration> {
        let (samples, batch) = (self.samples(), self.settings.batch.min(self.samples()));
        let rows: Vec<usize> = (0..batch).collect();
        let mut dropout = Dropout::for_epoch(self.settings.dropout, self.settings.seed, 0);
        // The first batch also allocates buffers and selects kernels.
        self.gradients(&rows, &mut dropout)?;
        let begun = Instant::now();
        let steps = 3;
        for _ in 0..steps {
            self.gradients(&rows, &mut dropout)?;
        }
        let training = begun.elapsed() / steps * u32::try_from(samples.div_ceil(batch)).unwrap_or(u32::MAX);
        if !validates {
            return Ok(training);
        }
        let few = Few { rows: self.val.both, len: self.val.positive.len().min(4 * batch) };
        let tuned = self.tuned()?;
        let begun = Instant::now();
        tuned.logits(&few, &Silent)?;
        Ok(training + begun.elapsed().mul_f64(self.val.positive.len() as f64 / few.len as f64))
    }

    /// All parameters by name, those that are evaluated now.
    pub(super) fn measured_weights(&self) -> Result<Weights> {
        self.parameters.weights(self.average.as_ref().map_or(self.parameters.values.as_slice(), Average::values))
    }

    /// The network for inference with these parameters.
    fn tuned(&self) -> Result<Tuned> {
        Tuned::from_weights(self.tail, &self.measured_weights()?)
    }

    /// Loss and logits of a batch of training images, and the mean gradients of the folded network.
    pub(super) fn gradients(&self, rows: &[usize], dropout: &mut Dropout) -> Result<(Vec<Vec<f32>>, Vec<f32>)> {
        let features = self.tail.features();
        // The masks of the whole batch are drawn first, so that they do not depend on the distribution of pieces.
        let masks = dropout.mask(rows.len() * features);
        let pieces: Vec<&[usize]> = rows.chunks(PIECE).collect();
        let shares = (0..threads().min(pieces.len())).map(|_| self.leaves.share()).collect();
        let (train, tail, geometry) = (&self.train, self.tail, self.geometry);
        let kind = kind_of(self.settings.dtype);
        let width = geometry.width();
        let answers = in_parallel(shares, pieces.len(), |leaves: &mut Leaves, number| {
            let piece = pieces[number];
            let mut values = vec![0f32; piece.len() * width];
            for (&row, values) in piece.iter().zip(values.chunks_exact_mut(width)) {
                train.read(row, values)?;
            }
            let first = number * PIECE;
            let mask = masks.as_ref().map(|masks| &masks[first * features..(first + piece.len()) * features]);
            let targets: Vec<f32> = piece.iter().map(|&row| train.target(row)).collect();
            let through =
                || back(tail, leaves, &geometry.tensor(&values)?.f_to_kind(kind)?, mask, &targets, rows.len());
            through().map_err(torch_error)
        })?;
        let (gradients, logits): (Vec<_>, Vec<_>) = answers.into_iter().unzip();
        Ok((summed(gradients), logits.concat()))
    }
}

/// Gradients and logits of a few images; their losses are summed and divided by `batch`.
fn back(
    tail: &Tail,
    leaves: &Leaves,
    input: &Tensor,
    mask: Option<&[f32]>,
    targets: &[f32],
    batch: usize,
) -> Result<(Vec<Vec<f32>>, Vec<f32>), TchError> {
    let mut features = tail.forward(input, leaves.folded())?;
    if let Some(mask) = mask {
        features = features.f_mul(&Tensor::f_from_slice(mask)?.f_view(features.size().as_slice())?)?;
    }
    let (weight, bias) = leaves.head();
    let logits = features.f_linear(weight, Some(bias))?.f_squeeze_dim(1)?;
    let targets = Tensor::f_from_slice(targets)?;
    let loss = logits.f_binary_cross_entropy_with_logits::<Tensor>(&targets, None, None, Reduction::Sum)?;
    let loss = loss.f_div_scalar(batch as f64)?;
    let gradients = Tensor::f_run_backward(&[loss], &leaves.all(), false, false)?;
    Ok((gradients.iter().map(values_of).collect::<Result<_, _>>()?, values_of(&logits)?))
}

fn values_of(tensor: &Tensor) -> Result<Vec<f32>, TchError> {
    Ok(to_array(&tensor.f_to_kind(Kind::Float)?)?.into_raw_vec_and_offset().0)
}

/// The sums over pieces, always in the same order.
fn summed(mut pieces: Vec<Vec<Vec<f32>>>) -> Vec<Vec<f32>> {
    let rest = pieces.split_off(1.min(pieces.len()));
    let mut sums = pieces.pop().unwrap_or_default();
    sums.par_iter_mut().enumerate().for_each(|(at, sums)| {
        for piece in &rest {
            sums.iter_mut().zip(&piece[at]).for_each(|(sum, value)| *sum += value);
        }
    });
    sums
}

/// The first rows of a split.
struct Few<'a> {
    rows: &'a dyn FeatureRows,
    len: usize,
}

impl FeatureRows for Few<'_> {
    fn len(&self) -> usize {
        self.len
    }

    fn width(&self) -> usize {
        self.rows.width()
    }

    fn copy_rows(&self, rows: &[usize], out: &mut [f32]) -> Result<()> {
        self.rows.copy_rows(rows, out)
    }
}

impl Learner for FinetuneLearner<'_> {
    fn samples(&self) -> usize {
        self.train.len()
    }

    fn begin(&mut self, epoch: usize, of: usize) {
        self.train.begin(epoch);
        self.progress.epoch(epoch, of);
    }

    fn train_step(&mut self, rows: &[usize], dropout: &mut Dropout, step: u64, rate: f64) -> Result<Figures> {
        let (gradients, logits) = self.gradients(rows, dropout)?;
        let gradients = self.parameters.unfold(gradients);
        let rule = |rate| Step::new(self.settings.optimizer, step, rate, self.settings.weight_decay);
        let head_rate = rate * self.settings.learning_rate_head / self.settings.learning_rate;
        let (body, head) = (rule(rate), rule(head_rate));
        let first_of_head = gradients.len() - Parameters::HEAD;
        let values = self.parameters.values.par_iter_mut().zip(&mut self.state).zip(&gradients).enumerate();
        values.for_each(|(at, ((values, state), gradients))| {
            let rule = if at < first_of_head { &body } else { &head };
            rule.apply_all(gradients, values, state);
        });
        if let Some(average) = &mut self.average {
            average.take(&self.parameters.values, step);
        }
        self.parameters.refresh(&mut self.leaves)?;
        self.progress.images(rows.len());
        let positive: Vec<bool> = rows.iter().map(|&row| self.train.is_positive(row)).collect();
        Ok(Figures::of(&logits, &positive))
    }

    fn measure(&mut self, stopped: &dyn Fn() -> bool) -> Result<Validated> {
        if stopped() {
            return Err(Error::stopped());
        }
        let logits = self.tuned()?.logits(self.val.both, self.progress.monitor())?;
        Ok(validated(&logits, self.val.positive))
    }

    fn parameters(&self) -> Vec<&[f32]> {
        self.parameters.values.iter().map(Vec::as_slice).collect()
    }

    fn measured(&self) -> Vec<&[f32]> {
        match &self.average {
            Some(average) => average.values().iter().map(Vec::as_slice).collect(),
            None => self.parameters(),
        }
    }

    fn set_parameters(&mut self, parameters: &[Vec<f32>]) -> Result<()> {
        for (place, kept) in self.parameters.values.iter_mut().zip(parameters) {
            place.clone_from(kept);
        }
        self.parameters.refresh(&mut self.leaves)
    }

    fn optimizer_state(&self) -> Vec<&[f32]> {
        let averages = self.average.iter().flat_map(Average::values);
        self.state.iter().flatten().chain(averages).map(Vec::as_slice).collect()
    }

    fn set_optimizer_state(&mut self, state: &[Vec<f32>]) -> Result<()> {
        let averages = self.average.iter_mut().flat_map(Average::values_mut);
        for (place, values) in self.state.iter_mut().flatten().chain(averages).zip(state) {
            place.clone_from(values);
        }
        Ok(())
    }
}
