//! What a user can choose about each kind of model. Defaults are the study's, where it states them.

use super::schedule::Schedule;
use crate::backbone::Arithmetic;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt::Display;

/// The kinds of model that the results table compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The small CNN trained from scratch.
    Benchmark,
    /// Dense layer with dropout on frozen features.
    Dense,
    /// Logistic regression (linfa) on frozen features.
    Logistic,
    /// The backbone's last layers trained together with a head.
    Finetune,
}

impl Kind {
    /// As the command line and `results --json` write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Benchmark => "benchmark",
            Self::Dense => "dense",
            Self::Logistic => "logistic",
            Self::Finetune => "finetune",
        }
    }
}

/// Gradient descent rules offered for the heads and the benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Optimizer {
    Adam,
    AdamW,
    /// With momentum 0.9.
    Sgd,
    RmsProp,
}

impl Optimizer {
    /// As the command line and the tables write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Adam => "adam",
            Self::AdamW => "adamw",
            Self::Sgd => "sgd",
            Self::RmsProp => "rmsprop",
        }
    }
}

/// The dense+dropout head: dense(width, ReLU), dropout, dense(1) giving a logit; binary cross-entropy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DenseSettings {
    pub width: usize,
    /// Hidden layers of this width, 1 or 2, each with ReLU and dropout.
    #[serde(default = "one")]
    pub depth: usize,
    /// Share of the hidden units dropped in training, in 0..1.
    pub dropout: f64,
    pub learning_rate: f64,
    pub optimizer: Optimizer,
    /// L2 penalty (decoupled for AdamW).
    pub weight_decay: f64,
    /// How the learning rate changes; constant where runs of earlier versions do not say.
    #[serde(default)]
    pub schedule: Schedule,
    /// What the forward products of an epoch, its validation included, are computed in. Gradients, weights, their steps
    /// and every score that is kept of the chosen epoch are in 32 bits.
    #[serde(default)]
    pub arithmetic: Arithmetic,
    pub epochs: usize,
    pub batch: usize,
    /// Scale features to mean 0 and variance 1 with the training split's figures.
    pub standardise: bool,
    /// Stop after this many epochs without a better validation accuracy; none runs all epochs.
    pub patience: Option<usize>,
    pub seed: u64,
}

impl Default for DenseSettings {
    fn default() -> Self {
        Self {
            width: 1024,
            depth: 1,
            dropout: 0.8,
            // With more, validation loss rises from the tenth epoch on and the best epoch is a matter of luck.
            learning_rate: 1e-4,
            optimizer: Optimizer::Adam,
            weight_decay: 0.0,
            schedule: Schedule::default(),
            arithmetic: Arithmetic::F32,
            epochs: 60,
            batch: 128,
            standardise: true,
            patience: None,
            seed: 1,
        }
    }
}

/// The benchmark CNN: average pooling, convolution, global average pooling, dense, dropout, dense(1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BenchmarkSettings {
    /// Side of the square input in pixels.
    pub input: usize,
    /// Side and stride of the average pooling that comes first.
    pub pool: usize,
    pub filters: usize,
    /// Side of the convolution kernel.
    pub kernel: usize,
    pub dense: usize,
    pub dropout: f64,
    pub learning_rate: f64,
    pub optimizer: Optimizer,
    pub weight_decay: f64,
    #[serde(default)]
    pub schedule: Schedule,
    pub epochs: usize,
    pub batch: usize,
    pub patience: Option<usize>,
    pub seed: u64,
}

impl Default for BenchmarkSettings {
    fn default() -> Self {
        Self {
            input: 224,
            pool: 2,
            filters: 64,
            kernel: 3,
            dense: 32,
            dropout: 0.5,
            learning_rate: 1e-3,
            optimizer: Optimizer::Adam,
            weight_decay: 0.0,
            schedule: Schedule::default(),
            epochs: 16,
            batch: 32,
            patience: None,
            seed: 1,
        }
    }
}

