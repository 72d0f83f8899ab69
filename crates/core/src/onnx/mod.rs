//! Exports a complete predictor as one ONNX file, from image to label, probability and score, with metadata and a
//! Python example.
//!
//! Networks are written from their plan ([`crate::backbone::blueprint`]), heads by their kind's own `graph`. The
//! weights are those of the model file and the store; nothing is recomputed.

mod example;
pub mod graph;
pub mod heads;
pub mod network;
pub mod proto;
pub mod rows;
pub mod tokens;

pub use example::example;

use crate::error::{Error, Result};
use crate::evaluation::Calibration;
use crate::features::{Dtype, FeatureSpec};
use crate::imaging::preprocessing::Mode;
use crate::model::{ModelInfo, ModelInput, SavedModel};
use graph::{Attribute, Graph, Side, Value};
use heads::Outcome;
use prost::Message;
use proto::{IR_VERSION, ModelProto, OPSET, OperatorSetIdProto, StringStringEntryProto, element};
use serde_json::json;

/// Maximum size of a protobuf message, in bytes.
const LONGEST: usize = i32::MAX as usize;

/// Scores of exactly 0 or 1 have infinite logits; calibration clamps them to this distance.
const FARTHEST: f64 = 36.043_653_389_117_15;

/// The complete predictor of a saved model as the bytes of an ONNX file.
///
/// Threshold and calibration are those of `model.info`. The input is `pictures`, bytes `[N, side, side, 3]`; the
/// outputs are those of `predict --json`: `label` (an index into `classes` of the metadata), `probability` (of that
/// label, calibrated) and `score` (of class 1).
///
/// # Errors
/// A network that cannot be exported; weights that are missing or not those the model was trained with; a file larger
/// than ONNX allows.
pub fn predictor(model: &SavedModel) -> Result<Vec<u8>> {
    let mut graph = Graph::default();
    let outcome = (model.info.kind.info().graph)(&mut graph, model)?;
    tell(&mut graph, outcome, &model.info);
    let metadata = metadata(&model.info)?;
    let file = ModelProto {
        ir_version: IR_VERSION,
        producer_name: "faceprobe".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        doc_string: format!(
            "{} of faceprobe: {} or {} of a face photograph. What goes in and comes out is in the metadata.",
            model.info.provenance.run, model.info.classes[0], model.info.classes[1]
        ),
        graph: Some(graph.proto("predictor")),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
        metadata_props: metadata
            .into_iter()
            .map(|(key, value)| StringStringEntryProto { key: key.to_owned(), value })
            .collect(),
    };
    let length = file.encoded_len();
    if length > LONGEST {
        return Err(Error::failed(format!(
            "The model has {:.1} GB, and an ONNX file can have 2; take features of fewer values, such as --pool grid4.",
            length as f64 / 1e9
        )));
    }
    Ok(file.encode_to_vec())
}

/// Label, probability and score from the model's output.
fn tell(graph: &mut Graph, outcome: Outcome, info: &ModelInfo) {
    let row = graph.integers("one_number_each", &[-1]);
    let flat = |graph: &mut Graph, value: &Value| graph.node("Reshape", "flat", &[value, &row], Vec::new());
    let logit_of = |score: f64| (score / (1.0 - score)).ln();
    let (score, bound, compared, logit) = match outcome {
        Outcome::Logit(logit) => {
            let logit = flat(graph, &logit);
            let score = graph.node("Sigmoid", "sigmoid", &[&logit], Vec::new());
            // In terms of logits the threshold is exact where f32 scores are 0 or 1.
            (score, logit_of(info.threshold), logit.clone(), Some(logit))
        }
        Outcome::Score(score) => {
            let score = flat(graph, &score);
            (score.clone(), info.threshold, score, None)
        }
    };
    let bound = graph.float("threshold", bound as f32);
    let positive = graph.node("GreaterOrEqual", "is_positive", &[&compared, &bound], Vec::new());
    let calibrated = match (info.calibration, logit) {
        (Some(calibration), Some(logit)) => calibrated(graph, &logit, calibration),
        _ => score.clone(),
    };
    let one = graph.constant("one", 1.0);
    let other = graph.node("Sub", "other_class", &[&one, &calibrated], Vec::new());
    let probability = graph.node("Where", "told_class", &[&positive, &calibrated, &other], Vec::new());
    let label = graph.node("Cast", "class", &[&positive], vec![Attribute::Int("to", i64::from(element::INT64))]);
    let each = [Side::Pictures];
    graph.output("label", &label, element::INT64, &each, "Which of the classes of the metadata is told");
    graph.output("probability", &probability, element::FLOAT, &each, "Of that class, calibrated on validation");
    graph.output("score", &score, element::FLOAT, &each, "The model's own probability of class 1, not calibrated");
}

