//! How the threshold of the model that `predict` uses is found, as a person says it.

use super::RunFolder;
use super::choice::{Choice, choose, choose_for, choose_on};
use crate::error::{Error, Result};
use crate::evaluation::Criterion;
use crate::workspace::Workspace;
use faceprobe_settings::{Refusal, Rules, settings, text_value};
use std::fmt;
use std::str::FromStr;

/// On how many images of another set a threshold is fitted when nothing is said.
const IMAGES: usize = 50;

/// A threshold, or what it is chosen for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Threshold {
    For(Criterion),
    /// From 0 to 1.
    Fixed(f64),
}

impl Default for Threshold {
    fn default() -> Self {
        Self::For(Criterion::default())
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::For(criterion) => write!(f, "{criterion}"),
            Self::Fixed(value) => write!(f, "{value}"),
        }
    }
}

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse::<f64>() {
            Ok(value) if (0.0..=1.0).contains(&value) => Ok(Self::Fixed(value)),
            Ok(_) => Err("a number from 0 to 1".into()),
            Err(_) => text.parse().map(Self::For),
        }
    }
}

/// The ways to write a threshold, for refusals.
const FORMS: &str = "auto, youden, eer, precision=P, recall=R (P and R above 0, at most 1), or a number from 0 to 1";

text_value!(
    Threshold,
    "auto|youden|eer|precision=P|recall=R|NUMBER",
    FORMS,
    ["auto", "youden", "eer", "precision=0.95", "recall=0.9", "0", "0.375"]
);

settings! {
    /// How a model is chosen.
    pub struct ChooseSettings {
        /// What the threshold is chosen for on validation: auto (accuracy), youden, eer (equal error rates), precision=P, recall=R; or a number between 0 and 1.
        threshold: Threshold = Threshold::default(), any();
        /// Fit threshold and calibration on a few images of this prepared set instead, and measure on its others; the choice says so. For a place where pictures differ from the training data.
        on: Option<String> = None, text("DATA");
        /// On how many of its images.
        images: Option<usize> = None, whole(2..=1_000_000).unit("images").computed("50");
        /// Which images are drawn.
        seed: Option<u64> = None, any().computed("1");
    }
}

impl Rules for ChooseSettings {
    fn check_together(&self) -> std::result::Result<(), Refusal> {
        if self.on.is_none() {
            let given = [("images", self.images.is_some()), ("seed", self.seed.is_some())];
            if let Some((setting, _)) = given.into_iter().find(|(_, given)| *given) {
                return Err(Refusal::new(setting, "must be left out without {on}, the set whose images are drawn"));
            }
        } else if let Threshold::Fixed(value) = self.threshold {
            let forms = "must say what for (auto, youden, eer, precision=P, recall=R) where {on} fits it";
            return Err(Refusal::new("threshold", forms).not(value.to_string()));
        }
        Ok(())
    }
}

impl ChooseSettings {
    /// How many images are drawn, and the seed that says which.
    pub fn draw(&self) -> (usize, u64) {
        (self.images.unwrap_or(IMAGES), self.seed.unwrap_or(1))
    }

    /// Makes `run` the model that `predict` uses. Where [`ChooseSettings::on`] names a set, `scored` is the run that has scored
    /// this one on it.
    ///
    /// # Errors
    /// As [`choose_for`] and [`choose_on`].
    pub fn choose(&self, workspace: &Workspace, run: &RunFolder, scored: Option<&RunFolder>) -> Result<Choice> {
        match (self.threshold, &self.on, scored) {
            (Threshold::For(criterion), Some(_), Some(scored)) => {
                choose_on(workspace, run, scored, criterion, self.draw())
            }
            (Threshold::For(criterion), None, _) => choose_for(workspace, run, criterion),
            (Threshold::Fixed(value), ..) => choose(workspace, run, Some(value)),
            (Threshold::For(_), Some(on), None) => {
                Err(Error::failed(format!("{} has not been scored on {on}, so nothing is fitted there.", run.id())))
            }
        }
    }

    /// Whether a choice of some run is what these ask for; `manifest` is that of the set that [`ChooseSettings::on`] names.
    pub fn made(&self, choice: &Choice, manifest: Option<&str>) -> bool {
        let criterion = match self.threshold {
            Threshold::For(criterion) => choice.criterion == Some(criterion.to_string()),
            Threshold::Fixed(value) => choice.criterion.as_deref() == Some("fixed") && choice.threshold == value,
        };
        let place = match (&choice.adapted, manifest) {
            (None, None) => self.on.is_none(),
            (Some(adapted), Some(manifest)) => {
                adapted.manifest_sha256 == manifest && (adapted.images, adapted.seed) == self.draw()
            }
            _ => false,
        };
        criterion && place
    }

    /// What makes a choice again but for the name of the set; none where that cannot be said.
    pub fn of_choice(choice: &Choice) -> Option<Self> {
        let threshold = match choice.criterion.as_deref() {
            Some("fixed") | None => Threshold::Fixed(choice.threshold),
            Some(criterion) => criterion.parse().ok()?,
        };
        let usual = Self { threshold, ..Self::default() };
        Some(match &choice.adapted {
            None => usual,
            Some(adapted) => Self {
                on: Some(adapted.dataset.clone()),
                images: Some(adapted.images).filter(|images| *images != IMAGES),
                seed: Some(adapted.seed).filter(|seed| *seed != 1),
                ..usual
            },
        })
    }
}
