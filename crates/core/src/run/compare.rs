//! Comparison of trained runs: differences in settings, and images on which they disagree.

use super::folder::RunFolder;
use super::scored::{Scored, ScoredImage};
use super::spec::JobSpec;
use crate::dataset::Split;
use crate::error::{Error, Result};
use crate::evaluation::{Confusion, mcnemar};
use crate::workspace::Workspace;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

/// A setting that differs between runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Its name in the spec, nested ones dotted; `settings.dropout` is `dropout`.
    pub setting: String,
    /// One per run; none if the run's kind has no such setting.
    pub values: Vec<Option<String>>,
}

/// The settings in which jobs differ, in alphabetical order.
pub fn differences(jobs: &[&JobSpec]) -> Vec<Difference> {
    let settings: Vec<BTreeMap<String, String>> = jobs.iter().map(|job| settings(job)).collect();
    let mut names: Vec<&String> = settings.iter().flat_map(BTreeMap::keys).collect();
    names.sort_unstable();
    names.dedup();
    names
        .into_iter()
        .map(|name| Difference {
            setting: name.clone(),
            values: settings.iter().map(|settings| settings.get(name).cloned()).collect(),
        })
        .filter(|difference| difference.values.windows(2).any(|pair| pair[0] != pair[1]))
        .collect()
}

/// All settings of a job, by name.
pub fn settings(job: &JobSpec) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    if let Ok(value) = serde_json::to_value(job) {
        flatten("", &value, &mut found);
    }
    found
}

fn flatten(name: &str, value: &Value, found: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(fields) => {
            for (field, value) in fields {
                // Purely structural keys are not shown.
                let whole = match (name, field.as_str()) {
                    ("", "model" | "settings" | "sweep") => String::new(),
                    ("", field) => field.to_owned(),
                    (name, field) => format!("{name}.{field}"),
                };
                flatten(&whole, value, found);
            }
        }
        Value::Array(values) => {
            let parts: Vec<String> = values.iter().map(|value| axis(value).unwrap_or_else(|| plain(value))).collect();
            let between = if values.iter().any(|value| axis(value).is_some()) { "; " } else { ", " };
            found.insert(name.to_owned(), parts.join(between));
        }
        value => {
            found.insert(name.to_owned(), plain(value));
        }
    }
}

/// An axis of a sweep in words: `width: 64, 256`.
fn axis(value: &Value) -> Option<String> {
    let values = value.get("values")?.as_array()?.iter().map(plain);
    Some(format!("{}: {}", plain(value.get("setting")?), values.collect::<Vec<_>>().join(", ")))
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "none".into(),
        // 30.0 is shown as 30.
        Value::Number(number) => {
            let text = number.to_string();
            text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
        }
        other => other.to_string(),
    }
}

/// One run of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Side {
    pub run: String,
    pub threshold: f64,
    /// At that threshold, on the images that all runs have scored.
    pub confusion: Confusion,
}

/// An image that the runs classify differently.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Disagreement {
    pub source: String,
    pub path: String,
    /// Its label, an index into the classes.
    pub class: usize,
    /// Scores, one per run.
    pub scores: Vec<f64>,
    /// Predictions, indices into the classes.
    pub answers: Vec<usize>,
    /// The image's path, if the prepared set still exists.
    pub file: Option<PathBuf>,
}

/// Two runs on the same images: the counts and result of McNemar's test.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pair {
    /// Indices into [`Comparison::sides`].
    pub first: usize,
    pub second: usize,
    /// Images that only the first, or only the second, classifies correctly.
    pub only_first: usize,
    pub only_second: usize,
    /// Two-sided p-value of McNemar's exact test.
    pub p_value: f64,
}

/// Runs compared on one split.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    pub split: Split,
    pub classes: [String; 2],
    pub sides: Vec<Side>,
    /// Images that all of them have scored.
    pub common: usize,
    /// Images that at least one of them has not scored; they are left out.
    pub left_out: usize,
    pub pairs: Vec<Pair>,
    /// Sorted by the difference of scores, largest first.
    pub disagreements: Vec<Disagreement>,
}

