//! The scores that a run has stored for a split, with what is known about each image.

use super::folder::RunFolder;
use super::results::ResultRow;
use crate::dataset::{Manifest, Split};
use crate::error::{AtPath, Error, Result};
use crate::model::ModelInfo;
use crate::workspace::Workspace;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};

/// An image that was scored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoredImage {
    pub source: String,
    /// Relative to the root of its source.
    pub path: String,
    /// The age group as the data set writes it, where it is known.
    pub age: Option<String>,
}

/// The scores of one run on one split, in the order of the manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct SplitScores {
    pub run: String,
    pub split: Split,
    /// Class names; scores are probabilities of the second.
    pub classes: [String; 2],
    /// Scores of at least this mean the second class; the run's own, chosen on validation.
    pub threshold: f64,
    pub images: Vec<ScoredImage>,
    /// One per image, in 0..=1.
    pub scores: Vec<f64>,
    /// Whether each image is of the second class.
    pub positive: Vec<bool>,
    /// Source name to the folder its paths are relative to; empty when the prepared set is gone.
    pub roots: BTreeMap<String, PathBuf>,
}

impl SplitScores {
    /// Reads the scores of `run` on `split`. Ages and folders come from the prepared set; where it is gone or was
    /// prepared anew, the scores are all there is.
    ///
    /// # Errors
    /// A run that has no scores on this split (those of the training split are not stored, those of the test split
    /// not before it was opened), or a file that is damaged.
    pub fn load(workspace: &Workspace, run: &RunFolder, split: Split) -> Result<Self> {
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
        let classes = ModelInfo::read(&run.model_path())?.classes;
        let mut scored = Self {
            run: id.to_string(),
            split,
            classes,
            threshold: row.threshold,
            images: Vec::new(),
            scores: Vec::new(),
            positive: Vec::new(),
            roots: BTreeMap::new(),
        };
        scored.read(&run.scores_path(split))?;
        // One that was prepared anew under the same name is not what the run was trained on.
        let own = Manifest::load_named(workspace, &row.dataset).ok().filter(|set| set.sha256 == row.manifest_sha256);
        if let Some(manifest) = own {
            scored.join(&manifest);
        }
        Ok(scored)
    }

    /// `source,path,label,score`, as the run wrote it.
    fn read(&mut self, path: &Path) -> Result<()> {
        let file = File::open(path).map_err(|error| {
            Error::file(path, format!("cannot be read ({error}); train the run again to have its scores"))
        })?;
        let mut reader = csv::Reader::from_reader(file);
        for record in reader.records() {
            let record = record.at(path)?;
            let line = record.position().map_or(0, csv::Position::line);
            let damaged = |what: &str| Error::file(path, format!("line {line}: {what}; train the run again"));
            let (Some(source), Some(name), Some(label), Some(score)) =
                (record.get(0), record.get(1), record.get(2), record.get(3))
            else {
                return Err(damaged("is not source, path, label and score"));
            };
            let positive = self.classes.iter().position(|class| class == label);
            let score = score.parse::<f64>().ok().filter(|score| score.is_finite());
            self.positive.push(positive.ok_or_else(|| damaged("has a label that the model does not know"))? == 1);
            self.scores.push(score.ok_or_else(|| damaged("has a score that is not a number"))?);
            self.images.push(ScoredImage { source: source.to_owned(), path: name.to_owned(), age: None });
        }
        if self.images.is_empty() {
            return Err(Error::file(path, "holds no scores; train the run again"));
        }
        Ok(())
    }

    fn join(&mut self, manifest: &Manifest) {
        let ages: HashMap<(&str, &str), &str> = manifest
            .samples
            .iter()
            .filter_map(|sample| Some(((sample.source.as_str(), sample.path.as_str()), sample.age.as_deref()?)))
            .collect();
        for image in &mut self.images {
            image.age = ages.get(&(image.source.as_str(), image.path.as_str())).map(|age| (*age).to_owned());
        }
        self.roots = manifest.roots.clone();
    }

    /// Where the picture lies on this machine, where the prepared set tells.
    pub fn file(&self, image: &ScoredImage) -> Option<PathBuf> {
        Some(self.roots.get(&image.source)?.join(&image.path))
    }
}
