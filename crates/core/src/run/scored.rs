//! A run's scores joined with the prepared set's data about the images: the input of all figures.

use super::RunFolder;
use super::results::ResultRow;
use super::score_file::ScoreFile;
use crate::dataset::{Manifest, Sample, Split};
use crate::error::{Error, Result};
use crate::evaluation::figures::{Figures, Groups, by_group, correct};
use crate::evaluation::{Calibration, McNemar, cluster_bootstrap95, mcnemar};
use crate::model::ModelInfo;
use crate::workspace::Workspace;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::PathBuf;

/// The seed of the bootstrap over subjects; equal for all models, so that their intervals use the same resamples.
const SEED: u64 = 1;

/// The group columns of every data set; others come from its attributes.
pub const COLUMNS: [&str; 3] = ["age", "source", "fold"];

/// An image that was scored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoredImage {
    pub source: String,
    /// Relative to the root of its source.
    pub path: String,
    /// The age group in the data set's notation, if known.
    pub age: Option<String>,
}

impl ScoredImage {
    /// The key that identifies the image in the scores of another run.
    pub fn key(&self) -> (&str, &str) {
        (&self.source, &self.path)
    }
}

/// A run's scores on one split, in manifest order.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    pub run: String,
    pub split: Split,
    /// Class names; scores are probabilities of the second.
    pub classes: [String; 2],
    /// Scores of at least this mean the second class; the run's own, chosen on validation.
    pub threshold: f64,
    /// The calibration, if the run has one.
    pub calibration: Option<Calibration>,
    pub images: Vec<ScoredImage>,
    /// One per image, in 0..=1.
    pub scores: Vec<f64>,
    /// Whether each image is of the second class.
    pub positive: Vec<bool>,
    /// The prepared set's data about each image; none if the set was removed or prepared again.
    pub samples: Option<Vec<Sample>>,
    /// Source name to the folder its paths are relative to; empty if the prepared set was removed or prepared again.
    pub roots: BTreeMap<String, PathBuf>,
}

impl Scored {
    /// The scores of a run with a result; none if they were not written, or are of an unopened test split.
    ///
    /// # Errors
    /// Damaged files.
    pub fn load(workspace: &Workspace, run: &RunFolder, row: &ResultRow, split: Split) -> Result<Option<Self>> {
        // An opening is recorded before there are scores, so the record decides.
        if (split == Split::Test && row.test_accuracy.is_none()) || !run.scores_path(split).exists() {
            return Ok(None);
        }
        Self::read(workspace, run, row, split).map(Some)
    }

    /// The scores of a run; their absence is an error.
    ///
    /// # Errors
    /// A run without scores on this split (those of the training split are not stored, those of the test split only
    /// after its opening), or a damaged file.
    pub fn require(workspace: &Workspace, run: &RunFolder, split: Split) -> Result<Self> {
        let id = run.id();
        let row = ResultRow::load(run)?.ok_or_else(|| {
            Error::failed(format!("Run {id} has no scores; they are there when a training has ended well."))
        })?;
        match split {
            Split::Train => return Err(Error::usage("Scores of the training split are not stored.")),
            Split::Test if row.test_accuracy.is_none() => {
                return Err(Error::failed(format!(
                    "The test set was not opened for {id}; 'faceprobe evaluate {id} --open-test' opens it, and records that."
                )));
            }
            Split::Test | Split::Val => {}
        }
        let scored = Self::read(workspace, run, &row, split)?;
        if scored.images.is_empty() {
            let what = format!("holds no scores; 'faceprobe runs resume {id}' trains it again");
            return Err(Error::file(&run.scores_path(split), what));
        }
        Ok(scored)
    }

    fn read(workspace: &Workspace, run: &RunFolder, row: &ResultRow, split: Split) -> Result<Self> {
        // A set that was prepared again under the same name is not the one that the run was trained on.
        let own = Manifest::load_recorded(workspace, &row.dataset, &row.manifest_sha256).ok();
        let own = own.filter(|set| set.sha256 == row.manifest_sha256);
        let classes = match &own {
            Some(manifest) => manifest.classes.clone(),
            None => ModelInfo::read(&run.model_path())?.classes,
        };
        let ScoreFile { images, scores, positive } = ScoreFile::read(&run.scores_path(split), &classes)?;
        let samples = own.as_ref().and_then(|manifest| joined(manifest, &images));
        let calibration = match row.refit {
            // A refit has no validation figures; its calibration is that of the original run.
            Some(_) => ModelInfo::read(&run.model_path())?.calibration,
            None => row.validation.as_ref().and_then(|figures| figures.calibration),
        };
        let age = |at: usize| samples.as_ref().and_then(|samples| samples[at].age.clone());
        let images = images.into_iter().enumerate();
        Ok(Self {
            run: run.id().to_string(),
            split,
            classes,
            threshold: row.threshold,
            calibration,
            images: images.map(|(at, (source, path))| ScoredImage { source, path, age: age(at) }).collect(),
            scores,
            positive,
            roots: own.map(|manifest| manifest.roots).unwrap_or_default(),
            samples,
        })
    }

