//! Adaptation to another data set: threshold and calibration of a trained model refitted on a few of its labelled
//! images, and evaluated on the others. The weights are not changed.

use super::results::Spread;
use super::score_file::ScoreFile;
use crate::error::{Error, Result};
use crate::evaluation::{Calibration, Confusion, Criterion, Interval, log_loss, threshold_for, wilson95};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Number of alternative draws, to show how much the draw matters.
pub const DRAWS: u64 = 20;

/// The adapted threshold and calibration. The field names are a contract of `choose --on --json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Adaptation {
    /// The data set whose images it was fitted on, and its manifest.
    pub dataset: String,
    pub manifest_sha256: String,
    /// The run that scored it.
    pub evaluation: String,
    /// The number of images drawn, and the seed.
    pub images: usize,
    pub seed: u64,
    /// The calibration fitted on them; null if the model has none, or there are too few images.
    pub calibration: Option<Calibration>,
    /// The threshold before.
    pub own_threshold: f64,
    /// Images that were not fitted on; all following figures are computed on them.
    pub rest: usize,
    pub before: Measured,
    pub after: Measured,
    /// The same for [`DRAWS`] other draws of as many images. Nothing is chosen by them.
    pub draws: Draws,
}

/// Figures on the remaining images.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    pub accuracy: f64,
    /// 95 % Wilson interval.
    pub interval: Option<Interval>,
    pub balanced_accuracy: f64,
    /// Of calibrated probabilities, or of scores without a calibration.
    pub log_loss: f64,
}

/// Accuracies over several draws.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Draws {
    pub before: Option<Spread>,
    pub after: Option<Spread>,
    /// The number of draws in which accuracy is higher after, and lower.
    pub better: usize,
    pub worse: usize,
}

/// A model's scores on another data set, with its present threshold and calibration.
pub struct Scores<'a> {
    pub of: &'a ScoreFile,
    pub threshold: f64,
    pub calibration: Option<Calibration>,
}

/// Refuses to draw so many of `all` images that none is left for evaluation.
///
/// # Errors
/// As wrong usage.
pub fn check(dataset: &str, all: usize, images: usize) -> Result<()> {
    if images < all {
        return Ok(());
    }
    Err(Error::usage(format!(
        "{dataset} has {all} images that can be drawn, and some must be left to measure on; ask for fewer than {all} with \
         --images."
    )))
}

/// Threshold and calibration fitted on some images.
struct Fitted {
    threshold: f64,
    calibration: Option<Calibration>,
}

impl Scores<'_> {
    /// The best threshold for a criterion on `images` images drawn by `seed`, with its evaluation.
    ///
    /// # Errors
    /// Too many images to leave a rest for evaluation; images of one class; a criterion that no threshold reaches.
    pub fn adapt(&self, criterion: Criterion, images: usize, seed: u64, place: Place) -> Result<(f64, Adaptation)> {
        check(&place.dataset, self.of.scores.len(), images)?;
        let (drawn, rest) = self.draw(images, seed);
        let fitted = self.fit(criterion, &drawn).ok_or_else(|| {
            Error::failed(format!(
                "The {images} images of {} drawn with seed {seed} are all of one class, or no threshold reaches {criterion} \
                 on them; draw more with --images, or others with --seed.",
                place.dataset
            ))
        })?;
        let adaptation = Adaptation {
            dataset: place.dataset,
            manifest_sha256: place.manifest_sha256,
            evaluation: place.evaluation,
            images,
            seed,
            calibration: fitted.calibration,
            own_threshold: self.threshold,
            rest: rest.len(),
            before: self.measure(&rest, self.threshold, self.calibration),
            after: self.measure(&rest, fitted.threshold, fitted.calibration.or(self.calibration)),
            draws: self.draws(criterion, images),
        };
        // If one class is always predicted, the threshold can be slightly outside 0..=1.
        Ok((fitted.threshold.clamp(0.0, 1.0), adaptation))
    }

    /// The drawn images, and the others.
    fn draw(&self, images: usize, seed: u64) -> (Vec<usize>, Vec<usize>) {
        let place = |image: &(String, String)| -> [u8; 32] {
            let mut hash = Sha256::new();
            hash.update(seed.to_le_bytes());
            hash.update(image.0.as_bytes());
            hash.update([0]);
            hash.update(image.1.as_bytes());
            hash.finalize().into()
        };
        let places: Vec<[u8; 32]> = self.of.images.iter().map(place).collect();
        let mut order: Vec<usize> = (0..places.len()).collect();
        order.sort_by_key(|&image| places[image]);
        let rest = order.split_off(images.min(order.len()));
        (order, rest)
    }

    fn of(&self, images: &[usize]) -> (Vec<f64>, Vec<bool>) {
        images.iter().map(|&image| (self.of.scores[image], self.of.positive[image])).unzip()
    }

    /// None for images of one class, or if no threshold reaches the criterion.
    fn fit(&self, criterion: Criterion, images: &[usize]) -> Option<Fitted> {
        let (scores, positive) = self.of(images);
        if positive.iter().all(|&one| one) || !positive.iter().any(|&one| one) {
            return None;
        }
        // On other data the class proportions differ and scores are shifted, so the slope alone is not enough.
        let calibration = self.calibration.and_then(|_| Calibration::platt(&scores, &positive));
        Some(Fitted { threshold: threshold_for(criterion, &scores, &positive)?, calibration })
    }

    fn measure(&self, images: &[usize], threshold: f64, calibration: Option<Calibration>) -> Measured {
        let (scores, positive) = self.of(images);
        let confusion = Confusion::at(&scores, &positive, threshold);
        let calibrated = |&score: &f64| calibration.map_or(score, |calibration| calibration.probability(score));
        Measured {
            accuracy: confusion.accuracy(),
            interval: wilson95(confusion.correct(), confusion.total()),
            balanced_accuracy: confusion.balanced_accuracy(),
            log_loss: log_loss(&scores.iter().map(calibrated).collect::<Vec<_>>(), &positive),
        }
    }

    fn draws(&self, criterion: Criterion, images: usize) -> Draws {
        let pairs: Vec<(f64, f64)> = (1..=DRAWS)
            .filter_map(|seed| {
                let (drawn, rest) = self.draw(images, seed);
                let fitted = self.fit(criterion, &drawn)?;
                let accuracy = |threshold| self.measure(&rest, threshold, None).accuracy;
                Some((accuracy(self.threshold), accuracy(fitted.threshold)))
            })
            .collect();
        let (before, after): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
        Draws {
            before: Spread::of(&before),
            after: Spread::of(&after),
            better: pairs.iter().filter(|(before, after)| after > before).count(),
            worse: pairs.iter().filter(|(before, after)| after < before).count(),
        }
    }
}

/// The images to draw from.
pub struct Place {
    pub dataset: String,
    pub manifest_sha256: String,
    pub evaluation: String,
}
