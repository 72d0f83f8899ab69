//! Results by setting: mean and standard deviation over seeds and folds, and the leak of random splits.

use super::Status;
use super::results::{ResultRow, Spread};
use crate::dataset::SplitMethod;
use crate::model::Kind;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// Finished runs that differ only in their seed, or in their test fold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SettingRow {
    pub kind: Kind,
    /// The prepared set, or the whole cross-validation.
    pub dataset: String,
    pub backbone: Option<String>,
    pub tap: Option<String>,
    pub pool: Option<String>,
    pub settings: String,
    pub runs: Vec<String>,
    pub seeds: Vec<u64>,
    pub train_accuracy: Option<Spread>,
    pub val_accuracy: Option<Spread>,
    /// Over the runs whose test split was opened.
    pub test_accuracy: Option<Spread>,
    /// The largest number of test openings before one of the runs.
    pub after_test_openings: usize,
    pub synthetic: bool,
    /// The method of division.
    pub split: SplitMethod,
    /// The number of folds of the runs; null without cross-validation.
    pub folds: Option<usize>,
    /// The leak, if the same setting was trained on the same data with a random split and with subjects kept together;
    /// in the row of the random split.
    pub leak: Option<Leak>,
}

/// A random split compared with one that keeps subjects together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Leak {
    /// The prepared set that keeps subjects together.
    pub dataset: String,
    pub split: SplitMethod,
    /// Mean accuracies with subjects kept together.
    pub val_accuracy: Option<f64>,
    pub test_accuracy: Option<f64>,
    /// Mean accuracy with the random split minus that with subjects kept together.
    pub val_leak: Option<f64>,
    pub test_leak: Option<f64>,
}

/// A setting, independent of the data.
fn setting(row: &ResultRow) -> &str {
    &row.key
}

/// The data of a row: its manifest, or all folds of its cross-validation.
fn data(row: &ResultRow) -> (String, Vec<String>, u64) {
    match row.division.as_ref().and_then(|division| Some((division.fold.as_ref()?, division))) {
        Some((fold, division)) => (fold.of.clone(), division.sources.clone(), division.seed),
        None => (row.manifest_sha256.clone(), Vec::new(), 0),
    }
}

/// Finished runs by setting, the best mean validation accuracy first.
pub fn by_setting<'a>(rows: impl IntoIterator<Item = &'a ResultRow>) -> Vec<SettingRow> {
    let groups = grouped(rows);
    let apart = kept_apart(&groups);
    let mut settings: Vec<SettingRow> = groups.iter().map(|rows| merged(rows, leak(rows, &apart))).collect();
    let mean = |row: &SettingRow| row.val_accuracy.map_or(f64::NEG_INFINITY, |spread| spread.mean);
    settings.sort_by(|a, b| mean(b).total_cmp(&mean(a)));
    settings
}

/// The runs of a setting on the same data.
type Group<'a> = Vec<&'a ResultRow>;

fn grouped<'a>(rows: impl IntoIterator<Item = &'a ResultRow>) -> Vec<Group<'a>> {
    let mut groups: BTreeMap<_, Group> = BTreeMap::new();
    for row in rows.into_iter().filter(|row| row.status == Status::Done) {
        groups.entry((setting(row), data(row))).or_default().push(row);
    }
    groups.into_values().collect()
}

/// By setting: the groups whose splits keep subjects together.
fn kept_apart<'g, 'a>(groups: &'g [Group<'a>]) -> HashMap<&'a str, Vec<&'g Group<'a>>> {
    let mut apart: HashMap<&str, Vec<&Group>> = HashMap::new();
    for rows in groups.iter().filter(|rows| method(rows[0]).keeps_people_apart()) {
        apart.entry(setting(rows[0])).or_default().push(rows);
    }
    apart
}

fn merged(rows: &[&ResultRow], leak: Option<Leak>) -> SettingRow {
    let first = rows[0];
    let same = rows.iter().all(|row| row.settings == first.settings);
    let fold = first.division.as_ref().and_then(|division| division.fold.as_ref());
    SettingRow {
        kind: first.kind,
        dataset: fold.map_or_else(|| first.dataset.clone(), |fold| fold.of.clone()),
        backbone: first.backbone.clone(),
        tap: first.tap.clone(),
        pool: first.pool.clone(),
        settings: if same { first.settings.clone() } else { first.asked.clone() },
        runs: rows.iter().map(|row| row.run.clone()).collect(),
        seeds: rows.iter().map(|row| row.seed).collect(),
        train_accuracy: spread(rows, |row| row.train_accuracy),
        val_accuracy: spread(rows, |row| row.val_accuracy),
        test_accuracy: spread(rows, |row| row.test_accuracy),
        after_test_openings: rows.iter().map(|row| row.after_test_openings).max().unwrap_or(0),
        synthetic: first.synthetic,
        split: method(first),
        folds: fold.map(|fold| fold.count),
        leak,
    }
}

fn spread(rows: &[&ResultRow], of: fn(&ResultRow) -> Option<f64>) -> Option<Spread> {
    Spread::of(&rows.iter().filter_map(|row| of(row)).collect::<Vec<_>>())
}

/// Runs of earlier versions had no other method.
fn method(row: &ResultRow) -> SplitMethod {
    row.division.as_ref().map_or(SplitMethod::Random, |division| division.split)
}

fn leak(rows: &[&ResultRow], apart: &HashMap<&str, Vec<&Group>>) -> Option<Leak> {
    let first = rows[0];
    let sources = &first.division.as_ref()?.sources;
    if method(first) != SplitMethod::Random {
        return None;
    }
    let apart = apart
        .get(setting(first))?
        .iter()
        .filter(|others| others[0].division.as_ref().is_some_and(|division| division.sources == *sources))
        // A single split by subject is more comparable with the random one than folds are: its splits have the same
        // sizes.
        .min_by_key(|others| method(others[0]))?;
    let other = apart[0];
    let mean = |rows: &[&ResultRow], of| spread(rows, of).map(|spread| spread.mean);
    let [val, test]: [fn(&ResultRow) -> Option<f64>; 2] = [|row| row.val_accuracy, |row| row.test_accuracy];
    let difference = |of| Some(mean(rows, of)? - mean(apart, of)?);
    Some(Leak {
        dataset: other
            .division
            .as_ref()
            .and_then(|division| division.fold.as_ref())
            .map_or_else(|| other.dataset.clone(), |fold| fold.of.clone()),
        split: method(other),
        val_accuracy: mean(apart, val),
        test_accuracy: mean(apart, test),
        val_leak: difference(val),
        test_leak: difference(test),
    })
}

/// By run with a random split: the leak of its setting, where it is known.
pub fn leaks<'a>(rows: impl IntoIterator<Item = &'a ResultRow>) -> HashMap<String, Leak> {
    let groups = grouped(rows);
    let apart = kept_apart(&groups);
    let known = groups.iter().filter_map(|rows| Some((rows, leak(rows, &apart)?)));
    known.flat_map(|(rows, leak)| rows.iter().map(move |row| (row.run.clone(), leak.clone()))).collect()
}
