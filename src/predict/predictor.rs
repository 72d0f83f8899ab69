//! The predictor: images -> crops -> network input -> features -> head -> labels with their probabilities.

use super::crop::{Crop, Detect, Placement, of_face};
use super::explain::{HeatMap, Method, heat_map};
use super::input::Item;
use super::reading::read;
use super::{Face, Prediction, UNCERTAIN};
use crate::backbone::{self, Pool, device};
use crate::dataset::Manifest;
use crate::error::{Error, Result};
use crate::evaluation::Calibration;
use crate::face::{self, Alignment, Detector, Template};
use crate::features::{CutSource, FeatureSpec, NetworkSource, PooledPixels, RowSource, RowWorker, Rows};
use crate::imaging::{self, Pixels};
use crate::model::{Kind, SavedModel, Scorer};
use crate::run::{RunFolder, choice};
use crate::workspace::Workspace;
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Pictures per call of the network, as in extraction.
pub(super) const BATCH: usize = 16;

/// How to predict. Left out, everything is as the model was trained.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// None: aligned faces for a model that was trained on aligned faces, else the whole picture.
    pub detect: Option<Detect>,
    /// How much around a face belongs to its crop. None: as in the training data.
    pub template: Option<Template>,
    /// An answer for each face, the largest first, instead of one for the face that the picture is of: large and near
    /// its middle.
    pub every_face: bool,
    /// Answers with a lower probability are [`UNCERTAIN`].
    pub uncertain_below: Option<f64>,
}

/// A model with its networks, shared by the threads that predict.
pub struct Predictor {
    run: String,
    threshold: f64,
    saved: SavedModel,
    /// What its training data was cropped with, or what comes closest to that.
    template: Template,
    source: Box<dyn RowSource>,
    device: tch::Device,
    detector: Mutex<Option<Detector>>,
}

/// What one thread predicts with.
pub struct Worker<'a> {
    predictor: &'a Predictor,
    rows: Box<dyn RowWorker + Send>,
    scorer: Scorer,
    detector: Option<Detector>,
}

/// An answer with the map of where it comes from.
pub struct Explained {
    pub prediction: Prediction,
    pub map: HeatMap,
    /// Where in the upright picture the map lies.
    pub placement: Placement,
}

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
            template: template_of(workspace, &saved),
            source,
            saved,
            device: device::parse(device)?,
            detector: Mutex::new(None),
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

    /// The classes, the positive one second.
    pub fn classes(&self) -> &[String; 2] {
        &self.saved.info.classes
    }

    /// How faces are looked for with these options.
    pub fn detect(&self, options: &Options) -> Detect {
        options.detect.unwrap_or(match self.saved.info.alignment {
            Some(_) => Detect::Align,
            None => Detect::None,
        })
    }

    /// Loads the networks that these options need, so that a lack is told at once.
    ///
    /// # Errors
    /// Weights that are missing or damaged.
    pub fn prepare(&self, options: &Options) -> Result<()> {
        self.source.worker()?;
        if self.detect(options) == Detect::None { Ok(()) } else { self.detector().map(|_| ()) }
    }

    /// What one thread needs. How many threads of libtorch it uses is what its caller has set for that thread.
    ///
    /// # Errors
    /// Weights that cannot be read.
    pub fn worker(&self) -> Result<Worker<'_>> {
        Ok(Worker { predictor: self, rows: self.source.worker()?, scorer: self.saved.scorer()?, detector: None })
    }

    fn detector(&self) -> Result<Detector> {
        let mut held = self.detector.lock().unwrap_or_else(PoisonError::into_inner);
        let detector = match held.take() {
            Some(detector) => detector,
            None => Detector::load(self.device)?,
        };
        let own = detector.share();
        *held = Some(detector);
        Ok(own)
    }

    fn alignment(&self, options: &Options) -> Alignment {
        match (options.template, self.saved.info.alignment) {
            (Some(template), Some(alignment)) if template != alignment.template => Alignment { template, ..alignment },
            (_, Some(alignment)) => alignment,
            (template, None) => Alignment::new(template.unwrap_or(self.template)),
        }
    }

    /// An answer that says nothing yet.
    fn blank(&self, path: String) -> Prediction {
        let (model, threshold) = (self.run.clone(), self.threshold);
        Prediction { path, threshold, model, input: Shown::Whole.words().into(), ..Prediction::default() }
    }

    fn tell(&self, prediction: &mut Prediction, score: f64, options: &Options) {
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

/// How the training data was cropped, where the model does not say: FairFace's crops are tight and Adience's are loose;
/// for others, tight.
fn template_of(workspace: &Workspace, saved: &SavedModel) -> Template {
    if let Some(alignment) = saved.info.alignment {
        return alignment.template;
    }
    let manifest = Manifest::load_named(workspace, &saved.info.provenance.dataset);
    let loose = manifest.is_ok_and(|manifest| manifest.roots.keys().all(|source| source.starts_with("adience")));
    if loose { Template::Loose } else { Template::Tight }
}

/// What of a picture is shown to the network.
#[derive(Clone, Copy, PartialEq)]
enum Shown {
    Whole,
    WholeForLack,
    Detected,
    Aligned,
}

impl Shown {
    fn words(self) -> &'static str {
        match self {
            Self::Whole => "whole picture",
            Self::WholeForLack => "whole picture, no face found",
            Self::Detected => "detected face",
            Self::Aligned => "aligned face",
        }
    }
}

