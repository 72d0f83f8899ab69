//! Two or more trained runs beside each other: how their settings differ, and on which images they disagree.

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

/// A setting that is not the same in all runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// As the spec names it, the parts of it with dots between: `settings.dropout` is `dropout`.
    pub setting: String,
    /// One per run; none where the run's kind has no such setting.
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

/// Every setting of a job under its own name.
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
                // What only groups says nothing to a reader.
                let whole = match (name, field.as_str()) {
                    ("", "model" | "settings" | "sweep") => String::new(),
                    ("", field) => field.to_owned(),
                    (name, field) => format!("{name}.{field}"),
                };
                flatten(&whole, value, found);
            }
        }
        Value::Array(values) => {
            let parts: Vec<String> = values.iter().map(plain).collect();
            found.insert(name.to_owned(), parts.join(", "));
        }
        value => {
            found.insert(name.to_owned(), plain(value));
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "none".into(),
        // 30.0 was typed as 30.
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
    /// At that threshold, over the images that all runs have scored.
    pub confusion: Confusion,
}

/// An image that not all runs tell the same.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Disagreement {
    pub source: String,
    pub path: String,
    /// The class it is labelled as, an index into the classes.
    pub class: usize,
    /// One per run.
    pub scores: Vec<f64>,
    /// What each run says, an index into the classes.
    pub answers: Vec<usize>,
    /// Where the picture lies, if the prepared set is still there.
    pub file: Option<PathBuf>,
}

/// How two runs fall apart over the same images: all that McNemar's test looks at, and what it says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pair {
    /// Indices into [`Comparison::sides`].
    pub first: usize,
    pub second: usize,
    /// Images that only the first, only the second tells right.
    pub only_first: usize,
    pub only_second: usize,
    /// Of McNemar's exact test, two-sided.
    pub p_value: f64,
}

/// Runs beside each other on one split.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    pub split: Split,
    pub classes: [String; 2],
    pub sides: Vec<Side>,
    /// Images that all of them have scored.
    pub common: usize,
    /// Images that one or more of them have not scored; nothing here is about these.
    pub left_out: usize,
    pub pairs: Vec<Pair>,
    /// Where the scores lie furthest apart first.
    pub disagreements: Vec<Disagreement>,
}

/// Reads the scores of runs on a split and puts them side by side.
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

/// The comparison of scores that are at hand, all of one split.
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
    // Row by row: where each run has the image.
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

/// How far the scores of an image lie apart.
fn apart(disagreement: &Disagreement) -> f64 {
    let scores = &disagreement.scores;
    scores.iter().copied().fold(f64::MIN, f64::max) - scores.iter().copied().fold(f64::MAX, f64::min)
}
