//! Export of runs for experiment trackers: TensorBoard's event files, MLflow's file store. Only files are written;
//! nothing is sent.

pub mod mlflow;
pub mod tensorboard;

use super::follower::{Fold, Follower};
use super::journal::{Entry, Event};
use super::label::Label;
use super::results::{ResultRow, ValidationFigures};
use super::{JobSpec, RunFolder, RunView, Status};
use crate::error::{AtPath, Error, Result};
use crate::features::CutSettings;
use crate::model::{ModelInput, ModelSpec};
use crate::monitor::{EpochFigures, Update};
use crate::text::json_value;
use faceprobe_settings::to_pairs;
use std::path::PathBuf;

/// A file to be written, relative to the folder that the user names.
pub type File = (PathBuf, Vec<u8>);

/// A trained run as trackers represent it.
#[derive(Debug, Clone, PartialEq)]
pub struct Tracked {
    pub run: String,
    /// The user's label.
    pub label: Label,
    /// The prepared set it was trained on, within which runs are compared.
    pub dataset: String,
    /// Milliseconds since 1970, UTC.
    pub started: i64,
    pub ended: i64,
    /// Names and texts of its settings.
    pub settings: Vec<(String, String)>,
    /// Metrics after each epoch.
    pub curves: Vec<Curve>,
    /// Final metrics.
    pub figures: Vec<(String, f64)>,
    /// The epoch of the final metrics; 0 without epochs.
    pub epoch: i64,
    /// Everything that is known of the result, as `result` of `runs show --json` has it.
    pub result: String,
}

/// A metric over the epochs.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// With a slash between group and name.
    pub name: &'static str,
    pub points: Vec<Point>,
}

/// A metric after an epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Milliseconds since 1970, UTC.
    pub at: i64,
    /// The epoch, counted from 1.
    pub epoch: i64,
    pub value: f64,
}

/// The epochs of a run with their times. A resumed run repeats some of them.
#[derive(Default)]
struct Timed(Vec<(i64, EpochFigures)>);

impl Fold for Timed {
    fn take(&mut self, entry: Entry) {
        if let Event::Work(Update::Epoch(figures)) = entry.event {
            while self.0.last().is_some_and(|(_, known)| known.epoch >= figures.epoch) {
                self.0.pop();
            }
            self.0.push((entry.at, figures));
        }
    }
}

impl Tracked {
    /// A trained run.
    ///
    /// # Errors
    /// One that trains no model or is unfinished; files that cannot be read.
    pub fn read(run: &RunFolder) -> Result<Self> {
        let view = RunView::open(run.clone())?;
        let JobSpec::Train { dataset, model, refit } = &view.spec.job else {
            return Err(Error::usage(format!(
                "Run {} trains no model, so there is nothing to export of it.",
                run.id()
            )));
        };
        let row = view.result.clone()?.filter(|_| view.status == Status::Done);
        let row =
            row.ok_or_else(|| Error::failed(format!("Run {} has not ended well; export it when it has.", run.id())))?;
        let mut journal = Follower::<Timed>::new(run.events_path());
        journal.read_to_end()?;
        let epochs = journal.into_state().0;
        let facts = view.facts();
        let started = facts.started.unwrap_or(0);
        let mut settings = settings(model);
        settings.push(("dataset".into(), dataset.clone()));
        settings.push(("manifest_sha256".into(), row.manifest_sha256.clone()));
        settings.extend(refit.iter().map(|run| ("refit_of".to_owned(), run.clone())));
        Ok(Self {
            run: run.id().to_string(),
            label: Label::load(run)?,
            dataset: dataset.clone(),
            started,
            ended: facts.ended.unwrap_or(started),
            settings,
            curves: curves(&epochs),
            figures: figures(&row),
            epoch: row.best_epoch.unwrap_or(0) as i64,
            result: json_value(&row).at(&run.result_path())?,
        })
    }
}

/// The kind, then all settings with their texts.
fn settings(model: &ModelSpec) -> Vec<(String, String)> {
    let mut pairs = vec![("kind".to_owned(), model.kind().name().to_owned())];
    let mut add =
        |more: Vec<(&'static str, String)>| pairs.extend(more.into_iter().map(|(name, text)| (name.into(), text)));
    match (model.kind().info().input, model.features()) {
        (ModelInput::Features, Some(features)) => add(to_pairs(features)),
        (ModelInput::Cut, Some(features)) => add(to_pairs(&CutSettings::of_spec(features))),
        _ => {}
    }
    add(model.any().pairs());
    add(to_pairs(model.draw()));
    pairs
}

fn curves(epochs: &[(i64, EpochFigures)]) -> Vec<Curve> {
    type Of = fn(&EpochFigures) -> Option<f64>;
    let all: [(&str, Of); 5] = [
        ("loss/train", |of| Some(of.train_loss)),
        ("loss/val", |of| Some(of.validated?.loss)),
        ("accuracy/train", |of| Some(of.train_accuracy)),
        ("accuracy/val", |of| Some(of.validated?.accuracy)),
        ("time/epoch_seconds", |of| Some(of.seconds)),
    ];
    let curve = |(name, of): (&'static str, Of)| {
        let point = |(at, own): &(i64, EpochFigures)| Some(Point { at: *at, epoch: own.epoch as i64, value: of(own)? });
        Curve { name, points: epochs.iter().filter_map(point).collect() }
    };
    all.into_iter().map(curve).filter(|curve| !curve.points.is_empty()).collect()
}

/// The figures of the run's model; without those of an unopened test split.
fn figures(row: &ResultRow) -> Vec<(String, f64)> {
    let of_scores = row.validation.as_ref().map(|ValidationFigures { of_scores, .. }| of_scores);
    let all = [
        ("train_accuracy", row.train_accuracy),
        ("val_accuracy", row.val_accuracy),
        ("val_accuracy_low", row.val_interval.map(|interval| interval.low)),
        ("val_accuracy_high", row.val_interval.map(|interval| interval.high)),
        ("val_roc_auc", of_scores.and_then(|scores| scores.roc_auc)),
        ("val_average_precision", of_scores.and_then(|scores| scores.average_precision)),
        ("val_log_loss", of_scores.map(|scores| scores.log_loss)),
        ("val_brier", of_scores.map(|scores| scores.brier)),
        ("val_calibration_error", of_scores.map(|scores| scores.calibration_error)),
        ("test_accuracy", row.test_accuracy),
        ("test_accuracy_low", row.test_interval.map(|interval| interval.low)),
        ("test_accuracy_high", row.test_interval.map(|interval| interval.high)),
        ("threshold", Some(row.threshold)),
        ("params", Some(row.params as f64)),
        ("epochs", Some(row.epochs as f64)),
        ("seconds", Some(row.seconds)),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}
