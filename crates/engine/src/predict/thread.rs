//! The state of one prediction thread: images in, labels with their probabilities and maps out.

use super::Prediction;
use super::explain::heat_map;
use super::input::Item;
use super::network_input::{answers, name};
use super::{HeatMap, Method, Options, Placement, Predictor};
use crate::backbone::Pool;
use crate::face::Detector;
use crate::features::{RowExtractor, Rows};
use crate::model::{Scorer, kind};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::imaging::Pixels;
use faceprobe_core::predict::Neighbour;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

/// Images per forward pass, as in extraction.
pub(super) const BATCH: usize = 16;

/// The state of one prediction thread.
pub struct PredictionThread<'a> {
    pub(super) predictor: &'a Predictor,
    rows: Box<dyn RowExtractor + Send>,
    scorer: Scorer,
    pub(super) detector: Option<Detector>,
}

/// An answer with its map.
pub struct Explained {
    pub prediction: Prediction,
    pub map: HeatMap,
    /// The position of the map in the upright image.
    pub placement: Placement,
}

impl<'a> PredictionThread<'a> {
    pub(super) fn new(predictor: &'a Predictor, rows: Box<dyn RowExtractor + Send>, scorer: Scorer) -> Self {
        Self { predictor, rows, scorer, detector: None }
    }
}

impl PredictionThread<'_> {
    /// The answers for some items, in their order: one each, or one per face. An error of an item is in its
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
                    Ok((score, neighbours)) => {
                        self.predictor.tell(prediction, score, options);
                        prediction.neighbours = neighbours;
                    }
                    Err(reason) => prediction.error = Some(format!("{}: {reason}", prediction.path)),
                }
            }
        }
        let milliseconds = begun.elapsed().as_secs_f64() * 1000.0 / items.len().max(1) as f64;
        predictions.iter_mut().for_each(|prediction| prediction.milliseconds = milliseconds);
        predictions
    }

    /// The same for one item, with the image and a map for each answer.
    ///
    /// # Errors
    /// An error of the item; an answer without a score.
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
            let (score, neighbours) =
                score.map_err(|reason| Error::failed(format!("{}: {reason}", prediction.path)))?;
            self.predictor.tell(&mut prediction, score, options);
            prediction.neighbours = neighbours;
            let map = self.map(input, score >= self.predictor.threshold())?;
            prediction.milliseconds = begun.elapsed().as_secs_f64() * 1000.0;
            explained.push(Explained { prediction, map, placement });
        }
        Ok((picture, explained))
    }

    /// The score of each image with the training images that voted on it, or the reason why it has none.
    fn scores(&mut self, inputs: &[Pixels]) -> Vec<Result<(f64, Vec<Neighbour>), String>> {
        // tch turns some errors of libtorch into panics.
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
                // One by one, so that an image has the same score in every batch.
                let told = |error: Error| error.to_string();
                let (scores, neighbours) = match (rows.select(&[row]), &self.predictor.known) {
                    (Rows::F32(row), Some(known)) => {
                        let voters = self.scorer.voters(row.view()).map_err(told)?;
                        (self.scorer.scores_f32(row.view()), known.told(voters))
                    }
                    (Rows::F32(row), None) => (self.scorer.scores_f32(row.view()), Vec::new()),
                    (Rows::U16(row), _) => (self.scorer.scores_u16(row.view()), Vec::new()),
                };
                let score = scores.map_err(told)?.first().copied().filter(|score| score.is_finite());
                score.map(|score| (score, neighbours)).ok_or_else(|| "gave no finite score".to_owned())
            })
            .collect()
    }

    /// The map of the predicted class, for an image at the input's size.
    fn map(&mut self, input: &Pixels, positive: bool) -> Result<HeatMap> {
        let kind = kind::of(self.predictor.saved.info.kind)?;
        let method = |pool| if kind.is_explained_exactly(pool) { Method::Cam } else { Method::GradCam };
        if let Some(tapped) = self.rows.tapped(input)? {
            if tapped.pool == Pool::ClassToken {
                return Err(Error::failed(
                    "the model's features are the class token alone, which has no place in the picture; train it on --pool \
                     avg or cls+avg for a map",
                ));
            }
            let method = method(Some(tapped.pool));
            let logit = |stages: &[tch::Tensor]| self.scorer.logits_of_rows(&tapped.pooled(stages)?);
            return heat_map(&tapped.activations, &logit, positive, method);
        }
        let maps = self.scorer.convolved(&self.rows.rows(std::slice::from_ref(input))?)?;
        let logit = |maps: &[tch::Tensor]| self.scorer.logits_of_convolved(maps);
        heat_map(&maps, &logit, positive, method(None))
    }
}
