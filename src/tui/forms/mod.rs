//! The forms of this program. Their fields come from the statements of the settings, and what a filled form stands for is
//! read and refused by the same statements.

mod fields;
mod read;

pub use read::{Filled, submit};

use super::snapshot::Snapshot;
use super::tasks;
use super::widgets::form::{Field, Form};
use faceprobe_core::audit;
use faceprobe_core::dataset::Split;
use faceprobe_core::dataset::prepare::PrepareSettings;
use faceprobe_core::features::FeatureSpec;
use faceprobe_core::map::MapSettings;
use faceprobe_core::model::{DenseSettings, Kind, TrainingDraw};
use faceprobe_core::run::SweepSettings;
use faceprobe_core::run::learning_curve::CurveSettings;
use faceprobe_settings::{Info, Role, axes, infos};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tui_input::Input;

/// Which form it is; values are remembered for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FormKind {
    Prepare,
    Audit,
    /// One model of a kind, or one for each fold of a cross-validation.
    Train(Kind),
    Sweep,
    Probe,
    /// One model of a kind on growing parts of the training split.
    Curve(Kind),
    /// The forms of [`tasks`].
    FetchData,
    FetchWeights,
    Report,
    ExportModel,
    ExportFeatures,
    /// A map of features.
    Map,
}

/// The field that says which kind of model a form trains.
pub const MODEL: &str = "model";
/// The field that says on which prepared set.
pub const DATA: &str = "data";

impl FormKind {
    /// The form that trains dense heads, with which training begins.
    pub const DENSE: Self = Self::Train(Kind::DENSE);

    /// The same form for another kind of model.
    pub fn of_model(self, name: &str) -> Option<Self> {
        let kind = models().find(|kind| kind.name() == name)?;
        match self {
            Self::Train(_) => Some(Self::Train(kind)),
            Self::Curve(_) => Some(Self::Curve(kind)),
            _ => None,
        }
    }

    /// The kind of model that it is for.
    pub fn model(self) -> Option<Kind> {
        match self {
            Self::Train(kind) | Self::Curve(kind) => Some(kind),
            _ => None,
        }
    }

    fn name(self) -> String {
        match self {
            Self::Prepare => "prepare".into(),
            Self::Audit => "audit".into(),
            Self::Train(kind) => kind.name().into(),
            Self::Sweep => "sweep".into(),
            Self::Probe => "probe".into(),
            Self::Curve(kind) => format!("curve-{}", kind.name()),
            Self::FetchData => "fetch-data".into(),
            Self::FetchWeights => "fetch-weights".into(),
            Self::Report => "report".into(),
            Self::ExportModel => "export-model".into(),
            Self::ExportFeatures => "export-features".into(),
            Self::Map => "map".into(),
        }
    }

    fn find(name: &str) -> Option<Self> {
        let alone = [
            Self::Prepare,
            Self::Audit,
            Self::Sweep,
            Self::Probe,
            Self::Map,
            Self::FetchData,
            Self::FetchWeights,
            Self::Report,
            Self::ExportModel,
            Self::ExportFeatures,
        ];
        let of_models = models().flat_map(|kind| [Self::Train(kind), Self::Curve(kind)]);
        alone.into_iter().chain(of_models).find(|kind| kind.name() == name)
    }

    /// The statements of its fields.
    pub fn infos(self) -> Vec<&'static Info> {
        match self {
            Self::Prepare => infos::<PrepareSettings>(),
            Self::Audit => infos::<audit::Settings>(),
            Self::Train(kind) => kind.infos(),
            Self::Sweep => {
                let own = infos::<SweepSettings>();
                infos::<FeatureSpec>().into_iter().chain(axes::<DenseSettings>()).chain(own).collect()
            }
            Self::Map => infos::<MapSettings>().into_iter().chain(infos::<FeatureSpec>()).collect(),
            // Every stage is probed.
            Self::Probe => infos::<FeatureSpec>().into_iter().filter(|info| info.name != "tap").collect(),
            Self::Curve(kind) => {
                let draw = infos::<TrainingDraw>();
                let own = |info: &&'static Info| {
                    info.role == Role::Setting && draw.iter().all(|other| other.name != info.name)
                };
                infos::<CurveSettings>().into_iter().chain(kind.infos().into_iter().filter(own)).collect()
            }
            Self::FetchData => infos::<tasks::FetchData>(),
            Self::FetchWeights => infos::<tasks::FetchWeights>(),
            Self::Report => infos::<tasks::WriteReport>(),
            Self::ExportModel => infos::<tasks::ExportModel>(),
            Self::ExportFeatures => infos::<tasks::ExportData>().into_iter().chain(infos::<FeatureSpec>()).collect(),
        }
    }

    /// Whether it works on a prepared set that it names.
    fn has_data(self) -> bool {
        matches!(self, Self::Train(_) | Self::Sweep | Self::Probe | Self::Map | Self::Curve(_) | Self::ExportFeatures)
    }
}

