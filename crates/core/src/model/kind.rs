//! What a kind of model states of itself.

use super::kinds::{REGISTRY, benchmark, dense, finetune, knn, logistic};
use super::{ModelInfo, ModelSpec, SavedModel, TrainingDraw};
use crate::error::Result;
use crate::features::{ClassifierSettings, CutSettings, FeatureSpec};
use crate::onnx::graph::Graph;
use crate::onnx::heads::Outcome;
use crate::workspace::Workspace;
use faceprobe_settings::{Info, Schema, Settings, infos};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::hash::{Hash, Hasher};

/// The registry entry of a kind.
pub struct KindInfo {
    /// The name on the command line and in files.
    pub name: &'static str,
    /// The name for display.
    pub title: &'static str,
    /// A sentence for help.
    pub about: &'static str,
    /// The kind under which results list it: an ensemble of fine-tuned networks is listed with those.
    pub listed: &'static str,
    pub input: ModelInput,
    pub settings: Schema,
    /// Whether its settings are options of `train` and form fields. Ensembles have a command of their own, which names
    /// their members.
    pub has_options: bool,
    /// The settings key of the value that validation chose among several, if there is one.
    pub chosen: Option<&'static str>,
    /// Turns a trained model's spec into that of a refit on training and validation, in which nothing is left to
    /// choose.
    pub refit: fn(&mut ModelSpec, &ModelInfo, &Workspace) -> Result<()>,
    /// Writes a trained model, from its input on, as an ONNX graph.
    pub graph: fn(&mut Graph, &SavedModel) -> Result<Outcome>,
}

/// The input of a kind of model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelInput {
    /// Images.
    Pixels,
    /// Rows of frozen features.
    Features,
    /// Activations at the cut of a network; the later stages are part of the model.
    Cut,
    /// The input of a network's pretrained classifier: its last stage, averaged.
    Classifier,
}

/// A kind of model.
#[derive(Clone, Copy)]
pub struct Kind(&'static KindInfo);

/// Settings of a kind of model.
pub trait ModelSettings: Settings {
    const KIND: Kind;
}

impl Kind {
    /// The small CNN trained from scratch.
    pub const BENCHMARK: Self = Self(&benchmark::KIND);
    /// Dense layer with dropout on frozen features.
    pub const DENSE: Self = Self(&dense::KIND);
    /// Logistic regression (linfa) on frozen features.
    pub const LOGISTIC: Self = Self(&logistic::KIND);
    /// k-nearest neighbours on frozen features.
    pub const KNN: Self = Self(&knn::KIND);
    /// The backbone's last stages trained together with a head.
    pub const FINETUNE: Self = Self(&finetune::KIND);

    /// The kind with this registry entry.
    pub const fn of(info: &'static KindInfo) -> Self {
        Self(info)
    }

    /// All kinds.
    pub fn all() -> impl Iterator<Item = Self> {
        REGISTRY.iter().map(|info| Self(info))
    }

    /// The kind with this name.
    pub fn find(name: &str) -> Option<Self> {
        Self::all().find(|kind| kind.name() == name)
    }

    /// Its registry entry.
    pub fn info(self) -> &'static KindInfo {
        self.0
    }

    /// The name on the command line and in `results --json`.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// The declarations of all settings of a model of this kind: of its features, its own, and of its training data.
    pub fn infos(self) -> Vec<&'static Info> {
        let mut infos = match self.0.input {
            ModelInput::Pixels => Vec::new(),
            ModelInput::Features => infos::<FeatureSpec>(),
            ModelInput::Cut => infos::<CutSettings>(),
            ModelInput::Classifier => infos::<ClassifierSettings>(),
        };
        infos.extend(self.0.settings.infos());
        if self.0.has_options {
            infos.extend(faceprobe_settings::infos::<TrainingDraw>());
        }
        infos
    }

    /// The kind under which results list it.
    pub fn listed(self) -> Self {
        Self::find(self.0.listed).unwrap_or(self)
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Kind {}

impl Hash for Kind {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::find(&name).ok_or_else(|| serde::de::Error::custom(format!("there is no kind of model '{name}'")))
    }
}

/// Removes patience, since a refit has no validation.
pub(super) fn refit_epochs(model: &mut ModelSpec, _: &ModelInfo, _: &Workspace) -> Result<()> {
    model.set("patience", "none")
}
