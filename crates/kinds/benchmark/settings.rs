//! The benchmark: a small CNN trained from scratch.

use crate::error;
use crate::model::kind::{Kind, KindInfo, ModelInput, ModelSettings, refit_epochs};
use crate::model::{Optimizer, RateCourse, SavedModel, Schedule, descent};
use crate::onnx::graph::{Attribute, Graph};
use crate::onnx::heads::{Outcome, averaged, dense, linear, own};
use crate::onnx::rows::{channels_first, pictures};
use faceprobe_settings::{Refusal, Rules, Schema, settings};
use serde_json::{Map, Value};

/// Its registry entry.
pub static KIND: KindInfo = KindInfo {
    name: "benchmark",
    title: "Benchmark CNN",
    about: "The small CNN trained from scratch: average pooling, convolution, global average pooling, dense, dropout",
    listed: "benchmark",
    input: ModelInput::Pixels,
    settings: Schema::of::<BenchmarkSettings>(),
    has_options: true,
    chosen: None,
    refit: refit_epochs,
    graph,
};

settings! {
    /// The benchmark CNN: average pooling, convolution, global average pooling, dense, dropout, dense(1).
    pub struct BenchmarkSettings {
        /// Filters of the convolution.
        filters: usize = 64, whole(1..=1024).unit("filters").headline();
        /// Units of the dense layer.
        dense: usize = 32, whole(1..=65_536).unit("units").headline();
        /// Share of the units dropped in training.
        dropout: f64 = 0.5, number(0.0..1.0).headline();
        /// Side of the square input.
        input: usize = 224, whole(1..=1024).unit("pixels").advanced();
        /// Side and stride of the average pooling that comes first.
        pool: usize = 2, whole(1..=16).unit("pixels");
        /// Side of the convolution kernel.
        kernel: usize = 3, whole(1..=31).unit("pixels").advanced();
        /// Learning rate.
        learning_rate: f64 = 1e-3, above(0.0);
        /// Optimizer.
        optimizer: Optimizer = Optimizer::Adam, any();
        /// L2 penalty on the parameters, decoupled for adamw.
        weight_decay: f64 = 0.0, number(0.0..);
        /// How the learning rate changes after the warm-up.
        schedule: RateCourse = RateCourse::Constant, any().advanced();
        /// Warm-up epochs, in which the learning rate rises to its full value.
        warmup: usize = 0, whole(0..=1_000_000).unit("epochs").advanced();
        /// Passes over the training split.
        epochs: usize = 16, whole(1..=1_000_000).unit("epochs").headline();
        /// Images per optimizer step.
        batch: usize = 32, whole(1..=65_536).unit("images");
        /// Stop after this many epochs without a better validation accuracy.
        patience: Option<usize> = None, whole(1..=1_000_000).unit("epochs").advanced();
        /// Seed of initial parameters, batch order and dropout.
        seed: u64 = 1, any().seed();
    }
}

impl Rules for BenchmarkSettings {
    fn check_together(&self) -> Result<(), Refusal> {
        if !self.input.is_multiple_of(self.pool) {
            let good: Vec<String> =
                (1..=16).filter(|pool| self.input.is_multiple_of(*pool)).map(|pool| pool.to_string()).collect();
            let what = format!("must divide the {} pixels of {{input}}: {}", self.input, good.join(", "));
            return Err(Refusal::new("pool", what).not(self.pool.to_string()));
        }
        let side = self.input / self.pool;
        if side < self.kernel {
            let what = format!("must fit into the {side} x {side} pixels that {{pool}} {} leaves", self.pool);
            return Err(Refusal::new("kernel", what).not(self.kernel.to_string()));
        }
        Ok(())
    }

    fn upgrade(object: &mut Map<String, Value>) {
        descent::upgrade(object, "arithmetic");
    }
}

impl BenchmarkSettings {
    /// The learning-rate schedule with its warm-up.
    pub fn rates(&self) -> Schedule {
        Schedule { course: self.schedule, warmup: self.warmup }
    }
}

impl ModelSettings for BenchmarkSettings {
    const KIND: Kind = Kind::of(&KIND);
}

fn graph(graph: &mut Graph, model: &SavedModel) -> error::Result<Outcome> {
    let settings: BenchmarkSettings = serde_json::from_value(model.info.settings.clone()).map_err(|problem| {
        error::Error::failed(format!("The model's settings cannot be read ({problem}); train it again."))
    })?;
    let levels = pictures(graph, settings.input);
    let levels = channels_first(graph, &levels);
    let white = graph.float("white", 255.0);
    let shares = graph.node("Div", "shares", &[&levels, &white], Vec::new());
    let sides = |name, side: usize| Attribute::Ints(name, vec![side as i64; 2]);
    let attributes = vec![sides("kernel_shape", settings.pool), sides("strides", settings.pool)];
    let pooled = graph.node("AveragePool", "pool", &[&shares], attributes);
    let (weight, bias) = (own(graph, &model.weights, "conv.weight")?, own(graph, &model.weights, "conv.bias")?);
    let sums = graph.node("Conv", "conv", &[&pooled, &weight, &bias], vec![sides("kernel_shape", settings.kernel)]);
    let maps = graph.node("Relu", "conv.relu", &[&sums], Vec::new());
    let averages = averaged(graph, &maps);
    let hidden = dense(graph, &averages, &model.weights, "dense")?;
    Ok(Outcome::Logit(linear(graph, &hidden, &model.weights, "out")?))
}
