//! What is said of a model: its kind, its settings, and the file it is saved in. What trains it is the engine's affair.

mod finetune;
mod grid;
mod saved;
mod schedule;
pub mod settings;

pub use finetune::FinetuneSettings;
pub use grid::Grid;
pub use saved::{FORMAT, ModelInfo, Provenance, SavedModel, Weights};
pub use schedule::{RateCourse, Schedule};
pub use settings::{BenchmarkSettings, DenseSettings, Kind, LogisticSettings, Optimizer};
