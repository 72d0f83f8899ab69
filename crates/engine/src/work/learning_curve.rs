//! Learning curve: trains a model on growing parts of the training split and summarises the results.

use super::execute::JobContext;
use super::scoring::manifest;
use super::study::{part, part_in};
use super::worker::Recorder;
use faceprobe_core::dataset::Split;
use faceprobe_core::error::Result;
use faceprobe_core::model::ModelSpec;
use faceprobe_core::monitor::{Monitor, Update};
use faceprobe_core::run::learning_curve::{CurveSettings, LearningCurve, all, finished};
use faceprobe_core::run::parts::parts;
use faceprobe_core::run::results::ResultRow;

/// Trains the missing points of the curve. A training that exists already, from this curve or not, is reused.
///
/// # Errors
/// The first training that fails; models trained before it are kept.
pub(super) fn train(
    circumstances: &JobContext<'_>,
    dataset: &str,
    model: &ModelSpec,
    settings: &CurveSettings,
    recorder: &Recorder,
) -> Result<String> {
    let manifest = manifest(circumstances.workspace, dataset)?;
    let jobs = settings.jobs(dataset, model);
    let there = all(circumstances.workspace)?;
    let begun = parts(circumstances.workspace, circumstances.run)?;
    let mut trained = Vec::with_capacity(jobs.len());
    for (index, (size, job)) in jobs.iter().enumerate() {
        let row = match finished(&there, job, &manifest)? {
            Some((run, row)) => {
                row.close(&run)?;
                row
            }
            None => {
                let own = begun.iter().find(|(theirs, _)| theirs == job).map(|(_, run)| run.clone());
                let run = match own {
                    Some(run) => part_in(circumstances, recorder, run, job)?,
                    None => part(circumstances, recorder, job.clone())?,
                };
                ResultRow::required(&run)?
            }
        };
        recorder.update(Update::Trial {
            index,
            of: jobs.len(),
            setting: format!("{} with {size} images", row.run),
            val_accuracy: row.val_accuracy.unwrap_or(f64::NAN),
            val_loss: row.validation.as_ref().map_or(f64::NAN, |figures| figures.of_scores.log_loss),
        });
        trained.push((*size, row));
    }
    let curve = LearningCurve::of(model, manifest.split(Split::Val).count(), &trained)?;
    curve.save(circumstances.run.path())?;
    Ok(match (curve.points.last(), &curve.at_twice) {
        (Some(last), Some(twice)) => format!(
            "validation accuracy {:.3} with {} images; {:.3} [{:.3}, {:.3}] expected with {}",
            last.val_accuracy.mean, last.images, twice.accuracy, twice.interval.low, twice.interval.high, twice.images
        ),
        (Some(last), None) => {
            format!("validation accuracy {:.3} with {} images", last.val_accuracy.mean, last.images)
        }
        _ => "nothing was trained".to_owned(),
    })
}
