//! The results table of all models: validation accuracy, and test accuracy once opened.

use super::journal::{Event, JournalWriter, LifecycleEvent};
use super::listing::{self, Damaged, Listed};
use super::openings::{self, Record};
use super::refit;
use super::{JobSpec, RunFolder, RunView, Status};
use crate::backbone::{self, TrainedOn};
use crate::dataset::versions::Names;
use crate::dataset::{Fold, PrepareReport, SplitMethod};
use crate::error::{AtPath, Error, Result};
use crate::evaluation::{Calibration, Criterion, Interval, ScoreFigures, threshold_for};
use crate::model::Kind;
use crate::own_files;
use crate::seal;
use crate::workspace::{Workspace, write_whole};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One model's row. The field names are a contract of `results --json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResultRow {
    pub run: String,
    pub kind: Kind,
    /// Null for the benchmark.
    pub backbone: Option<String>,
    pub pool: Option<String>,
    pub tap: Option<String>,
    /// Number of trained parameters.
    pub params: usize,
    pub seed: u64,
    /// Number of epochs run; 0 for models without epochs.
    pub epochs: usize,
    /// The epoch of the kept weights, chosen on validation.
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
    /// Whether the data set is the program's own drawings.
    pub synthetic: bool,
    /// The settings in a few words.
    pub settings: String,
    /// RFC 3339, UTC: when the run was created.
    pub created: String,
    /// How often the test split of this data had been opened before this run was created: its settings may have been
    /// chosen on the test set.
    #[serde(default)]
    pub after_test_openings: usize,
    /// Whether `predict` uses it.
    #[serde(default)]
    pub chosen: bool,
    /// Further figures on validation; null for runs of earlier versions and runs without a result.
    #[serde(default)]
    pub validation: Option<ValidationFigures>,
    /// The division of its data; null for runs of earlier versions, which had random and official splits only.
    #[serde(default)]
    pub division: Option<DataDivision>,
    /// The requested settings in a few words; `settings` includes the choices made on validation.
    #[serde(default)]
    pub asked: String,
    /// A key that is equal for all seeds of one setting and different otherwise.
    #[serde(default)]
    pub key: String,
    /// The pretraining data of its network; null without a network.
    #[serde(default)]
    pub trained_on: Option<TrainedOn>,
    /// For a refit: the run whose epoch and threshold it uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refit: Option<String>,
    /// The version of its data set; null if it was not looked up.
    #[serde(default)]
    pub version: Option<DataVersion>,
}

/// The version of a data set among the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataVersion {
    pub name: String,
    pub number: u32,
    /// Whether the plain name refers to it.
    pub current: bool,
    /// The name, with the number if there are several versions.
    pub label: String,
}

/// The parameters of a data set that decide, besides the images, how hard a test is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataDivision {
    pub split: SplitMethod,
    /// The fold of a cross-validation.
    pub fold: Option<Fold>,
    /// The raw data, as `adapter:path`.
    pub sources: Vec<String>,
    /// The seed of the division.
    pub seed: u64,
}

impl DataDivision {
    /// From the report of a preparation.
    pub fn of(report: &PrepareReport) -> Self {
        let PrepareReport { split, fold, sources, seed, .. } = report;
        Self { split: *split, fold: fold.clone(), sources: sources.clone(), seed: *seed }
    }
}

/// Figures on validation besides the accuracy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValidationFigures {
    #[serde(flatten)]
    pub of_scores: ScoreFigures,
    /// Thresholds by criterion: `auto`, `youden`, `eer`.
    pub thresholds: BTreeMap<String, f64>,
    /// The calibration.
    pub calibration: Option<Calibration>,
}