impl Serialize for FormKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}

impl<'de> Deserialize<'de> for FormKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::find(&name).ok_or_else(|| serde::de::Error::custom("no form of this program"))
    }
}

/// The kinds of model that forms train.
fn models() -> impl Iterator<Item = Kind> {
    Kind::all().filter(|kind| kind.info().has_options)
}

/// Sizes for a learning curve: an eighth, a quarter, half and all of the training split, as many of each class.
fn sizes(snapshot: &Snapshot, dataset: Option<&str>) -> Option<String> {
    let report = snapshot.dataset(dataset)?.report.as_ref().ok()?;
    let train = report.splits.iter().find(|split| split.split == Split::Train.name())?;
    let each = train.per_class.into_iter().min().filter(|each| *each > 0)?;
    let mut sizes: Vec<usize> =
        [8, 4, 2, 1].into_iter().map(|part| 2 * (each / part)).filter(|size| *size > 0).collect();
    sizes.dedup();
    Some(sizes.iter().map(usize::to_string).collect::<Vec<_>>().join(","))
}

/// The form with its defaults.
pub fn open(kind: FormKind, snapshot: &Snapshot, dataset: Option<&str>) -> Form<FormKind> {
    let mut all: Vec<Field> = Vec::new();
    if let Some(model) = kind.model() {
        let names = models().map(|kind| kind.name().to_owned()).collect();
        all.push(Field::chosen(MODEL, model.name(), names, "The kind of model; left and right change it"));
    }
    if kind.has_data() {
        all.push(fields::data(snapshot, dataset, matches!(kind, FormKind::Train(_))));
    }
    for info in kind.infos() {
        all.extend(fields::of(info, kind, snapshot));
    }
    if let (FormKind::Curve(_), Some(sizes)) = (kind, sizes(snapshot, dataset))
        && let Some(field) = all.iter_mut().find(|field| field.name == "sizes")
    {
        field.input = Input::new(sizes);
    }
    let on = dataset.unwrap_or("the current data set");
    let (title, intro) = match kind {
        FormKind::Prepare => (
            "Prepare a data set".to_owned(),
            "Reads the labels, drops unusable images and says why, and draws balanced splits.",
        ),
        FormKind::Audit => (
            format!("Audit {on}"),
            "Looks for likely label errors, duplicates and poor images; you decide what to do with each.",
        ),
        FormKind::Map => (
            format!("Map of the features of {on}"),
            "Draws the images as points in two dimensions; nearby points have similar features.",
        ),
        FormKind::Probe => (
            "Depth probe".to_owned(),
            "Extracts features after every stage and fits a logistic regression on each: accuracy by depth.",
        ),
        FormKind::Sweep => {
            (format!("Sweep on {on}"), "Grid search: every combination × seed. Separate several values by commas.")
        }
        FormKind::Train(model) => (
            format!("Train: {}", model.info().title),
            "Everything is selected on validation; the test split stays closed.",
        ),
        FormKind::Curve(model) => (
            format!("Learning curve: {}", model.info().title),
            "Trains on growing parts of the training split: what more images would be worth.",
        ),
        FormKind::FetchData => (
            "Fetch a data set".to_owned(),
            "Downloads photographs. Quitting stops the download; starting it again resumes it.",
        ),
        FormKind::FetchWeights => (
            "Fetch the weights of a network".to_owned(),
            "Downloaded once for all workspaces and checked by hash. A stopped download resumes when started again.",
        ),
        FormKind::Report => (
            "Write the report".to_owned(),
            "HTML and Markdown: data, models with confidence intervals, the model card, and how to reproduce it.",
        ),
        FormKind::ExportModel => {
            ("Export a model".to_owned(), "The whole predictor as ONNX: decoded image in, label and probability out.")
        }
        FormKind::ExportFeatures => (
            "Export features".to_owned(),
            "Features and labels in one order, for numpy, pandas and scikit-learn. What is missing is extracted first.",
        ),
    };
    Form { kind, title, intro: intro.to_owned(), fields: all, focus: 0, unfolded: false }
}
