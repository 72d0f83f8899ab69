//! The table of all models side by side: validation accuracy always, test accuracy once opened.

use super::journal::{Event, JournalWriter, Life};
use super::openings::{self, Opening};
use super::refit;
use super::{JobSpec, RunFolder, RunView, Status};
use crate::dataset::{Fold, PrepareReport, SplitMethod};
use crate::error::{AtPath, Error, Result};
use crate::evaluation::{Calibration, Criterion, Interval, ScoreFigures, threshold_for};
use crate::model::Kind;
use crate::workspace::{Workspace, write_whole};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fs;
use std::str::FromStr;

/// One model's row. The names of the fields are a contract of `results --json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResultRow {
    pub run: String,
    pub kind: Kind,
    /// Null for the benchmark, which has none.
    pub backbone: Option<String>,
    pub pool: Option<String>,
    pub tap: Option<String>,
    /// Trained parameters.
    pub params: usize,
    pub seed: u64,
    /// Epochs that were run (iterations for the logistic regression are not epochs: 0).
    pub epochs: usize,
    /// The epoch whose weights were kept, chosen on validation.
    pub best_epoch: Option<usize>,
    /// At the chosen threshold, as all accuracies here, in 0..=1.
    pub train_accuracy: Option<f64>,
    pub val_accuracy: Option<f64>,
    pub val_interval: Option<Interval>,
    /// Null until the test split was opened for this run.
    pub test_accuracy: Option<f64>,
    pub test_interval: Option<Interval>,
    /// Chosen on validation.
    pub threshold: f64,
    /// Wall time of the run.
    pub seconds: f64,
    pub status: Status,
    pub dataset: String,
    pub manifest_sha256: String,
    /// True when the data set is the program's own drawings.
    pub synthetic: bool,
    /// The settings in a few words.
    pub settings: String,
    /// RFC 3339, UTC: when the run was asked for.
    pub created: String,
    /// How often the test split of this data had been opened before this run was made: its settings can have been
    /// chosen on the test set.
    #[serde(default)]
    pub after_test_openings: usize,
    /// Whether `predict` uses it.
    #[serde(default)]
    pub chosen: bool,
    /// More about the validation scores; null for runs of earlier versions and runs without a result.
    #[serde(default)]
    pub validation: Option<ValidationFigures>,
    /// How its data was divided; null for runs of earlier versions, which knew random and official splits only.
    #[serde(default)]
    pub division: Option<DataDivision>,
    /// The settings as they were asked for, in a few words; `settings` says what was chosen among them on validation.
    #[serde(default)]
    pub asked: String,
    /// The same for all seeds of one setting, and for nothing else.
    #[serde(default)]
    pub key: String,
    /// For a model that was trained on the validation split too: the run for which epochs and threshold were chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refit: Option<String>,
}

/// What decides, beside the images, how hard a test is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataDivision {
    pub split: SplitMethod,
    /// Which part of a cross-validation.
    pub fold: Option<Fold>,
    /// The raw data, as `adapter:path`.
    pub sources: Vec<String>,
    /// The seed of the division.
    pub seed: u64,
}

impl DataDivision {
    /// As the account of a preparation says.
    pub fn of(report: &PrepareReport) -> Self {
        let PrepareReport { split, fold, sources, seed, .. } = report;
        Self { split: *split, fold: fold.clone(), sources: sources.clone(), seed: *seed }
    }
}

/// What the validation scores say beside the accuracy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValidationFigures {
    #[serde(flatten)]
    pub of_scores: ScoreFigures,
    /// Thresholds by the criterion they serve best: `auto`, `youden`, `eer`.
    pub thresholds: BTreeMap<String, f64>,
    /// How scores become calibrated probabilities.
    pub calibration: Option<Calibration>,
}

impl ValidationFigures {
    /// Of scores, labels and the calibration fitted to them.
    pub fn of(scores: &[f64], positive: &[bool], calibration: Option<Calibration>) -> Self {
        let criteria = [Criterion::Accuracy, Criterion::Youden, Criterion::EqualError];
        let thresholds = criteria
            .into_iter()
            .filter_map(|criterion| Some((criterion.to_string(), threshold_for(criterion, scores, positive)?)));
        Self {
            of_scores: ScoreFigures::of(scores, positive, calibration),
            thresholds: thresholds.collect(),
            calibration,
        }
    }
}

