//! The content of a workspace, as far as a study can ask for it.

use super::file::Study;
use crate::backbone::weights;
use crate::dataset::division::Fold;
use crate::dataset::followed::{DecisionMap, Followed};
use crate::dataset::manifest::{Manifest, Sources};
use crate::dataset::synthetic::{SampleSettings, drawn};
use crate::dataset::{PrepareReport, PrepareSettings, Version, list_prepared, located};
use crate::error::Result;
use crate::features::{FeatureSpec, Store};
use crate::run::choice::{self, Choice};
use crate::run::external_evaluation::ExternalEvaluation;
use crate::run::listing::{self, Listed};
use crate::run::results::ResultRow;
use crate::run::{JobSpec, Status};
use crate::workspace::Workspace;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Runs, prepared sets, the sample, features, the report.
#[derive(Debug, Clone, Default)]
pub struct Holdings {
    /// The workspace's folder, to which relative paths of a study refer.
    pub root: PathBuf,
    pub sample: Option<SampleSettings>,
    pub sets: Vec<HeldSet>,
    /// Oldest first.
    pub runs: Vec<HeldRun>,
    /// Features that are complete for a set, without a run that computed them.
    pub rows: Vec<(FeatureSpec, String)>,
    /// The chosen model, if there is one.
    pub chosen: Option<Choice>,
    /// When the report was written, in milliseconds since 1970; none if there is none.
    pub report: Option<i64>,
}

/// A prepared set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldSet {
    pub name: String,
    /// Its settings.
    pub settings: PrepareSettings,
    pub manifest_sha256: String,
    pub fold: Option<Fold>,
    /// The decisions about images that it follows; none where an earlier version kept no record of them.
    pub followed: Option<DecisionMap>,
}

/// A run.
#[derive(Debug, Clone)]
pub struct HeldRun {
    pub id: String,
    pub job: JobSpec,
    pub parent: Option<String>,
    /// The step of a study that it was started as.
    pub step: Option<String>,
    pub created: String,
    pub status: Status,
    /// The result of a finished training.
    pub row: Option<ResultRow>,
    pub seconds: Option<f64>,
    pub outcome: Option<String>,
    /// Milliseconds since 1970.
    pub ended: Option<i64>,
    /// For an external evaluation, the manifest it used.
    pub evaluated: Option<String>,
}

impl Holdings {
    /// Reads what the study needs from a workspace. Unreadable items are left out.
    ///
    /// # Errors
    /// If the runs cannot be listed.
    pub fn read(workspace: &Workspace, study: &Study) -> Result<Self> {
        let mut runs: Vec<HeldRun> = Vec::new();
        for listed in listing::all(workspace)? {
            let Listed::Run(view) = listed else { continue };
            let row = view.result.clone().ok().flatten().filter(|_| !view.folder.checkpoint_path().exists());
            let evaluated = match view.spec.job {
                JobSpec::Evaluate { .. } => ExternalEvaluation::load(view.folder.path()).ok(),
                _ => None,
            };
            let facts = view.facts();
            runs.push(HeldRun {
                id: view.id().to_string(),
                status: view.status,
                row,
                seconds: view.seconds(),
                outcome: facts.outcome.clone(),
                ended: facts.ended,
                evaluated: evaluated.map(|evaluation| evaluation.manifest_sha256),
                job: view.spec.job,
                parent: view.spec.parent,
                step: view.spec.step,
                created: view.spec.created,
            });
        }
        runs.sort_by(|a, b| a.created.cmp(&b.created));
        let mut held = Self {
            root: workspace.root().to_owned(),
            sample: drawn(&workspace.sample()),
            sets: list_prepared(workspace).iter().filter_map(|name| set(workspace, name)).collect(),
            runs,
            rows: Vec::new(),
            // A damaged choice is made again.
            chosen: choice::load(workspace).ok().flatten(),
            report: study.report.as_ref().and_then(|report| written(&report.html(workspace.root()))),
        };
        for extraction in &study.features {
            for data in study.data.iter().filter(|data| study.extracted_for(extraction).contains(&data.name)) {
                let Some(set) = prepared(&held, data) else { continue };
                let name = set.one().to_owned();
                if !held.has_extracted(&extraction.features, &name)
                    && holds_rows(workspace, &extraction.features, &name)
                {
                    held.rows.push((extraction.features.clone(), name));
                }
            }
        }
        Ok(held)
    }

