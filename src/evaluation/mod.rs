//! Figures about a model: metrics, thresholds, intervals, and the table of all runs.
