//! The dense head with dropout on frozen features.

use crate::backbone::Arithmetic;
use crate::error;
use crate::model::kind::{Kind, KindInfo, ModelInput, ModelSettings, refit_epochs};
use crate::model::{Optimizer, RateCourse, SavedModel, Schedule, descent};
use crate::onnx::graph::Graph;
use crate::onnx::heads::{Outcome, dense, linear, standardised};
use crate::onnx::rows::features;
use faceprobe_settings::{Refusal, Rules, Schema, settings};
use serde_json::{Map, Value};

/// Its registry entry.
pub static KIND: KindInfo = KindInfo {
    name: "dense",
    title: "Dense head",
    about: "A dense layer with dropout on frozen features",
    listed: "dense",
    input: ModelInput::Features,
    settings: Schema::of::<DenseSettings>(),
    has_options: true,
    chosen: None,
    refit: refit_epochs,
    graph,
};

settings! {
    /// The dense+dropout head: dense(width, ReLU), dropout, dense(1) giving a logit; binary cross-entropy.
    pub struct DenseSettings {
        /// Units of each dense layer.
        width: usize = 1024, whole(1..=65_536).unit("units").headline();
        /// Dense layers of that width, each with ReLU and dropout.
        depth: usize = 1, whole(1..=2).unit("layers");
        /// Share of the units dropped in training.
        dropout: f64 = 0.8, number(0.0..1.0).headline();
        /// Learning rate; with more than the default, validation loss rises from the tenth epoch on.
        learning_rate: f64 = 1e-4, above(0.0);
        /// Optimizer.
        optimizer: Optimizer = Optimizer::Adam, any();
        /// L2 penalty on the parameters, decoupled for adamw.
        weight_decay: f64 = 0.0, number(0.0..);
        /// How the learning rate changes after the warm-up.
        schedule: RateCourse = RateCourse::Constant, any().advanced();
        /// Warm-up epochs, in which the learning rate rises to its full value.
        warmup: usize = 0, whole(0..=1_000_000).unit("epochs").advanced();
        /// Matmul precision in the forward pass; gradients, optimizer state and the scores that are kept are f32.
        products: Arithmetic = Arithmetic::F32, any().advanced();
        /// Passes over the training split.
        epochs: usize = 60, whole(1..=1_000_000).unit("epochs").headline();
        /// Images per optimizer step.
        batch: usize = 128, whole(1..=65_536).unit("images");
        /// Scale features to mean 0 and variance 1 with the training split's figures.
        standardise: bool = true, any();
        /// Stop after this many epochs without a better validation accuracy.
        patience: Option<usize> = None, whole(1..=1_000_000).unit("epochs").advanced();
        /// Seed of initial parameters, batch order and dropout.
        seed: u64 = 1, any().seed();
    }
}

impl Rules for DenseSettings {
    const EARLIER: &'static [&'static str] = &["arithmetic"];

    fn check_together(&self) -> Result<(), Refusal> {
        self.products.check_cpu_as("products")
    }

    fn upgrade(object: &mut Map<String, Value>) {
        descent::upgrade(object, "products");
    }
}

impl DenseSettings {
    /// The learning-rate schedule with its warm-up.
    pub fn rates(&self) -> Schedule {
        Schedule { course: self.schedule, warmup: self.warmup }
    }
}

impl ModelSettings for DenseSettings {
    const KIND: Kind = Kind::of(&KIND);
}

fn graph(graph: &mut Graph, model: &SavedModel) -> error::Result<Outcome> {
    let rows = features(graph, &model.info.input)?;
    let mut values = standardised(graph, &rows, &model.weights)?;
    for layer in ["hidden", "hidden2"] {
        if model.weights.contains_key(&format!("{layer}.weight")) {
            values = dense(graph, &values, &model.weights, layer)?;
        }
    }
    Ok(Outcome::Logit(linear(graph, &values, &model.weights, "out")?))
}
