//! What a run is asked to do.

use crate::backbone::Pool;
use crate::dataset::prepare::PrepareSettings;
use crate::dataset::synthetic::SampleSettings;
use crate::features::FeatureSpec;
use crate::model::{BenchmarkSettings, DenseSettings, FinetuneSettings, Grid, Kind, LogisticSettings};
use serde::{Deserialize, Serialize};

/// A job with everything that decides its outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case")]
pub enum JobSpec {
    /// Draw the synthetic sample into `data/sample`.
    Sample(SampleSettings),
    /// Prepare a data set into `data/prepared/NAME`.
    Prepare(PrepareSettings),
    /// Look for what is wrong with a prepared set; the findings are beside its manifest.
    Audit { dataset: String, settings: Box<crate::audit::Settings> },
    /// Fill the feature store of a backbone for all images of a prepared set.
    Extract {
        dataset: String,
        #[serde(flatten)]
        features: FeatureSpec,
    },
    /// Take features after every stage of a backbone in one pass, and fit a logistic regression on each.
    Probe {
        dataset: String,
        #[serde(flatten)]
        features: FeatureSpec,
        settings: LogisticSettings,
    },
    /// Train one model on a prepared set; features that are missing are extracted first.
    Train {
        dataset: String,
        model: ModelSpec,
        /// Train on the training and the validation split together, with what validation chose for this run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refit: Option<String>,
    },
    /// Train many heads on a prepared set, each as a run of its own.
    Sweep { dataset: String, sweep: Box<SweepSpec> },
    /// Train one model on every fold of a cross-validation, each as a run of its own.
    Folds { dataset: String, model: ModelSpec },
    /// Score a trained run on the test split of its data set, and record that this was done.
    OpenTest { run: String },
    /// Score a trained run on another prepared data set: its name, folder or manifest.
    Evaluate { run: String, on: String },
    /// The whole study on the synthetic sample.
    Demo { sample: SampleSettings },
}

/// The model to train.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ModelSpec {
    Benchmark {
        settings: BenchmarkSettings,
    },
    Dense {
        #[serde(flatten)]
        features: FeatureSpec,
        settings: DenseSettings,
    },
    Logistic {
        #[serde(flatten)]
        features: FeatureSpec,
        settings: LogisticSettings,
    },
    /// `tap` is the one stage behind which the network is cut, `pool` that of the last stage, averages.
    Finetune {
        #[serde(flatten)]
        features: FeatureSpec,
        settings: FinetuneSettings,
    },
    /// Nothing is trained: the mean of fine-tuned runs, all cut where `features` says.
    Ensemble {
        #[serde(flatten)]
        features: FeatureSpec,
        /// Their runs.
        members: Vec<String>,
    },
}

/// Which heads a sweep trains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SweepSpec {
    #[serde(flatten)]
    pub features: FeatureSpec,
    /// What the grid does not vary.
    pub base: DenseSettings,
    pub grid: Grid,
    /// Each setting is trained once with each of these.
    pub seeds: Vec<u64>,
    /// Draw so many of the grid's combinations instead of taking all.
    pub random: Option<usize>,
    pub halving: Option<Halving>,
}

/// Successive halving (Jamieson and Talwalkar, 2016): all settings are trained for a few epochs, the best share of them
/// for more, and so on, so that most of the time goes to what looks good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halving {
    /// Epochs of the first round.
    pub first: usize,
    /// One in so many settings goes on, for so many times the epochs.
    pub factor: usize,
}

impl SweepSpec {
    /// The epochs up to which each round trains; the last is all of them.
    pub fn rungs(&self) -> Vec<usize> {
        let mut rungs = Vec::new();
        if let Some(Halving { first, factor }) = self.halving {
            let mut epochs = first.max(1);
            while epochs < self.base.epochs {
                rungs.push(epochs);
                epochs = epochs.saturating_mul(factor.max(2));
            }
        }
        rungs.push(self.base.epochs);
        rungs
    }
}

