//! Models: their kinds, settings and saved files. Training is in the engine.

mod benchmark;
mod dense;
mod descent;
mod draw;
mod ensemble;
mod finetune;
mod kind;
mod knn;
mod logistic;
mod offtheshelf;
mod saved;
mod schedule;
mod spec;

pub use benchmark::BenchmarkSettings;
pub use dense::DenseSettings;
pub use descent::Optimizer;
pub use draw::TrainingDraw;
pub use ensemble::EnsembleSettings;
pub use finetune::FinetuneSettings;
pub use kind::{Kind, KindInfo, ModelInput, ModelSettings};
pub use knn::{KnnSettings, Votes};
pub use logistic::LogisticSettings;
pub use offtheshelf::OffTheShelfSettings;
pub use saved::{FORMAT, ModelInfo, Provenance, SavedModel, Weights};
pub use schedule::{RateCourse, Schedule};
pub use spec::ModelSpec;
