//! Models: their kinds, settings and saved files. Training is in the engine.
//!
//! `crates/kinds` has a folder for each kind: its settings are a module here, its training is one of the engine.

mod descent;
mod draw;
mod kind;
pub mod kinds;
mod saved;
mod schedule;
mod spec;

pub use descent::Optimizer;
pub use draw::TrainingDraw;
pub use kind::{Kind, KindInfo, ModelInput, ModelSettings};
pub use kinds::benchmark::BenchmarkSettings;
pub use kinds::dense::DenseSettings;
pub use kinds::ensemble::EnsembleSettings;
pub use kinds::finetune::FinetuneSettings;
pub use kinds::knn::{KnnSettings, Votes};
pub use kinds::logistic::LogisticSettings;
pub use kinds::offtheshelf::OffTheShelfSettings;
pub use saved::{FORMAT, ModelInfo, Provenance, SavedModel, Weights};
pub use schedule::{RateCourse, Schedule};
pub use spec::ModelSpec;