impl ResultRow {
    /// The row a run has written, if it has.
    pub fn load(run: &RunFolder) -> Result<Option<Self>> {
        let path = run.result_path();
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .map(|row: Self| Some(row.with_key(run)))
                .map_err(|error| Error::file(&path, format!("is not a result ({error}); train the run again"))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::file(&path, error)),
        }
    }

    /// Rows of version 0.1.0 told seeds of one setting by their words: key and words are those of the run's spec.
    fn with_key(mut self, run: &RunFolder) -> Self {
        if self.key.is_empty()
            && let Ok(spec) = run.spec()
            && let JobSpec::Train { model, refit, .. } = spec.job
        {
            self.key = refit::key(&model, refit.is_some());
            self.asked = refit::describe(model.describe(), refit.is_some());
            if model.kind().info().chosen.is_none() {
                self.settings = self.asked.clone();
            }
        }
        self
    }

    /// The same of a training that has nothing left to do; one that left a checkpoint has.
    pub fn finished(run: &RunFolder) -> Result<Option<Self>> {
        if run.checkpoint_path().exists() { Ok(None) } else { Self::load(run) }
    }

    /// [`ResultRow::finished`], whose absence is an error.
    pub fn required(run: &RunFolder) -> Result<Self> {
        Self::finished(run)?.ok_or_else(|| {
            Error::failed(format!("Run {} has no trained model yet; train it to its end first.", run.id()))
        })
    }

    /// Gives the journal of a training that left this row its last word, if the worker was killed before it could.
    pub fn close(&self, run: &RunFolder) -> Result<()> {
        let mut view = RunView::open(run.clone())?;
        // A long journal is read in pieces.
        while view.refresh()? {}
        if view.status == Status::Interrupted {
            let life = Life::Finished { summary: self.summary(), seconds: self.seconds };
            JournalWriter::open(&run.events_path())?.write(Event::Life(life));
        }
        Ok(())
    }

    /// What came of the training, in a few words.
    pub fn summary(&self) -> String {
        if let Some(first) = &self.refit {
            return format!("trained on validation too, with epochs and threshold {:.3} of {first}", self.threshold);
        }
        let best = self.best_epoch.map(|epoch| format!(" at epoch {epoch}")).unwrap_or_default();
        let accuracy = self.val_accuracy.unwrap_or(f64::NAN);
        format!("validation accuracy {accuracy:.3}{best}, threshold {:.3}", self.threshold)
    }

    /// Writes the row into its run's folder.
    pub fn save(&self, run: &RunFolder) -> Result<()> {
        let path = run.result_path();
        write_whole(&path, &serde_json::to_vec_pretty(self).at(&path)?)
    }

    /// The row of a run that has no result (yet): what its spec says, and how it stands.
    fn unfinished(view: &RunView) -> Option<Self> {
        let JobSpec::Train { dataset, model, refit } = &view.spec.job else {
            return None;
        };
        let settings = refit::describe(model.describe(), refit.is_some());
        let last = view.epochs.last();
        Some(Self {
            run: view.id().to_string(),
            kind: model.kind().listed(),
            backbone: model.backbone().map(str::to_owned),
            pool: None,
            tap: None,
            params: 0,
            seed: model.seed(),
            epochs: view.epochs.len(),
            best_epoch: None,
            train_accuracy: last.map(|epoch| epoch.train_accuracy),
            val_accuracy: last.and_then(|epoch| Some(epoch.validated?.accuracy)),
            val_interval: None,
            test_accuracy: None,
            test_interval: None,
            threshold: 0.5,
            seconds: view.seconds().unwrap_or(0.0),
            status: view.status,
            dataset: dataset.clone(),
            manifest_sha256: String::new(),
            synthetic: false,
            settings: settings.clone(),
            created: view.spec.created.clone(),
            after_test_openings: 0,
            chosen: false,
            validation: None,
            division: None,
            asked: settings,
            key: refit::key(model, refit.is_some()),
            refit: refit.clone(),
        })
    }
}

/// The row of a run, from its result or else from its journal; none for runs that train nothing.
pub fn row(view: &RunView, openings: &[Opening], chosen: Option<&str>) -> Option<ResultRow> {
    let mut row = match &view.result {
        Some(result) => ResultRow { status: view.status, ..result.clone() },
        None => ResultRow::unfinished(view)?,
    };
    mark(&mut row, openings, chosen);
    Some(row)
}

/// Sets what does not come from the run itself: what was opened before it was made, and whether predict uses it.
pub fn mark(row: &mut ResultRow, openings: &[Opening], chosen: Option<&str>) {
    row.after_test_openings = openings::before(openings, &row.manifest_sha256, &row.created);
    row.chosen = chosen == Some(row.run.as_str());
}