/// Logistic regression with an L2 penalty; the penalty is chosen on validation accuracy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogisticSettings {
    /// Penalties tried: linfa's `alpha`, on the summed loss (scikit-learn's C is 1/alpha).
    pub alphas: Vec<f64>,
    pub max_iterations: u64,
    pub seed: u64,
}

impl Default for LogisticSettings {
    fn default() -> Self {
        Self { alphas: vec![10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 10000.0], max_iterations: 2000, seed: 1 }
    }
}

impl DenseSettings {
    /// What sets these settings apart, the seed aside, in a few words: models with the same words are seeds of one
    /// setting.
    pub fn describe(&self) -> String {
        let mut words = format!(
            "dense {}{}, dropout {}, {} epochs, {} {}",
            self.width,
            if self.depth > 1 { format!(" x {}", self.depth) } else { String::new() },
            self.dropout,
            self.epochs,
            self.optimizer.name(),
            self.learning_rate,
        );
        words += &self.schedule.describe();
        words += &unless(self.weight_decay == 0.0, "decay", self.weight_decay);
        words += &unless(self.batch == Self::default().batch, "batch", self.batch);
        words += if self.standardise { "" } else { ", not standardised" };
        words += if self.arithmetic == Arithmetic::Bf16 { ", products in bf16" } else { "" };
        words + &patience(self.patience)
    }

    /// Refuses values that cannot be trained with, naming the option.
    pub fn check(&self) -> Result<()> {
        whole("--width", self.width, 1, 65_536)?;
        whole("--depth", self.depth, 1, 2)?;
        self.schedule.check()?;
        self.arithmetic.check_cpu()?;
        share("--dropout", self.dropout)?;
        descent(self.learning_rate, self.weight_decay, self.epochs, self.batch, self.patience)
    }
}

impl BenchmarkSettings {
    /// What sets these settings apart, as [`DenseSettings::describe`]: what is as in the study is not told.
    pub fn describe(&self) -> String {
        let usual = Self::default();
        let mut words =
            format!("{} filters, dense {}, dropout {}, {} epochs", self.filters, self.dense, self.dropout, self.epochs);
        if (self.optimizer, self.learning_rate) != (usual.optimizer, usual.learning_rate) {
            words += &format!(", {} {}", self.optimizer.name(), self.learning_rate);
        }
        words += &self.schedule.describe();
        words += &unless(self.weight_decay == 0.0, "decay", self.weight_decay);
        words += &unless(self.batch == usual.batch, "batch", self.batch);
        words += &unless(self.input == usual.input, "input", self.input);
        words += &unless(self.pool == usual.pool, "pool", self.pool);
        words += &unless(self.kernel == usual.kernel, "kernel", self.kernel);
        words + &patience(self.patience)
    }

    /// Refuses values that cannot be trained with, naming the option.
    pub fn check(&self) -> Result<()> {
        whole("--input", self.input, 1, 1024)?;
        // Sums of pool * pool 8-bit pixels must fit 16 bits.
        whole("--pool", self.pool, 1, 16)?;
        whole("--filters", self.filters, 1, 1024)?;
        self.schedule.check()?;
        whole("--kernel", self.kernel, 1, 31)?;
        whole("--dense", self.dense, 1, 65_536)?;
        if self.input / self.pool < self.kernel {
            return Err(Error::usage(format!(
                "--kernel {} is larger than the image of {} pixels that --pool {} leaves",
                self.kernel,
                self.input / self.pool,
                self.pool
            )));
        }
        share("--dropout", self.dropout)?;
        descent(self.learning_rate, self.weight_decay, self.epochs, self.batch, self.patience)
    }
}

impl LogisticSettings {
    /// What sets these settings apart, as [`DenseSettings::describe`].
    pub fn describe(&self) -> String {
        let alphas: Vec<String> = self.alphas.iter().map(f64::to_string).collect();
        let usual = self.max_iterations == Self::default().max_iterations;
        format!("alpha from {}{}", alphas.join(", "), unless(usual, "iterations", self.max_iterations))
    }

