//! Evaluation: metrics, curves, thresholds, intervals, calibration, and tests between models.
//!
//! Everything numeric here is a pure function of two slices of equal length: `scores`, the model's probability of
//! class 1 for each sample, and `positive`, whether the sample is of class 1.

pub mod bootstrap;
pub mod calibration;
pub mod curves;
pub mod figures;
pub mod interval;
pub mod metrics;
pub mod paired;
pub mod power_law;
pub mod threshold;

pub use bootstrap::cluster_bootstrap95;
pub use calibration::{Calibration, brier, expected_calibration_error, sigmoid};
pub use curves::{average_precision, pr_curve, roc_curve};
pub use figures::{ClassFigures, Figures, Gap, Group, Groups, ScoreFigures, by_group};
pub use interval::{Interval, wilson95};
pub use metrics::{Confusion, accuracy, log_loss, roc_auc};
pub use paired::{McNemar, difference95, mcnemar};
pub use power_law::PowerLaw;
pub use threshold::{Criterion, best_threshold, threshold_for};
