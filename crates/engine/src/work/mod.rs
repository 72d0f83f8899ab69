//! A run's work, in the worker process: from its spec to the last line of its journal.

mod audit;
mod elsewhere;
mod execute;
mod folds;
mod probe;
mod scoring;
mod study;
mod sweep;
mod thinning;
mod training;
mod witness;
mod worker;

pub use worker::main;
