//! What is trained: the benchmark CNN, the dense head, the logistic regression; and the saved model.

pub mod settings;

pub use settings::{BenchmarkSettings, DenseSettings, Kind, LogisticSettings, Optimizer};
