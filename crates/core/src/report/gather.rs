//! Gathers the content of a report from the workspace.

use crate::dataset::manifest::folds_of;
use crate::dataset::{PrepareReport, Split, list_prepared};
use crate::error::{Error, Result};
use crate::evaluation::calibration::{Bin, reliability};
use crate::evaluation::figures::BINS;
use crate::evaluation::{Figures, Groups, pr_curve, roc_curve};
use crate::imaging;
use crate::map::{self, Map};
use crate::model::ModelInfo;
use crate::run::learning_curve::LearningCurve;
use crate::run::listing::Damaged;
use crate::run::openings::{self, Record};
use crate::run::results::{self, ResultRow, SettingRow, Table};
use crate::run::scored::{Comparison, Scored, compare};
use crate::run::{History, JobSpec, RunFolder, Spec, choice};
use crate::study::{self, Exported, Holdings, ReportWanted, export};
use crate::workspace::Workspace;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

/// Maximum number of models with a section of their own; the table lists all.
const MOST_MODELS: usize = 12;
/// Mistakes shown per model and split.
const MISTAKES: usize = 10;
/// Side of a thumbnail in pixels.
const THUMBNAIL: u32 = 96;
/// A column with more values is not used for groups.
const MOST_GROUPS: usize = 24;

/// All data of a report.
pub struct Study {
    pub workspace: PathBuf,
    /// RFC 3339, UTC.
    pub made: String,
    pub sets: Vec<Set>,
    /// Every run with a finished model, the best on validation first.
    pub rows: Vec<ResultRow>,
    pub settings: Vec<SettingRow>,
    /// Those with a section of their own.
    pub models: Vec<Model>,
    /// The model of the card against the others, on the images that both were scored on.
    pub comparisons: Vec<(String, Comparison)>,
    pub record: Record,
    /// Finished learning curves, each with its run, oldest first.
    pub curves: Vec<(String, LearningCurve)>,
    /// Maps of the present versions of the sets.
    pub maps: Vec<Map>,
    /// The run that the card is of.
    pub card: Option<String>,
    /// All jobs that can be repeated, oldest first.
    pub jobs: Vec<(String, Spec)>,
    pub chosen: Option<choice::Choice>,
    /// The study file that reproduces all of it, and what it lacks.
    pub file: Exported,
    /// The SHA-256 of the weights of the models' networks, by network.
    pub weights: BTreeMap<String, String>,
    /// Runs with unreadable data.
    pub damaged: Vec<Damaged>,
}

/// A prepared data set.
pub struct Set {
    pub report: PrepareReport,
}

/// A model with a section of its own.
pub struct Model {
    pub row: ResultRow,
    pub info: Option<ModelInfo>,
    pub history: History,
    /// Validation, and test if it was opened.
    pub parts: Vec<Part>,
}

/// A model on one split.
pub struct Part {
    pub split: Split,
    pub figures: Figures,
    pub groups: Vec<Groups>,
    /// False positive rate and true positive rate.
    pub roc: Vec<(f64, f64)>,
    /// Recall and precision.
    pub pr: Vec<(f64, f64)>,
    pub bins: Vec<Bin>,
    pub mistakes: Vec<Mistake>,
}

/// A misclassified image with a confident score.
pub struct Mistake {
    pub path: String,
    pub label: String,
    pub called: String,
    /// The score of the predicted class.
    pub score: f64,
    pub age: Option<String>,
    /// A small JPEG, if thumbnails are requested.
    pub thumbnail: Option<Vec<u8>>,
}

