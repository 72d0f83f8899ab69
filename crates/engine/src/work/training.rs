//! The training job of one model, and the evaluation on its test split.

use super::execute::JobContext;
use super::scoring::{check_identity, filled_stores, manifest, score_split, source_of};
use crate::backbone::device;
use crate::features::{Store, StoreIdentity};
use crate::model::kind::{self, Members};
use crate::model::rows::{Prepared, TrainingRows};
use crate::model::{Checkpoints, FORMAT, ModelInfo, Provenance, SavedModel, Weights};
use faceprobe_core::dataset::lacking::{lacking, per_class};
use faceprobe_core::dataset::{Manifest, PrepareReport, Split};
use faceprobe_core::error::{AtPath, Error, Result};
use faceprobe_core::evaluation::{Calibration, Confusion, Interval, wilson95};
use faceprobe_core::imaging::Alignment;
use faceprobe_core::model::ModelSpec;
use faceprobe_core::monitor::{Monitor, Update};
use faceprobe_core::run::RunFolder;
use faceprobe_core::run::Status;
use faceprobe_core::run::openings::{self, Opening};
use faceprobe_core::run::refit::{self, Chosen};
use faceprobe_core::run::results::{DataDivision, ResultRow, ValidationFigures};
use faceprobe_core::run::score_file;
use faceprobe_core::run::spec::JobSpec;
use faceprobe_core::text::line;
use std::path::Path;
use std::time::Instant;

/// Trains a model on the training split, chooses epoch or penalty and threshold on validation, and writes the model,
/// its validation scores and its row of the results to the run's folder. With `refit`, the choices of that run are kept
/// and the validation split is trained on too.
///
/// # Errors
/// Missing data, weights or images; settings out of range; a training that fails; a stop.
pub(super) fn train(
    circumstances: &JobContext<'_>,
    dataset: &str,
    spec: &ModelSpec,
    refit: Option<&str>,
    monitor: &dyn Monitor,
) -> Result<String> {
    let ground = ground(circumstances, dataset, spec, refit, monitor).map_err(without_model)?;
    if let Some(chosen) = &ground.chosen {
        let text = format!(
            "learns from the validation split too, so nothing is measured on it; what validation chose is that of {}",
            chosen.run
        );
        monitor.update(Update::Note { text });
    }
    monitor.update(Update::Stage { name: "train".into() });
    Ok(train_on(&ground, circumstances.run, dataset, spec, None, monitor)?.summary())
}

/// The data for training models on one kind of rows.
pub(super) struct TrainingData {
    manifest: Manifest,
    synthetic: bool,
    division: DataDivision,
    alignment: Option<Alignment>,
    identity: StoreIdentity,
    /// For training, validation and test.
    stores: Vec<Store>,
    /// For training only: the variations.
    varied: Vec<Store>,
    /// For a refit: the choices made on validation.
    chosen: Option<Chosen>,
    /// For an ensemble: the weights of its members, and their number of trained parameters.
    members: (Vec<Weights>, usize),
}

impl TrainingData {
    /// Values per row.
    pub(super) fn width(&self) -> usize {
        self.identity.width
    }
}

/// Why no calibration is fitted to validation scores: too few of them.
fn too_few_to_calibrate(counts: [usize; 2], classes: &[String; 2]) -> Option<String> {
    counts.iter().any(|count| *count < Calibration::FEWEST).then(|| {
        let [first, second] = counts;
        format!(
            "scores are not calibrated: validation has {first} {} and {second} {} images, and {} of each are needed",
            line(&classes[0]),
            line(&classes[1]),
            Calibration::FEWEST
        )
    })
}

