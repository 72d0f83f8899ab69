//! The spec of a run: its job, and the conditions under which it was created.

use super::learning_curve::CurveSettings;
use super::sweep::SweepSpec;
use crate::dataset::prepare::{PrepareSettings, check_name};
use crate::dataset::source::SourceSpec;
use crate::dataset::synthetic::SampleSettings;
use crate::dataset::{Manifest, manifest};
use crate::error::{Error, Result};
use crate::features::FeatureSpec;
use crate::map::MapSettings;
use crate::model::{LogisticSettings, ModelSpec};
use crate::workspace::Workspace;
use serde::{Deserialize, Serialize};

/// A job with all settings that determine its outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case")]
pub enum JobSpec {
    /// Draw the synthetic sample into `data/sample`.
    Sample(SampleSettings),
    /// Prepare a data set into `data/prepared/NAME`.
    Prepare(PrepareSettings),
    /// Audit a prepared set; the findings are written next to its manifest.
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
    /// Make a map of a set's features in two dimensions; features that are missing are extracted first.
    Map {
        dataset: String,
        #[serde(flatten)]
        features: FeatureSpec,
        settings: MapSettings,
    },
    /// Train one model on a prepared set; features that are missing are extracted first.
    Train {
        dataset: String,
        model: ModelSpec,
        /// Refit a run's model on training and validation together.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refit: Option<String>,
    },
    /// Train many heads on a prepared set, each as a run of its own.
    Sweep { dataset: String, sweep: Box<SweepSpec> },
    /// Train one model on every fold of a cross-validation, each as a run of its own.
    Folds { dataset: String, model: ModelSpec },
    /// Train one model on growing parts of the training split, each as a run of its own.
    LearningCurve { dataset: String, model: ModelSpec, curve: CurveSettings },
    /// Score a trained run on the test split of its data set, and record that this was done.
    OpenTest { run: String },
    /// Score a trained run on another prepared data set: its name, folder or manifest.
    Evaluate { run: String, on: String },
    /// The whole study on the synthetic sample.
    Demo { sample: SampleSettings },
}

impl JobSpec {
    /// Train one model on the training split of a prepared set.
    pub fn train(dataset: impl Into<String>, model: ModelSpec) -> Self {
        Self::Train { dataset: dataset.into(), model, refit: None }
    }

    /// Train one model on a prepared set, or on every fold of a cross-validation of that name.
    pub fn train_on(workspace: &Workspace, dataset: String, model: ModelSpec) -> Self {
        let has_folds = !workspace.prepared(&dataset).join("manifest.csv").exists()
            && !manifest::folds_of(workspace, &dataset).is_empty();
        if has_folds { Self::Folds { dataset, model } } else { Self::train(dataset, model) }
    }

    /// Checks a job before a run's folder is created: invalid settings, missing data.
    ///
    /// # Errors
    /// The first refusal, as wrong usage.
    pub fn check(&self, workspace: &Workspace, device: &str) -> Result<()> {
        let device = device.parse()?;
        match self {
            Self::Prepare(settings) => {
                faceprobe_settings::check(settings)?;
                check_name(&settings.name)?;
                if settings.source.is_empty() {
                    return Err(Error::usage("No data to prepare; give at least one --source, such as adience:PATH."));
                }
                settings.source.iter().try_for_each(SourceSpec::check)?;
            }
            Self::Audit { settings, .. } => faceprobe_settings::check(&**settings)?,
            Self::Extract { features, .. } | Self::Probe { features, .. } => {
                features.check()?;
                features.arithmetic().check(device)?;
            }
            Self::Map { features, settings, .. } => {
                faceprobe_settings::check(settings)?;
                features.check()?;
                features.arithmetic().check(device)?;
            }
            Self::Train { model, .. } | Self::Folds { model, .. } => model.check(device)?,
            Self::LearningCurve { model, curve, .. } => {
                faceprobe_settings::check(curve)?;
                model.check(device)?;
            }
            Self::Sweep { sweep, .. } => {
                sweep.check()?;
                sweep.features.arithmetic().check(device)?;
            }
            Self::Sample(_) | Self::OpenTest { .. } | Self::Evaluate { .. } | Self::Demo { .. } => {}
        }
        match self {
            Self::Prepare(_) | Self::Sample(_) | Self::Demo { .. } => return Ok(()),
            _ => self.dataset().map_or(Ok(()), |name| manifest::required(workspace, name))?,
        }
        let (dataset, drawn) = match self {
            Self::Train { dataset, model, .. } => (dataset, model.train_images()),
            Self::LearningCurve { dataset, curve, .. } => (dataset, curve.sizes().last().copied()),
            _ => return Ok(()),
        };
        drawn.map_or(Ok(()), |count| Manifest::load_named(workspace, dataset)?.check_draw(count))
    }

    /// The first part of the run's name.
    pub fn kind_name(&self) -> &'static str {
        match self {
            Self::Sample(_) => "sample",
            Self::Prepare(_) => "prepare",
            Self::Audit { .. } => "audit",
            Self::Extract { .. } => "extract",
            Self::Probe { .. } => "probe",
            Self::Map { .. } => "map",
            Self::Train { model, .. } => model.kind().name(),
            Self::Sweep { .. } => "sweep",
            Self::Folds { .. } => "folds",
            Self::LearningCurve { .. } => "curve",
            Self::OpenTest { .. } => "test",
            Self::Evaluate { .. } => "evaluate",
            Self::Demo { .. } => "demo",
        }
    }

    /// Whether it is a series of runs done one after the other, each named by a stage of its journal.
    pub fn is_series(&self) -> bool {
        matches!(self, Self::Folds { .. } | Self::LearningCurve { .. } | Self::Demo { .. })
    }

    /// The prepared set that the job reads or writes.
    pub fn dataset(&self) -> Option<&str> {
        match self {
            Self::Prepare(settings) => Some(&settings.name),
            Self::Audit { dataset, .. }
            | Self::Extract { dataset, .. }
            | Self::Probe { dataset, .. }
            | Self::Map { dataset, .. }
            | Self::Train { dataset, .. }
            | Self::Folds { dataset, .. }
            | Self::LearningCurve { dataset, .. }
            | Self::Sweep { dataset, .. } => Some(dataset),
            Self::Sample(_) | Self::Demo { .. } => Some(DEMO_DATASET),
            Self::OpenTest { .. } | Self::Evaluate { .. } => None,
        }
    }
}

/// The name of the prepared set that the demo makes from the synthetic sample.
pub const DEMO_DATASET: &str = "sample";

/// `spec.json`: the job, and the conditions under which it was created.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    pub job: JobSpec,
    /// RFC 3339, UTC.
    pub created: String,
    /// Threads for decoding and arithmetic.
    pub threads: usize,
    /// `cpu`, `cuda[:N]` or `mps`.
    pub device: String,
    /// The run that started this one, for parts of a demo.
    pub parent: Option<String>,
    /// The step of a study that it was started as; informative only, since steps are matched by their job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
}

impl Spec {
    /// A spec created now.
    pub fn new(job: JobSpec, threads: usize, device: &str) -> Self {
        Self {
            job,
            created: jiff::Timestamp::now().to_string(),
            threads,
            device: device.to_owned(),
            parent: None,
            step: None,
        }
    }
}