    /// Refuses values that cannot be trained with, naming the option.
    pub fn check(&self) -> Result<()> {
        if self.alphas.is_empty() || self.alphas.iter().any(|alpha| !(alpha.is_finite() && *alpha >= 0.0)) {
            return Err(Error::usage("--alphas needs at least one number, and none of them negative"));
        }
        whole("--max-iterations", usize::try_from(self.max_iterations).unwrap_or(usize::MAX), 1, 1_000_000)
    }
}

/// A setting in a list of words, unless it need not be told.
pub fn unless(untold: bool, name: &str, value: impl Display) -> String {
    if untold { String::new() } else { format!(", {name} {value}") }
}

/// The patience in a list of words; without it nothing is told.
pub fn patience(epochs: Option<usize>) -> String {
    epochs.map_or_else(String::new, |epochs| format!(", patience {epochs}"))
}

/// The depth of heads of earlier versions.
fn one() -> usize {
    1
}

pub fn descent(
    learning_rate: f64,
    weight_decay: f64,
    epochs: usize,
    batch: usize,
    patience: Option<usize>,
) -> Result<()> {
    if !(learning_rate.is_finite() && learning_rate > 0.0) {
        return Err(Error::usage(format!("--learning-rate must be above 0, not {learning_rate}")));
    }
    if !(weight_decay.is_finite() && weight_decay >= 0.0) {
        return Err(Error::usage(format!("--weight-decay must be 0 or more, not {weight_decay}")));
    }
    whole("--epochs", epochs, 1, 1_000_000)?;
    whole("--batch", batch, 1, 65_536)?;
    patience.map_or(Ok(()), |patience| whole("--patience", patience, 1, 1_000_000))
}

pub fn whole(option: &str, value: usize, low: usize, high: usize) -> Result<()> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(Error::usage(format!("{option} must be between {low} and {high}, not {value}")))
}

pub fn share(option: &str, value: f64) -> Result<()> {
    if (0.0..1.0).contains(&value) {
        return Ok(());
    }
    Err(Error::usage(format!("{option} must be at least 0 and below 1, not {value}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FinetuneSettings;
    use serde_json::{Value, json};

    /// Runs are taken for seeds of one setting by their words, so every setting but the seed has to be told.
    fn tells_all<T: Default + Serialize + for<'a> Deserialize<'a>>(others: Value, describe: fn(&T) -> String) {
        let usual = serde_json::to_value(T::default()).unwrap();
        let words = describe(&T::default());
        for name in usual.as_object().unwrap().keys() {
            let mut changed = usual.clone();
            let known = others.as_object().unwrap().get(name).or(ANY.get(name));
            changed[name] = known.unwrap_or_else(|| panic!("another value for {name}")).clone();
            assert_ne!(changed[name], usual[name], "{name}");
            let same = describe(&serde_json::from_value(changed).unwrap()) == words;
            assert_eq!(same, name == "seed", "{name}: {words}");
        }
    }

    static ANY: std::sync::LazyLock<serde_json::Map<String, Value>> = std::sync::LazyLock::new(|| {
        let schedule = crate::model::Schedule { warmup: 3, ..Default::default() };
        let any = json!({
            "dropout": 0.1, "learning_rate": 0.02, "optimizer": "sgd", "weight_decay": 0.25, "epochs": 7, "batch": 48,
            "patience": 5, "seed": 9, "arithmetic": "bf16", "schedule": schedule,
        });
        any.as_object().unwrap().clone()
    });

    #[test]
    fn every_setting_but_the_seed_is_told() {
        tells_all(json!({ "width": 32, "depth": 2, "standardise": false }), DenseSettings::describe);
        let others = json!({ "input": 112, "pool": 4, "filters": 8, "kernel": 5, "dense": 16 });
        tells_all(others, BenchmarkSettings::describe);
        tells_all(json!({ "alphas": [1.0], "max_iterations": 50 }), LogisticSettings::describe);
        let others = json!({
            "learning_rate_head": 0.1, "variations": 2, "shift": 3, "smoothing": 0.1, "mixup": 0.2, "averaging": 0.5,
        });
        tells_all(others, FinetuneSettings::describe);
    }
}
