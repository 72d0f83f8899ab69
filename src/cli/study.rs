//! `faceprobe study run|status`: a study as a file.

use super::Context;
use super::args::{PlaceArgs, StudyCommand, StudyFile};
use super::output::{Align, duration, print, print_json, say, table};
use super::results;
use super::study_cluster::{self, Cluster};
use super::study_export;
use super::study_runner::Runner;
use faceprobe_core::backbone::{self, weights};
use faceprobe_core::dataset::SourceSpec;
use faceprobe_core::error::{AtPath, Error, Result};
use faceprobe_core::run::results as table_of;
use faceprobe_core::run::results::ResultRow;
use faceprobe_core::study::{Holdings, Plan, State, Study, lock, parse, plan, prepared};
use faceprobe_core::text::{line, printable};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, absolute};

pub(crate) fn run(context: &Context, command: &StudyCommand) -> Result<()> {
    match command {
        StudyCommand::Run { study: file, jobs, place } => {
            let study = study(file)?;
            let file = file.file.to_string_lossy();
            run_study(context, &study, &printable(&file), usize::from(*jobs), place)
        }
        StudyCommand::Status { study: file } => {
            let study = study(file)?;
            let plan = plan(&study, &Holdings::read(&context.workspace, &study)?);
            if context.json {
                return print_json(&LastEvent { steps: told(&plan), others: &plan.others, results: None });
            }
            print(&status_text(&plan))?;
            say_others(context, &plan);
            Ok(())
        }
        StudyCommand::Export { file, force } => study_export::run(context, file.as_deref(), *force),
    }
}

/// The study of a file. What is wrong with it is said line by line.
fn read(path: &Path) -> Result<Study> {
    let text = fs::read_to_string(path).at(path)?;
    parse(&text).map_err(|mistakes| {
        let name = path.to_string_lossy();
        let name = printable(&name);
        mistakes.0.iter().for_each(|mistake| say(&line(&format!("{name}:{mistake}"))));
        let count = mistakes.0.len();
        let mistakes = if count == 1 { "mistake" } else { "mistakes" };
        Error::usage(format!("{name} has {count} {mistakes}, told above with line and column, so nothing is run."))
    })
}

/// The study of a file, with the sources that were given in place of its own. These are relative to where the user
/// stands.
fn study(file: &StudyFile) -> Result<Study> {
    let mut study = read(&file.file)?;
    for given in &file.source {
        let wrong = || Error::usage(format!("--source must be NAME=LAYOUT:PATH, not '{given}'."));
        let (name, source) = given.split_once('=').ok_or_else(wrong)?;
        let mut source: SourceSpec = source.parse()?;
        source.path = absolute(&source.path).unwrap_or(source.path);
        let names: Vec<String> = study.data.iter().map(|data| data.name.clone()).collect();
        let data = study.data.iter_mut().find(|data| data.name == name).ok_or_else(|| {
            Error::usage(format!(
                "The study has no data set '{name}' to give a source to; there are {}.",
                names.join(", ")
            ))
        })?;
        data.source = vec![source];
    }
    Ok(study)
}

/// Does what is to do of a study, and ends with its table.
fn run_study(context: &Context, study: &Study, name: &str, jobs: usize, place: &PlaceArgs) -> Result<()> {
    let cluster = Cluster::of(context, place)?;
    if place.dry_run {
        let plan = plan(study, &Holdings::read(&context.workspace, study)?);
        return study_cluster::dry_run(context, &plan, cluster.as_ref());
    }
    let alone = lock(&context.workspace)?;
    let held = Holdings::read(&context.workspace, study)?;
    if !plan(study, &held).is_done() {
        weights_there(study)?;
        images_there(context, study, &held)?;
    }
    let mut runner = Runner::new(context, study, jobs, cluster)?;
    let outcome = runner.run(&alone);
    let plan = plan(study, &Holdings::read(&context.workspace, study)?);
    if let Err(error) = &outcome
        && !runner.has_failed()
    {
        return Err(error.clone());
    }
    let rows = rows(context, &plan)?;
    if context.json {
        print_json(&LastEvent { steps: told(&plan), others: &plan.others, results: Some(&rows) })?;
    } else {
        if !context.quiet && plan.is_done() {
            say(&format!("All {} steps of {name} are done.", plan.steps.len()));
        }
        print(&format!("\n{}", results::text(&rows)))?;
        say_others(context, &plan);
    }
    outcome
}