impl ModelSpec {
    /// The kind of model, as results list it.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Benchmark { .. } => Kind::Benchmark,
            Self::Dense { .. } => Kind::Dense,
            Self::Logistic { .. } => Kind::Logistic,
            Self::Finetune { .. } | Self::Ensemble { .. } => Kind::Finetune,
        }
    }

    /// The features it is trained on, or for fine-tuning where it begins; the benchmark has none.
    pub fn features(&self) -> Option<&FeatureSpec> {
        match self {
            Self::Benchmark { .. } => None,
            Self::Dense { features, .. }
            | Self::Logistic { features, .. }
            | Self::Finetune { features, .. }
            | Self::Ensemble { features, .. } => Some(features),
        }
    }

    /// The frozen network whose features it is trained on; the benchmark has none.
    pub fn backbone(&self) -> Option<&str> {
        self.features().map(|features| features.backbone.as_str())
    }

    /// How the last stage is pooled, where a model has its own last stages.
    pub fn pool(&self) -> Option<Pool> {
        match self {
            Self::Finetune { features, .. } | Self::Ensemble { features, .. } => Some(features.pool),
            Self::Benchmark { .. } | Self::Dense { .. } | Self::Logistic { .. } => None,
        }
    }

    /// The seed of initial weights, batch order and dropout; 0 for an ensemble, whose members have their own.
    pub fn seed(&self) -> u64 {
        match self {
            Self::Benchmark { settings } => settings.seed,
            Self::Dense { settings, .. } => settings.seed,
            Self::Logistic { settings, .. } => settings.seed,
            Self::Finetune { settings, .. } => settings.seed,
            Self::Ensemble { .. } => 0,
        }
    }

    /// [`ModelSpec::describe`] after training, when what was chosen on validation is known.
    pub fn describe_chosen(&self, settings: &serde_json::Value) -> String {
        match (self, settings.get("alpha").and_then(serde_json::Value::as_f64)) {
            (Self::Logistic { .. }, Some(alpha)) => self.with_features(format!("alpha {alpha}")),
            _ => self.describe(),
        }
    }

    /// The settings that distinguish this model from others of its kind, in a few words.
    pub fn describe(&self) -> String {
        self.with_features(self.describe_settings())
    }

    fn with_features(&self, settings: String) -> String {
        match self.features().map(FeatureSpec::describe) {
            Some(features) if !features.is_empty() => format!("{settings}; {features}"),
            _ => settings,
        }
    }

    fn describe_settings(&self) -> String {
        match self {
            Self::Benchmark { settings } => settings.describe(),
            Self::Dense { settings, .. } => settings.describe(),
            Self::Finetune { settings, .. } => settings.describe(),
            Self::Logistic { settings, .. } => settings.describe(),
            Self::Ensemble { members, .. } => format!("mean of {}", members.join(", ")),
        }
    }
}

impl JobSpec {
    /// Train one model on the training split of a prepared set.
    pub fn train(dataset: impl Into<String>, model: ModelSpec) -> Self {
        Self::Train { dataset: dataset.into(), model, refit: None }
    }

    /// The first part of the run's name.
    pub fn kind_name(&self) -> &'static str {
        match self {
            Self::Sample(_) => "sample",
            Self::Prepare(_) => "prepare",
            Self::Audit { .. } => "audit",
            Self::Extract { .. } => "extract",
            Self::Probe { .. } => "probe",
            Self::Train { model: ModelSpec::Ensemble { .. }, .. } => "ensemble",
            Self::Train { model, .. } => model.kind().name(),
            Self::Sweep { .. } => "sweep",
            Self::Folds { .. } => "folds",
            Self::OpenTest { .. } => "test",
            Self::Evaluate { .. } => "evaluate",
            Self::Demo { .. } => "demo",
        }
    }

    /// The prepared set the job reads or makes.
    pub fn dataset(&self) -> Option<&str> {
        match self {
            Self::Prepare(settings) => Some(&settings.name),
            Self::Audit { dataset, .. }
            | Self::Extract { dataset, .. }
            | Self::Probe { dataset, .. }
            | Self::Train { dataset, .. }
            | Self::Folds { dataset, .. }
            | Self::Sweep { dataset, .. } => Some(dataset),
            Self::Sample(_) | Self::Demo { .. } => Some(DEMO_DATASET),
            Self::OpenTest { .. } | Self::Evaluate { .. } => None,
        }
    }
}

/// The name of the prepared set that the demo makes from the synthetic sample.
pub const DEMO_DATASET: &str = "sample";

/// `spec.json`: the job and the circumstances it was asked for in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    pub job: JobSpec,
    /// RFC 3339, UTC.
    pub created: String,
    /// Threads for decoding and arithmetic.
    pub threads: usize,
    /// `cpu`, `cuda[:N]` or `mps`.
    pub device: String,
    /// The run that started this one, for the parts of a demo.
    pub parent: Option<String>,
}

impl Spec {
    /// A spec made now.
    pub fn new(job: JobSpec, threads: usize, device: &str) -> Self {
        Self { job, created: jiff::Timestamp::now().to_string(), threads, device: device.to_owned(), parent: None }
    }
}
