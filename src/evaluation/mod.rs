//! Figures about a model: metrics, thresholds, intervals, and the table of all runs.
//!
//! Everything numeric here is a pure function of two slices of equal length: `scores`, the model's probability of
//! class 1 for each sample, and `positive`, whether the sample is of class 1.

pub mod calibration;
pub mod curves;
pub mod interval;
pub mod metrics;
pub mod threshold;

pub use calibration::{Calibration, brier, expected_calibration_error};
pub use curves::{average_precision, pr_curve, roc_curve};
pub use interval::{Interval, wilson95};
pub use metrics::{Confusion, accuracy, balanced_accuracy, log_loss, roc_auc};
pub use threshold::{Criterion, best_threshold, threshold_for};
