//! Logistic regression (linfa) on frozen features.

use crate::error::Result;
use crate::model::kind::{Kind, KindInfo, ModelInput, ModelSettings};
use crate::model::{ModelInfo, ModelSpec, SavedModel};
use crate::onnx::graph::Graph;
use crate::onnx::heads::{Outcome, linear, standardised};
use crate::onnx::rows::features;
use crate::workspace::Workspace;
use faceprobe_settings::{Rules, Schema, settings};
use serde_json::Value;

/// Its registry entry.
pub static KIND: KindInfo = KindInfo {
    name: "logistic",
    title: "Logistic regression",
    about: "Logistic regression (linfa) on frozen features",
    listed: "logistic",
    input: ModelInput::Features,
    settings: Schema::of::<LogisticSettings>(),
    has_options: true,
    chosen: Some("alpha"),
    refit,
    graph,
};

settings! {
    /// Logistic regression with an L2 penalty; the penalty is chosen on validation accuracy.
    pub struct LogisticSettings {
        /// L2 penalties to try, on the summed loss (scikit-learn's C is 1/alpha); validation chooses one.
        alphas: Vec<f64> = vec![10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 10000.0], number(0.0..).headline();
        /// At most so many iterations for each penalty.
        max_iterations: u64 = 2000, whole(1..=1_000_000).unit("iterations").advanced();
        /// Kept with the run; a regression has one optimum, whatever the seed.
        seed: u64 = 1, any().seed();
    }
}

impl Rules for LogisticSettings {}

impl ModelSettings for LogisticSettings {
    const KIND: Kind = Kind::of(&KIND);
}

/// Keeps only the penalty that validation chose.
fn refit(model: &mut ModelSpec, info: &ModelInfo, _: &Workspace) -> Result<()> {
    if let Some(alpha) = info.settings.get("alpha").and_then(Value::as_f64) {
        model.set("alphas", &alpha.to_string())?;
    }
    Ok(())
}

fn graph(graph: &mut Graph, model: &SavedModel) -> Result<Outcome> {
    let rows = features(graph, &model.info.input)?;
    let rows = standardised(graph, &rows, &model.weights)?;
    Ok(Outcome::Logit(linear(graph, &rows, &model.weights, "")?))
}
