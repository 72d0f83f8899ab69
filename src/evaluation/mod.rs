//! Figures about a model: metrics, thresholds, intervals, and the table of all runs.
//!
//! Everything numeric here is a pure function of two slices of equal length: `scores`, the model's probability of
//! class 1 for each sample, and `positive`, whether the sample is of class 1.

pub mod interval;
pub mod metrics;
pub mod threshold;

pub use interval::{Interval, wilson95};
pub use metrics::{Confusion, accuracy, balanced_accuracy, log_loss, roc_auc};
pub use threshold::best_threshold;
