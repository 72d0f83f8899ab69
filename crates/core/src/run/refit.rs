//! Refits: a model retrained on training and validation together, with the choices made on validation.
//!
//! The choices are kept: epoch or penalty, threshold, calibration. A refit chooses nothing, so it has no validation
//! accuracy, and its test split shows how much the additional images help.

use super::folder::RunFolder;
use super::results::ResultRow;
use super::spec::JobSpec;
use crate::dataset::{Manifest, Split};
use crate::error::{Error, Result};
use crate::evaluation::Calibration;
use crate::model::{ModelInfo, ModelSpec, Provenance};
use crate::workspace::Workspace;

/// The choices made on validation.
pub struct Chosen {
    /// The run it was chosen for.
    pub run: String,
    /// The epoch of the kept weights; none for a model without epochs.
    pub epoch: Option<usize>,
    pub threshold: f64,
    pub calibration: Option<Calibration>,
}

/// The splits that a model is trained on.
pub fn training_splits(refitted: bool) -> &'static [Split] {
    if refitted { &[Split::Train, Split::Val] } else { &[Split::Train] }
}

/// The settings of a model in a few words, marked if it was trained on validation too.
pub fn describe(settings: String, refitted: bool) -> String {
    if refitted { format!("{settings}, on validation too") } else { settings }
}

/// [`ModelSpec::key`], which differs between a model and its refit.
pub fn key(model: &ModelSpec, refitted: bool) -> String {
    if refitted { format!("{} refit", model.key()) } else { model.key() }
}

/// The job that refits a run.
///
/// # Errors
/// A run that trains no model or has none yet; a refit; an ensemble with a member that was not refitted yet.
pub fn job(workspace: &Workspace, name: &str) -> Result<JobSpec> {
    let run = RunFolder::find(workspace, name)?;
    let JobSpec::Train { dataset, mut model, refit } = run.spec()?.job else {
        return Err(Error::usage(format!("Run {name} trains no model, so there is none to train anew.")));
    };
    if let Some(first) = refit {
        return Err(Error::usage(format!(
            "Run {name} is {first} trained anew on all it may learn from already; refit {first} instead."
        )));
    }
    let info = trained(&run)?;
    // A set that was prepared again under the same name is reported by the job.
    let recorded = Manifest::load_recorded(workspace, &dataset, &info.provenance.manifest_sha256);
    let dataset = recorded.map_or(dataset, |manifest| manifest.name);
    (model.kind().info().refit)(&mut model, &info, workspace)?;
    Ok(JobSpec::Train { dataset, model, refit: Some(name.to_owned()) })
}

/// The choices of a run on the validation split of this exact manifest.
///
/// # Errors
/// A run without a model; a data set that was prepared again since.
pub fn chosen(workspace: &Workspace, name: &str, manifest: &Manifest) -> Result<Chosen> {
    let ModelInfo { threshold, calibration, provenance, .. } = trained(&RunFolder::find(workspace, name)?)?;
    let Provenance { manifest_sha256, best_epoch, .. } = provenance;
    if manifest_sha256 != manifest.sha256 {
        return Err(Error::failed(format!(
            "The data set '{}' was prepared anew since {name} was trained, so what was chosen for it was chosen on other \
             images; train it again first.",
            manifest.name
        )));
    }
    Ok(Chosen { run: name.to_owned(), epoch: (best_epoch > 0).then_some(best_epoch), threshold, calibration })
}

fn trained(run: &RunFolder) -> Result<ModelInfo> {
    ResultRow::required(run)?;
    ModelInfo::read(&run.model_path())
}
