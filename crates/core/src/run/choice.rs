//! The chosen model, which `predict` uses.

use super::RunFolder;
use super::adaptation::{Adaptation, Place, Scores};
use super::external_evaluation::ExternalEvaluation;
use super::openings;
use super::results::ResultRow;
use super::score_file::ScoreFile;
use crate::dataset::Split;
use crate::dataset::lacking::{lacking, per_class};
use crate::error::{AtPath, Error, Result};
use crate::evaluation::{Calibration, Criterion, threshold_for};
use crate::model::ModelInfo;
use crate::own_files;
use crate::seal;
use crate::workspace::{Workspace, write_whole};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `runs/chosen.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    pub run: String,
    /// Scores of the positive class from here on mean that class.
    pub threshold: f64,
    /// The criterion of the threshold on validation, or `fixed`; absent in choices of earlier versions.
    #[serde(default)]
    pub criterion: Option<String>,
    /// RFC 3339, UTC.
    pub at: String,
    /// How often the test split of the run's data had been opened before the choice.
    pub after_test_openings: usize,
    /// Present if threshold and calibration were fitted on images of another data set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adapted: Option<Box<Adaptation>>,
}

fn path(workspace: &Workspace) -> PathBuf {
    workspace.runs().join("chosen.json")
}

/// The present choice, if there is one.
pub fn load(workspace: &Workspace) -> Result<Option<Choice>> {
    let path = path(workspace);
    match own_files::read(&path) {
        Ok(text) => seal::value(&text)
            .map(Some)
            .map_err(|error| Error::file(&path, format!("is damaged ({error}); run 'faceprobe choose RUN' again"))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::file(&path, error)),
    }
}

/// Chooses `run`, with the best threshold for a criterion on its validation scores.
///
/// # Errors
/// A run without a model; validation without a class; a target that no threshold reaches.
pub fn choose_for(workspace: &Workspace, run: &RunFolder, criterion: Criterion) -> Result<Choice> {
    if criterion == Criterion::Accuracy {
        return choose(workspace, run, None);
    }
    if let Some(first) = trained(run)?.refit {
        return Err(Error::usage(format!(
            "{} was trained on the validation split too, so no threshold can be chosen on it; choose one for {first} and \
             give it with --threshold.",
            run.id()
        )));
    }
    let classes = ModelInfo::read(&run.model_path())?.classes;
    let ScoreFile { scores, positive, .. } = ScoreFile::read(&run.scores_path(Split::Val), &classes)?;
    if let Some(lacks) = lacking("val", per_class(positive.iter().copied()), &classes) {
        return Err(Error::failed(format!(
            "{lacks}, so no threshold can be chosen for {criterion} with {}; prepare the data with images of both classes \
             in it and train again, or give a number.",
            run.id()
        )));
    }
    let threshold = threshold_for(criterion, &scores, &positive).ok_or_else(|| {
        Error::failed(format!(
            "No threshold reaches {criterion} on the validation split of {}; ask for less, or choose another model.",
            run.id()
        ))
    })?;
    // If one class is always predicted, the threshold can be slightly outside 0..=1.
    keep(workspace, run, threshold.clamp(0.0, 1.0), criterion.to_string(), None)
}

/// Chooses `run` with threshold and calibration fitted on a few images of the data set that the run `evaluation` has
/// scored it on. The record says so.
///
/// # Errors
/// As [`choose`] and [`Scores::adapt`]; an evaluation of another run, or an unfinished one.
pub fn choose_on(
    workspace: &Workspace,
    run: &RunFolder,
    evaluation: &RunFolder,
    criterion: Criterion,
    (images, seed): (usize, u64),
) -> Result<Choice> {
    let threshold = trained(run)?.threshold;
    let info = ModelInfo::read(&run.model_path())?;
    let of = ExternalEvaluation::load(evaluation.path())?;
    if of.run != run.id().as_str() {
        return Err(Error::failed(format!("{} is an evaluation of {}, not of {}.", evaluation.id(), of.run, run.id())));
    }
    let scores = ScoreFile::read(&evaluation.path().join("scores.csv"), &info.classes)?;
    let scores = Scores { of: &scores, threshold, calibration: info.calibration };
    let place =
        Place { dataset: of.dataset, manifest_sha256: of.manifest_sha256, evaluation: evaluation.id().to_string() };
    let (threshold, adapted) = scores.adapt(criterion, images, seed, place)?;
    keep(workspace, run, threshold, criterion.to_string(), Some(Box::new(adapted)))
}

/// Chooses `run`. Without a threshold, the one chosen on validation is used.
pub fn choose(workspace: &Workspace, run: &RunFolder, threshold: Option<f64>) -> Result<Choice> {
    let result = trained(run)?;
    if threshold.is_some_and(|threshold| !(0.0..=1.0).contains(&threshold)) {
        return Err(Error::usage("A threshold lies between 0 and 1."));
    }
    let criterion = if threshold.is_some() { "fixed".to_owned() } else { Criterion::Accuracy.to_string() };
    keep(workspace, run, threshold.unwrap_or(result.threshold), criterion, None)
}

/// The result of a run that has a model.
fn trained(run: &RunFolder) -> Result<ResultRow> {
    let result = ResultRow::load(run)?.filter(|_| run.model_path().is_file());
    result.ok_or_else(|| {
        Error::failed(format!("Run {} has no trained model to choose; train it to the end first.", run.id()))
    })
}

fn keep(
    workspace: &Workspace,
    run: &RunFolder,
    threshold: f64,
    criterion: String,
    adapted: Option<Box<Adaptation>>,
) -> Result<Choice> {
    let result = trained(run)?;
    let at = jiff::Timestamp::now().to_string();
    let after_test_openings = openings::load(workspace).before(&result.manifest_sha256, &at);
    let run = run.id().to_string();
    let choice = Choice { run, threshold, criterion: Some(criterion), at, after_test_openings, adapted };
    let path = path(workspace);
    write_whole(&path, seal::text(&choice).at(&path)?.as_bytes())?;
    Ok(choice)
}

impl Choice {
    /// The calibration: adapted to another data set, or the model's own.
    pub fn calibration(&self, own: Option<Calibration>) -> Option<Calibration> {
        self.adapted.as_ref().and_then(|adapted| adapted.calibration).or(own)
    }
}

/// The run that `predict` uses: the chosen one, else the one with the best validation accuracy.
pub fn current(workspace: &Workspace) -> Result<Choice> {
    if let Some(choice) = load(workspace)? {
        return Ok(choice);
    }
    let best = super::results::table(workspace)?
        .rows
        .into_iter()
        .filter(ResultRow::has_model)
        .filter_map(|row| Some((row.val_accuracy?, row)))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let Some((_, row)) = best else {
        return Err(Error::failed(format!(
            "There is no trained model in {}; train one with 'faceprobe train dense', or see one made with 'faceprobe demo'.",
            workspace.root().display()
        )));
    };
    Ok(Choice {
        run: row.run,
        threshold: row.threshold,
        criterion: None,
        at: row.created,
        after_test_openings: row.after_test_openings,
        adapted: None,
    })
}
