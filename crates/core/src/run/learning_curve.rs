//! Learning curves: one model on growing parts of the training split, evaluated on the same validation split.

use super::folder::RunFolder;
use super::results::{ResultRow, Spread};
use super::spec::JobSpec;
use crate::dataset::Manifest;
use crate::error::{AtPath, Error, Result};
use crate::evaluation::power_law::{Expected, Measured, PowerLaw};
use crate::evaluation::{Interval, wilson95};
use crate::model::ModelSpec;
use crate::workspace::{Workspace, write_whole};
use faceprobe_settings::{Refusal, Rules, settings};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

settings! {
    /// The sizes of the parts, and the seeds.
    pub struct CurveSettings {
        /// Numbers of training images, as many of each class; of one seed, a larger part holds the smaller.
        sizes: Vec<usize> = Vec::new(), whole(2..=10_000_000).headline();
        /// Draw each part once with each of these seeds, and train with it.
        seeds: Vec<u64> = vec![1, 2, 3], any();
    }
}

impl Rules for CurveSettings {
    fn check_together(&self) -> Result<(), Refusal> {
        if self.sizes.is_empty() {
            return Err(Refusal::new("sizes", "must name numbers of training images, such as 100,300,1000"));
        }
        if self.seeds.is_empty() {
            return Err(Refusal::new("seeds", "must have at least one value"));
        }
        Ok(())
    }
}

impl CurveSettings {
    /// The sizes, ascending and without repetitions.
    pub fn sizes(&self) -> Vec<usize> {
        let mut sizes = self.sizes.clone();
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }

    /// The seeds without repetitions.
    pub fn seeds(&self) -> Vec<u64> {
        let mut seeds = self.seeds.clone();
        seeds.sort_unstable();
        seeds.dedup();
        seeds
    }

    /// The trainings of a curve, the smallest parts first.
    pub fn jobs(&self, dataset: &str, model: &ModelSpec) -> Vec<(usize, JobSpec)> {
        let of = |size: usize, seed: u64| {
            JobSpec::train(dataset, model.clone().with_seed(seed).with_train_images(Some(size)))
        };
        self.sizes()
            .into_iter()
            .flat_map(|size| self.seeds().into_iter().map(move |seed| (size, seed)))
            .map(|(size, seed)| (size, of(size, seed)))
            .collect()
    }
}

/// A finished run of exactly this job on the present version of the data set.
pub fn finished(
    runs: &[(JobSpec, RunFolder)],
    job: &JobSpec,
    manifest: &Manifest,
) -> Result<Option<(RunFolder, ResultRow)>> {
    for (_, run) in runs.iter().filter(|(theirs, _)| theirs == job) {
        if let Some(row) = ResultRow::finished(run)?.filter(|row| row.manifest_sha256 == manifest.sha256) {
            return Ok(Some((run.clone(), row)));
        }
    }
    Ok(None)
}

/// All runs with their jobs; runs with an unreadable spec are left out.
pub fn all(workspace: &Workspace) -> Result<Vec<(JobSpec, RunFolder)>> {
    let runs = RunFolder::list(workspace)?;
    Ok(runs.into_iter().filter_map(|run| Some((run.spec().ok()?.job, run))).collect())
}

/// A learning curve. The field names are a contract of `learning-curve --json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LearningCurve {
    pub dataset: String,
    pub manifest_sha256: String,
    /// Whether the images are the program's own drawings.
    pub synthetic: bool,
    pub kind: String,
    pub backbone: Option<String>,
    /// The model in a few words, without the number of training images.
    pub settings: String,
    /// The number of validation images.
    pub val_images: usize,
    pub points: Vec<Point>,
    /// Null with fewer than three sizes.
    pub fit: Option<PowerLaw>,
    /// The prediction of the fit at twice the largest size.
    pub at_twice: Option<Expected>,
}

/// The figures for one number of training images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    pub images: usize,
    /// Over the seeds, at thresholds chosen on validation.
    pub val_accuracy: Spread,
    /// 95 % Wilson interval of the mean, for the number of validation images.
    pub interval: Option<Interval>,
    pub runs: Vec<PointRun>,
}

/// One training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PointRun {
    pub run: String,
    pub seed: u64,
    pub val_accuracy: f64,
}

impl LearningCurve {
    /// The curve of finished trainings, each with its number of training images.
    ///
    /// # Errors
    /// A run without a validation accuracy; no runs.
    pub fn of(model: &ModelSpec, val_images: usize, trained: &[(usize, ResultRow)]) -> Result<Self> {
        let Some((_, first)) = trained.first() else {
            return Err(Error::failed("A learning curve needs at least one number of training images."));
        };
        let mut points: Vec<Point> = Vec::new();
        for rows in trained.chunk_by(|(one, _), (other, _)| one == other) {
            let of = |row: &ResultRow| {
                let val_accuracy = row.val_accuracy.ok_or_else(|| {
                    Error::failed(format!("Run {} has no validation accuracy; train it again.", row.run))
                })?;
                Ok(PointRun { run: row.run.clone(), seed: row.seed, val_accuracy })
            };
            let runs = rows.iter().map(|(_, row)| of(row)).collect::<Result<Vec<_>>>()?;
            let accuracies: Vec<f64> = runs.iter().map(|run| run.val_accuracy).collect();
            let images = rows.first().map_or(0, |(images, _)| *images);
            if let Some(val_accuracy) = Spread::of(&accuracies) {
                let right = (val_accuracy.mean * val_images as f64).round() as usize;
                points.push(Point { images, val_accuracy, interval: wilson95(right, val_images), runs });
            }
        }
        let errors = |point: &Point| point.runs.iter().map(|run| 1.0 - run.val_accuracy).collect();
        let measured: Vec<Measured> =
            points.iter().map(|point| Measured { images: point.images, errors: errors(point) }).collect();
        let twice = 2 * points.iter().map(|point| point.images).max().unwrap_or(0);
        Ok(Self {
            dataset: first.dataset.clone(),
            manifest_sha256: first.manifest_sha256.clone(),
            synthetic: first.synthetic,
            kind: model.kind().name().to_owned(),
            backbone: first.backbone.clone(),
            settings: model.clone().with_train_images(None).describe(),
            val_images,
            fit: PowerLaw::fit(&measured, val_images),
            at_twice: PowerLaw::expected(&measured, val_images, twice),
            points,
        })
    }

    /// Reads the curve of a run.
    ///
    /// # Errors
    /// An unfinished run.
    pub fn load(folder: &Path) -> Result<Self> {
        let path = path(folder);
        let text = std::fs::read(&path).at(&path)?;
        crate::seal::value(&text)
            .map_err(|error| Error::file(&path, format!("is not a learning curve ({error}); make it again")))
    }

    /// Writes the curve to a run's folder.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn save(&self, folder: &Path) -> Result<()> {
        let path = path(folder);
        write_whole(&path, crate::seal::text(self).at(&path)?.as_bytes())
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join("learning-curve.json")
}
