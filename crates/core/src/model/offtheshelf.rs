//! A network's own classifier, as it came with the weights: the baseline of what nobody trained for this data.

use super::kind::{Kind, KindInfo, ModelInput, ModelSettings};
use super::{ModelInfo, ModelSpec};
use crate::error::{Error, Result};
use crate::workspace::Workspace;
use faceprobe_settings::{Rules, Schema, settings};

/// What is said of it.
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
};

settings! {
    /// A classifier as it came.
    pub struct OffTheShelfSettings {
        /// The score from which on it answers the second class; its authors' own is 0.5.
        threshold: Option<f64> = None, number(0.0..1.0).or("auto").computed("the best on validation").headline();
    }
}

impl Rules for OffTheShelfSettings {}

impl ModelSettings for OffTheShelfSettings {
    const KIND: Kind = Kind::of(&KIND);
}

fn refit(_: &mut ModelSpec, _: &ModelInfo, _: &Workspace) -> Result<()> {
    Err(Error::usage("Nothing of an off-the-shelf classifier is trained, so there is nothing to train anew."))
}