    /// Where the picture lies on this machine, where the prepared set tells.
    pub fn file(&self, image: &ScoredImage) -> Option<PathBuf> {
        Some(self.roots.get(&image.source)?.join(&image.path))
    }

    /// Whether each image is classified correctly.
    pub fn correct(&self) -> Vec<bool> {
        correct(&self.scores, &self.positive, self.threshold)
    }

    /// All figures.
    pub fn figures(&self) -> Figures {
        let people = self.people();
        let people = people.as_deref();
        Figures {
            interval_by_subject: people.and_then(|people| cluster_bootstrap95(people, &self.correct(), SEED)),
            subjects: people.map(|people| people.iter().collect::<HashSet<_>>().len()),
            ..Figures::of(&self.scores, &self.positive, self.threshold, &self.classes, self.calibration)
        }
    }

    /// The subject of each image, numbered from 0; an image without one counts as a subject of its own. None if the
    /// data set names no subjects.
    fn people(&self) -> Option<Vec<usize>> {
        let samples = self.samples.as_ref()?;
        samples.iter().any(|sample| sample.subject.is_some()).then_some(())?;
        let mut numbers: HashMap<(&str, &str), usize> = HashMap::new();
        let mut count = 0;
        let mut new = || {
            count += 1;
            count - 1
        };
        let people = samples
            .iter()
            .map(|sample| match sample.subject.as_deref() {
                Some(subject) => *numbers.entry((&sample.source, subject)).or_insert_with(&mut new),
                None => new(),
            })
            .collect();
        Some(people)
    }

    /// The columns with more than one value.
    pub fn columns(&self) -> Vec<String> {
        let Some(samples) = &self.samples else { return Vec::new() };
        let attributes: BTreeSet<&str> =
            samples.iter().flat_map(|sample| sample.attributes.keys().map(String::as_str)).collect();
        let differs = |column: &str| {
            let values: BTreeSet<_> = samples.iter().filter_map(|sample| sample.value(column, &self.classes)).collect();
            values.len() > 1
        };
        COLUMNS.into_iter().chain(attributes).filter(|column| differs(column)).map(str::to_owned).collect()
    }

    /// Accuracy by the values of a column.
    ///
    /// # Errors
    /// If the data set has no such column, or was removed or changed.
    pub fn by(&self, column: &str) -> Result<Groups> {
        let Some(samples) = &self.samples else {
            return Err(Error::failed(format!(
                "The data set that {} was trained on is gone or was prepared anew, so nothing is known of its images; \
                 train it again.",
                self.run
            )));
        };
        let values: Vec<Option<String>> = samples.iter().map(|sample| sample.value(column, &self.classes)).collect();
        if values.iter().all(Option::is_none) {
            let columns = self.columns();
            let there = if columns.is_empty() { "none".to_owned() } else { columns.join(", ") };
            return Err(Error::usage(format!(
                "The data set has no column '{column}'; there are: {there}. (Sets prepared by earlier versions have \
                 few; prepare again.)"
            )));
        }
        Ok(by_group(column, &values, &self.correct(), &self.positive))
    }
}

/// The samples of the images, if all are found.
fn joined(manifest: &Manifest, images: &[(String, String)]) -> Option<Vec<Sample>> {
    let known: HashMap<(&str, &str), &Sample> =
        manifest.samples.iter().map(|sample| ((sample.source.as_str(), sample.path.as_str()), sample)).collect();
    images
        .iter()
        .map(|(source, path)| known.get(&(source.as_str(), path.as_str())).map(|sample| (*sample).clone()))
        .collect()
}

/// Two models on the images that both were scored on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    pub split: String,
    /// Images scored by both.
    pub images: usize,
    /// Images scored by one only, which are left out.
    pub left_out: usize,
    pub first_accuracy: f64,
    pub second_accuracy: f64,
    #[serde(flatten)]
    pub test: McNemar,
}

/// Compares two models on the same images, each at its own threshold. None if they have no image in common.
pub fn compare(first: &Scored, second: &Scored) -> Option<Comparison> {
    let theirs: HashMap<(&str, &str), bool> =
        second.images.iter().map(ScoredImage::key).zip(second.correct()).collect();
    let ours = first.images.iter().map(ScoredImage::key).zip(first.correct());
    let (a, b): (Vec<bool>, Vec<bool>) = ours.filter_map(|(image, ours)| Some((ours, *theirs.get(&image)?))).unzip();
    let share = |right: &[bool]| right.iter().filter(|right| **right).count() as f64 / right.len() as f64;
    (!a.is_empty()).then(|| Comparison {
        split: first.split.name().to_owned(),
        images: a.len(),
        left_out: first.images.len() + second.images.len() - 2 * a.len(),
        first_accuracy: share(&a),
        second_accuracy: share(&b),
        test: mcnemar(&a, &b),
    })
}
