//! The steps of a study on a cluster.

use super::Context;
use super::args::{On, PlaceArgs};
use super::output::{print, print_json, to_json};
use super::place::{announce, specs, terms};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::run::{JobSpec, RunFolder, Spec};
use faceprobe_core::slurm::submit::{Terms, scripts};
use faceprobe_core::slurm::{WorkRequest, draft, make};
use faceprobe_core::study::{Action, Plan, State, Step};
use serde_json::json;

/// Where steps that compute are done.
#[derive(Clone)]
pub(super) struct Cluster {
    terms: Terms,
    tasks: usize,
    /// What the specs of its runs have in common.
    spec: Spec,
}

/// Steps that are submitted together.
pub(super) struct Group<'p> {
    pub steps: Vec<&'p Step>,
    pub tasks: usize,
}

impl Cluster {
    /// The cluster that was asked for, if one was.
    ///
    /// # Errors
    /// A configuration that is refused; tasks without a cluster.
    pub fn of(context: &Context, place: &PlaceArgs) -> Result<Option<Self>> {
        match place.on {
            Some(On::Slurm(tasks)) => {
                let terms = terms(context, place)?;
                let tasks = tasks.unwrap_or(terms.settings.tasks);
                let some = JobSpec::OpenTest { run: String::new() };
                let spec = specs(context, Some(&terms), vec![some]).remove(0);
                Ok(Some(Self { terms, tasks, spec }))
            }
            Some(On::Local(Some(_))) => Err(Error::usage("A study's runs here are counted by --jobs; say --on local.")),
            _ if place.sbatch.is_some() => {
                Err(Error::usage("--sbatch gives options to Slurm; say --on slurm with it."))
            }
            _ => Ok(None),
        }
    }

    /// The spec of a job on this cluster.
    pub fn spec(&self, job: JobSpec) -> Spec {
        Spec { created: jiff::Timestamp::now().to_string(), job, ..self.spec.clone() }
    }

    /// Which of these steps are submitted, and which of them together. Work that is divided has a plan of its own, so that
    /// the failure of one keeps no other from going on; the record of test openings has one writer at a time.
    pub fn groups<'p>(&self, steps: &[&'p Step]) -> Vec<Group<'p>> {
        let (mut groups, mut whole, mut openings) = (Vec::new(), Vec::new(), Vec::new());
        for &step in steps {
            let Action::Launch(job) = &step.action else { continue };
            match **job {
                JobSpec::Extract { .. }
                | JobSpec::Sweep { .. }
                | JobSpec::Folds { .. }
                | JobSpec::LearningCurve { .. } => {
                    groups.push(Group { steps: vec![step], tasks: self.tasks });
                }
                JobSpec::Train { .. } | JobSpec::Probe { .. } | JobSpec::Map { .. } => whole.push(step),
                JobSpec::OpenTest { .. } | JobSpec::Evaluate { .. } => openings.push(step),
                // What makes data is done where the data is.
                JobSpec::Sample(_) | JobSpec::Prepare(_) | JobSpec::Audit { .. } | JobSpec::Demo { .. } => {}
            }
        }
        groups.push(Group { steps: whole, tasks: self.tasks });
        groups.push(Group { steps: openings, tasks: 1 });
        groups.retain(|group| !group.steps.is_empty());
        groups
    }

    /// Submits jobs, and gives their runs.
    ///
    /// # Errors
    /// As [`make`] and [`announce`].
    pub fn begin(&self, context: &Context, jobs: Vec<Spec>, tasks: usize) -> Result<Vec<RunFolder>> {
        let plan = make(&context.workspace, &WorkRequest { jobs, tasks })?;
        announce(context, &plan, &self.terms)?;
        plan.runs.iter().map(|run| RunFolder::find(&context.workspace, run)).collect()
    }
}

/// Prints what would be submitted now. What comes after it depends on what comes of it.
pub(super) fn dry_run(context: &Context, plan: &Plan, cluster: Option<&Cluster>) -> Result<()> {
    let ready: Vec<&Step> = plan.steps.iter().filter(|step| plan.is_ready(step) && step.state != State::Done).collect();
    let later: Vec<&str> =
        plan.steps.iter().filter(|step| !plan.is_ready(step)).map(|step| step.name.as_str()).collect();
    let (mut text, mut plans, mut taken) = (String::new(), Vec::new(), Vec::new());
    for group in cluster.map(|cluster| cluster.groups(&ready)).unwrap_or_default() {
        let Some(cluster) = cluster else { break };
        let jobs = group.steps.iter().filter_map(|step| match &step.action {
            Action::Launch(job) => Some(cluster.spec((**job).clone())),
            _ => None,
        });
        let drafted = draft(&context.workspace, &WorkRequest { jobs: jobs.collect(), tasks: group.tasks })?;
        taken.extend(group.steps.iter().map(|step| step.name.as_str()));
        for (step, script) in scripts(&drafted, &cluster.terms)?.iter().enumerate() {
            let tasks = drafted.steps.get(step).map_or(0, |step| step.tasks.len());
            text += &format!("# {}, step {step}, tasks: {tasks}\n{script}\n", taken.join("; "));
        }
        text += &format!("# plan.json\n{}\n", to_json(&drafted)?);
        plans.push(drafted);
    }
    let here: Vec<&str> = ready.iter().map(|step| step.name.as_str()).filter(|step| !taken.contains(step)).collect();
    if context.json {
        return print_json(&json!({ "plans": plans, "here": here, "later": later }));
    }
    if text.is_empty() && here.is_empty() && later.is_empty() {
        text = "There is nothing to do.\n".to_owned();
    }
    for (what, steps) in [("here", here), ("later", later)] {
        steps.iter().for_each(|step| text += &format!("{what}: {step}\n"));
    }
    print(&text)
}