impl ValidationFigures {
    /// From scores, labels and the calibration fitted to them.
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
    /// The row written by a run, if there is one.
    pub fn load(run: &RunFolder) -> Result<Option<Self>> {
        let path = run.result_path();
        match own_files::read(&path) {
            Ok(text) => seal::value(&text).map(|row: Self| Some(row.with_key(run))).map_err(|error| {
                Error::file(
                    &path,
                    format!("is not a result ({error}); 'faceprobe runs resume {}' trains it again", run.id()),
                )
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::file(&path, error)),
        }
    }

    /// Rows of version 0.1.0 identified seeds by their words: key and words are taken from the run's spec.
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

    /// The same for a training without remaining work; one with a checkpoint has some.
    pub fn finished(run: &RunFolder) -> Result<Option<Self>> {
        if run.checkpoint_path().exists() { Ok(None) } else { Self::load(run) }
    }

    /// The result of a finished or stopped training; its absence is an error.
    pub fn required(run: &RunFolder) -> Result<Self> {
        let ended = |row: &Self| row.status == Status::Stopped || !run.checkpoint_path().exists();
        Self::load(run)?.filter(ended).ok_or_else(|| {
            Error::failed(format!("Run {} has no trained model yet; train it to its end first.", run.id()))
        })
    }

    /// Whether there is a usable model: that of a finished training, or the best of a stopped one. A training stopped
    /// in its first epoch has none.
    pub fn has_model(&self) -> bool {
        match self.status {
            Status::Done => true,
            Status::Stopped => !self.manifest_sha256.is_empty(),
            _ => false,
        }
    }

    /// Writes the final event of this row's training to its journal, if the worker was killed before it could.
    pub fn close(&self, run: &RunFolder) -> Result<()> {
        let view = RunView::open(run.clone())?;
        if view.status == Status::Interrupted {
            let life = LifecycleEvent::Finished { summary: self.summary(), seconds: self.seconds };
            JournalWriter::open(&run.events_path())?.write(Event::Lifecycle(life));
        }
        Ok(())
    }

    /// Its data set, with the version if there are several.
    pub fn data(&self) -> &str {
        self.version.as_ref().map_or(&self.dataset, |version| &version.label)
    }

    /// Whether the plain name of its data set refers to another version now.
    pub fn of_other_version(&self) -> bool {
        self.version.as_ref().is_some_and(|version| !version.current)
    }

    /// The result of the training, in a few words.
    pub fn summary(&self) -> String {
        if let Some(first) = &self.refit {
            return format!("trained on validation too, with epochs and threshold {:.3} of {first}", self.threshold);
        }
        let best = self.best_epoch.map(|epoch| format!(" at epoch {epoch}")).unwrap_or_default();
        let accuracy = self.val_accuracy.unwrap_or(f64::NAN);
        format!("val@τ {accuracy:.3}{best}, τ {:.3}", self.threshold)
    }

    /// Writes the row to its run's folder.
    pub fn save(&self, run: &RunFolder) -> Result<()> {
        let path = run.result_path();
        write_whole(&path, seal::text(self).at(&path)?.as_bytes())
    }

    /// The row of a run without a result (yet): from its spec and its status.
    fn unfinished(view: &RunView) -> Option<Self> {
        let JobSpec::Train { dataset, model, refit } = &view.spec.job else {
            return None;
        };
        let settings = refit::describe(model.describe(), refit.is_some());
        let last = view.facts().last_epoch;
        Some(Self {
            backbone: model.backbone().map(str::to_owned),
            seed: model.seed(),
            epochs: last.map_or(0, |epoch| epoch.epoch),
            train_accuracy: last.map(|epoch| epoch.train_accuracy),
            val_accuracy: last.and_then(|epoch| Some(epoch.validated?.accuracy)),
            seconds: view.seconds().unwrap_or(0.0),
            dataset: dataset.clone(),
            settings: settings.clone(),
            created: view.spec.created.clone(),
            asked: settings,
            key: refit::key(model, refit.is_some()),
            refit: refit.clone(),
            ..Self::empty(&view.folder, model.kind().listed(), view.status)
        })
    }

    /// The row of a run with nothing else known.
    fn empty(run: &RunFolder, kind: Kind, status: Status) -> Self {
        Self {
            run: run.id().to_string(),
            kind,
            backbone: None,
            pool: None,
            tap: None,
            params: 0,
            seed: 0,
            epochs: 0,
            best_epoch: None,
            train_accuracy: None,
            val_accuracy: None,
            val_interval: None,
            test_accuracy: None,
            test_interval: None,
            threshold: 0.5,
            seconds: 0.0,
            status,
            dataset: String::new(),
            manifest_sha256: String::new(),
            synthetic: false,
            settings: String::new(),
            created: String::new(),
            after_test_openings: 0,
            chosen: false,
            validation: None,
            division: None,
            asked: String::new(),
            key: String::new(),
            trained_on: None,
            refit: None,
            version: None,
        }
    }

    /// The row of a damaged run, if its name is that of a training.
    fn damaged(run: &RunFolder) -> Option<Self> {
        Some(Self::empty(run, Kind::find(run.id().kind())?.listed(), Status::Damaged))
    }
}

/// The row of a run, from its result or else from its journal; none for runs that train nothing.
///
/// # Errors
/// A result that cannot be read.
pub fn row(view: &RunView, record: &Record, chosen: Option<&str>) -> Result<Option<ResultRow>> {
    let row = match &view.result {
        Ok(Some(result)) => Some(ResultRow { status: view.status, ..result.clone() }),
        Ok(None) => ResultRow::unfinished(view),
        Err(error) => return Err(error.clone()),
    };
    Ok(row.map(|mut row| {
        mark(&mut row, record, chosen);
        row
    }))
}

/// Sets the fields that do not come from the run itself: test openings before it, whether predict uses it, and its
/// network's pretraining data.
pub fn mark(row: &mut ResultRow, record: &Record, chosen: Option<&str>) {
    row.after_test_openings = record.before(&row.manifest_sha256, &row.created);
    row.chosen = chosen == Some(row.run.as_str());
    row.trained_on = row.backbone.as_deref().and_then(backbone::trained_on);
}

/// Sets the version of a row's data set.
pub fn place(mut row: ResultRow, names: &Names) -> ResultRow {
    let version = names.version(&row.dataset);
    row.version = Some(DataVersion {
        current: !names.is_earlier(&row.dataset),
        label: names.label(&row.dataset),
        number: version.number,
        name: version.plain(),
    });
    row
}

/// The rows of all training runs, and what could not be read.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// By run. A damaged run has a row without figures.
    pub rows: Vec<ResultRow>,
    pub damaged: Vec<Damaged>,
    /// The damage of the record of test openings.
    pub record: Option<Error>,
}

