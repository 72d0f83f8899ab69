//! The content of a study file.

use crate::dataset::PrepareSettings;
use crate::dataset::synthetic::SampleSettings;
use crate::features::FeatureSpec;
use crate::model::ModelSpec;
use crate::run::SweepSpec;
use crate::run::choosing::ChooseSettings;
use crate::run::learning_curve::CurveSettings;
use std::fmt;
use std::path::{Path, PathBuf};

/// A study: all of its tables in file order. Names are unique among trained models.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Study {
    /// What it is about, in a line.
    pub title: Option<String>,
    /// The synthetic sample, drawn into `data/sample` of the workspace.
    pub sample: Option<SampleSettings>,
    /// Data sets to prepare; relative paths of sources begin at the workspace.
    pub data: Vec<PrepareSettings>,
    pub features: Vec<Extraction>,
    pub models: Vec<Training>,
    pub sweeps: Vec<Sweep>,
    pub curves: Vec<Curve>,
    pub ensembles: Vec<Ensemble>,
    pub refits: Vec<Refit>,
    pub evaluations: Vec<Evaluation>,
    pub choose: Option<Choosing>,
    pub report: Option<ReportWanted>,
}

/// `[features.NAME]`: features computed before training, to which models refer.
#[derive(Debug, Clone, PartialEq)]
pub struct Extraction {
    pub name: String,
    /// The sets they are computed for, in addition to those of the models that refer to them.
    pub data: Vec<String>,
    pub features: FeatureSpec,
    /// Compute every stage, and fit a regression on each.
    pub probe: bool,
}

/// `[model.NAME]`: a model with one or several seeds, on one or several sets; on a cross-validation it is trained on
/// every fold.
#[derive(Debug, Clone, PartialEq)]
pub struct Training {
    pub name: String,
    pub data: Vec<String>,
    /// With the first seed.
    pub model: ModelSpec,
    /// None for a kind without seeds.
    pub seeds: Vec<u64>,
    pub open_test: bool,
}

/// `[sweep.NAME]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    pub name: String,
    pub data: Vec<String>,
    pub sweep: SweepSpec,
    pub open_test: Opened,
}

/// `[learning-curve.NAME]`: one model on growing parts of the training split of one set.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    pub name: String,
    pub data: Vec<String>,
    pub model: ModelSpec,
    pub curve: CurveSettings,
}

/// The heads of a sweep for which the test split is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Opened {
    #[default]
    None,
    /// Every seed of the best setting on validation.
    Best,
    All,
}

/// A reference to models of the file: all seeds, or one. For a sweep, its best setting on validation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    pub name: String,
    pub seed: Option<u64>,
}

/// `[ensemble.NAME]`: fine-tuned models combined.
#[derive(Debug, Clone, PartialEq)]
pub struct Ensemble {
    pub name: String,
    pub of: Vec<Reference>,
    pub open_test: bool,
}

/// `[refit.NAME]`: models retrained on training and validation.
#[derive(Debug, Clone, PartialEq)]
pub struct Refit {
    pub name: String,
    pub of: Vec<Reference>,
    pub open_test: bool,
}

/// `[evaluate.NAME]`: models on other sets than their own.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    pub name: String,
    pub of: Vec<Reference>,
    pub on: Vec<String>,
}

/// `[choose]`: the model that predict uses.
#[derive(Debug, Clone, PartialEq)]
pub struct Choosing {
    /// Among several models, the one with the best validation accuracy; ties go to the first.
    pub of: Vec<Reference>,
    /// The choice of its threshold.
    pub settings: ChooseSettings,
}

/// `[report]`.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportWanted {
    /// A folder, or the name of the HTML file; relative to the workspace.
    pub output: String,
    pub thumbnails: bool,
}

impl Default for ReportWanted {
    fn default() -> Self {
        Self { output: "report".into(), thumbnails: false }
    }
}

impl ReportWanted {
    /// The path of the HTML file.
    pub fn html(&self, root: &Path) -> PathBuf {
        let path = root.join(&self.output);
        let is_html = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("html"));
        if is_html { path } else { path.join("report.html") }
    }
}

impl Reference {
    /// `NAME` or `NAME:SEED`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            Some((name, seed)) => Some(Self { name: name.to_owned(), seed: Some(seed.trim().parse().ok()?) }),
            None => Some(Self { name: text.to_owned(), seed: None }),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seed {
            Some(seed) => write!(f, "{}:{seed}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

impl Training {
    /// The model of each seed.
    pub fn models(&self) -> Vec<ModelSpec> {
        match &self.seeds[..] {
            [] => vec![self.model.clone()],
            seeds => seeds.iter().map(|seed| self.model.clone().with_seed(*seed)).collect(),
        }
    }
}
