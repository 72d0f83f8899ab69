//! Handing a plan's steps to the scheduler, and taking them back.

use super::limit;
use super::place::{self, Placement, plan_of};
use super::plan::Plan;
use super::queue::{self, JobState};
use super::script::script;
use super::settings::SlurmSettings;
use crate::error::{AtPath, Error, Result};
use crate::own_files;
use crate::path_text::text_of;
use crate::run::RunFolder;
use crate::seal;
use crate::workspace::{Workspace, write_whole};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::PathBuf;

/// The options for submitting a plan.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    pub settings: SlurmSettings,
    /// More options for sbatch.
    pub own: Option<String>,
}

impl Terms {
    /// Refuses what could not go well, before anything is made or submitted.
    ///
    /// # Errors
    /// A time limit that is no longer than the notice before it.
    pub fn check(&self) -> Result<()> {
        limit::check(self)
    }
}

/// A job that was submitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    pub step: usize,
    pub job: String,
    pub tasks: usize,
}

/// The batch script of every step.
///
/// # Errors
/// Options that sbatch cannot take.
pub fn scripts(plan: &Plan, terms: &Terms) -> Result<Vec<String>> {
    let program = program()?;
    (0..plan.steps.len()).map(|step| script(plan, step, &terms.settings, terms.own.as_deref(), &program)).collect()
}

/// The sbatch options that are only known when a step is submitted.
pub fn options(indices: &[usize], at_once: Option<usize>, after: &[String]) -> Vec<String> {
    let most = at_once.map(|most| format!("%{most}")).unwrap_or_default();
    let mut options = vec!["--parsable".to_owned(), format!("--array={}{most}", ranges(indices))];
    if !after.is_empty() {
        options.push(format!("--dependency=afterok:{}", after.join(":")));
        options.push("--kill-on-invalid-dep=yes".to_owned());
    }
    options
}

/// Submits the tasks of a plan that are neither done nor queued: one job array per step, each after the previous one.
///
/// # Errors
/// A scheduler that refuses or is missing; jobs submitted before stay in its queue.
pub fn submit(plan: &Plan, terms: &Terms) -> Result<Vec<Submitted>> {
    let scripts = scripts(plan, terms)?;
    // A fresh query, not the cached answer.
    queue::forget();
    let Some(there) = queue::queue() else {
        return Err(Error::failed(format!(
            "Slurm's queue cannot be asked here (squeue), so nothing was submitted; use a machine from which jobs are \
             submitted, or do the tasks here with 'faceprobe work {}'.",
            text_of(&plan.path())
        )));
    };
    let workspace = Workspace::open(&plan.workspace)?;
    for run in plan.specs.keys() {
        place::set(&RunFolder::find(&workspace, run)?, plan)?;
    }
    let path = terms_path(plan);
    write_whole(&path, seal::text(terms).at(&path)?.as_bytes())?;
    let logs = plan.folder().join("log");
    fs::create_dir_all(&logs).at(&logs)?;
    let mut submitted = Vec::new();
    let mut after: Vec<String> = Vec::new();
    for (step, script) in scripts.iter().enumerate() {
        let name = plan.job_of(step);
        let queued = there.of(&name);
        let first = plan.first(step);
        let open: Vec<usize> = plan.open(step).into_iter().map(|task| task - first).collect();
        let indices: Vec<usize> =
            open.iter().copied().filter(|index| queued.iter().all(|job| job.index != *index)).collect();
        let mut waits: Vec<String> =
            queued.iter().filter(|job| open.contains(&job.index)).map(|job| job.id.clone()).collect();
        if !indices.is_empty() {
            let path = plan.folder().join(format!("step-{step}.sh"));
            write_whole(&path, script.as_bytes())?;
            let mut args = options(&indices, terms.settings.at_once, &after);
            args.push(text_of(&path).into_owned());
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let said = queue::tell("sbatch", &args)?;
            // With several clusters, the cluster's name follows the number.
            let job = said.trim().split(';').next().unwrap_or_default().to_owned();
            submitted.push(Submitted { step, job: job.clone(), tasks: indices.len() });
            waits.push(job);
        }
        if !waits.is_empty() {
            after = waits;
        }
    }
    Ok(submitted)
}

