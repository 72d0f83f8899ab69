//! The jobs of the worker process: from a run's spec to the last line of its journal.

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
mod throttle;
mod training;
mod worker;

pub use worker::main;