/// Reads the scores of runs on a split and compares them.
///
/// # Errors
/// Fewer than two runs, one without scores on this split, or runs that share no image or no classes.
pub fn load(workspace: &Workspace, runs: &[String], split: Split) -> Result<Comparison> {
    let scored = runs
        .iter()
        .map(|run| Scored::require(workspace, &RunFolder::find(workspace, run)?, split))
        .collect::<Result<Vec<_>>>()?;
    of(&scored)
}

/// Compares scores that were read already, all of one split.
///
/// # Errors
/// As [`load`].
pub fn of(scored: &[Scored]) -> Result<Comparison> {
    let [first, _, ..] = scored else {
        return Err(Error::usage("A comparison takes two runs or more."));
    };
    if let Some(other) = scored.iter().find(|other| other.classes != first.classes) {
        return Err(Error::failed(format!(
            "{} tells {} and {} tells {}; runs are compared that tell the same classes.",
            first.run,
            first.classes.join(" from "),
            other.run,
            other.classes.join(" from ")
        )));
    }
    let places: Vec<HashMap<(&str, &str), usize>> =
        scored.iter().map(|scored| scored.images.iter().map(ScoredImage::key).zip(0..).collect()).collect();
    // For each row, the index in every run's scores.
    let common: Vec<Vec<usize>> = first
        .images
        .iter()
        .filter_map(|image| places.iter().map(|places| places.get(&image.key()).copied()).collect())
        .collect();
    if common.is_empty() {
        return Err(Error::failed("The runs have no image in common, so there is nothing to compare them on."));
    }
    let mut all: Vec<(&str, &str)> =
        scored.iter().flat_map(|scored| scored.images.iter().map(ScoredImage::key)).collect();
    all.sort_unstable();
    all.dedup();
    let positive: Vec<bool> = common.iter().map(|row| first.positive[row[0]]).collect();
    let scores: Vec<Vec<f64>> = scored
        .iter()
        .enumerate()
        .map(|(run, scored)| common.iter().map(|row| scored.scores[row[run]]).collect())
        .collect();
    let sides: Vec<Side> = scored
        .iter()
        .zip(&scores)
        .map(|(scored, scores)| Side {
            run: scored.run.clone(),
            threshold: scored.threshold,
            confusion: Confusion::at(scores, &positive, scored.threshold),
        })
        .collect();
    let says = |run: usize, at: usize| scores[run][at] >= scored[run].threshold;
    let right: Vec<Vec<bool>> =
        (0..scored.len()).map(|run| (0..common.len()).map(|at| says(run, at) == positive[at]).collect()).collect();
    let mut pairs = Vec::new();
    for first in 0..scored.len() {
        for second in first + 1..scored.len() {
            let test = mcnemar(&right[first], &right[second]);
            let (only_first, only_second) = (test.first_only, test.second_only);
            pairs.push(Pair { first, second, only_first, only_second, p_value: test.p_value });
        }
    }
    let mut disagreements: Vec<Disagreement> = (0..common.len())
        .filter(|&at| (1..scored.len()).any(|run| says(run, at) != says(0, at)))
        .map(|at| {
            let image = &first.images[common[at][0]];
            Disagreement {
                source: image.source.clone(),
                path: image.path.clone(),
                class: usize::from(positive[at]),
                scores: scores.iter().map(|scores| scores[at]).collect(),
                answers: (0..scored.len()).map(|run| usize::from(says(run, at))).collect(),
                file: first.file(image),
            }
        })
        .collect();
    disagreements.sort_by(|a, b| apart(b).total_cmp(&apart(a)).then_with(|| a.path.cmp(&b.path)));
    Ok(Comparison {
        split: first.split,
        classes: first.classes.clone(),
        sides,
        common: common.len(),
        left_out: all.len() - common.len(),
        pairs,
        disagreements,
    })
}

/// The range of an image's scores.
fn apart(disagreement: &Disagreement) -> f64 {
    let scores = &disagreement.scores;
    scores.iter().copied().fold(f64::MIN, f64::max) - scores.iter().copied().fold(f64::MAX, f64::min)
}
