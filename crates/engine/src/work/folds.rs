//! Cross-validation: trains one model on each fold's prepared set, each as a run of its own.

use super::execute::JobContext;
use super::study::{part, part_in};
use super::training;
use super::worker::Recorder;
use faceprobe_core::dataset::manifest::folds_of;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::model::ModelSpec;
use faceprobe_core::monitor::{Monitor, Update};
use faceprobe_core::run::RunFolder;
use faceprobe_core::run::parts::parts;
use faceprobe_core::run::results::{ResultRow, Spread};
use faceprobe_core::run::spec::JobSpec;

/// Trains a model on every fold of the cross-validation `dataset`. Folds that this run has trained before are skipped.
///
/// # Errors
/// The first fold that fails; models trained before it are kept.
pub(super) fn train(
    circumstances: &JobContext<'_>,
    dataset: &str,
    model: &ModelSpec,
    recorder: &Recorder,
) -> Result<String> {
    let folds = folds_of(circumstances.workspace, dataset);
    if folds.is_empty() {
        return Err(Error::failed(format!(
            "There are no folds called '{dataset}'; make them with faceprobe data prepare --split folds --name {dataset}."
        )));
    }
    let made = parts(circumstances.workspace, circumstances.run)?;
    let mut accuracies = Vec::new();
    for (index, fold) in folds.iter().enumerate() {
        let job = JobSpec::train(fold, model.clone());
        let before = made.iter().find(|(theirs, _)| *theirs == job).map(|(_, run)| run);
        let run = match before {
            Some(run) => match ResultRow::finished(run)? {
                Some(row) => {
                    row.close(run)?;
                    run.clone()
                }
                None => part_in(circumstances, recorder, run.clone(), &job)?,
            },
            None => part(circumstances, recorder, job)?,
        };
        if let Some(row) = ResultRow::load(&run)? {
            recorder.update(Update::Trial {
                index,
                of: folds.len(),
                setting: format!("{} on {fold}", row.run),
                val_accuracy: row.val_accuracy.unwrap_or(f64::NAN),
                val_loss: row.validation.as_ref().map_or(f64::NAN, |figures| figures.of_scores.log_loss),
            });
            accuracies.extend(row.val_accuracy);
        }
    }
    Ok(summary("validation", dataset, &accuracies))
}

/// Scores a run on its test split; of a cross-validation, each of its models on its own test fold.
///
/// # Errors
/// As for a single model; the first that fails.
pub(super) fn open_test(circumstances: &JobContext<'_>, name: &str, monitor: &dyn Monitor) -> Result<String> {
    let run = RunFolder::find(circumstances.workspace, name)?;
    let JobSpec::Folds { dataset, .. } = run.spec()?.job else {
        return training::open_test(circumstances, name, monitor);
    };
    let mut accuracies = Vec::new();
    for (_, part) in parts(circumstances.workspace, &run)? {
        if ResultRow::finished(&part)?.is_some() {
            monitor.update(Update::Note { text: training::open_test(circumstances, part.id().as_str(), monitor)? });
            accuracies.extend(ResultRow::load(&part)?.and_then(|row| row.test_accuracy));
        }
    }
    if accuracies.is_empty() {
        return Err(Error::failed(format!("Run {name} has trained no model yet; wait for its end or train it again.")));
    }
    Ok(summary("test", &dataset, &accuracies))
}

fn summary(split: &str, dataset: &str, accuracies: &[f64]) -> String {
    match Spread::of(accuracies) {
        Some(Spread { mean, deviation: Some(deviation), count }) => {
            format!("{split} accuracy {mean:.4} ± {deviation:.4} over {count} folds of {dataset}")
        }
        Some(Spread { mean, .. }) => format!("{split} accuracy {mean:.4} on one fold of {dataset}"),
        None => format!("no {split} accuracy on {dataset}"),
    }
}
