//! Models: training, saved files and scoring of every kind, from the benchmark CNN to fine-tuned networks.
//!
//! [`train_dense`], [`train_logistic`], [`train_benchmark`] and [`train_finetune`] take labelled rows and settings and
//! return a [`Trained`] model in memory; [`SavedModel`] is the same model in one file that needs nothing but the
//! backbone's weights to predict. Scores always come from a [`Scorer`], in training and after loading, so the figures
//! of a run are those of its file.

mod blas;
mod checkpoint;
mod data;
mod draws;
mod gated_means;
mod head;
pub mod kind;
pub mod kinds;
mod network;
mod random;
mod records;
pub mod rows;
mod scaling;
mod scorer;
mod tiled;
mod torch_learner;
mod trained;
mod training;

pub use checkpoint::Checkpoints;
pub use data::{Examples, LabelledRows, PixelRows};
pub use draws::{EpochDraws, first_weights};
pub use faceprobe_core::model::*;
pub use kinds::benchmark::training::train_benchmark;
pub use kinds::dense::training::train_dense;
pub use kinds::ensemble::training::ensemble;
pub use kinds::finetune::training::{Pair, Views, train_finetune};
pub use kinds::knn::training::train_knn;
pub use kinds::logistic::training::train_logistic;
pub use scorer::Scorer;
pub use trained::Trained;