/// The rows of all runs that train a model, by run.
pub fn table(workspace: &Workspace) -> Result<Vec<ResultRow>> {
    let openings = openings::load(workspace)?;
    let chosen = super::choice::load(workspace)?.map(|choice| choice.run);
    let mut rows = Vec::new();
    for folder in RunFolder::list(workspace)? {
        let view = RunView::open(folder)?;
        rows.extend(row(&view, &openings, chosen.as_deref()));
    }
    Ok(rows)
}

/// The rows of a sweep's heads, or of the folds of a cross-validation, by run.
pub fn of_sweep(workspace: &Workspace, sweep: &str) -> Result<Vec<ResultRow>> {
    let mut rows = table(workspace)?;
    let mut heads = Vec::new();
    for folder in RunFolder::list(workspace)? {
        if folder.spec()?.parent.as_deref() == Some(sweep) {
            heads.push(folder.id().to_string());
        }
    }
    rows.retain(|row| heads.contains(&row.run));
    Ok(rows)
}

/// Mean and spread of one figure over the seeds or folds of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    pub mean: f64,
    /// Sample standard deviation; null with one seed.
    pub deviation: Option<f64>,
    pub count: usize,
}

impl Spread {
    pub fn of(values: &[f64]) -> Option<Self> {
        let count = values.len();
        if count == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / count as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = (count > 1).then(|| (squares / (count - 1) as f64).sqrt());
        Some(Self { mean, deviation, count })
    }
}

pub use super::settings::{Leak, SettingRow, by_setting, leak_of};

/// A column that the table can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Column {
    Run,
    Kind,
    Backbone,
    Params,
    Epochs,
    Train,
    Val,
    Test,
    Threshold,
    Seconds,
    Status,
}

impl Column {
    /// All columns, in the order the table shows them.
    pub const ALL: [Self; 11] = [
        Self::Run,
        Self::Kind,
        Self::Backbone,
        Self::Params,
        Self::Epochs,
        Self::Train,
        Self::Val,
        Self::Test,
        Self::Threshold,
        Self::Seconds,
        Self::Status,
    ];

    /// The name on the command line and over the column.
    pub fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Kind => "kind",
            Self::Backbone => "backbone",
            Self::Params => "params",
            Self::Epochs => "epochs",
            Self::Train => "train",
            Self::Val => "val",
            Self::Test => "test",
            Self::Threshold => "threshold",
            Self::Seconds => "seconds",
            Self::Status => "status",
        }
    }

    /// Whether the first press of a sort key should put the largest on top.
    pub fn descends(self) -> bool {
        matches!(self, Self::Train | Self::Val | Self::Test)
    }
}

impl FromStr for Column {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|column| column.name() == text).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|column| column.name()).collect();
            format!("'{text}' is not a column; there are {}", names.join(", "))
        })
    }
}

/// Orders rows by a column; rows that have no value for it come last either way, ties keep their order.
pub fn sort(rows: &mut [ResultRow], column: Column, descending: bool) {
    rows.sort_by(|a, b| order(a, b, column, descending));
}

/// The same of borrowed rows.
pub fn sort_refs(rows: &mut [&ResultRow], column: Column, descending: bool) {
    rows.sort_by(|a, b| order(a, b, column, descending));
}

fn order(a: &ResultRow, b: &ResultRow, column: Column, descending: bool) -> Ordering {
    let number = |a: Option<f64>, b: Option<f64>| match (a, b) {
        (Some(a), Some(b)) if descending => b.total_cmp(&a),
        (Some(a), Some(b)) => a.total_cmp(&b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    };
    let turn = |ordering: Ordering| if descending { ordering.reverse() } else { ordering };
    match column {
        Column::Run => turn(run_key(&a.run).cmp(&run_key(&b.run))),
        Column::Kind => turn(a.kind.name().cmp(b.kind.name())),
        Column::Backbone => turn(a.backbone.cmp(&b.backbone)),
        Column::Params => turn(a.params.cmp(&b.params)),
        Column::Epochs => turn(a.epochs.cmp(&b.epochs)),
        Column::Train => number(a.train_accuracy, b.train_accuracy),
        Column::Val => number(a.val_accuracy, b.val_accuracy),
        Column::Test => number(a.test_accuracy, b.test_accuracy),
        Column::Threshold => number(Some(a.threshold), Some(b.threshold)),
        Column::Seconds => number(Some(a.seconds), Some(b.seconds)),
        Column::Status => turn(a.status.name().cmp(b.status.name())),
    }
}

/// `dense-10` after `dense-9`.
fn run_key(run: &str) -> (&str, u64) {
    run.rsplit_once('-').and_then(|(kind, number)| Some((kind, number.parse().ok()?))).unwrap_or((run, 0))
}
