//! The predictor: a model with its networks.

use super::neighbours::Known;
use super::network_input::Region;
use super::thread::PredictionThread;
use crate::backbone::{self, device};
use crate::face::{Alignment, Detector, Template};
use crate::features::RowSource;
use crate::model::{SavedModel, Scorer, kind};
use faceprobe_core::dataset::Manifest;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::evaluation::Calibration;
use faceprobe_core::predict::{Detect, Options, Prediction, UNCERTAIN};
use faceprobe_core::run::{RunFolder, choice};
use faceprobe_core::workspace::Workspace;
use std::sync::{Mutex, PoisonError};

/// A model with its networks, shared by the prediction threads.
pub struct Predictor {
    run: String,
    threshold: f64,
    pub(super) saved: SavedModel,
    /// The template that its training data was cropped with, or the closest known one.
    template: Template,
    pub(super) source: Box<dyn RowSource>,
    device: tch::Device,
    detector: Mutex<Option<Detector>>,
    /// The training images of a nearest-neighbour model.
    pub(super) known: Option<Known>,
}

impl Predictor {
    /// Loads the model of run `model`, or of the chosen run, or of the best on validation.
    ///
    /// # Errors
    /// An unknown run or one without a model; weights that are missing, or not those the model was trained with.
    pub fn load(workspace: &Workspace, model: Option<&str>, device: &str, threads: usize) -> Result<Self> {
        backbone::tune_allocator();
        tch::set_num_threads(i32::try_from(threads).unwrap_or(1));
        let (run, choice) = match model {
            Some(name) => (RunFolder::find(workspace, name)?, None),
            None => {
                let choice = choice::current(workspace)?;
                (RunFolder::find(workspace, &choice.run)?, Some(choice))
            }
        };
        let path = run.model_path();
        if !path.is_file() {
            return Err(Error::failed(format!(
                "Run {} has no trained model; wait for its end or train it again.",
                run.id()
            )));
        }
        let mut saved = SavedModel::load(&path)?;
        if let Some(choice) = &choice {
            saved.info.calibration = choice.calibration(saved.info.calibration);
        }
        // Incomplete weights are reported now and not with the first image.
        let scorer = Scorer::of(&saved).map_err(|error| Error::file(&path, error))?;
        let known = Known::of(workspace, &run, &saved, &scorer);
        drop(scorer);
        let source = source(&saved, device)?;
        if source.identity() != saved.info.input {
            return Err(Error::file(
                &path,
                "was trained on features of other weights or preprocessing than those here; fetch the same weights or train it again",
            ));
        }
        Ok(Self {
            run: run.id().to_string(),
            threshold: choice.map_or(saved.info.threshold, |choice| choice.threshold),
            template: template_of(workspace, &saved),
            source,
            saved,
            device: device::parse(device)?,
            detector: Mutex::new(None),
            known,
        })
    }

    /// The run of the model.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Scores from here on mean the positive class.
    pub fn threshold(&self) -> f64 {
        self.threshold
    }

    /// The classes, the positive one second.
    pub fn classes(&self) -> &[String; 2] {
        &self.saved.info.classes
    }

    /// The face detection mode for these options.
    pub fn detect(&self, options: &Options) -> Detect {
        options.detect.unwrap_or(match self.saved.info.alignment {
            Some(_) => Detect::Align,
            None => Detect::None,
        })
    }

    /// Loads the networks that these options need, so that a missing one is reported at once.
    ///
    /// # Errors
    /// Weights that are missing or damaged.
    pub fn prepare(&self, options: &Options) -> Result<()> {
        self.source.worker()?;
        if self.detect(options) == Detect::None { Ok(()) } else { self.detector().map(|_| ()) }
    }

    /// The state of one prediction thread. The caller sets libtorch's number of threads for that thread.
    ///
    /// # Errors
    /// Weights that cannot be read.
    pub fn worker(&self) -> Result<PredictionThread<'_>> {
        Ok(PredictionThread::new(self, self.source.worker()?, Scorer::of(&self.saved)?))
    }

    pub(super) fn detector(&self) -> Result<Detector> {
        let mut held = self.detector.lock().unwrap_or_else(PoisonError::into_inner);
        let detector = match held.take() {
            Some(detector) => detector,
            None => Detector::load(self.device)?,
        };
        let own = detector.share();
        *held = Some(detector);
        Ok(own)
    }

    pub(super) fn alignment(&self, options: &Options) -> Alignment {
        match (options.template, self.saved.info.alignment) {
            (Some(template), Some(alignment)) if template != alignment.template => Alignment { template, ..alignment },
            (_, Some(alignment)) => alignment,
            (template, None) => Alignment::new(template.unwrap_or(self.template)),
        }
    }

    /// An empty answer.
    pub(super) fn blank(&self, path: String) -> Prediction {
        let (model, threshold) = (self.run.clone(), self.threshold);
        Prediction { path, threshold, model, input: Region::Whole.words().into(), ..Prediction::default() }
    }

    pub(super) fn tell(&self, prediction: &mut Prediction, score: f64, options: &Options) {
        let positive = score >= self.threshold;
        let calibrated = |calibration: Calibration| calibration.probability(score);
        let probability = self.saved.info.calibration.map_or(score, calibrated);
        let probability = if positive { probability } else { 1.0 - probability };
        let doubt = options.uncertain_below.is_some_and(|least| probability < least);
        let label = if doubt { UNCERTAIN } else { &self.saved.info.classes[usize::from(positive)] };
        prediction.label = Some(label.to_owned());
        prediction.probability = Some(probability);
        prediction.score = Some(score);
    }
}

/// The template of the training data, where the model does not record it: tight for FairFace, loose for Adience, and
/// tight for others.
fn template_of(workspace: &Workspace, saved: &SavedModel) -> Template {
    if let Some(alignment) = saved.info.alignment {
        return alignment.template;
    }
    let provenance = &saved.info.provenance;
    let manifest = Manifest::load_recorded(workspace, &provenance.dataset, &provenance.manifest_sha256);
    let loose = manifest.is_ok_and(|manifest| manifest.roots.keys().all(|source| source.starts_with("adience")));
    if loose { Template::Loose } else { Template::Tight }
}

fn source(saved: &SavedModel, device: &str) -> Result<Box<dyn RowSource>> {
    kind::of(saved.info.kind)?.source_of_saved(&saved.info, device::parse(device)?)
}