impl Study {
    /// Reads the workspace. `model` is the run of the card; else the chosen one, else the best on validation.
    ///
    /// # Errors
    /// If there is no such model, or a prepared set or the choice cannot be read.
    pub fn read(workspace: &Workspace, model: Option<&str>, thumbnails: bool) -> Result<Self> {
        let Table { mut rows, mut damaged, .. } = results::table(workspace)?;
        rows.retain(|row| row.has_model() && (row.val_accuracy.is_some() || row.refit.is_some()));
        results::sort(&mut rows, results::Column::Val, true);
        let chosen = choice::load(workspace)?;
        let card = match model {
            Some(name) => {
                RunFolder::find(workspace, name)?;
                if !rows.iter().any(|row| row.run == name) {
                    return Err(Error::failed(format!("Run {name} has no trained model, so there is no card for it.")));
                }
                Some(name.to_owned())
            }
            None => chosen
                .as_ref()
                .map(|choice| choice.run.clone())
                .filter(|run| rows.iter().any(|row| row.run == *run))
                .or_else(|| rows.first().map(|row| row.run.clone())),
        };
        let mut shown: Vec<&ResultRow> = rows
            .iter()
            .filter(|row| Some(&row.run) == card.as_ref())
            .chain(rows.iter().filter(|row| row.test_accuracy.is_some()))
            .chain(best_of_each_kind(&rows))
            .chain(&rows)
            .collect();
        let mut seen = BTreeSet::new();
        shown.retain(|row| seen.insert(row.run.clone()));
        shown.truncate(MOST_MODELS);
        let order = |row: &ResultRow| rows.iter().position(|other| other.run == row.run);
        shown.sort_by_key(|row| order(row));
        let mut models = Vec::new();
        for row in &shown {
            match read_model(workspace, row, thumbnails) {
                Ok(read) => models.push(read),
                Err(problem) if model == Some(row.run.as_str()) => return Err(problem),
                Err(problem) => damaged.push(Damaged { folder: RunFolder::find(workspace, &row.run)?, problem }),
            }
        }
        shown.retain(|row| models.iter().any(|model| model.row.run == row.run));
        let card = card.filter(|run| models.iter().any(|model| model.row.run == *run));
        let comparisons = match rows.iter().find(|row| Some(&row.run) == card.as_ref()) {
            Some(row) => comparisons(workspace, row, &shown)?,
            None => Vec::new(),
        };
        let jobs = jobs(workspace)?;
        Ok(Self {
            workspace: workspace.root().to_owned(),
            made: jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string(),
            sets: sets(workspace)?,
            settings: results::by_setting(&rows),
            record: openings::load(workspace),
            curves: curves(workspace, &jobs),
            maps: maps(workspace)?,
            jobs,
            file: file(workspace)?,
            weights: weights(workspace, &rows),
            rows,
            models,
            comparisons,
            card,
            chosen,
            damaged,
        })
    }
}

/// The best model of each kind on each data set, without which the table would be incomplete.
fn best_of_each_kind(rows: &[ResultRow]) -> Vec<&ResultRow> {
    let mut seen = BTreeSet::new();
    rows.iter().filter(|row| seen.insert((row.kind.name(), row.dataset.clone()))).collect()
}

/// The prepared sets, with the reports of cross-validations instead of those of their folds.
fn sets(workspace: &Workspace) -> Result<Vec<Set>> {
    let mut sets = Vec::new();
    let mut whole = BTreeSet::new();
    for name in list_prepared(workspace) {
        let report = PrepareReport::load(&workspace.prepared(&name))?;
        let fold = report.fold.as_ref().map(|fold| fold.of.clone());
        sets.push(Set { report });
        if let Some(of) = fold.filter(|of| whole.insert(of.clone())) {
            let folder = workspace.prepared(&of);
            if !folds_of(workspace, &of).is_empty() && folder.join("report.json").exists() {
                let report = PrepareReport { name: of, ..PrepareReport::load(&folder)? };
                sets.insert(sets.len() - 1, Set { report });
            }
        }
    }
    Ok(sets)
}

/// The learning curves of the workspace. An unfinished one has none yet.
fn curves(workspace: &Workspace, jobs: &[(String, Spec)]) -> Vec<(String, LearningCurve)> {
    let drawn = jobs.iter().filter(|(_, spec)| matches!(spec.job, JobSpec::LearningCurve { .. }));
    let read = |run: &str| LearningCurve::load(RunFolder::find(workspace, run).ok()?.path()).ok();
    drawn.filter_map(|(run, _)| Some((run.clone(), read(run)?))).collect()
}

/// The maps of every set, and of the folds of a cross-validation.
fn maps(workspace: &Workspace) -> Result<Vec<Map>> {
    let manifests: BTreeSet<String> = sets(workspace)?.into_iter().map(|set| set.report.manifest_sha256).collect();
    Ok(manifests.iter().flat_map(|manifest| map::all(workspace, manifest)).collect())
}

fn jobs(workspace: &Workspace) -> Result<Vec<(String, Spec)>> {
    let mut jobs = Vec::new();
    for run in RunFolder::list(workspace)? {
        if let Ok(spec) = run.spec() {
            jobs.push((run.id().to_string(), spec));
        }
    }
    jobs.sort_by(|a, b| a.1.created.cmp(&b.1.created));
    Ok(jobs)
}

/// The study of the workspace, with the fact that a report was written.
fn file(workspace: &Workspace) -> Result<Exported> {
    let reported = study::Study { report: Some(ReportWanted::default()), ..study::Study::default() };
    let mut exported = export(&Holdings::read(workspace, &reported)?);
    exported.study.report = Some(ReportWanted::default());
    Ok(exported)
}

