//! What a user can choose about each kind of model. Defaults are the study's, where it states them.

use serde::{Deserialize, Serialize};

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

/// The dense+dropout head: dense(width, ReLU), dropout, dense(1) giving a logit; binary cross-entropy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DenseSettings {
    pub width: usize,
    /// Share of the hidden units dropped in training, in 0..1.
    pub dropout: f64,
    pub learning_rate: f64,
    pub optimizer: Optimizer,
    /// L2 penalty (decoupled for AdamW).
    pub weight_decay: f64,
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
            dropout: 0.8,
            learning_rate: 1e-3,
            optimizer: Optimizer::Adam,
            weight_decay: 0.0,
            epochs: 100,
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
        Self { alphas: vec![10.0, 100.0, 1000.0, 10000.0], max_iterations: 200, seed: 1 }
    }
}
