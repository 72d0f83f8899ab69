//! The forms of this program: their fields with defaults, and the job a filled one stands for.

mod audit;
mod finetune;

use super::forms_many;
use super::jobs::expand;
use super::snapshot::Snapshot;
use super::widgets::form::{Field, Form};
use faceprobe_core::backbone::Arithmetic;
use faceprobe_core::dataset::SplitMethod;
use faceprobe_core::dataset::prepare::PrepareSettings;
use faceprobe_core::dataset::source::SourceSpec;
use faceprobe_core::features::{FeatureSpec, Taps};
use faceprobe_core::imaging::preprocessing::Mode;
use faceprobe_core::imaging::{Alignment, Template};
use faceprobe_core::model::{BenchmarkSettings, DenseSettings, LogisticSettings, Optimizer};
use faceprobe_core::run::{JobSpec, ModelSpec};
use serde::{Deserialize, Serialize};
use std::fmt::Display;
use std::str::FromStr;

/// Which form it is; values are remembered for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FormKind {
    Prepare,
    Audit,
    Dense,
    Logistic,
    Benchmark,
    Finetune,
    Sweep,
    Probe,
}

impl FormKind {
    /// The form that trains the kind of model called `name`.
    pub fn training(name: &str) -> Option<Self> {
        match name {
            "dense" => Some(Self::Dense),
            "logistic" => Some(Self::Logistic),
            "benchmark" => Some(Self::Benchmark),
            "finetune" => Some(Self::Finetune),
            _ => None,
        }
    }
}

const MODELS: [&str; 4] = ["dense", "logistic", "benchmark", "finetune"];
pub(super) const OPTIMIZERS: [Optimizer; 4] = [Optimizer::Adam, Optimizer::AdamW, Optimizer::Sgd, Optimizer::RmsProp];

/// The form with its defaults.
pub fn open(kind: FormKind, snapshot: &Snapshot, dataset: Option<&str>) -> Form<FormKind> {
    let fields = match kind {
        FormKind::Prepare => prepare(),
        FormKind::Audit => audit::fields(snapshot),
        FormKind::Dense => dense(snapshot),
        FormKind::Logistic => logistic(snapshot),
        FormKind::Benchmark => benchmark(),
        FormKind::Finetune => finetune::fields(snapshot),
        FormKind::Sweep => forms_many::sweep(snapshot),
        FormKind::Probe => forms_many::probe(snapshot),
    };
    let (title, intro) = match kind {
        FormKind::Prepare => (
            "Prepare a data set".to_owned(),
            "Reads labels, leaves out what cannot be used and says why, draws balanced splits.".to_owned(),
        ),
        FormKind::Audit => (
            format!("Audit {}", dataset.unwrap_or("the current data set")),
            "Looks for likely wrong labels, copies, and pictures that show little; what to do is yours to decide."
                .to_owned(),
        ),
        FormKind::Probe => (
            format!("Probe the depths of a network on {}", dataset.unwrap_or("the current data set")),
            "Takes features after every stage and fits a logistic regression on each: accuracy by depth.".to_owned(),
        ),
        FormKind::Sweep => (
            format!("Sweep on {}", dataset.unwrap_or("the current data set")),
            "Several values between spaces; every combination is trained with every seed.".to_owned(),
        ),
        _ => (
            format!("Train on {}", dataset.unwrap_or("the current data set")),
            "Everything is chosen on validation; the test split stays closed.".to_owned(),
        ),
    };
    let focus = usize::from(!matches!(kind, FormKind::Prepare | FormKind::Audit));
    Form { kind, title, intro, fields, focus }
}

fn prepare() -> Vec<Field> {
    let splits = std::iter::once("default").chain(SplitMethod::ALL.map(SplitMethod::name)).map(str::to_owned).collect();
    let crops = std::iter::once("none").chain(Template::ALL.map(Template::name)).map(str::to_owned).collect();
    vec![
        Field::typed("source", "", "adience:FOLDER, fairface:FOLDER, utkface:FOLDER, folder:FOLDER or csv:FILE"),
        Field::typed("second source", "", "another one to add to it, or nothing"),
        Field::typed("third source", "", "another one to add to it, or nothing"),
        Field::typed("name", "study", "what the prepared set is to be called"),
        Field::typed("train", "6000", "images to train on, half of each class; empty: a share of all"),
        Field::typed("validation", "2000", "images to choose on; empty: a share of all"),
        Field::typed("test", "2000", "images for the final figure; empty: a share of all"),
        Field::typed("seed", "1", "the same seed draws the same splits"),
        Field::chosen(
            "split",
            "default",
            splits,
            "subject: people stay on one side; folds: cross-validation; default: official without sizes, else random",
        ),
        Field::chosen(
            "align",
            "none",
            crops,
            "find the face and take that: loose (the head, as Adience) or tight (the face, as FairFace)",
        ),
        Field::typed("crop side", Alignment::SIDE.to_string(), "rows and columns of an aligned crop"),
    ]
}