/// The weights of each network, as recorded by one of its models.
fn weights(workspace: &Workspace, rows: &[ResultRow]) -> BTreeMap<String, String> {
    let mut weights = BTreeMap::new();
    for row in rows {
        let Some(backbone) = row.backbone.as_ref().filter(|name| !weights.contains_key(*name)) else { continue };
        // The metadata of a damaged model file is left out of the report.
        let run = RunFolder::find(workspace, &row.run).ok();
        if let Some(info) = run.and_then(|run| ModelInfo::read(&run.model_path()).ok()) {
            weights.insert(backbone.clone(), info.input.weights);
        }
    }
    weights
}

fn read_model(workspace: &Workspace, row: &ResultRow, thumbnails: bool) -> Result<Model> {
    let run = RunFolder::find(workspace, &row.run)?;
    let mut parts = Vec::new();
    for split in [Split::Val, Split::Test] {
        if let Some(scored) = Scored::load(workspace, &run, row, split)? {
            parts.push(part(&scored, thumbnails)?);
        }
    }
    // The metadata of a damaged model file is left out of the report.
    let info = ModelInfo::read(&run.model_path()).ok();
    Ok(Model { row: row.clone(), info, history: History::read(&run)?, parts })
}

fn part(scored: &Scored, thumbnails: bool) -> Result<Part> {
    let groups = scored.columns().iter().map(|column| scored.by(column)).collect::<Result<Vec<_>>>()?;
    let roc = roc_curve(&scored.scores, &scored.positive).unwrap_or_default();
    let pr = pr_curve(&scored.scores, &scored.positive).unwrap_or_default();
    Ok(Part {
        split: scored.split,
        figures: scored.figures(),
        groups: groups.into_iter().filter(|groups| groups.groups.len() <= MOST_GROUPS).collect(),
        roc: roc.iter().map(|point| (point.false_positive_rate, point.true_positive_rate)).collect(),
        pr: pr.iter().map(|point| (point.recall, point.precision)).collect(),
        bins: reliability(&scored.scores, &scored.positive, BINS),
        mistakes: mistakes(scored, thumbnails),
    })
}

/// The misclassified images with the most extreme scores.
fn mistakes(scored: &Scored, thumbnails: bool) -> Vec<Mistake> {
    let correct = scored.correct();
    let mut wrong: Vec<usize> = (0..correct.len()).filter(|index| !correct[*index]).collect();
    let certainty =
        |index: usize| if scored.positive[index] { 1.0 - scored.scores[index] } else { scored.scores[index] };
    wrong.sort_by(|a, b| certainty(*b).total_cmp(&certainty(*a)));
    wrong.truncate(MISTAKES);
    let mistake = |index: usize| {
        let class = usize::from(scored.positive[index]);
        let image = &scored.images[index];
        let file = thumbnails.then(|| scored.file(image)).flatten();
        Mistake {
            path: image.path.clone(),
            label: scored.classes[class].clone(),
            called: scored.classes[1 - class].clone(),
            score: certainty(index),
            age: image.age.clone(),
            thumbnail: file.and_then(|file| thumbnail(&file)),
        }
    };
    wrong.into_iter().map(mistake).collect()
}

/// A small JPEG of an image file; none if it cannot be read.
fn thumbnail(file: &std::path::Path) -> Option<Vec<u8>> {
    let pixels = imaging::decode(&fs::read(file).ok()?).ok()?;
    let (width, height) = (u32::try_from(pixels.width()).ok()?, u32::try_from(pixels.height()).ok()?);
    let image = image::RgbImage::from_raw(width, height, pixels.into_rgb())?;
    let tall = (u64::from(THUMBNAIL) * u64::from(height) / u64::from(width.max(1))).clamp(1, 2 * u64::from(THUMBNAIL));
    let small = image::imageops::thumbnail(&image, THUMBNAIL, u32::try_from(tall).ok()?);
    let mut bytes = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 70).encode_image(&small).ok()?;
    Some(bytes)
}

fn comparisons(workspace: &Workspace, card: &ResultRow, others: &[&ResultRow]) -> Result<Vec<(String, Comparison)>> {
    let mut comparisons = Vec::new();
    for split in [Split::Val, Split::Test] {
        let Some(first) = Scored::load(workspace, &RunFolder::find(workspace, &card.run)?, card, split)? else {
            continue;
        };
        for other in
            others.iter().filter(|other| other.run != card.run && other.manifest_sha256 == card.manifest_sha256)
        {
            let run = RunFolder::find(workspace, &other.run)?;
            let second = Scored::load(workspace, &run, other, split)?;
            if let Some(comparison) = second.and_then(|second| compare(&first, &second)) {
                comparisons.push((other.run.clone(), comparison));
            }
        }
    }
    Ok(comparisons)
}
