//! Jobs of ensembles: fine-tuned runs with the same cut and data as one model, the mean of their logits.

use super::folder::RunFolder;
use super::results::ResultRow;
use super::spec::JobSpec;
use crate::error::{Error, Result};
use crate::features::FeatureSpec;
use crate::model::{EnsembleSettings, Kind, ModelSpec};
use crate::workspace::Workspace;

/// The job of an ensemble of runs.
///
/// # Errors
/// Fewer than two runs, or duplicates; a run that is not fine-tuned or has no model yet; runs with other data or
/// another cut; refits, for which nothing can be chosen.
pub fn job(workspace: &Workspace, names: &[String]) -> Result<JobSpec> {
    let mut first: Option<(String, FeatureSpec)> = None;
    for (at, name) in names.iter().enumerate() {
        if names[..at].contains(name) {
            return Err(Error::usage(format!("{name} is named twice; an ensemble has each run once.")));
        }
        let run = RunFolder::find(workspace, name)?;
        let foreign = || Error::usage(format!("{name} is no fine-tuned network; an ensemble is made of those."));
        let JobSpec::Train { dataset, model, refit } = run.spec()?.job else {
            return Err(foreign());
        };
        let features = model.features().filter(|_| model.kind() == Kind::FINETUNE).cloned().ok_or_else(foreign)?;
        if let Some(base) = refit {
            return Err(Error::usage(format!(
                "{name} was trained on validation too, so nothing can be chosen for an ensemble with it; make one with \
                 {base} and refit that."
            )));
        }
        ResultRow::required(&run)?;
        let own = (dataset, features);
        if first.as_ref().is_some_and(|first| *first != own) {
            return Err(Error::usage(format!(
                "{name} is of other data or another cut than {}; the members of an ensemble have both in common.",
                names[0]
            )));
        }
        first.get_or_insert(own);
    }
    match first {
        Some((dataset, features)) if names.len() > 1 => {
            Ok(JobSpec::train(dataset, ModelSpec::new(features, EnsembleSettings { members: names.to_vec() })))
        }
        _ => Err(Error::usage("An ensemble has two members or more.")),
    }
}

/// For each member its refit on training and validation, the newest of several.
pub fn refitted(workspace: &Workspace, members: &[String]) -> Result<Vec<String>> {
    let mut refits = Vec::new();
    for run in RunFolder::list(workspace)? {
        // A folder whose spec or result cannot be read does not count.
        if let Ok(spec) = run.spec()
            && let JobSpec::Train { refit: Some(base), .. } = spec.job
            && let Ok(Some(_)) = ResultRow::finished(&run)
        {
            refits.push((spec.created, base, run.id().to_string()));
        }
    }
    refits.sort();
    let of = |member: &String| {
        let found = refits.iter().rev().find(|(_, base, _)| base == member).map(|(_, _, run)| run.clone());
        found.ok_or_else(|| {
            Error::failed(format!(
                "{member} was not trained on validation yet; run 'faceprobe train refit {member}' first."
            ))
        })
    };
    members.iter().map(of).collect()
}
