//! What a user can choose about fine-tuning.

use crate::backbone::Arithmetic;
use crate::error::{Error, Result};
use crate::imaging::VARIATIONS;
use crate::model::schedule::{RateCourse, Schedule};
use crate::model::settings::{Optimizer, descent, patience, share, unless, whole};
use serde::{Deserialize, Serialize};

/// The stages behind a cut, trained together with a linear head on their average.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FinetuneSettings {
    /// Share of the averaged features dropped in training, in 0..1.
    pub dropout: f64,
    /// Highest rate of the pretrained stages.
    pub learning_rate: f64,
    /// Highest rate of the head, which starts from nothing.
    pub learning_rate_head: f64,
    pub optimizer: Optimizer,
    /// L2 penalty on everything that is trained (decoupled for AdamW).
    pub weight_decay: f64,
    pub schedule: Schedule,
    /// In how many ways training images are varied ([`crate::imaging::Variation`]), besides as they are.
    #[serde(default)]
    pub variations: u8,
    /// Training images are moved by up to so many places of the cut's output, anew in each epoch.
    #[serde(default)]
    pub shift: u8,
    /// How far targets are moved from 0 and 1 towards one half: by half of this, in 0..1.
    #[serde(default)]
    pub smoothing: f64,
    /// Each training image is mixed with up to this share of another, activations and targets alike, in 0..1: mixup
    /// (Zhang et al. 2018) at the cut (Verma et al. 2019), with shares drawn evenly instead of from a beta distribution.
    #[serde(default)]
    pub mixup: f64,
    /// Share that a step leaves of the weights' running mean, which is what is measured and kept; 0 keeps the weights
    /// themselves. See [`super::average::Average`].
    #[serde(default)]
    pub averaging: f64,
    /// What the gradients are computed in. Weights, their steps and every measured accuracy are in 32 bits.
    #[serde(default)]
    pub arithmetic: Arithmetic,
    pub epochs: usize,
    pub batch: usize,
    /// Stop after this many epochs without a better validation accuracy; none runs all epochs.
    pub patience: Option<usize>,
    pub seed: u64,
}

impl Default for FinetuneSettings {
    fn default() -> Self {
        Self {
            dropout: 0.5,
            learning_rate: 1.5e-4,
            learning_rate_head: 2e-3,
            optimizer: Optimizer::AdamW,
            weight_decay: 0.01,
            schedule: Schedule { course: RateCourse::Cosine, warmup: Self::usual_warmup(8) },
            variations: 0,
            shift: 1,
            smoothing: 0.0,
            mixup: 0.0,
            averaging: 0.0,
            arithmetic: Arithmetic::F32,
            epochs: 8,
            batch: 32,
            patience: None,
            seed: 1,
        }
    }
}

impl FinetuneSettings {
    /// The epochs in which the rates rise when nothing is said: an eighth of all. A longer rise to a higher rate spoils
    /// what the stages had learnt: in the second epoch on 6,000 FairFace images, 0.61 of them were told right with a
    /// quarter and 5e-4, and 0.79 with an eighth and 1.5e-4.
    pub fn usual_warmup(epochs: usize) -> usize {
        epochs / 8
    }

    /// What sets these settings apart, the seed aside, in a few words.
    pub fn describe(&self) -> String {
        let mut words = format!(
            "dropout {}, {} epochs, {} {}, head {}",
            self.dropout,
            self.epochs,
            self.optimizer.name(),
            self.learning_rate,
            self.learning_rate_head,
        );
        words += &self.schedule.describe();
        words += &unless(self.weight_decay == 0.0, "decay", self.weight_decay);
        if self.variations > 0 {
            words += &format!(", {} variations", self.variations);
        }
        words += &unless(self.shift == 0, "shift", self.shift);
        words += &unless(self.smoothing == 0.0, "smoothing", self.smoothing);
        words += &unless(self.mixup == 0.0, "mixup", self.mixup);
        words += &unless(self.averaging == 0.0, "averaging", self.averaging);
        words += if self.arithmetic == Arithmetic::Bf16 { ", gradients in bf16" } else { "" };
        words += &unless(self.batch == Self::default().batch, "batch", self.batch);
        words + &patience(self.patience)
    }

    /// Refuses values that cannot be trained with, naming the option.
    pub fn check(&self) -> Result<()> {
        self.schedule.check()?;
        self.arithmetic.check_cpu()?;
        share("--dropout", self.dropout)?;
        share("--smoothing", self.smoothing)?;
        share("--mixup", self.mixup)?;
        share("--averaging", self.averaging)?;
        whole("--variations", usize::from(self.variations), 0, VARIATIONS)?;
        whole("--shift", usize::from(self.shift), 0, 16)?;
        let head = self.learning_rate_head;
        if !(head.is_finite() && head > 0.0) {
            return Err(Error::usage(format!("--learning-rate-head must be above 0, not {head}")));
        }
        descent(self.learning_rate, self.weight_decay, self.epochs, self.batch, self.patience)
    }
}
