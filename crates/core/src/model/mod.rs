//! What is said of a model: its kind, its settings, and the file it is saved in. What trains it is the engine's affair.

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