/// Refuses a study of whose networks the weights are not here, before anything runs.
fn weights_there(study: &Study) -> Result<()> {
    let models = study.models.iter().filter_map(|model| model.model.backbone());
    let sweeps = study.sweeps.iter().map(|sweep| sweep.sweep.features.backbone.as_str());
    let features = study.features.iter().map(|features| features.features.backbone.as_str());
    let names: BTreeSet<&str> = models.chain(sweeps).chain(features).collect();
    for name in names {
        // What is no network of the program's is a file of the user's, which has a check of its own.
        if !backbone::find(name)?.is_module() && !weights::status(name)?.present {
            return Err(Error::failed(format!(
                "The study needs the weights of {name}, which are not installed; 'faceprobe weights fetch {name}' gets them."
            )));
        }
    }
    if study.data.iter().any(|data| data.align.is_some()) && !weights::status("mtcnn")?.present {
        return Err(Error::failed(
            "Aligning faces needs the weights of mtcnn, which are not installed; 'faceprobe weights fetch mtcnn' \
             gets them.",
        ));
    }
    Ok(())
}

/// Refuses a study of whose data the images are not where it says, unless they are prepared already or will be drawn.
fn images_there(context: &Context, study: &Study, held: &Holdings) -> Result<()> {
    for data in study.data.iter().filter(|data| prepared(held, data).is_none()) {
        for source in &data.source {
            let path = context.workspace.root().join(&source.path);
            let drawn = study.sample.is_some() && path == context.workspace.sample();
            if let Err(error) = (SourceSpec { path, ..source.clone() }).check()
                && !drawn
            {
                let (name, adapter) = (&data.name, source.adapter);
                return Err(Error::usage(format!(
                    "The images of data set {name} are not where the study says: {error} Say where they are with --source \
                     {name}={adapter}:PATH."
                )));
            }
        }
    }
    Ok(())
}

/// The rows of the study's models, as the table of results has them.
fn rows(context: &Context, plan: &Plan) -> Result<Vec<ResultRow>> {
    let mut rows = table_of::table(&context.workspace)?.rows;
    rows.retain(|row| plan.models.contains(&row.run));
    Ok(rows)
}

/// What `--json` prints.
#[derive(Serialize)]
struct LastEvent<'a> {
    steps: Vec<ToldStep<'a>>,
    /// What the workspace holds and the study does not ask for.
    others: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    results: Option<&'a [ResultRow]>,
}

#[derive(Serialize)]
struct ToldStep<'a> {
    step: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    state: State,
    runs: &'a [String],
    seconds: Option<f64>,
    problem: Option<&'a str>,
    /// The places of the steps that come before it.
    needs: &'a [usize],
}

fn told(plan: &Plan) -> Vec<ToldStep<'_>> {
    plan.steps
        .iter()
        .map(|step| ToldStep {
            step: &step.name,
            note: step.note.as_deref(),
            state: step.state,
            runs: &step.runs,
            seconds: step.seconds,
            problem: step.problem.as_deref(),
            needs: &step.needs,
        })
        .collect()
}

/// A line for each step.
fn status_text(plan: &Plan) -> String {
    let head = [("step", Align::Left), ("state", Align::Left), ("run", Align::Left), ("time", Align::Right)];
    let cells: Vec<Vec<String>> = plan
        .steps
        .iter()
        .map(|step| {
            let run = step.runs.first().cloned().unwrap_or_else(|| "-".into());
            let time = step.seconds.map_or_else(|| "-".into(), duration);
            let name = step.note.as_ref().map_or_else(|| step.name.clone(), |note| format!("{} ({note})", step.name));
            vec![name, step.state.name().to_owned(), run, time]
        })
        .collect();
    let mut text = table(&head, &cells);
    let count = |state: State| plan.steps.iter().filter(|step| step.state == state).count();
    let done = count(State::Done);
    text += &format!("\n{done} of {} steps are done.\n", plan.steps.len());
    for step in &plan.steps {
        if let Some(problem) = &step.problem {
            text += &format!("{}: {}\n", line(&step.name), line(problem));
        }
    }
    text
}

/// Says in a line what is here and not in the file.
fn say_others(context: &Context, plan: &Plan) {
    /// A line names no more than these.
    const NAMED: usize = 8;
    if context.quiet || plan.others.is_empty() {
        return;
    }
    let named: Vec<&str> = plan.others.iter().take(NAMED).map(String::as_str).collect();
    let more = match plan.others.len() - named.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    say(&line(&format!("The file does not ask for {}{more}; what is there stays.", named.join(", "))));
}
