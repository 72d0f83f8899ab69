//! Training one model into its run's folder, and opening the test split for it.

use super::ensemble;
use super::execute::Circumstances;
use super::scoring::{
    check_identity, feature_rows, filled_stores, manifest, pixel_rows, score_split, source_of, variations_of,
};
use crate::features::{FeatureRows, Store, StoreIdentity, StoreRows};
use crate::model::{
    self, Checkpoints, Examples, FORMAT, Kind, ModelInfo, Pair, Provenance, SavedModel, Views, Weights,
};
use faceprobe_core::dataset::{Manifest, PrepareReport, Split};
use faceprobe_core::error::{AtPath, Error, Result};
use faceprobe_core::evaluation::{Calibration, Confusion, Interval, wilson95};
use faceprobe_core::imaging::Alignment;
use faceprobe_core::monitor::{Monitor, Update};
use faceprobe_core::run::RunFolder;
use faceprobe_core::run::Status;
use faceprobe_core::run::openings::{self, Opening};
use faceprobe_core::run::refit::{self, Chosen};
use faceprobe_core::run::results::{DataDivision, ResultRow, ValidationFigures};
use faceprobe_core::run::score_file;
use faceprobe_core::run::spec::{JobSpec, ModelSpec};
use std::time::Instant;

/// Trains a model on the training split, chooses epoch or penalty and threshold on validation, and leaves the model,
/// its validation scores and its row of the results in the run's folder. With `refit`, what was chosen for that run
/// stays, and the validation split is trained on too.
///
/// # Errors
/// Missing data, weights or images; settings out of range; a training that cannot go on; a stop.
pub(super) fn train(
    circumstances: &Circumstances<'_>,
    dataset: &str,
    spec: &ModelSpec,
    refit: Option<&str>,
    monitor: &dyn Monitor,
) -> Result<String> {
    let ground = ground(circumstances, dataset, spec, refit, monitor)?;
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

/// What models of one kind of rows are trained on.
pub(super) struct Ground {
    manifest: Manifest,
    synthetic: bool,
    division: DataDivision,
    alignment: Option<Alignment>,
    identity: StoreIdentity,
    /// Of what is trained on, validated and tested with.
    stores: Vec<Store>,
    /// Of what is only trained on: the variations.
    varied: Vec<Store>,
    /// For a refit: what validation chose.
    chosen: Option<Chosen>,
    /// For an ensemble: the weights of its members, and how many numbers were trained for them.
    members: (Vec<Weights>, usize),
}

impl Ground {
    /// Values per row.
    pub(super) fn width(&self) -> usize {
        self.identity.width
    }
}

/// Opens the prepared set and the store, and computes the rows that are missing.
pub(super) fn ground(
    circumstances: &Circumstances<'_>,
    dataset: &str,
    spec: &ModelSpec,
    refit: Option<&str>,
    monitor: &dyn Monitor,
) -> Result<Ground> {
    let manifest = manifest(circumstances.workspace, dataset)?;
    let chosen = refit.map(|run| refit::chosen(circumstances.workspace, run, &manifest)).transpose()?;
    let report = PrepareReport::load(&manifest.folder)?;
    let source = source_of(spec, circumstances.device)?;
    let splits = [Split::Train, Split::Val];
    let (stores, _) = filled_stores(circumstances, &manifest, &splits, source.as_ref(), monitor)?;
    let mut varied = Vec::new();
    for source in variations_of(spec, circumstances.device)? {
        varied.extend(filled_stores(circumstances, &manifest, refit::learnt(chosen.is_some()), &source, monitor)?.0);
    }
    let members = match spec {
        ModelSpec::Ensemble { members, .. } => {
            ensemble::members(circumstances.workspace, members, refit.is_some(), &manifest, &source.identity())?
        }
        _ => Default::default(),
    };
    Ok(Ground {
        manifest,
        synthetic: report.synthetic,
        division: DataDivision::of(&report),
        alignment: report.alignment,
        identity: source.identity(),
        stores,
        varied,
        chosen,
        members,
    })
}

/// Trains a model into a run's folder. With a `limit`, it stops after that many epochs, and leaves a checkpoint
/// to go on from.
pub(super) fn train_on(
    ground: &Ground,
    run: &RunFolder,
    dataset: &str,
    spec: &ModelSpec,
    limit: Option<usize>,
    monitor: &dyn Monitor,
) -> Result<ResultRow> {
    let begun = Instant::now();
    let Ground { manifest, synthetic, division, alignment, identity, stores, varied, chosen, members } = ground;
    let learnt = refit::learnt(chosen.is_some());
    // What is trained on what: a checkpoint of anything else is not gone on from.
    let key = serde_json::to_string(&(spec, identity, &manifest.sha256)).at(run.path())?;
    let checkpoints = Checkpoints::new(run.checkpoint_path(), key);
    let checkpoints = checkpoints.up_to(limit).keeping(chosen.as_ref().and_then(|chosen| chosen.epoch));
    let (mut trained, val_samples, val_positive, train_positive) = match spec {
        ModelSpec::Benchmark { settings } => {
            let train = pixel_rows(stores, manifest, learnt, monitor)?;
            let val = pixel_rows(stores, manifest, &[Split::Val], monitor)?;
            let trained = model::train_benchmark(&train.rows, &val.rows, settings, Some(&checkpoints), monitor)?;
            (trained, val.samples, val.rows.y().to_vec(), train.rows.y().to_vec())
        }
        ModelSpec::Dense { settings, .. } => {
            let train = feature_rows(stores, manifest, learnt, monitor)?;
            let val = feature_rows(stores, manifest, &[Split::Val], monitor)?;
            let trained =
                model::train_dense(train.examples()?, val.examples()?, settings, Some(&checkpoints), monitor)?;
            (trained, val.samples, val.positive, train.positive)
        }
        ModelSpec::Finetune { settings, .. } => {
            let all: Vec<&Store> = stores.iter().chain(varied).collect();
            let train = feature_rows(&all, manifest, learnt, monitor)?;
            let val = feature_rows(stores, manifest, &[Split::Val], monitor)?;
            let (train_apart, val_apart) = (train.rows.apart(), val.rows.apart());
            let (train_pairs, val_pairs) = (pairs(&train_apart), pairs(&val_apart));
            let train_both = train.rows.of_stores(0..stores.len())?;
            let train_views = Views::new(&train_pairs, Examples::new(&train_both, &train.positive)?)?;
            let val_views = Views::new(&val_pairs, val.examples()?)?;
            let trained =
                model::train_finetune(identity, train_views, val_views, settings, Some(&checkpoints), monitor)?;
            (trained, val.samples, val.positive, train.positive)
        }
        ModelSpec::Ensemble { .. } => {
            let train = feature_rows(stores, manifest, learnt, monitor)?;
            let val = feature_rows(stores, manifest, &[Split::Val], monitor)?;
            let members = (members.0.as_slice(), members.1);
            let trained = model::ensemble(identity, members, train.examples()?, val.examples()?, monitor)?;
            (trained, val.samples, val.positive, train.positive)
        }
        ModelSpec::Logistic { settings, .. } => {
            let train = feature_rows(stores, manifest, learnt, monitor)?;
            let val = feature_rows(stores, manifest, &[Split::Val], monitor)?;
            let trained = model::train_logistic(train.examples()?, val.examples()?, settings, monitor)?;
            (trained, val.samples, val.positive, train.positive)
        }
    };
    let (threshold, calibration) = match chosen {
        Some(chosen) => (chosen.threshold, chosen.calibration),
        None => (trained.threshold, calibration_of(spec.kind(), &trained.val_scores, &val_positive)),
    };
    // Only what was not learnt from validates.
    let validates = chosen.is_none();
    let mut saved = SavedModel {
        info: ModelInfo {
            format: FORMAT,
            kind: spec.kind(),
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
    saved.save(&run.model_path())?;
    if let Some(last) = trained.last_weights.take() {
        save_last(&mut saved, last, trained.epochs_run, run)?;
    }
    if validates {
        score_file::write(&run.scores_path(Split::Val), manifest, &val_samples, &trained.val_scores)?;
    }
    let train_figures = figures(&trained.train_scores, &train_positive, threshold);
    let val_figures = validates.then(|| figures(&trained.val_scores, &val_positive, threshold));
    let result = ResultRow {
        run: run.id().to_string(),
        kind: spec.kind(),
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
        // A run that went on from a checkpoint has spent the time of the epochs before it too.
        seconds: begun.elapsed().as_secs_f64().max(trained.history.iter().map(|epoch| epoch.seconds).sum()),
        status: Status::Done,
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
        refit: chosen.as_ref().map(|chosen| chosen.run.clone()),
    };
    result.save(run)?;
    if trained.finished {
        checkpoints.remove()?;
    }
    Ok(result)
}

/// Rows of pictures and of their mirror images, which lie in stores next to each other.
fn pairs<'a>(stores: &'a [StoreRows<'_>]) -> Vec<Pair<'a>> {
    stores.chunks_exact(2).map(|two| [&two[0] as &dyn FeatureRows, &two[1]]).collect()
}

/// Scores a trained run on the test split of the very manifest it was trained on, and records that this was done.
///
/// # Errors
/// A run without a model; a data set that was prepared anew since; missing images.
pub(super) fn open_test(circumstances: &Circumstances<'_>, name: &str, monitor: &dyn Monitor) -> Result<String> {
    let run = RunFolder::find(circumstances.workspace, name)?;
    let JobSpec::Train { dataset, model: spec, .. } = run.spec()?.job else {
        return Err(Error::usage(format!("Run {name} trains no model, so there is no test to open for it.")));
    };
    let Some(mut result) = ResultRow::load(&run)? else {
        return Err(Error::failed(format!("Run {name} has no trained model yet; wait for its end or train it again.")));
    };
    let model = SavedModel::load(&run.model_path())?;
    let manifest = manifest(circumstances.workspace, &dataset)?;
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
    // The record comes first: an accuracy must never be seen without it.
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

/// Probabilities of heads and the benchmark are bent by a temperature, those of the regression as Platt does it.
fn calibration_of(kind: Kind, scores: &[f64], positive: &[bool]) -> Option<Calibration> {
    match kind {
        Kind::Logistic => Calibration::platt(scores, positive),
        Kind::Benchmark | Kind::Dense | Kind::Finetune => Calibration::temperature(scores, positive),
    }
}

/// Keeps the weights of the last epoch beside those of the best: the same model but for its weights and the epoch they
/// are of. Its threshold and calibration are those of the best and not its own.
fn save_last(saved: &mut SavedModel, last: Weights, epoch: usize, run: &RunFolder) -> Result<()> {
    saved.weights = last;
    saved.info.provenance.best_epoch = epoch;
    saved.info.calibration = None;
    saved.save(&run.last_model_path())
}

/// Accuracy at a threshold, with its interval.
fn figures(scores: &[f64], positive: &[bool], threshold: f64) -> (f64, Option<Interval>) {
    let confusion = Confusion::at(scores, positive, threshold);
    (confusion.accuracy(), wilson95(confusion.correct(), confusion.total()))
}
