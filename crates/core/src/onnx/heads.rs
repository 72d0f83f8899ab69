//! Heads as ONNX operators.

use super::graph::{Attribute, Graph, Value};
use super::rows::tensor;
use crate::error::Result;
use crate::model::Weights;

/// The output of a model's part of the graph.
pub enum Outcome {
    /// `[N]` or `[N, 1]`: the logit of the positive class.
    Logit(Value),
    /// The probability, in 0..=1.
    Score(Value),
}

/// Standardises rows with the training split's mean and deviation, `input.mean` and `input.deviation`.
///
/// # Errors
/// A missing tensor.
pub fn standardised(graph: &mut Graph, rows: &Value, weights: &Weights) -> Result<Value> {
    let (mean, deviation) = (own(graph, weights, "input.mean")?, own(graph, weights, "input.deviation")?);
    let centred = graph.node("Sub", "row.centred", &[rows, &mean], Vec::new());
    Ok(graph.node("Div", "row.standardised", &[&centred, &deviation], Vec::new()))
}

/// `x W^T + b` with the tensors `NAME.weight` and `NAME.bias`; for an empty name `weight` and `bias`.
///
/// # Errors
/// As [`standardised`].
pub fn linear(graph: &mut Graph, rows: &Value, weights: &Weights, name: &str) -> Result<Value> {
    let part = |part: &str| if name.is_empty() { part.to_owned() } else { format!("{name}.{part}") };
    let (weight, bias) = (own(graph, weights, &part("weight"))?, own(graph, weights, &part("bias"))?);
    let called = if name.is_empty() { "linear" } else { name };
    Ok(graph.node("Gemm", called, &[rows, &weight, &bias], vec![Attribute::Int("transB", 1)]))
}

/// The same, followed by ReLU.
///
/// # Errors
/// As [`standardised`].
pub fn dense(graph: &mut Graph, rows: &Value, weights: &Weights, name: &str) -> Result<Value> {
    let sums = linear(graph, rows, weights, name)?;
    Ok(graph.node("Relu", &format!("{name}.relu"), &[&sums], Vec::new()))
}

/// Global average pooling, `[N, channels]`.
pub fn averaged(graph: &mut Graph, maps: &Value) -> Value {
    let attributes = vec![Attribute::Ints("axes", vec![2, 3]), Attribute::Int("keepdims", 0)];
    graph.node("ReduceMean", "averaged", &[maps], attributes)
}

/// Adds a tensor of the model under its name.
///
/// # Errors
/// As [`standardised`].
pub fn own(graph: &mut Graph, weights: &Weights, name: &str) -> Result<Value> {
    let tensor = tensor(weights, name)?;
    Ok(graph.floats(name, tensor.shape(), tensor.iter().copied()))
}