fn model_field(value: &str) -> Field {
    Field::chosen("model", value, MODELS.map(str::to_owned).to_vec(), "the kind of model; left and right change it")
}

pub(super) fn backbone_field(snapshot: &Snapshot) -> Field {
    let names: Vec<String> = snapshot.backbones.iter().map(|backbone| backbone.name.clone()).collect();
    let first = names.first().cloned().unwrap_or_default();
    Field::chosen("backbone", &first, names, "the frozen network whose features it is trained on")
}

/// Depth and shape of the features, which matter more than anything in the head.
pub(super) fn feature_fields() -> [Field; 3] {
    let pools = ["avg", "max", "grid2", "grid4", "grid7", "flatten"].map(str::to_owned).to_vec();
    let modes = [Mode::Default, Mode::Keras].map(|mode| mode.to_string()).to_vec();
    [
        Field::typed("tap", "last", "last, or numbers of stages such as 13,15,16, put behind each other"),
        Field::chosen("pooling", "avg", pools, "how a stage becomes numbers; gridN: averages over N x N cells"),
        Field::chosen("pixels", "default", modes, "how pictures are resized; keras: as the study's code does"),
    ]
}

fn optimizer_field(value: Optimizer) -> Field {
    let names = OPTIMIZERS.iter().map(|optimizer| optimizer.name().to_owned()).collect();
    Field::chosen("optimizer", value.name(), names, "the gradient descent rule")
}

/// What something is computed in.
pub(super) fn arithmetic_field(name: &'static str) -> Field {
    Field::chosen(name, "f32", vec!["f32".into(), "bf16".into()], "bf16 is faster where the processor has it")
}

/// The choice of an [`arithmetic_field`], refused where the processor has it not.
pub(super) fn arithmetic(form: &mut Form<FormKind>, name: &str) -> Option<Arithmetic> {
    let arithmetic = if form.value(name) == "bf16" { Arithmetic::Bf16 } else { Arithmetic::F32 };
    arithmetic.check_cpu().map_err(|error| form.complain(name, error.to_string())).ok()?;
    Some(arithmetic)
}

fn dense(snapshot: &Snapshot) -> Vec<Field> {
    let settings = DenseSettings::default();
    let standardise = if settings.standardise { "yes" } else { "no" };
    vec![model_field("dense"), backbone_field(snapshot)]
        .into_iter()
        .chain(feature_fields())
        .chain([
            Field::typed("width", settings.width.to_string(), "units of the dense layer"),
            Field::typed(
                "dropout",
                settings.dropout.to_string(),
                "share of units dropped in training, from 0 to below 1",
            ),
            Field::typed("learning rate", settings.learning_rate.to_string(), "above 0"),
            optimizer_field(settings.optimizer),
            Field::typed("weight decay", settings.weight_decay.to_string(), "L2 penalty, 0 for none"),
            Field::typed("epochs", settings.epochs.to_string(), "passes over the training split"),
            Field::typed("batch", settings.batch.to_string(), "images a step"),
            Field::chosen(
                "standardise",
                standardise,
                vec!["yes".into(), "no".into()],
                "features to mean 0 and variance 1",
            ),
            arithmetic_field("products"),
            Field::typed("patience", optional(settings.patience), "epochs without a better validation; empty: run all"),
            Field::typed("seed", settings.seed.to_string(), "of first weights, order and dropout"),
        ])
        .collect()
}

