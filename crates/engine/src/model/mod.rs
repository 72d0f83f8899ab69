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

/// The modules of all kinds, and their registry.
macro_rules! kinds {
    ($($name:ident,)*) => {
        $(mod $name {
            mod training;
            pub use training::*;
        })*

        /// Every kind, by the name that the core gives it.
        static REGISTRY: &[(&str, &dyn kind::ModelKind)] = &[$((stringify!($name), $name::TRAINING)),*];
    };
}
include!("../../../kinds/list.rs");

pub use benchmark::train_benchmark;
pub use checkpoint::Checkpoints;
pub use data::{Examples, LabelledRows, PixelRows};
pub use dense::train_dense;
pub use draws::{EpochDraws, first_weights};
pub use ensemble::ensemble;
pub use faceprobe_core::model::*;
pub use finetune::{Pair, Views, train_finetune};
pub use knn::train_knn;
pub use logistic::train_logistic;
pub use scorer::Scorer;
pub use trained::Trained;
