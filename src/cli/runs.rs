//! `faceprobe runs …`: list, follow and control runs.

use super::Context;
use super::args::RunsCommand;
use super::follow::follow;
use super::output::{Align, bytes, duration, print, print_json, table, to_json};
use faceprobe_core::error::{AtPath, Error, Result};
use faceprobe_core::run::control::{self, Command};
use faceprobe_core::run::label::Label;
use faceprobe_core::run::launch;
use faceprobe_core::run::listing::{self, Damaged, Listed};
use faceprobe_core::run::{History, RunFolder, RunId, RunView, Status, trash};
use faceprobe_core::slurm;
use faceprobe_core::text::{line, printable};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{BufRead, IsTerminal};
use std::time::Duration;

pub(crate) fn run(context: &Context, command: &RunsCommand) -> Result<()> {
    let find = |name: &str| RunFolder::find(&context.workspace, name);
    match command {
        RunsCommand::List => list(context),
        RunsCommand::Show { run } => show(context, find(run)?),
        RunsCommand::Attach { run } => {
            let view = follow(context, find(run)?, None)?;
            print(&format!("{}\n", line(view.facts().outcome.as_deref().unwrap_or("Done."))))
        }
        RunsCommand::Pause { run } => tell(context, &find(run)?, Command::Pause),
        RunsCommand::Resume { run } => resume(context, find(run)?),
        RunsCommand::Stop { run } => tell(context, &find(run)?, Command::Stop),
        RunsCommand::Note { run, text } => note(context, &find(run)?, text.as_deref()),
        RunsCommand::Rename { run, title } => relabel(&find(run)?, |label| label.set_title(title)),
        RunsCommand::Pin { run, off } => relabel(&find(run)?, |label| label.pinned = !off),
        RunsCommand::Export { runs, tensorboard, mlflow, force } => {
            super::trackers::export(context, runs, tensorboard.as_deref(), mlflow.as_deref(), *force)
        }
        RunsCommand::Remove { run, yes } => remove(context, find(run)?, *yes),
        RunsCommand::Restore { run: Some(run) } => {
            let run = trash::restore(&context.workspace, run)?;
            print(&format!("{} is back.\n", run.id()))
        }
        RunsCommand::Restore { run: None } => {
            let removed: Vec<String> = trash::list(&context.workspace)?.iter().map(RunId::to_string).collect();
            if context.json {
                return print_json(&removed);
            }
            print(&removed.iter().map(|run| format!("{run}\n")).collect::<String>())
        }
    }
}

fn note(context: &Context, run: &RunFolder, text: Option<&str>) -> Result<()> {
    if let Some(text) = text {
        return relabel(run, |label| label.set_note(text));
    }
    let label = Label::load(run)?;
    match (context.json, label.note.is_empty()) {
        (true, _) => print_json(&label),
        (false, true) => print(&format!("{} has no note.\n", run.id())),
        (false, false) => print(&format!("{}\n", label.note)),
    }
}

fn relabel(run: &RunFolder, change: impl FnOnce(&mut Label)) -> Result<()> {
    let mut label = Label::load(run)?;
    change(&mut label);
    label.save(run)
}

fn tell(context: &Context, run: &RunFolder, command: Command) -> Result<()> {
    control::send(run, command)?;
    if context.quiet {
        return Ok(());
    }
    print(&format!("{} was told to {}.\n", run.id(), command.word()))
}

/// Resumes a paused run, or starts a new worker that continues from the last checkpoint.
fn resume(context: &Context, run: RunFolder) -> Result<()> {
    // Of a run on a cluster some tasks may be queued and others not.
    let placed = slurm::place::is_placed(&run);
    let at_work = match placed {
        true => run.is_alive() && slurm::submit::is_paused(&run),
        false => run.worker().is_some_and(|worker| worker.here),
    };
    if at_work {
        return tell(context, &run, Command::Resume);
    }
    let mut launched = launch::resume(&context.workspace, run)?;
    let id = launched.run.id().clone();
    // The next client that follows it must find it running.
    while !launched.run.is_alive() && !launched.reap() {
        std::thread::sleep(Duration::from_millis(5));
    }
    if context.quiet {
        return Ok(());
    }
    print(&format!("{id} resumed from where it was; 'faceprobe runs attach {id}' follows it.\n"))
}

fn describe(view: &RunView) -> Value {
    let facts = view.facts();
    let outcome = damage(view).map_or_else(|| facts.outcome.clone(), |problem| Some(problem.to_string()));
    labelled(
        &view.folder,
        json!({
            "run": view.id().as_str(),
            "status": status(view),
            "dataset": view.spec.job.dataset(),
            "created": view.spec.created,
            "seconds": view.seconds(),
            "stage": facts.stage,
            "skipped": facts.skipped,
            "outcome": outcome,
            "slurm": view.standing(),
        }),
    )
}

/// The same for a run that cannot be read.
fn describe_damaged(damaged: &Damaged) -> Value {
    labelled(
        &damaged.folder,
        json!({
            "run": damaged.folder.id().as_str(),
            "status": Status::Damaged,
            "dataset": null,
            "created": null,
            "seconds": null,
            "stage": null,
            "skipped": 0,
            "outcome": damaged.problem.to_string(),
            "slurm": null,
        }),
    )
}

/// With its label and size. A damaged label does not hide the run's own data.
fn labelled(run: &RunFolder, mut about: Value) -> Value {
    let label = Label::load(run).unwrap_or_default();
    about["title"] = label.title.into();
    about["note"] = label.note.into();
    about["pinned"] = label.pinned.into();
    about["bytes"] = run.bytes().into();
    about
}

/// Why the result of a run cannot be read, if it cannot.
fn damage(view: &RunView) -> Option<&Error> {
    view.result.as_ref().err()
}

