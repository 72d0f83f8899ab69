//! What a study's file states, as values.

use crate::dataset::PrepareSettings;
use crate::dataset::synthetic::SampleSettings;
use crate::features::FeatureSpec;
use crate::model::ModelSpec;
use crate::run::SweepSpec;
use crate::run::choosing::ChooseSettings;
use crate::run::learning_curve::CurveSettings;
use std::fmt;
use std::path::{Path, PathBuf};

/// A study: all of its tables in the order of the file. Names are unique among what is trained.
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

/// `[features.NAME]`: features that are computed before anything is trained, and that models name.
#[derive(Debug, Clone, PartialEq)]
pub struct Extraction {
    pub name: String,
    /// The sets they are computed for, besides those of the models that name them.
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
    /// None for a kind that has no seed.
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

/// For which heads of a sweep the test split is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Opened {
    #[default]
    None,
    /// Every seed of the setting that is best on validation.
    Best,
    All,
}

/// What is trained elsewhere in the file: all seeds of it, or one. Of a sweep, its best setting on validation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    pub name: String,
    pub seed: Option<u64>,
}

/// `[ensemble.NAME]`: fine-tuned models as one.
#[derive(Debug, Clone, PartialEq)]
pub struct Ensemble {
    pub name: String,
    pub of: Vec<Reference>,
    pub open_test: bool,
}

/// `[refit.NAME]`: models trained anew on validation too.
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
    /// Of several models the one with the best validation accuracy, of equals the first.
    pub of: Vec<Reference>,
    /// How its threshold is found.
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
    /// Where the HTML file is.
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