/// The table of a workspace.
///
/// # Errors
/// When the runs cannot be listed, or the choice cannot be read.
pub fn table(workspace: &Workspace) -> Result<Table> {
    table_of(workspace, None)
}

/// The whole table, or the rows of one run's parts.
fn table_of(workspace: &Workspace, parent: Option<&str>) -> Result<Table> {
    let record = openings::load(workspace);
    let chosen = super::choice::load(workspace)?.map(|choice| choice.run);
    let names = Names::read(workspace);
    let mut table = Table { record: record.damage(), ..Table::default() };
    for listed in listing::all(workspace)? {
        let damaged = match listed {
            Listed::Run(view) if parent.is_some() && view.spec.parent.as_deref() != parent => continue,
            Listed::Run(view) => match row(&view, &record, chosen.as_deref()) {
                Ok(row) => {
                    table.rows.extend(row.map(|row| place(row, &names)));
                    continue;
                }
                Err(problem) => Damaged { folder: view.folder, problem },
            },
            // It is unknown whether it is a part of another run.
            Listed::Damaged(_) if parent.is_some() => continue,
            Listed::Damaged(damaged) => damaged,
        };
        table.rows.extend(ResultRow::damaged(&damaged.folder));
        table.damaged.push(damaged);
    }
    Ok(table)
}

/// The rows of a sweep's heads, or of the folds of a cross-validation, by run.
///
/// # Errors
/// As [`table`].
pub fn of_sweep(workspace: &Workspace, sweep: &str) -> Result<Vec<ResultRow>> {
    table_of(workspace, Some(sweep)).map(|table| table.rows)
}

/// Mean and standard deviation of a figure over the seeds or folds of a setting.
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

pub use super::columns::{Column, sort, sort_refs};
pub use super::settings::{Leak, SettingRow, by_setting, leaks};