    /// Whether a run has computed these features for all images of a set.
    fn has_extracted(&self, features: &FeatureSpec, set: &str) -> bool {
        self.runs.iter().any(|run| {
            let same = match &run.job {
                JobSpec::Extract { dataset, features: own } => dataset == set && own == features,
                _ => false,
            };
            same && run.status == Status::Done
        })
    }

    /// The run with this name.
    pub fn run(&self, id: &str) -> Option<&HeldRun> {
        self.runs.iter().find(|run| run.id == id)
    }
}

fn set(workspace: &Workspace, name: &str) -> Option<HeldSet> {
    let folder = workspace.prepared(name);
    let report = PrepareReport::load(&folder).ok()?;
    let followed = report.rulings();
    let PrepareReport { manifest_sha256, fold, .. } = report;
    let sources: Sources = crate::seal::value(&fs::read(folder.join("sources.json")).ok()?).ok()?;
    Some(HeldSet { name: name.to_owned(), settings: sources.settings, manifest_sha256, fold, followed })
}

fn written(path: &Path) -> Option<i64> {
    let modified = fs::metadata(path).ok()?.modified().ok()?;
    i64::try_from(modified.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
}

/// Whether the store has a row for every image of a set.
pub(crate) fn holds_rows(workspace: &Workspace, features: &FeatureSpec, set: &str) -> bool {
    let full = || -> Result<bool> {
        let weights = weights::sha256_of(features.check()?)?;
        let manifest = Manifest::load_named(workspace, set)?;
        let keys: Vec<_> = manifest.samples.iter().map(|sample| sample.hash).collect();
        for identity in features.identities_of(&weights)? {
            if !Store::open(&workspace.features(), &identity)?.missing(&keys).is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    };
    full().unwrap_or(false)
}

/// A prepared set that matches a request: one set, or one per fold of a cross-validation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// Its name in runs.
    pub name: String,
    /// Each set with its manifest.
    pub sets: Vec<(String, String)>,
    pub is_folds: bool,
}

impl Prepared {
    /// The single set, or the first fold of a cross-validation, which contains all images.
    pub fn one(&self) -> &str {
        self.sets.first().map_or(&self.name, |(name, _)| name)
    }

    /// Whether a run with that set and manifest was made on this one.
    pub fn is(&self, dataset: &str, manifest: Option<&str>) -> bool {
        match (&self.sets[..], manifest) {
            ([(_, own)], Some(manifest)) => own == manifest,
            _ => dataset == self.name,
        }
    }
}

/// Whether a set with these sources, options, decisions and seed is prepared already, whatever it is called; one of that name is
/// taken before others. This is the one place that decides it.
pub fn prepared(held: &Holdings, wanted: &PrepareSettings) -> Option<Prepared> {
    let stated = wanted.decisions.stated();
    let same = |set: &&HeldSet| is_same(&held.root, &set.settings, wanted) && set.followed.as_ref() == Some(&stated);
    let own = |name: &str| Version::of_folder(name).name == wanted.name;
    let single = held.sets.iter().filter(same).filter(|set| set.fold.is_none());
    // The last of several: groups found by an audit, or changed images, give another set for the same settings.
    let latest = |set: &&HeldSet| (own(&set.name), Version::of_folder(&set.name).number);
    if let Some(set) = single.max_by_key(latest) {
        let sets = vec![(set.name.clone(), set.manifest_sha256.clone())];
        return Some(Prepared { name: set.name.clone(), sets, is_folds: false });
    }
    let folds = held.sets.iter().filter(same).filter_map(|set| Some((set.fold.as_ref()?, set)));
    let (first, _) = folds.clone().find(|(fold, _)| own(&fold.of)).or_else(|| folds.clone().next())?;
    let mut all: Vec<_> = folds.filter(|(fold, _)| fold.of == first.of).collect();
    all.sort_by_key(|(fold, _)| fold.index);
    let sets: Vec<_> = all.iter().map(|(_, set)| (set.name.clone(), set.manifest_sha256.clone())).collect();
    (sets.len() == first.count).then(|| Prepared { name: first.of.clone(), sets, is_folds: true })
}

/// Whether two preparations are of the same content: name and decisions aside, and wherever a path is spelt from.
pub(super) fn is_same(root: &Path, one: &PrepareSettings, other: &PrepareSettings) -> bool {
    let plain = |settings: &PrepareSettings| PrepareSettings {
        name: String::new(),
        decisions: Followed::default(),
        ..located(root, settings)
    };
    plain(one) == plain(other)
}
