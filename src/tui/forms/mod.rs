//! The forms of this program. Their fields come from the statements of the settings, and what a filled form stands for is
//! read and refused by the same statements.

mod fields;
mod read;

pub use read::submit;

use super::snapshot::Snapshot;
use super::widgets::form::{Field, Form};
use faceprobe_core::audit;
use faceprobe_core::dataset::prepare::PrepareSettings;
use faceprobe_core::features::FeatureSpec;
use faceprobe_core::map::MapSettings;
use faceprobe_core::model::{DenseSettings, Kind};
use faceprobe_core::run::SweepSettings;
use faceprobe_settings::{Info, axes, infos};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Which form it is; values are remembered for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FormKind {
    Prepare,
    Audit,
    /// One model of a kind, or one for each fold of a cross-validation.
    Train(Kind),
    Sweep,
    Probe,
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

    /// The form that trains the kind of model called `name`.
    pub fn training(name: &str) -> Option<Self> {
        models().find(|kind| kind.name() == name).map(Self::Train)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Audit => "audit",
            Self::Train(kind) => kind.name(),
            Self::Sweep => "sweep",
            Self::Probe => "probe",
            Self::Map => "map",
        }
    }

    fn find(name: &str) -> Option<Self> {
        [Self::Prepare, Self::Audit, Self::Sweep, Self::Probe, Self::Map]
            .into_iter()
            .find(|kind| kind.name() == name)
            .or_else(|| Self::training(name))
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
        }
    }

    /// Whether it works on a prepared set that it names.
    fn has_data(self) -> bool {
        matches!(self, Self::Train(_) | Self::Sweep | Self::Probe | Self::Map)
    }
}

impl Serialize for FormKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
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

/// The form with its defaults.
pub fn open(kind: FormKind, snapshot: &Snapshot, dataset: Option<&str>) -> Form<FormKind> {
    let mut all: Vec<Field> = Vec::new();
    if let FormKind::Train(model) = kind {
        let names = models().map(|kind| kind.name().to_owned()).collect();
        all.push(Field::chosen(MODEL, model.name(), names, "The kind of model; left and right change it"));
    }
    if kind.has_data() {
        all.push(fields::data(snapshot, dataset, matches!(kind, FormKind::Train(_))));
    }
    for info in kind.infos() {
        all.extend(fields::of(info, kind, snapshot));
    }
    let on = dataset.unwrap_or("the current data set");
    let (title, intro) = match kind {
        FormKind::Prepare => (
            "Prepare a data set".to_owned(),
            "Reads labels, leaves out what cannot be used and says why, draws balanced splits.",
        ),
        FormKind::Audit => (
            format!("Audit {on}"),
            "Looks for likely wrong labels, copies, and pictures that show little; what to do is yours to decide.",
        ),
        FormKind::Map => (
            format!("Map of the features of {on}"),
            "Draws the images as points in two dimensions; points that are near are alike to the network.",
        ),
        FormKind::Probe => (
            "Probe the depths of a network".to_owned(),
            "Takes features after every stage and fits a logistic regression on each: accuracy by depth.",
        ),
        FormKind::Sweep => (
            format!("Sweep on {on}"),
            "Grid search: several values with commas between them; every combination × seed is trained.",
        ),
        FormKind::Train(model) => (
            format!("Train: {}", model.info().title),
            "Everything is chosen on validation; the test split stays closed.",
        ),
    };
    let focus = usize::from(matches!(kind, FormKind::Train(_)));
    Form { kind, title, intro: intro.to_owned(), fields: all, focus, unfolded: false }
}