fn status(view: &RunView) -> Status {
    if damage(view).is_some() { Status::Damaged } else { view.status }
}

fn list(context: &Context) -> Result<()> {
    let mut runs = listing::all(&context.workspace)?;
    // Damaged runs, whose time is unknown, come first.
    runs.sort_by(|a, b| created(a).cmp(&created(b)));
    let labels: HashMap<RunId, Label> =
        runs.iter().map(folder).map(|run| (run.id().clone(), Label::load(run).unwrap_or_default())).collect();
    runs.sort_by_key(|run| !labels.get(folder(run).id()).is_some_and(|label| label.pinned));
    if context.json {
        let described = runs.iter().map(|run| match run {
            Listed::Run(view) => describe(view),
            Listed::Damaged(damaged) => describe_damaged(damaged),
        });
        return print_json(&described.collect::<Vec<_>>());
    }
    if runs.is_empty() {
        return print("There are no runs here yet; 'faceprobe demo' makes some.\n");
    }
    let rows: Vec<Vec<String>> = runs
        .iter()
        .map(|run| {
            let folder = folder(run);
            let label = labels.get(folder.id()).cloned().unwrap_or_default();
            let [status, data, started, time, outcome] = cells(run);
            vec![
                format!("{}{}", folder.id(), if label.pinned { " *" } else { "" }),
                status,
                data,
                started,
                time,
                bytes(folder.bytes()),
                label.title,
                outcome,
            ]
        })
        .collect();
    let left = Align::Left;
    print(&table(
        &[
            ("run", left),
            ("status", left),
            ("data", left),
            ("started (UTC)", left),
            ("time", Align::Right),
            ("size", Align::Right),
            ("title", left),
            ("outcome", left),
        ],
        &rows,
    ))
}

fn folder(run: &Listed) -> &RunFolder {
    match run {
        Listed::Run(view) => &view.folder,
        Listed::Damaged(damaged) => &damaged.folder,
    }
}

fn created(run: &Listed) -> Option<&str> {
    match run {
        Listed::Run(view) => Some(&view.spec.created),
        Listed::Damaged(_) => None,
    }
}

/// Status, data, start, duration and result.
fn cells(run: &Listed) -> [String; 5] {
    let view = match run {
        Listed::Run(view) => view,
        Listed::Damaged(damaged) => {
            let nothing = || "-".to_owned();
            let status = Status::Damaged.name().to_owned();
            return [status, nothing(), nothing(), nothing(), damaged.problem.to_string()];
        }
    };
    let facts = view.facts();
    let outcome = match damage(view) {
        Some(problem) => problem.to_string(),
        None => facts.outcome.clone().or_else(|| facts.stage.clone()).unwrap_or_default(),
    };
    [
        status(view).name().to_owned(),
        view.spec.job.dataset().unwrap_or("-").to_owned(),
        view.spec.created.get(..19).unwrap_or(&view.spec.created).replace('T', " "),
        view.seconds().map_or_else(|| "-".into(), duration),
        outcome,
    ]
}

fn show(context: &Context, run: RunFolder) -> Result<()> {
    let view = RunView::open(run)?;
    let mut history = History::read(&view.folder)?;
    if view.journal_is_short() {
        history.notes.push("The end of the journal cannot be read; what it told is missing here.".to_owned());
    }
    if context.json {
        return print_json(&json!({
            "run": describe(&view),
            "spec": view.spec,
            "epochs": history.epochs,
            "result": view.result.as_ref().ok(),
            "skipped": history.skipped,
            "notes": history.notes,
        }));
    }
    let spec = to_json(&view.spec)?;
    let mut text = format!("{}  {}\n", view.id(), status(&view).name());
    if let Some(problem) = damage(&view) {
        text.push_str(&format!("{}\n", line(&problem.to_string())));
    }
    if let Some(outcome) = &view.facts().outcome {
        text.push_str(&format!("{}\n", line(outcome)));
    }
    if let Some(standing) = view.standing() {
        text.push_str(&format!("Slurm, plan {}: {}\n", standing.plan, line(&standing.words())));
    }
    if let Some(last) = history.epochs.last() {
        let (of, loss, accuracy) = match last.validated {
            Some(val) => ("validation", val.loss, val.accuracy),
            None => ("training", last.train_loss, last.train_accuracy),
        };
        text.push_str(&format!("epoch {}/{}: {of} loss {loss:.4}, accuracy {accuracy:.3}\n", last.epoch, last.epochs));
    }
    for note in &history.notes {
        text.push_str(&format!("note: {}\n", line(note)));
    }
    if view.facts().skipped > 0 {
        text.push_str(&format!("{} inputs were skipped:\n", view.facts().skipped));
        for skipped in &history.skipped {
            text.push_str(&format!("  {}\n", line(skipped)));
        }
    }
    print(&format!("{text}folder: {}\n{spec}\n", printable(&view.folder.path().to_string_lossy())))
}

fn remove(context: &Context, run: RunFolder, yes: bool) -> Result<()> {
    let id = run.id().clone();
    if !yes {
        if !std::io::stdin().is_terminal() {
            return Err(Error::usage(format!(
                "Nobody can be asked here whether to remove {id}; say --yes to do it without being asked."
            )));
        }
        let folder = run.path().to_string_lossy();
        print(&format!("Put {id} and everything in {} into the trash? [y/N] ", printable(&folder)))?;
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).at(run.path())?;
        if !matches!(line.trim(), "y" | "Y" | "yes") {
            return print("Kept.\n");
        }
    }
    run.remove(&context.workspace)?;
    print(&format!("{id} is in the trash; 'faceprobe runs restore {id}' brings it back.\n"))
}
