//! An ensemble: fine-tuned runs as one model, the mean of their logits. Nothing is trained.

use crate::error::Result;
use crate::model::kind::{Kind, KindInfo, ModelInput, ModelSettings};
use crate::model::kinds::finetune;
use crate::model::{ModelInfo, ModelSpec};
use crate::run::ensemble;
use crate::workspace::Workspace;
use faceprobe_settings::{Rules, Schema, settings};

/// Its registry entry.
pub static KIND: KindInfo = KindInfo {
    name: "ensemble",
    title: "Ensemble",
    about: "Fine-tuned runs that differ in their seeds, say, as one model: the mean of their logits",
    listed: "finetune",
    input: ModelInput::Cut,
    settings: Schema::of::<EnsembleSettings>(),
    has_options: false,
    chosen: None,
    refit,
    graph: finetune::graph,
};

settings! {
    /// The members of an ensemble.
    pub struct EnsembleSettings {
        /// The runs whose logits are averaged, all cut after the same stage.
        members: Vec<String> = Vec::new(), text("RUN").headline();
    }
}

impl Rules for EnsembleSettings {}

impl ModelSettings for EnsembleSettings {
    const KIND: Kind = Kind::of(&KIND);
}

/// The members' refits.
fn refit(model: &mut ModelSpec, _: &ModelInfo, workspace: &Workspace) -> Result<()> {
    let members = ensemble::refitted(workspace, &model.settings::<EnsembleSettings>()?.members)?;
    model.set("members", &members.join(","))
}
