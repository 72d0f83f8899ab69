//! A threshold for another place: threshold and calibration of a trained model refitted on a few labelled images of another
//! data set, and what that is worth on its other images. The model's weights stay as they are.

use super::results::Spread;
use super::score_file::ScoreFile;
use crate::error::{Error, Result};
use crate::evaluation::{Calibration, Confusion, Criterion, Interval, log_loss, threshold_for, wilson95};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// How often other images are drawn, to see how much the draw matters.
pub const DRAWS: u64 = 20;

/// What is fitted anew and how. The names of the fields are a contract of `choose --on --json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Adaptation {
    /// The data set whose images it was fitted on, and its manifest.
    pub dataset: String,
    pub manifest_sha256: String,
    /// The run that scored it.
    pub evaluation: String,
    /// How many images were drawn, and by which seed.
    pub images: usize,
    pub seed: u64,
    /// The calibration fitted on them; null where the model has none, or none can be fitted to so few.
    pub calibration: Option<Calibration>,
    /// The threshold before.
    pub own_threshold: f64,
    /// Images that were not fitted on, which all that follows is measured on.
    pub rest: usize,
    pub before: Measured,
    pub after: Measured,
    /// The same for [`DRAWS`] other draws of as many images. Nothing is chosen by them.
    pub draws: Draws,
}

/// How the rest is told.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    pub accuracy: f64,
    /// After Wilson, 95 %.
    pub interval: Option<Interval>,
    pub balanced_accuracy: f64,
    /// Of calibrated probabilities, or of scores where there is no calibration.
    pub log_loss: f64,
}

/// Accuracies over several draws.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Draws {
    pub before: Option<Spread>,
    pub after: Option<Spread>,
    /// In how many the accuracy is higher after, and in how many lower.
    pub better: usize,
    pub worse: usize,
}

/// What a model says of another data set, and how it was told until now.
pub struct Scores<'a> {
    pub of: &'a ScoreFile,
    pub threshold: f64,
    pub calibration: Option<Calibration>,
}

/// Refuses to draw so many of `all` images that none is left to measure on.
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

/// What was fitted on some images.
struct Fitted {
    threshold: f64,
    calibration: Option<Calibration>,
}

impl Scores<'_> {
    /// The threshold that serves a criterion best on `images` images drawn by `seed`, and what is known of it.
    ///
    /// # Errors
    /// More images than leave a rest to measure on; images of one class; a criterion that no threshold reaches on them.
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
        // A class called always or never can have its threshold a hair outside.
        Ok((fitted.threshold.clamp(0.0, 1.0), adaptation))
    }

    /// The images that are drawn, and the others.
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

    /// None for images of one class, or where no threshold reaches the criterion.
    fn fit(&self, criterion: Criterion, images: &[usize]) -> Option<Fitted> {
        let (scores, positive) = self.of(images);
        if positive.iter().all(|&one| one) || !positive.iter().any(|&one| one) {
            return None;
        }
        // Elsewhere classes come in other shares and scores are shifted: a slope alone would not follow.
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

/// Where images are drawn from.
pub struct Place {
    pub dataset: String,
    pub manifest_sha256: String,
    pub evaluation: String,
}