fn benchmark() -> Vec<Field> {
    let settings = BenchmarkSettings::default();
    vec![
        model_field("benchmark"),
        Field::typed("filters", settings.filters.to_string(), "of the convolution"),
        Field::typed("dense", settings.dense.to_string(), "units of the dense layer"),
        Field::typed("dropout", settings.dropout.to_string(), "share of units dropped in training, from 0 to below 1"),
        Field::typed("learning rate", settings.learning_rate.to_string(), "above 0"),
        optimizer_field(settings.optimizer),
        Field::typed("epochs", settings.epochs.to_string(), "passes over the training split"),
        Field::typed("batch", settings.batch.to_string(), "images a step"),
        Field::typed("patience", optional(settings.patience), "epochs without a better validation; empty: run all"),
        Field::typed("seed", settings.seed.to_string(), "of first weights, order and dropout"),
    ]
}

fn logistic(snapshot: &Snapshot) -> Vec<Field> {
    let settings = LogisticSettings::default();
    let alphas: Vec<String> = settings.alphas.iter().map(f64::to_string).collect();
    vec![model_field("logistic"), backbone_field(snapshot)]
        .into_iter()
        .chain(feature_fields())
        .chain([
            Field::typed("penalties", alphas.join(" "), "L2 penalties to try, between spaces; validation chooses"),
            Field::typed("iterations", settings.max_iterations.to_string(), "at most, for each penalty"),
            Field::typed("seed", settings.seed.to_string(), "kept with the run"),
        ])
        .collect()
}

