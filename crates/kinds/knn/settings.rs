//! Nearest neighbours on frozen features: the simplest probe there is.

use crate::error::{Error, Result};
use crate::model::kind::{Kind, KindInfo, ModelInput, ModelSettings};
use crate::model::{ModelInfo, ModelSpec, SavedModel};
use crate::onnx::graph::{Attribute, Graph};
use crate::onnx::heads::{Outcome, own};
use crate::onnx::rows::{features, tensor};
use crate::workspace::Workspace;
use faceprobe_settings::{Rules, Schema, choices, settings};
use serde_json::Value;

/// Its registry entry.
pub static KIND: KindInfo = KindInfo {
    name: "knn",
    title: "Nearest neighbours",
    about: "The most similar training images by the cosine of their frozen features, which vote",
    listed: "knn",
    input: ModelInput::Features,
    settings: Schema::of::<KnnSettings>(),
    has_options: true,
    chosen: Some("neighbours"),
    refit,
    graph,
};

settings! {
    /// Nearest neighbours by cosine similarity; validation accuracy chooses their number.
    pub struct KnnSettings {
        /// Numbers of neighbours to try; validation chooses one.
        k: Vec<usize> = vec![1, 5, 20], whole(1..=10_000).headline();
        /// What the vote of a neighbour counts: equal (one each), or similarity (its cosine, where that is above 0).
        votes: Votes = Votes::Equal, any();
        /// Kept with the run; neighbours are the same whatever the seed.
        seed: u64 = 1, any().seed();
    }
}

choices! {
    /// The weight of a neighbour's vote.
    pub enum Votes {
        Equal = "equal",
        Similarity = "similarity",
    }
}

impl Rules for KnnSettings {}

impl ModelSettings for KnnSettings {
    const KIND: Kind = Kind::of(&KIND);
}

/// Keeps only the number that validation chose.
fn refit(model: &mut ModelSpec, info: &ModelInfo, _: &Workspace) -> Result<()> {
    if let Some(neighbours) = info.settings.get("neighbours").and_then(Value::as_u64) {
        model.set("k", &neighbours.to_string())?;
    }
    Ok(())
}

/// Cosine similarities to all training rows, the k largest, and the share of their votes for class 1.
fn graph(graph: &mut Graph, model: &SavedModel) -> Result<Outcome> {
    let number = |name: &str| -> Result<f32> {
        let value = tensor(&model.weights, name)?.first().copied();
        value.ok_or_else(|| Error::failed(format!("The model's tensor '{name}' is empty; train it again.")))
    };
    let (k, weighted) = (number("neighbours.k")?, number("neighbours.weighted")? > 0.0);
    let rows = features(graph, &model.info.input)?;
    let last = || Attribute::Ints("axes", vec![1]);
    let length = graph.node("ReduceL2", "row.length", &[&rows], vec![last(), Attribute::Int("keepdims", 1)]);
    let least = graph.float("row.shortest", f32::MIN_POSITIVE);
    let length = graph.node("Max", "row.length.not_zero", &[&length, &least], Vec::new());
    let direction = graph.node("Div", "row.direction", &[&rows, &length], Vec::new());
    let known = own(graph, &model.weights, "neighbours.rows")?;
    let classes = own(graph, &model.weights, "neighbours.class")?;
    let zero = graph.constant("zero", 0.0);
    let cosines = graph.node("Gemm", "cosines", &[&direction, &known, &zero], vec![Attribute::Int("transB", 1)]);
    let k = graph.integers("neighbours.count", &[k as i64]);
    let [nearest, places] = graph.two("TopK", ["nearest", "nearest.places"], &[&cosines, &k], Vec::new());
    let positive = graph.node("Gather", "nearest.class", &[&classes, &places], Vec::new());
    let flat = || vec![last(), Attribute::Int("keepdims", 0)];
    if !weighted {
        return Ok(Outcome::Score(graph.node("ReduceMean", "votes", &[&positive], flat())));
    }
    let votes = graph.node("Max", "votes.each", &[&nearest, &zero], Vec::new());
    let for_it = graph.node("Mul", "votes.positive", &[&votes, &positive], Vec::new());
    let totals = vec![Attribute::Int("keepdims", 0)];
    let axis = graph.integers("votes.axis", &[1]);
    let for_it = graph.node("ReduceSum", "votes.for", &[&for_it, &axis], totals.clone());
    let all = graph.node("ReduceSum", "votes.all", &[&votes, &axis], totals);
    let share = graph.node("Div", "votes.share", &[&for_it, &all], Vec::new());
    // If nothing is similar, each vote counts one.
    let alike = graph.node("Greater", "votes.any", &[&all, &zero], Vec::new());
    let even = graph.node("ReduceMean", "votes.even", &[&positive], flat());
    Ok(Outcome::Score(graph.node("Where", "votes", &[&alike, &share, &even], Vec::new())))
}
