//! The predictor: image file -> network input -> features -> head -> label with its probability.

use super::Prediction;
use crate::backbone::{self, device};
use crate::error::{Error, Result};
use crate::evaluation::Calibration;
use crate::features::{FeatureSpec, NetworkSource, PooledPixels, RowSource, RowWorker, Rows};
use crate::imaging::Preprocessing;
use crate::model::{Kind, SavedModel, Scorer};
use crate::run::{RunFolder, choice};
use crate::workspace::Workspace;
use std::cell::RefCell;
use std::path::Path;
use std::time::Instant;

/// A model with its network, ready to answer. Use it from one thread.
pub struct Predictor {
    run: String,
    threshold: f64,
    classes: [String; 2],
    calibration: Option<Calibration>,
    preprocessing: Preprocessing,
    worker: RefCell<Box<dyn RowWorker + Send>>,
    scorer: Scorer,
}

/// No photograph has more bytes; what has is not worth the memory.
const MOST_BYTES: u64 = 1 << 30;

impl Predictor {
    /// Loads the model of run `model`, or of the chosen run, or of the best on validation.
    ///
    /// # Errors
    /// No such run or no model in it; weights that are missing, or not those the model was trained with.
    pub fn load(workspace: &Workspace, model: Option<&str>, device: &str, threads: usize) -> Result<Self> {
        backbone::tune_allocator();
        tch::set_num_threads(i32::try_from(threads).unwrap_or(1));
        let (run, threshold) = match model {
            Some(name) => (RunFolder::find(workspace, name)?, None),
            None => {
                let choice = choice::current(workspace)?;
                (RunFolder::find(workspace, &choice.run)?, Some(choice.threshold))
            }
        };
        let path = run.model_path();
        if !path.is_file() {
            return Err(Error::failed(format!(
                "Run {} has no trained model; wait for its end or train it again.",
                run.id()
            )));
        }
        let saved = SavedModel::load(&path)?;
        let source = source(&saved, device)?;
        if source.identity() != saved.info.input {
            return Err(Error::file(
                &path,
                "was trained on features of other weights or preprocessing than those here; fetch the same weights or train it again",
            ));
        }
        Ok(Self {
            run: run.id().to_string(),
            threshold: threshold.unwrap_or(saved.info.threshold),
            classes: saved.info.classes.clone(),
            calibration: saved.info.calibration,
            preprocessing: source.preprocessing(),
            worker: RefCell::new(source.worker()?),
            scorer: saved.scorer()?,
        })
    }

    /// The run whose model speaks.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Scores from here on are told as the positive class.
    pub fn threshold(&self) -> f64 {
        self.threshold
    }

    /// The label of one image file. What goes wrong is in the prediction's `error`.
    pub fn predict_file(&self, path: &Path) -> Prediction {
        let begun = Instant::now();
        let score = self.score(path);
        let mut prediction = Prediction {
            path: path.to_string_lossy().into_owned(),
            label: None,
            probability: None,
            score: None,
            threshold: self.threshold,
            faces: Vec::new(),
            error: None,
            input: "whole picture".into(),
            model: self.run.clone(),
            milliseconds: begun.elapsed().as_secs_f64() * 1000.0,
        };
        match score {
            Ok(score) => {
                let positive = score >= self.threshold;
                prediction.label = Some(self.classes[usize::from(positive)].clone());
                let calibrated = self.calibration.map_or(score, |calibration| calibration.probability(score));
                prediction.probability = Some(if positive { calibrated } else { 1.0 - calibrated });
                prediction.score = Some(score);
            }
            Err(error) => prediction.error = Some(error.to_string()),
        }
        prediction
    }

    fn score(&self, path: &Path) -> Result<f64> {
        let pixels = self.preprocessing.picture(&read(path)?).map_err(|reason| Error::file(path, reason))?;
        let rows = self.worker.borrow_mut().rows(std::slice::from_ref(&pixels))?;
        let scores = match rows {
            Rows::F32(rows) => self.scorer.scores_f32(rows.view())?,
            Rows::U16(rows) => self.scorer.scores_u16(rows.view())?,
        };
        scores
            .first()
            .copied()
            .filter(|score| score.is_finite())
            .ok_or_else(|| Error::file(path, "gave no finite score"))
    }
}

fn source(saved: &SavedModel, device: &str) -> Result<Box<dyn RowSource>> {
    let input = &saved.info.input;
    Ok(match saved.info.kind {
        Kind::Benchmark => {
            let settings: crate::model::BenchmarkSettings = serde_json::from_value(saved.info.settings.clone())
                .map_err(|error| {
                    Error::failed(format!("The model's settings cannot be read ({error}); train it again."))
                })?;
            Box::new(PooledPixels::new(settings.input, settings.pool)?)
        }
        _ => Box::new(NetworkSource::new(&FeatureSpec::of_identity(input)?, device::parse(device)?)?),
    })
}

/// The bytes of an ordinary file; a pipe or device would never end.
fn read(path: &Path) -> Result<Vec<u8>> {
    let facts = std::fs::metadata(path).map_err(|error| Error::file(path, plain(&error)))?;
    if facts.is_dir() {
        return Err(Error::file(path, "is a folder, not an image; name the files in it"));
    }
    if !facts.is_file() {
        return Err(Error::file(path, "is not an ordinary file"));
    }
    if facts.len() > MOST_BYTES {
        return Err(Error::file(path, "is larger than 1 GiB, which no photograph is"));
    }
    std::fs::read(path).map_err(|error| Error::file(path, plain(&error)))
}

fn plain(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".into(),
        std::io::ErrorKind::PermissionDenied => "may not be read by you".into(),
        _ => error.to_string(),
    }
}
