//! A run's work, in the worker process: from its spec to the last line of its journal.

mod audit;
mod execute;
mod external_evaluation;
mod folds;
mod learning_curve;
mod map;
mod probe;
mod reference_model;
mod scoring;
mod study;
mod sweep;
mod thinning;
mod training;
mod worker;

pub use worker::main;
