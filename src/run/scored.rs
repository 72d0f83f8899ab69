//! The scores a run left, joined with what is known of the images: what every figure is told from.

use super::RunFolder;
use super::results::ResultRow;
use crate::dataset::{Manifest, Sample, Split};
use crate::error::{AtPath, Error, Result};
use crate::evaluation::figures::{Figures, Groups, by_group, correct};
use crate::evaluation::{McNemar, mcnemar};
use crate::workspace::Workspace;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};

/// Decides which people the bootstrap draws; the same for all models, so that their intervals are of the same draws.
const SEED: u64 = 1;

/// The columns that groups are told by in any data set; others come from its attributes.
pub const COLUMNS: [&str; 3] = ["age", "source", "fold"];

/// A run's scores on one split.
#[derive(Debug, Clone)]
pub struct Scored {
    pub run: String,
    pub split: Split,
    pub classes: [String; 2],
    pub threshold: f64,
    /// Source and path of each image.
    pub images: Vec<(String, String)>,
    /// Probability of class 1.
    pub scores: Vec<f64>,
    pub positive: Vec<bool>,
    /// What the prepared set says of each image; none if it is gone or was prepared anew.
    pub samples: Option<Vec<Sample>>,
}

impl Scored {
    /// The scores of a run that has a result; none of a test split that was not opened.
    ///
    /// # Errors
    /// When its files are damaged.
    pub fn load(workspace: &Workspace, run: &RunFolder, row: &ResultRow, split: Split) -> Result<Option<Self>> {
        let path = run.scores_path(split);
        // An opening is on record before there are scores, and it is the record that opens.
        if (split == Split::Test && row.test_accuracy.is_none()) || !path.exists() {
            return Ok(None);
        }
        let damaged = || Error::file(&path, "is not a table of scores; train the run again");
        let mut reader = csv::Reader::from_path(&path).at(&path)?;
        let (mut images, mut labels, mut scores) = (Vec::new(), Vec::new(), Vec::new());
        for record in reader.records() {
            let record = record.at(&path)?;
            let text = |index: usize| record.get(index).map(str::to_owned).ok_or_else(damaged);
            images.push((text(0)?, text(1)?));
            labels.push(text(2)?);
            let score: f64 = text(3)?.parse().map_err(|_| damaged())?;
            scores.push(Some(score).filter(|score| score.is_finite()).ok_or_else(damaged)?);
        }
        let manifest =
            Manifest::load_named(workspace, &row.dataset).ok().filter(|set| set.sha256 == row.manifest_sha256);
        let classes = match &manifest {
            Some(manifest) => manifest.classes.clone(),
            None => classes_of(run)?,
        };
        let positive = labels.iter().map(|label| *label == classes[1]).collect();
        let samples = manifest.and_then(|manifest| joined(&manifest, &images));
        Ok(Some(Self {
            run: run.id().to_string(),
            split,
            classes,
            threshold: row.threshold,
            images,
            scores,
            positive,
            samples,
        }))
    }

    /// Whether each image is told right.
    pub fn correct(&self) -> Vec<bool> {
        correct(&self.scores, &self.positive, self.threshold)
    }

    /// All figures.
    pub fn figures(&self) -> Figures {
        let people = self.people();
        Figures::of(&self.scores, &self.positive, self.threshold, &self.classes, people.as_deref(), SEED)
    }

    /// The person of each image, numbered from 0; an image without one counts as another person. None if the data set
    /// names nobody.
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

    /// The columns with more than one value here.
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
    /// When the data set has no such column, or is not there as it was.
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

fn classes_of(run: &RunFolder) -> Result<[String; 2]> {
    Ok(crate::model::SavedModel::load(&run.model_path())?.info.classes)
}

/// The samples of the images, if all are there.
fn joined(manifest: &Manifest, images: &[(String, String)]) -> Option<Vec<Sample>> {
    let known: HashMap<(&str, &str), &Sample> =
        manifest.samples.iter().map(|sample| ((sample.source.as_str(), sample.path.as_str()), sample)).collect();
    images
        .iter()
        .map(|(source, path)| known.get(&(source.as_str(), path.as_str())).map(|sample| (*sample).clone()))
        .collect()
}

/// Two models on the images that both were asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    pub split: String,
    /// Images that both were scored on.
    pub images: usize,
    /// Images that only one was scored on, and that are left out.
    pub left_out: usize,
    pub first_accuracy: f64,
    pub second_accuracy: f64,
    #[serde(flatten)]
    pub test: McNemar,
}

/// Compares two models on the same images, each at its own threshold. None if they have no image in common.
pub fn compare(first: &Scored, second: &Scored) -> Option<Comparison> {
    let theirs: HashMap<&(String, String), bool> = second.images.iter().zip(second.correct()).collect();
    let (a, b): (Vec<bool>, Vec<bool>) =
        first.images.iter().zip(first.correct()).filter_map(|(image, ours)| Some((ours, *theirs.get(image)?))).unzip();
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