fn optional(value: Option<usize>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// Reads a form; every field that is wrong says so, and then there is no job.
pub fn submit(form: &mut Form<FormKind>, dataset: Option<&str>) -> Option<JobSpec> {
    for field in &mut form.fields {
        field.error = None;
    }
    let job = match form.kind {
        FormKind::Prepare => read_prepare(form).map(JobSpec::Prepare),
        FormKind::Audit => audit::read(form, dataset),
        FormKind::Sweep => forms_many::read_sweep(form, dataset),
        FormKind::Probe => forms_many::read_probe(form, dataset),
        kind => {
            let model = match kind {
                FormKind::Dense => read_dense(form),
                FormKind::Logistic => read_logistic(form),
                FormKind::Finetune => finetune::read(form),
                _ => read_benchmark(form),
            };
            let dataset = dataset.map(str::to_owned);
            if dataset.is_none() {
                form.complain("model", "There is no prepared data set to train on; make one on the Data screen (1).");
            }
            model.zip(dataset).map(|(model, dataset)| JobSpec::train(dataset, model))
        }
    };
    job.filter(|_| form.fields.iter().all(|field| field.error.is_none()))
}

pub(super) fn number<T>(form: &mut Form<FormKind>, name: &str, low: T, high: T) -> Option<T>
where
    T: FromStr + PartialOrd + Display,
{
    match form.value(name).parse::<T>() {
        Ok(value) if value >= low && value <= high => Some(value),
        _ => {
            form.complain(name, format!("Needs a number from {low} to {high}."));
            None
        }
    }
}

pub(super) fn optional_number(form: &mut Form<FormKind>, name: &str, low: usize) -> Option<usize> {
    if form.value(name).is_empty() { None } else { number(form, name, low, 10_000_000) }
}

/// The share of dropped units: 1 would drop them all.
fn dropout(form: &mut Form<FormKind>) -> Option<f64> {
    number(form, "dropout", 0.0, 0.99)
}

fn optimizer(form: &Form<FormKind>) -> Option<Optimizer> {
    OPTIMIZERS.into_iter().find(|optimizer| optimizer.name() == form.value("optimizer"))
}

pub(super) fn features(form: &mut Form<FormKind>) -> Option<FeatureSpec> {
    let backbone = form.value("backbone").to_owned();
    if backbone.is_empty() {
        form.complain("backbone", "There is no backbone to choose; the Features screen (2) lists them.");
        return None;
    }
    let tap = form.value("tap").parse::<Taps>().map_err(|error| form.complain("tap", error.to_string())).ok()?;
    let pool = form.value("pooling").parse().ok()?;
    let mode = form.value("pixels").parse().ok()?;
    let spec = FeatureSpec { tap, pool, mode, ..FeatureSpec::of_backbone(backbone) };
    spec.check().map_err(|error| form.complain("tap", error.to_string())).ok()?;
    Some(spec)
}

fn read_prepare(form: &mut Form<FormKind>) -> Option<PrepareSettings> {
    let mut sources = Vec::new();
    for name in ["source", "second source", "third source"] {
        let text = form.value(name).to_owned();
        if text.is_empty() {
            if name == "source" {
                form.complain(name, "Needs a source, such as fairface:/path/to/fairface.");
            }
            continue;
        }
        let written = match text.split_once(':') {
            Some((adapter, path)) => format!("{}:{}", adapter.trim(), expand(path.trim()).display()),
            None => text,
        };
        match written.parse::<SourceSpec>() {
            Ok(source) => sources.push(source),
            Err(error) => form.complain(name, error.to_string()),
        }
    }
    let name = form.value("name").to_owned();
    let usual = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.starts_with('.') || !name.chars().all(usual) {
        form.complain("name", "Needs a name of letters, digits, '-', '_' and '.'.");
    }
    let train = optional_number(form, "train", 2);
    let val = optional_number(form, "validation", 2);
    let test = optional_number(form, "test", 2);
    let seed = number(form, "seed", 0, u64::MAX)?;
    // A word that names no method, none of the templates: as the data set is.
    let split = SplitMethod::ALL.into_iter().find(|method| method.name() == form.value("split"));
    let side = number(form, "crop side", *Alignment::SIDES.start(), *Alignment::SIDES.end())?;
    let align = form.value("align").parse::<Template>().ok().map(|template| Alignment { template, side });
    if matches!(split, Some(SplitMethod::Official | SplitMethod::Folds)) && (train, val, test) != (None, None, None) {
        form.complain("train", "Official splits and folds have sizes of their own; leave all three empty.");
    }
    Some(PrepareSettings { name, sources, train, val, test, seed, split, align })
}

fn read_dense(form: &mut Form<FormKind>) -> Option<ModelSpec> {
    let features = features(form);
    let (width, dropout) = (number(form, "width", 1, 65_536), dropout(form));
    let (learning_rate, weight_decay) =
        (number(form, "learning rate", 1e-9, 10.0), number(form, "weight decay", 0.0, 10.0));
    let (epochs, batch) = (number(form, "epochs", 1, 100_000), number(form, "batch", 1, 65_536));
    let patience = optional_number(form, "patience", 1);
    let (arithmetic, seed) = (arithmetic(form, "products"), number(form, "seed", 0, u64::MAX));
    let settings = DenseSettings {
        width: width?,
        dropout: dropout?,
        learning_rate: learning_rate?,
        optimizer: optimizer(form)?,
        weight_decay: weight_decay?,
        epochs: epochs?,
        batch: batch?,
        standardise: form.value("standardise") == "yes",
        arithmetic: arithmetic?,
        patience,
        seed: seed?,
        ..Default::default()
    };
    Some(ModelSpec::Dense { features: features?, settings })
}

fn read_benchmark(form: &mut Form<FormKind>) -> Option<ModelSpec> {
    let (filters, dense) = (number(form, "filters", 1, 4096), number(form, "dense", 1, 65_536));
    let (dropout, learning_rate) = (dropout(form), number(form, "learning rate", 1e-9, 10.0));
    let (epochs, batch) = (number(form, "epochs", 1, 100_000), number(form, "batch", 1, 65_536));
    let patience = optional_number(form, "patience", 1);
    let seed = number(form, "seed", 0, u64::MAX);
    let settings = BenchmarkSettings {
        filters: filters?,
        dense: dense?,
        dropout: dropout?,
        learning_rate: learning_rate?,
        optimizer: optimizer(form)?,
        epochs: epochs?,
        batch: batch?,
        patience,
        seed: seed?,
        ..BenchmarkSettings::default()
    };
    Some(ModelSpec::Benchmark { settings })
}

fn read_logistic(form: &mut Form<FormKind>) -> Option<ModelSpec> {
    let features = features(form);
    let read: Result<Vec<f64>, _> =
        form.value("penalties").split([' ', ',']).filter(|part| !part.is_empty()).map(str::parse).collect();
    let alphas =
        read.ok().filter(|list| !list.is_empty() && list.iter().all(|alpha| alpha.is_finite() && *alpha > 0.0));
    if alphas.is_none() {
        form.complain("penalties", "Needs numbers above 0 between spaces, such as 10 100 1000.");
    }
    let (max_iterations, seed) = (number(form, "iterations", 1, 1_000_000), number(form, "seed", 0, u64::MAX));
    let settings = LogisticSettings { alphas: alphas?, max_iterations: max_iterations?, seed: seed? };
    Some(ModelSpec::Logistic { features: features?, settings })
}
