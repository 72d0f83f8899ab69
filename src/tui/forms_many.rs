//! The forms that ask for many trainings at once: a sweep, and the probe of every depth of a network.

use super::forms::{self, FormKind, OPTIMIZERS};
use super::snapshot::Snapshot;
use super::widgets::form::{Field, Form};
use faceprobe_core::features::FeatureSpec;
use faceprobe_core::model::{DenseSettings, Grid, LogisticSettings, Optimizer};
use faceprobe_core::run::probe;
use faceprobe_core::run::{Halving, JobSpec, SweepSpec};
use std::str::FromStr;

/// The fields of a sweep, with a grid that says something in a few minutes.
pub(super) fn sweep(snapshot: &Snapshot) -> Vec<Field> {
    let base = DenseSettings::default();
    std::iter::once(forms::backbone_field(snapshot))
        .chain(forms::feature_fields())
        .chain([
            Field::typed("widths", "256 1024", "units of the dense layer"),
            Field::typed("dropouts", "0.5 0.8", "shares of units dropped in training, from 0 to below 1"),
            Field::typed("learning rates", "0.0001 0.0003", "above 0"),
            Field::typed("optimizers", base.optimizer.name(), "adam, adamw, sgd, rmsprop"),
            Field::typed("weight decays", "0", "L2 penalties, 0 for none"),
            Field::typed("seeds", "1", "each combination is trained once with each"),
            Field::typed("epochs", base.epochs.to_string(), "passes over the training split"),
            forms::arithmetic_field("products"),
            Field::typed("draw", "", "so many of the combinations, drawn at random; empty: all of them"),
            Field::typed("halving", "", "such as 10:3: after 10 epochs one in 3 goes on, and so on; empty: all go on"),
        ])
        .collect()
}

/// The fields of a probe.
pub(super) fn probe(snapshot: &Snapshot) -> Vec<Field> {
    let [_, pooling, pixels] = forms::feature_fields();
    vec![forms::backbone_field(snapshot), pooling, pixels]
}

/// Values between spaces or commas, each of which `good` takes.
fn list<T: FromStr>(form: &mut Form<FormKind>, name: &str, what: &str, good: fn(&T) -> bool) -> Option<Vec<T>> {
    let parts = form.value(name).split([' ', ',']).filter(|part| !part.is_empty());
    let read: Option<Vec<T>> = parts.map(|part| part.parse().ok().filter(good)).collect();
    let read = read.filter(|values| !values.is_empty());
    if read.is_none() {
        form.complain(name, format!("Needs {what} between spaces."));
    }
    read
}

fn optimizers(form: &mut Form<FormKind>) -> Option<Vec<Optimizer>> {
    let names: Vec<String> =
        form.value("optimizers").split([' ', ',']).filter(|part| !part.is_empty()).map(str::to_lowercase).collect();
    let find = |name: &String| OPTIMIZERS.into_iter().find(|optimizer| optimizer.name() == name);
    let read: Option<Vec<Optimizer>> = names.iter().map(find).collect();
    let read = read.filter(|values| !values.is_empty());
    if read.is_none() {
        form.complain("optimizers", "Needs names out of adam, adamw, sgd and rmsprop between spaces.");
    }
    read
}

/// `10:3`, or nothing.
fn halving(form: &mut Form<FormKind>) -> Option<Option<Halving>> {
    let text = form.value("halving").to_owned();
    if text.is_empty() {
        return Some(None);
    }
    let parts = text.split_once(':').and_then(|(first, factor)| {
        let (first, factor) = (first.trim().parse().ok()?, factor.trim().parse().ok()?);
        (first >= 1 && factor >= 2).then_some(Halving { first, factor })
    });
    if parts.is_none() {
        form.complain("halving", "Needs epochs and a factor from 2 on, such as 10:3, or nothing.");
    }
    parts.map(Some)
}

/// The sweep that the form stands for, unless a field is wrong and says so.
pub(super) fn read_sweep(form: &mut Form<FormKind>, dataset: Option<&str>) -> Option<JobSpec> {
    let features = if form.value("backbone").is_empty() { None } else { forms::features(form) };
    let widths = list(form, "widths", "whole numbers from 1 to 65536", |width| (1..=65_536).contains(width));
    let dropouts = list(form, "dropouts", "numbers from 0 to 0.99", |share| (0.0..=0.99).contains(share));
    let learning_rates = list(form, "learning rates", "numbers above 0", |rate: &f64| *rate > 0.0 && *rate <= 10.0);
    let optimizers = optimizers(form);
    let weight_decays = list(form, "weight decays", "numbers from 0 on", |decay: &f64| (0.0..=10.0).contains(decay));
    let seeds = list(form, "seeds", "whole numbers", |_: &u64| true);
    let epochs = forms::number(form, "epochs", 1, 100_000);
    let random = forms::optional_number(form, "draw", 1);
    let halving = halving(form);
    let arithmetic = forms::arithmetic(form, "products");
    let base = DenseSettings { epochs: epochs?, arithmetic: arithmetic?, ..DenseSettings::default() };
    let grid = Grid {
        widths: widths?,
        depths: vec![base.depth],
        dropouts: dropouts?,
        learning_rates: learning_rates?,
        optimizers: optimizers?,
        weight_decays: weight_decays?,
        batches: vec![base.batch],
        standardise: vec![base.standardise],
    };
    grid.settings(&base, random).map_err(|error| form.complain("widths", error.to_string())).ok()?;
    let sweep = SweepSpec { features: features?, base, grid, seeds: seeds?, random, halving: halving? };
    Some(JobSpec::Sweep { dataset: dataset?.to_owned(), sweep: Box::new(sweep) })
}

/// The probe that the form stands for.
pub(super) fn read_probe(form: &mut Form<FormKind>, dataset: Option<&str>) -> Option<JobSpec> {
    if dataset.is_none() {
        form.complain("backbone", "There is no prepared data set; make one on the Data screen (1).");
    }
    let features = FeatureSpec {
        pool: form.value("pooling").parse().ok()?,
        mode: form.value("pixels").parse().ok()?,
        ..FeatureSpec::of_backbone(form.value("backbone").to_owned())
    };
    features.check().map_err(|error| form.complain("pooling", error.to_string())).ok()?;
    let settings = LogisticSettings { alphas: probe::ALPHAS.to_vec(), ..LogisticSettings::default() };
    Some(JobSpec::Probe { dataset: dataset?.to_owned(), features, settings })
}