/// One image as the network will see it.
struct Seen {
    faces: Vec<Face>,
    /// Which of them the inputs are of; none where they are of the whole picture.
    chosen: Vec<usize>,
    shown: Shown,
    /// At the size of the network's input: one per answer.
    inputs: Vec<Pixels>,
    placements: Vec<Placement>,
    note: Option<String>,
    /// At its own size, as the network is shown it; only kept for those who explain.
    picture: Option<Pixels>,
}

impl Worker<'_> {
    /// The answers for some items, in their order: one each, or one per face. What goes wrong with an item is in its
    /// prediction's `error`.
    pub fn predict(&mut self, items: &[Item], options: &Options) -> Vec<Prediction> {
        let begun = Instant::now();
        let (mut predictions, mut inputs, mut places) = (Vec::with_capacity(items.len()), Vec::new(), Vec::new());
        for item in items {
            let blank = self.predictor.blank(name(item));
            match self.guarded(item, options, false) {
                Err(error) => predictions.push(Prediction { error: Some(error.to_string()), ..blank }),
                Ok(seen) => {
                    let answers = answers(&seen, &blank);
                    places.extend(predictions.len()..predictions.len() + answers.len());
                    predictions.extend(answers);
                    inputs.extend(seen.inputs);
                }
            }
        }
        for (inputs, places) in inputs.chunks(BATCH).zip(places.chunks(BATCH)) {
            for (score, &place) in self.scores(inputs).into_iter().zip(places) {
                let prediction = &mut predictions[place];
                match score {
                    Ok(score) => self.predictor.tell(prediction, score, options),
                    Err(reason) => prediction.error = Some(format!("{}: {reason}", prediction.path)),
                }
            }
        }
        let milliseconds = begun.elapsed().as_secs_f64() * 1000.0 / items.len().max(1) as f64;
        predictions.iter_mut().for_each(|prediction| prediction.milliseconds = milliseconds);
        predictions
    }

    /// The same for one item, with the picture and a map for each answer.
    ///
    /// # Errors
    /// What is wrong with the item; an answer without a score.
    pub fn explain(&mut self, item: &Item, options: &Options) -> Result<(Pixels, Vec<Explained>)> {
        let begun = Instant::now();
        let mut seen = self.guarded(item, options, true)?;
        let picture = seen.picture.take().ok_or_else(|| Error::failed("The picture is gone."))?;
        let mut explained = Vec::with_capacity(seen.inputs.len());
        let blank = self.predictor.blank(name(item));
        let answers = answers(&seen, &blank);
        for ((mut prediction, input), &placement) in answers.into_iter().zip(&seen.inputs).zip(&seen.placements) {
            let score = self.scores(std::slice::from_ref(input)).pop();
            let score = score.unwrap_or_else(|| Err("gave no score".into()));
            let score = score.map_err(|reason| Error::failed(format!("{}: {reason}", prediction.path)))?;
            self.predictor.tell(&mut prediction, score, options);
            let map = self.map(input, score >= self.predictor.threshold)?;
            prediction.milliseconds = begun.elapsed().as_secs_f64() * 1000.0;
            explained.push(Explained { prediction, map, placement });
        }
        Ok((picture, explained))
    }

    /// An item as the network will see it. Other people's code on other people's files: a panic costs one image.
    fn guarded(&mut self, item: &Item, options: &Options, keep: bool) -> Result<Seen> {
        catch_unwind(AssertUnwindSafe(|| self.see(item, options, keep)))
            .unwrap_or_else(|_| Err(Error::failed(format!("{}: the decoder broke down on it", name(item)))))
    }

    fn see(&mut self, item: &Item, options: &Options, keep: bool) -> Result<Seen> {
        let bytes = match item {
            Item::File(path) => Cow::Owned(read(path)?),
            Item::Bytes { bytes, .. } => Cow::Borrowed(bytes.as_slice()),
            Item::Hopeless { reason, .. } => return Err(Error::file(Path::new(&name(item)), reason)),
        };
        let wrong = |reason: String| Error::file(Path::new(&name(item)), reason);
        let preprocessing = self.predictor.source.preprocessing();
        let detect = self.predictor.detect(options);
        if detect == Detect::None {
            let picture = preprocessing.decode(&bytes).map_err(wrong)?;
            return Ok(Seen {
                faces: Vec::new(),
                chosen: Vec::new(),
                shown: Shown::Whole,
                placements: vec![Placement::WHOLE],
                inputs: vec![preprocessing.resize(&picture)],
                note: note(&bytes),
                picture: keep.then_some(picture),
            });
        }
        // Decoded and chosen as `data prepare --align` does it, so that training and prediction see the same crop.
        let picture = imaging::decode_for_faces(&bytes).map_err(wrong)?;
        let faces = self.faces(&picture)?;
        let alignment = self.predictor.alignment(options);
        let chosen: Vec<usize> = if options.every_face {
            (0..faces.len()).collect()
        } else {
            let subject = face::subject(&faces, &picture);
            subject.and_then(|face| faces.iter().position(|other| std::ptr::eq(other, face))).into_iter().collect()
        };
        let crops: Vec<Crop> = chosen.iter().map(|&face| of_face(&picture, &faces[face], detect, alignment)).collect();
        let shown = match (crops.is_empty(), detect) {
            (true, _) => Shown::WholeForLack,
            (false, Detect::Align) => Shown::Aligned,
            (false, _) => Shown::Detected,
        };
        let (mut placements, mut inputs): (Vec<_>, Vec<_>) =
            crops.iter().map(|crop| (crop.placement, preprocessing.resize(&crop.pixels))).unzip();
        if inputs.is_empty() {
            placements.push(Placement::WHOLE);
            inputs.push(preprocessing.picture(&bytes).map_err(wrong)?);
        }
        Ok(Seen {
            faces: faces.iter().map(Face::from).collect(),
            chosen,
            shown,
            placements,
            inputs,
            note: note(&bytes),
            picture: keep.then_some(picture),
        })
    }

    fn faces(&mut self, picture: &Pixels) -> Result<Vec<face::Face>> {
        if self.detector.is_none() {
            self.detector = Some(self.predictor.detector()?);
        }
        match &self.detector {
            Some(detector) => detector.detect(picture),
            None => Ok(Vec::new()),
        }
    }

    /// The score of each picture, or why it has none.
    fn scores(&mut self, inputs: &[Pixels]) -> Vec<Result<f64, String>> {
        // tch turns errors of libtorch into panics in some calls.
        let work = AssertUnwindSafe(|| self.rows.rows(inputs));
        let rows = match catch_unwind(work).unwrap_or_else(|_| Err(Error::failed("the network broke down on it"))) {
            Ok(rows) if rows.dim().0 == inputs.len() => rows,
            Ok(_) => return vec![Err("the network gave no answer".into()); inputs.len()],
            Err(error) => return vec![Err(error.to_string()); inputs.len()],
        };
        (0..inputs.len())
            .map(|row| {
                if !rows.is_finite(row) {
                    return Err("the network's answer is not a number".into());
                }
                // One by one, so that an image has the same score in any company.
                let scores = match rows.select(&[row]) {
                    Rows::F32(row) => self.scorer.scores_f32(row.view()),
                    Rows::U16(row) => self.scorer.scores_u16(row.view()),
                };
                let score = scores.map_err(|error| error.to_string())?.first().copied();
                score.filter(|score| score.is_finite()).ok_or_else(|| "gave no finite score".to_owned())
            })
            .collect()
    }

    /// Where in a picture of the input's size the told class comes from.
    fn map(&mut self, input: &Pixels, positive: bool) -> Result<HeatMap> {
        if let Some(tapped) = self.rows.tapped(input)? {
            let exact = tapped.pool == Pool::Avg && self.predictor.saved.info.kind == Kind::Logistic;
            let method = if exact { Method::Cam } else { Method::GradCam };
            let logit = |stages: &[tch::Tensor]| self.scorer.logits_of_rows(&tapped.pooled(stages)?);
            return heat_map(&tapped.activations, &logit, positive, method);
        }
        let Rows::U16(rows) = self.rows.rows(std::slice::from_ref(input))? else {
            return Err(Error::failed("This kind of model cannot be explained yet."));
        };
        let maps = self.scorer.convolved(rows.view())?;
        let logit = |stages: &[tch::Tensor]| self.scorer.logits_of_convolved(&stages[0]);
        heat_map(&[maps], &logit, positive, Method::GradCam)
    }
}

/// The name that an item is answered under.
fn name(item: &Item) -> String {
    match item {
        Item::File(path) => path.to_string_lossy().into_owned(),
        Item::Bytes { name, .. } | Item::Hopeless { name, .. } => name.clone(),
    }
}

fn note(bytes: &[u8]) -> Option<String> {
    imaging::animated(bytes).map(|format| format!("animated {format}; its first picture was taken"))
}

/// What is known of an item's answers before they have scores.
fn answers(seen: &Seen, blank: &Prediction) -> Vec<Prediction> {
    (0..seen.inputs.len())
        .map(|answer| Prediction {
            faces: seen.faces.clone(),
            input: seen.shown.words().into(),
            face: seen.chosen.get(answer).copied(),
            note: seen.note.clone(),
            ..blank.clone()
        })
        .collect()
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
        Kind::Finetune => Box::new(CutSource::of_identity(input, device::parse(device)?)?),
        Kind::Dense | Kind::Logistic => {
            Box::new(NetworkSource::new(&FeatureSpec::of_identity(input)?, device::parse(device)?)?)
        }
    })
}
