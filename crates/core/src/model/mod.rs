//! Models: their kinds, settings and saved files. Training is in the engine.
//!
//! `crates/kinds` has a folder for each kind: its settings are a module here, its training is one of the engine.

mod descent;
mod draw;
mod kind;
mod saved;
mod schedule;
mod spec;

/// The modules of all kinds, and their registry.
macro_rules! kinds {
    ($($name:ident,)*) => {
        $(
            #[doc = concat!("What the kind `", stringify!($name), "` is.")]
            pub mod $name {
                mod settings;
                pub use settings::*;
            }
        )*

        /// All kinds, in the order of help texts and forms.
        static REGISTRY: &[&KindInfo] = &[$(&$name::KIND),*];
    };
}
include!("../../../kinds/list.rs");

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