fn calibrated(graph: &mut Graph, logit: &Value, calibration: Calibration) -> Value {
    let (low, high) =
        (graph.float("calibration.low", -FARTHEST as f32), graph.float("calibration.high", FARTHEST as f32));
    let slope = graph.float("calibration.slope", calibration.slope as f32);
    let offset = graph.float("calibration.offset", calibration.offset as f32);
    let within = graph.node("Clip", "calibration.logit", &[logit, &low, &high], Vec::new());
    let bent = graph.node("Mul", "calibration.bent", &[&within, &slope], Vec::new());
    let shifted = graph.node("Add", "calibration.shifted", &[&bent, &offset], Vec::new());
    graph.node("Sigmoid", "calibrated", &[&shifted], Vec::new())
}

/// The preprocessing of images for the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pictures {
    pub side: usize,
    pub mode: Mode,
}

impl Pictures {
    /// The preprocessing of a model.
    ///
    /// # Errors
    /// An identity with an unknown preprocessing.
    pub fn of(info: &ModelInfo) -> Result<Self> {
        let unknown = || Error::failed(format!("The model's preprocessing '{}' is unknown.", info.input.preprocessing));
        let mut words = info.input.preprocessing.split(' ');
        let mode = words.next().and_then(|word| word.split("-v").next()).and_then(|mode| mode.parse().ok());
        let side = words.next().and_then(|side| side.parse().ok());
        Ok(Self { side: side.ok_or_else(unknown)?, mode: mode.ok_or_else(unknown)? })
    }
}

/// The metadata, by key.
fn metadata(info: &ModelInfo) -> Result<Vec<(&'static str, String)>> {
    let Pictures { side, mode } = Pictures::of(info)?;
    let crop = match info.alignment {
        Some(_) => "aligned face, as 'faceprobe data prepare --align' crops it",
        None => "whole picture",
    };
    let (orientation, resize) = match mode {
        Mode::Default => ("upright, by its EXIF orientation", "bilinear with antialiasing, as Pillow's BILINEAR"),
        Mode::Keras => ("as it is stored", "nearest, as Pillow's NEAREST"),
    };
    let preprocessing = json!({
        "crop": crop,
        "orientation": orientation,
        "side": side,
        "resize": resize,
        "keeps_aspect_ratio": false,
        "layout": "pictures x rows x columns x red, green, blue; bytes from 0 to 255; normalised inside the graph",
        "identity": info.input.preprocessing,
    });
    let mut list = vec![
        ("classes", json!(info.classes).to_string()),
        ("threshold", info.threshold.to_string()),
        ("side", side.to_string()),
        ("preprocessing", preprocessing.to_string()),
        ("calibration", json!(info.calibration).to_string()),
        ("alignment", json!(info.alignment).to_string()),
        ("kind", info.kind.name().to_owned()),
        ("settings", info.settings.to_string()),
        ("input", json!(info.input).to_string()),
        ("provenance", json!(info.provenance).to_string()),
    ];
    if info.kind.info().input != ModelInput::Pixels {
        let network = crate::backbone::find(&FeatureSpec::of_identity(&info.input)?.backbone)?;
        list.push(("backbone_licence", network.licence.to_owned()));
    }
    if info.input.dtype == Dtype::Bf16 {
        let note =
            "features were computed in bfloat16 in training; this graph computes in 32 bits, so scores differ a little";
        list.push(("note", note.to_owned()));
    }
    Ok(list)
}
