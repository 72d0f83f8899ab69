//! Off-the-shelf classifiers: a network's pretrained classifier as a baseline without training.

use crate::backbone;
use crate::error::{Error, Result};
use crate::model::kind::{Kind, KindInfo, ModelInput, ModelSettings};
use crate::model::{ModelInfo, ModelSpec, SavedModel};
use crate::onnx::graph::Graph;
use crate::onnx::heads::{Outcome, dense, linear};
use crate::onnx::rows::features;
use crate::workspace::Workspace;
use faceprobe_settings::{Rules, Schema, settings};

/// Its registry entry.
pub static KIND: KindInfo = KindInfo {
    name: "offtheshelf",
    title: "Off the shelf",
    about: "The classifier that came with a network's weights; nothing is trained, and validation chooses the threshold",
    listed: "offtheshelf",
    input: ModelInput::Classifier,
    settings: Schema::of::<OffTheShelfSettings>(),
    has_options: true,
    chosen: None,
    refit,
    graph,
};

settings! {
    /// A classifier as it came.
    pub struct OffTheShelfSettings {
        /// Scores of at least this mean the second class; its authors' own is 0.5.
        threshold: Option<f64> = None, number(0.0..1.0).or("auto").computed("the best on validation").headline();
    }
}

impl Rules for OffTheShelfSettings {}

impl ModelSettings for OffTheShelfSettings {
    const KIND: Kind = Kind::of(&KIND);
}

/// The network with its classifier's dense layers on the averaged last stage, ReLU between them.
fn graph(graph: &mut Graph, model: &SavedModel) -> Result<Outcome> {
    let info = backbone::find(&model.info.input.backbone)?;
    let head = info.head.ok_or_else(|| Error::failed(format!("{} brings no classifier of its own.", info.title)))?;
    let mut values = features(graph, &model.info.input)?;
    for (place, (layer, ..)) in head.layers.iter().enumerate() {
        let last = place + 1 == head.layers.len();
        let layer_of = if last { linear } else { dense };
        values = layer_of(graph, &values, &model.weights, layer)?;
    }
    Ok(Outcome::Logit(values))
}

fn refit(_: &mut ModelSpec, _: &ModelInfo, _: &Workspace) -> Result<()> {
    Err(Error::usage("Nothing of an off-the-shelf classifier is trained, so there is nothing to train anew."))
}
