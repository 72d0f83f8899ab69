//! `faceprobe runs …`: list, follow and control runs.

use super::Context;
use super::args::RunsCommand;
use super::follow::follow;
use super::output::{Align, bytes, duration, print, print_json, table};
use faceprobe_core::error::{AtPath, Error, Result};
use faceprobe_core::run::control::{self, Command};
use faceprobe_core::run::label::Label;
use faceprobe_core::run::launch;
use faceprobe_core::run::{RunFolder, RunId, RunView};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{BufRead, IsTerminal};

pub(crate) fn run(context: &Context, command: &RunsCommand) -> Result<()> {
    let find = |name: &str| RunFolder::find(&context.workspace, name);
    match command {
        RunsCommand::List => list(context),
        RunsCommand::Show { run } => show(context, find(run)?),
        RunsCommand::Attach { run } => {
            let view = follow(context, find(run)?, None)?;
            print(&format!("{}\n", view.outcome.as_deref().unwrap_or("Done.")))
        }
        RunsCommand::Pause { run } => tell(context, &find(run)?, Command::Pause),
        RunsCommand::Resume { run } => resume(context, find(run)?),
        RunsCommand::Stop { run } => tell(context, &find(run)?, Command::Stop),
        RunsCommand::Note { run, text } => note(context, &find(run)?, text.as_deref()),
        RunsCommand::Rename { run, title } => relabel(&find(run)?, |label| label.set_title(title)),
        RunsCommand::Pin { run, off } => relabel(&find(run)?, |label| label.pinned = !off),
        RunsCommand::Remove { run, yes } => remove(find(run)?, *yes),
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

/// A paused run goes on; one whose worker has ended gets a new one, which goes on from its last checkpoint.
fn resume(context: &Context, run: RunFolder) -> Result<()> {
    if run.is_alive() {
        return tell(context, &run, Command::Resume);
    }
    let id = launch::resume(&context.workspace, run)?.run.id().clone();
    if context.quiet {
        return Ok(());
    }
    print(&format!("{id} goes on from where it was; 'faceprobe runs attach {id}' follows it.\n"))
}

fn describe(view: &RunView) -> Value {
    // A damaged label takes nothing from what the run itself tells.
    let label = Label::load(&view.folder).unwrap_or_default();
    json!({
        "run": view.id().as_str(),
        "status": view.status,
        "dataset": view.spec.job.dataset(),
        "created": view.spec.created,
        "seconds": view.seconds(),
        "stage": view.stage,
        "skipped": view.skipped_count,
        "outcome": view.outcome,
        "title": label.title,
        "note": label.note,
        "pinned": label.pinned,
        "bytes": view.folder.bytes(),
    })
}

fn list(context: &Context) -> Result<()> {
    let mut views = Vec::new();
    for folder in RunFolder::list(&context.workspace)? {
        views.push(RunView::open(folder)?);
    }
    views.sort_by(|a, b| a.spec.created.cmp(&b.spec.created));
    let labels: HashMap<RunId, Label> =
        views.iter().map(|view| (view.id().clone(), Label::load(&view.folder).unwrap_or_default())).collect();
    views.sort_by_key(|view| !labels.get(view.id()).is_some_and(|label| label.pinned));
    if context.json {
        return print_json(&views.iter().map(describe).collect::<Vec<_>>());
    }
    if views.is_empty() {
        return print("There are no runs here yet; 'faceprobe demo' makes some.\n");
    }
    let rows: Vec<Vec<String>> = views
        .iter()
        .map(|view| {
            let label = labels.get(view.id()).cloned().unwrap_or_default();
            vec![
                format!("{}{}", view.id(), if label.pinned { " *" } else { "" }),
                view.status.name().to_owned(),
                view.spec.job.dataset().unwrap_or("-").to_owned(),
                view.spec.created.get(..19).unwrap_or(&view.spec.created).replace('T', " "),
                view.seconds().map_or_else(|| "-".into(), duration),
                bytes(view.folder.bytes()),
                label.title,
                view.outcome.clone().or_else(|| view.stage.clone()).unwrap_or_default(),
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

fn show(context: &Context, run: RunFolder) -> Result<()> {
    let view = RunView::open(run)?;
    if context.json {
        return print_json(&json!({
            "run": describe(&view),
            "spec": view.spec,
            "epochs": view.epochs,
            "result": view.result,
            "skipped": view.skipped,
            "notes": view.notes,
        }));
    }
    let spec = serde_json::to_string_pretty(&view.spec).map_err(|error| Error::failed(error.to_string()))?;
    let mut text = format!("{}  {}\n", view.id(), view.status.name());
    if let Some(outcome) = &view.outcome {
        text.push_str(&format!("{outcome}\n"));
    }
    if let Some(last) = view.epochs.last() {
        let (of, loss, accuracy) = match last.validated {
            Some(val) => ("validation", val.loss, val.accuracy),
            None => ("training", last.train_loss, last.train_accuracy),
        };
        text.push_str(&format!("epoch {}/{}: {of} loss {loss:.4}, accuracy {accuracy:.3}\n", last.epoch, last.epochs));
    }
    for note in &view.notes {
        text.push_str(&format!("note: {note}\n"));
    }
    if view.skipped_count > 0 {
        text.push_str(&format!("{} inputs were skipped:\n", view.skipped_count));
        for skipped in &view.skipped {
            text.push_str(&format!("  {skipped}\n"));
        }
    }
    print(&format!("{text}folder: {}\n{spec}\n", view.folder.path().display()))
}

fn remove(run: RunFolder, yes: bool) -> Result<()> {
    let id = run.id().clone();
    if !yes {
        if !std::io::stdin().is_terminal() {
            return Err(Error::usage(format!(
                "Removing {id} cannot be undone; say --yes to do it without being asked."
            )));
        }
        print(&format!("Remove {id} and everything in {}? [y/N] ", run.path().display()))?;
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).at(run.path())?;
        if !matches!(line.trim(), "y" | "Y" | "yes") {
            return print("Kept.\n");
        }
    }
    run.remove()?;
    print(&format!("{id} is removed.\n"))
}