/// Refuses splits that cannot be trained on or validated on, before anything is computed, and warns about validation
/// splits with one class.
fn check_splits(manifest: &Manifest, learns_all: bool, monitor: &dyn Monitor) -> Result<()> {
    let counts = |split| per_class(manifest.split(split).map(|sample| sample.class == 1));
    let lacks = |split: Split| lacking(split.name(), counts(split), &manifest.classes);
    let mend = "prepare again with --split random, or with the sizes --train, --val and --test";
    if let (Some(lacks), false) = (lacks(Split::Train), learns_all) {
        return Err(Error::failed(format!("{lacks} in {}, so no model can be trained on it; {mend}.", manifest.name)));
    }
    match lacks(Split::Val) {
        Some(lacks) if counts(Split::Val) == [0, 0] && !learns_all => {
            Err(Error::failed(format!("{lacks} in {}, so nothing can be chosen on it; {mend}.", manifest.name)))
        }
        Some(lacks) if !learns_all => {
            let text = format!(
                "{lacks}: accuracy on it says nothing of telling the two classes apart, and thresholds that weigh both, a \
                 calibration and ROC AUC cannot be told from it"
            );
            monitor.update(Update::Note { text });
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Opens the prepared set and the stores, and computes missing rows.
pub(super) fn ground(
    circumstances: &JobContext<'_>,
    dataset: &str,
    spec: &ModelSpec,
    refit: Option<&str>,
    monitor: &dyn Monitor,
) -> Result<TrainingData> {
    let mut manifest = manifest(circumstances.workspace, dataset)?;
    if let Some(count) = spec.train_images() {
        manifest = manifest.drawn(count, spec.seed())?;
    }
    let chosen = refit.map(|run| refit::chosen(circumstances.workspace, run, &manifest)).transpose()?;
    check_splits(&manifest, chosen.is_some(), monitor)?;
    let report = PrepareReport::load(&manifest.folder)?;
    let source = source_of(spec, circumstances.device)?;
    let splits = [Split::Train, Split::Val];
    let (stores, _) = filled_stores(circumstances, &manifest, &splits, source.as_ref(), monitor)?;
    let kind = kind::of(spec.kind())?;
    let mut varied = Vec::new();
    for source in kind.variations(spec, device::parse(circumstances.device)?)? {
        varied.extend(
            filled_stores(circumstances, &manifest, refit::training_splits(chosen.is_some()), &source, monitor)?.0,
        );
    }
    let identity = source.identity();
    let of = Members { refit: refit.is_some(), manifest: &manifest, input: &identity };
    let members = kind.members(spec, circumstances.workspace, &of)?;
    Ok(TrainingData {
        manifest,
        synthetic: report.synthetic,
        division: DataDivision::of(&report),
        alignment: report.alignment,
        identity,
        stores,
        varied,
        chosen,
        members,
    })
}

/// Trains a model into a run's folder. With a `limit`, it ends after that many epochs and leaves a checkpoint to resume
/// from.
///
/// # Errors
/// Also a stop, which leaves the best model so far and a checkpoint, and whose message says so.
pub(super) fn train_on(
    ground: &TrainingData,
    run: &RunFolder,
    dataset: &str,
    spec: &ModelSpec,
    limit: Option<usize>,
    monitor: &dyn Monitor,
) -> Result<ResultRow> {
    let begun = Instant::now();
    let TrainingData { manifest, synthetic, division, alignment, identity, stores, varied, chosen, members } = ground;
    let learnt = refit::training_splits(chosen.is_some());
    // Identifies model, data and settings: a checkpoint of anything else is not resumed.
    let key = serde_json::to_string(&(spec, identity, &manifest.sha256)).at(run.path())?;
    let checkpoints = Checkpoints::new(run.checkpoint_path(), key);
    let checkpoints = checkpoints.up_to(limit).keeping(chosen.as_ref().and_then(|chosen| chosen.epoch));
    let kind = kind::of(spec.kind())?;
    let rows = Prepared { manifest, identity, stores, varied, learnt, members };
    let (mut trained, learnt) = kind.train(spec, &rows, &checkpoints, monitor).map_err(without_model)?;
    let TrainingRows { train_positive, val_samples, val_positive } = learnt;
    let (threshold, calibration) = match chosen {
        Some(chosen) => (chosen.threshold, chosen.calibration),
        None => {
            let few = too_few_to_calibrate(per_class(val_positive.iter().copied()), &manifest.classes);
            let calibration = match few {
                Some(text) => {
                    monitor.update(Update::Note { text });
                    None
                }
                None => kind.calibrate(&trained.val_scores, &val_positive),
            };
            (trained.threshold, calibration)
        }
    };
    // Only splits that were not trained on can validate.
    let validates = chosen.is_none();
    let mut saved = SavedModel {
        info: ModelInfo {
            format: FORMAT,
            kind: spec.kind().listed(),
            input: identity.clone(),
            alignment: *alignment,
            classes: manifest.classes.clone(),
            threshold,
            calibration,
            settings: trained.settings.clone(),
            provenance: Provenance {
                run: run.id().to_string(),
                dataset: dataset.to_owned(),
                manifest_sha256: manifest.sha256.clone(),
                seed: spec.seed(),
                faceprobe: env!("CARGO_PKG_VERSION").to_owned(),
                train_samples: train_positive.len(),
                val_samples: if validates { val_positive.len() } else { 0 },
                epochs_run: trained.epochs_run,
                best_epoch: trained.best_epoch,
                synthetic: *synthetic,
            },
        },
        weights: std::mem::take(&mut trained.weights),
    };
    // Files left from before a resumed training describe another model.
    forget(&run.scores_path(Split::Test))?;
    saved.save(&run.model_path())?;
    match trained.last_weights.take() {
        Some(last) => save_last(&mut saved, last, trained.epochs_run, run)?,
        None => forget(&run.last_model_path())?,
    }
    if validates {
        score_file::write(&run.scores_path(Split::Val), manifest, &val_samples, &trained.val_scores)?;
    }
    let train_figures = figures(&trained.train_scores, &train_positive, threshold);
    let val_figures = validates.then(|| figures(&trained.val_scores, &val_positive, threshold));
    let result = ResultRow {
        run: run.id().to_string(),
        kind: spec.kind().listed(),
        backbone: spec.backbone().map(str::to_owned),
        pool: Some(spec.pool().map_or_else(|| saved.info.input.pool.clone(), |pool| pool.to_string())),
        tap: spec.backbone().map(|_| saved.info.input.tap.clone()),
        params: trained.params,
        seed: spec.seed(),
        epochs: trained.epochs_run,
        best_epoch: (trained.best_epoch > 0).then_some(trained.best_epoch),
        train_accuracy: Some(train_figures.0),
        val_accuracy: val_figures.map(|figures| figures.0),
        val_interval: val_figures.and_then(|figures| figures.1),
        test_accuracy: None,
        test_interval: None,
        threshold,
        // The time of a resumed run includes that of the epochs before it.
        seconds: begun.elapsed().as_secs_f64().max(trained.history.iter().map(|epoch| epoch.seconds).sum()),
        status: if trained.stopped { Status::Stopped } else { Status::Done },
        dataset: dataset.to_owned(),
        manifest_sha256: manifest.sha256.clone(),
        synthetic: *synthetic,
        settings: refit::describe(spec.describe_chosen(&trained.settings), !validates),
        created: run.spec()?.created,
        after_test_openings: 0,
        chosen: false,
        validation: validates.then(|| ValidationFigures::of(&trained.val_scores, &val_positive, calibration)),
        division: Some(division.clone()),
        asked: refit::describe(spec.describe(), !validates),
        key: refit::key(spec, !validates),
        trained_on: spec.backbone().and_then(faceprobe_core::backbone::trained_on),
        refit: chosen.as_ref().map(|chosen| chosen.run.clone()),
        version: None,
    };
    result.save(run)?;
    if trained.finished {
        checkpoints.remove()?;
    }
    if trained.stopped {
        let planned = trained.history.last().map_or(0, |epoch| epoch.epochs);
        return Err(Error::stopped_with(format!(
            "{} was stopped after epoch {} of {planned}; its best model so far is kept: {}.",
            run.id(),
            trained.epochs_run,
            result.summary()
        )));
    }
    Ok(result)
}

/// Scores a trained run on the test split of the manifest that it was trained on, and records the opening.
///
/// # Errors
/// A run without a model; a data set that was prepared again since; missing images.
pub(super) fn open_test(circumstances: &JobContext<'_>, name: &str, monitor: &dyn Monitor) -> Result<String> {
    let run = RunFolder::find(circumstances.workspace, name)?;
    let JobSpec::Train { dataset, model: spec, .. } = run.spec()?.job else {
        return Err(Error::usage(format!("Run {name} trains no model, so there is no test to open for it.")));
    };
    let result = || {
        let none =
            || Error::failed(format!("Run {name} has no trained model yet; wait for its end or train it again."));
        ResultRow::load(&run)?.ok_or_else(none)
    };
    result()?;
    let model = SavedModel::load(&run.model_path())?;
    let manifest = Manifest::load_recorded(circumstances.workspace, &dataset, &model.info.provenance.manifest_sha256)?;
    if manifest.sha256 != model.info.provenance.manifest_sha256 {
        return Err(Error::failed(format!(
            "The data set '{dataset}' was prepared anew since {name} was trained, so its test split may hold images the \
             model was trained on; train the model again."
        )));
    }
    let source = source_of(&spec, circumstances.device)?;
    check_identity(&model.info.input, &source.identity())?;
    let (stores, _) = filled_stores(circumstances, &manifest, &[Split::Test], source.as_ref(), monitor)?;
    monitor.update(Update::Stage { name: "score the test split".into() });
    let (samples, scores, positive) = score_split(&model, &stores, &manifest, Split::Test, monitor)?;
    let (accuracy, interval) = figures(&scores, &positive, model.info.threshold);
    // Computing the rows can take time, during which the run may be trained further.
    if SavedModel::load(&run.model_path())? != model {
        return Err(Error::failed(format!(
            "Run {name} was trained further while its test split was scored, and nothing was recorded; open it again."
        )));
    }
    let mut result = result()?;
    // The opening is recorded first: an accuracy must never be seen without it.
    openings::record(
        circumstances.workspace,
        &Opening {
            at: jiff::Timestamp::now().to_string(),
            run: run.id().to_string(),
            dataset,
            manifest_sha256: manifest.sha256.clone(),
            test_accuracy: accuracy,
        },
    )?;
    score_file::write(&run.scores_path(Split::Test), &manifest, &samples, &scores)?;
    result.test_accuracy = Some(accuracy);
    result.test_interval = interval;
    result.save(&run)?;
    Ok(format!("{name}: test accuracy {accuracy:.3} on {} images", samples.len()))
}

/// Saves the weights of the last epoch next to those of the best: the same model except for its weights and epoch.
/// Threshold and calibration are those of the best epoch.
fn save_last(saved: &mut SavedModel, last: Weights, epoch: usize, run: &RunFolder) -> Result<()> {
    saved.weights = last;
    saved.info.provenance.best_epoch = epoch;
    saved.info.calibration = None;
    saved.save(&run.last_model_path())
}

/// Extends the message of a stop that came before there was a model.
fn without_model(error: Error) -> Error {
    if error == Error::stopped() {
        return Error::stopped_with("Stopped before there was a model; the features that were computed are kept.");
    }
    error
}

/// Removes a file that an earlier session of the run left, if there is one.
fn forget(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::at(path, error)),
        _ => Ok(()),
    }
}

/// Accuracy at a threshold, with its interval.
fn figures(scores: &[f64], positive: &[bool], threshold: f64) -> (f64, Option<Interval>) {
    let confusion = Confusion::at(scores, positive, threshold);
    (confusion.accuracy(), wilson95(confusion.correct(), confusion.total()))
}