/// Resubmits the missing tasks of a run, with the options of the last time.
///
/// # Errors
/// As [`submit`]; a run without a plan.
pub fn again(run: &RunFolder) -> Result<Vec<Submitted>> {
    let plan = plan(run)?;
    let path = terms_path(&plan);
    let terms = match own_files::read(&path) {
        Ok(text) => seal::value(&text).map_err(|error| {
            Error::file(
                &path,
                format!("does not say how the tasks were submitted ({error}); give the command that submitted them once more"),
            )
        })?,
        // It was made and never submitted.
        Err(_) => Terms::default(),
    };
    submit(&plan, &terms)
}

fn terms_path(plan: &Plan) -> PathBuf {
    plan.folder().join("terms.json")
}

/// Cancels the tasks of a run's plan. Running tasks save their work.
///
/// # Errors
/// A scheduler that refuses or is missing.
pub fn cancel(run: &RunFolder) -> Result<()> {
    tell_all("scancel", &[], run, |_| true)
}

/// Holds the waiting tasks of a run, and suspends the running ones if the scheduler allows it.
///
/// # Errors
/// As [`cancel`].
pub fn pause(run: &RunFolder) -> Result<()> {
    tell_all("scontrol", &["hold"], run, |state| state == JobState::Pending)?;
    tell_all("scontrol", &["suspend"], run, |state| state == JobState::Running).map_err(|error| {
        Error::failed(format!(
            "Tasks of {} that have not begun are held back; those that run go on, for {error} 'faceprobe runs resume {}' \
             lets the others begin.",
            run.id(),
            run.id()
        ))
    })
}

/// The opposite of [`pause`].
///
/// # Errors
/// As [`cancel`].
pub fn resume(run: &RunFolder) -> Result<()> {
    tell_all("scontrol", &["resume"], run, |state| state == JobState::Suspended)?;
    tell_all("scontrol", &["release"], run, |state| state == JobState::Pending)
}

/// Whether tasks of a run's plan are held or suspended.
pub fn is_paused(run: &RunFolder) -> bool {
    let look = || -> Result<bool> {
        let mut placement = Placement::of_plan(plan(run)?);
        placement.look()?;
        let standing = placement.standing();
        let held = standing.reason.as_deref().is_some_and(|reason| reason.contains("Held"));
        Ok(standing.suspended > 0 || held)
    };
    look().unwrap_or(false)
}

fn plan(run: &RunFolder) -> Result<Plan> {
    plan_of(run)?.ok_or_else(|| Error::failed(format!("Run {} was not placed on a cluster.", run.id())))
}

fn tell_all(program: &str, args: &[&str], run: &RunFolder, which: impl Fn(JobState) -> bool) -> Result<()> {
    let plan = plan(run)?;
    queue::forget();
    let Some(there) = queue::queue() else {
        return Err(Error::failed("Slurm's queue cannot be asked at present (squeue); try again.".to_owned()));
    };
    let jobs = (0..plan.steps.len()).flat_map(|step| there.of(&plan.job_of(step)).to_vec());
    let ids: Vec<String> = jobs.filter(|job| which(job.state)).map(|job| job.id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    // scontrol takes a comma-separated list, scancel a space-separated one.
    let joined = ids.join(",");
    let ids: Vec<&str> =
        if program == "scontrol" { vec![joined.as_str()] } else { ids.iter().map(String::as_str).collect() };
    queue::tell(program, &[args, &ids].concat()).map(|_| ())
}

/// The path of this program, which is the same on the nodes.
fn program() -> Result<PathBuf> {
    let own = std::env::current_exe().map_err(|error| {
        Error::failed(format!("The program's own file cannot be found ({error}); start it by its full path."))
    })?;
    Ok(own.canonicalize().unwrap_or(own))
}

/// `0-3,7`.
fn ranges(indices: &[usize]) -> String {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for &index in indices {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == index => *last = index,
            _ => ranges.push((index, index)),
        }
    }
    let text = |(first, last): &(usize, usize)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    ranges.iter().map(text).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_one_array_after_the_one_before_it() {
        let after = ["17".to_owned(), "12_3".to_owned()];
        assert_eq!(options(&[0, 1, 2, 3], Some(2), &[]), ["--parsable", "--array=0-3%2"]);
        assert_eq!(
            options(&[1, 3, 4, 9], None, &after),
            ["--parsable", "--array=1,3-4,9", "--dependency=afterok:17:12_3", "--kill-on-invalid-dep=yes"]
        );
    }
}
