//! The kinds of model: what is said of each, and the registry of them.
//!
//! A kind has a file here, with its settings, and a module of the same name in the engine, which trains, scores and
//! explains it.

use super::{ModelInfo, ModelSpec, SavedModel, TrainingDraw};
use super::{benchmark, dense, ensemble, finetune, knn, logistic, offtheshelf};
use crate::error::Result;
use crate::features::{ClassifierSettings, CutSettings, FeatureSpec};
use crate::onnx::graph::Graph;
use crate::onnx::heads::Outcome;
use crate::workspace::Workspace;
use faceprobe_settings::{Info, Schema, Settings, infos};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::hash::{Hash, Hasher};

/// Every kind, in the order in which help and forms list them.
static REGISTRY: [&KindInfo; 7] =
    [&benchmark::KIND, &dense::KIND, &logistic::KIND, &finetune::KIND, &knn::KIND, &ensemble::KIND, &offtheshelf::KIND];

/// What is said of a kind of model.
pub struct KindInfo {
    /// As the command line and files write it.
    pub name: &'static str,
    /// As people write it.
    pub title: &'static str,
    /// One sentence for help.
    pub about: &'static str,
    /// The kind under which results list it: an ensemble of fine-tuned networks is one of those.
    pub listed: &'static str,
    pub input: ModelInput,
    pub settings: Schema,
    /// Whether its settings are options of `train` and fields of a form. An ensemble has a command of its own, which names
    /// its members.
    pub has_options: bool,
    /// The key under which a trained model's settings say what validation chose among several values that were asked
    /// for, where something is chosen so.
    pub chosen: Option<&'static str>,
    /// Makes of a trained model's spec that of the same model trained anew on validation too, where nothing is left to
    /// choose.
    pub refit: fn(&mut ModelSpec, &ModelInfo, &Workspace) -> Result<()>,
    /// Writes a trained model, from the pictures on, into a graph for other programs.
    pub graph: fn(&mut Graph, &SavedModel) -> Result<Outcome>,
}

/// What a kind of model is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelInput {
    /// Pictures.
    Pixels,
    /// Rows of frozen features.
    Features,
    /// Activations where a network is cut; what comes after the cut is the model's own.
    Cut,
    /// The features that a network's own classifier is for: its last stage, averaged.
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
    /// The most similar training images by their frozen features.
    pub const KNN: Self = Self(&knn::KIND);
    /// The backbone's last layers trained together with a head.
    pub const FINETUNE: Self = Self(&finetune::KIND);

    /// The kind that `info` tells of.
    pub const fn of(info: &'static KindInfo) -> Self {
        Self(info)
    }

    /// Every kind there is.
    pub fn all() -> impl Iterator<Item = Self> {
        REGISTRY.iter().map(|info| Self(info))
    }

    /// The kind of that name.
    pub fn find(name: &str) -> Option<Self> {
        Self::all().find(|kind| kind.name() == name)
    }

    /// What is said of it.
    pub fn info(self) -> &'static KindInfo {
        self.0
    }

    /// As the command line and `results --json` write it.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// The statements of all that can be said of a model of this kind: of its features, its own, of what it learns from.
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

/// Patience waits for validation, which has nothing to say any more.
pub(super) fn refit_epochs(model: &mut ModelSpec, _: &ModelInfo, _: &Workspace) -> Result<()> {
    model.set("patience", "none")
}
