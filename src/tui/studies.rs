//! The thread that reads studies and works out the states of their steps; steps are started on the job thread.

use super::event::Event;
use super::jobs::{JobReply, Settings};
use super::workers::Workers;
use faceprobe_core::dataset::synthetic::SampleSettings;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::study::{self, Action, Hands, Holdings, Plan, StartOutcome, Step, Study, begin, files};
use faceprobe_core::text::line;
use faceprobe_core::workspace::Workspace;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};

/// The source of a study.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    File(PathBuf),
    /// The study of the demo, which is part of the program.
    Demo,
}

impl Source {
    /// Its name on the screen.
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Demo => "the demo's study".to_owned(),
        }
    }
}

/// A request: the steps of this study, or of the only one that is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    pub source: Option<Source>,
}

/// A study with the states of its steps.
#[derive(Debug, Clone, PartialEq)]
pub struct StudyStatus {
    pub title: Option<String>,
    pub plan: Plan,
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The studies there are, the demo's last.
    pub sources: Vec<Source>,
    /// The study that was asked for, if it was known which; else lines that say what is wrong with it.
    pub looked: Option<(Source, StudyResult)>,
}

/// The steps, or lines that say why there are none.
pub type StudyResult = std::result::Result<Arc<StudyStatus>, Vec<String>>;

/// Serves requests until the other end of `asks` is gone; of several requests only the newest.
pub fn serve(workspace: &Workspace, asks: &Receiver<Ask>, events: &Sender<Event>) {
    while let Ok(ask) = asks.recv() {
        let ask = asks.try_iter().last().unwrap_or(ask);
        if events.send(Event::Study(answer(workspace, ask))).is_err() {
            return;
        }
    }
}

fn answer(workspace: &Workspace, ask: Ask) -> Reply {
    let folders = [workspace.root().to_owned(), workspace.root().join("studies")];
    let here = std::env::current_dir().ok();
    let found = files::found(folders.iter().chain(&here).map(PathBuf::as_path));
    let mut sources: Vec<Source> = found.into_iter().map(Source::File).collect();
    sources.push(Source::Demo);
    let only = match &sources[..] {
        [only @ Source::File(_), Source::Demo] => Some(only.clone()),
        _ => None,
    };
    let looked = ask.source.or(only).map(|source| {
        let outlook = look(workspace, &source);
        (source, outlook.map(Arc::new))
    });
    Reply { sources, looked }
}

/// The study itself, or the lines that say what is wrong with its file.
fn read(source: &Source) -> std::result::Result<Study, Vec<String>> {
    let sentence = |error: Error| vec![error.to_string()];
    match source {
        Source::Demo => study::demo(&SampleSettings::default()).map_err(sentence),
        Source::File(path) => files::read(path).map_err(sentence)?.map_err(|mistakes| {
            mistakes.0.iter().map(|mistake| line(&format!("{}:{mistake}", path.display())).into_owned()).collect()
        }),
    }
}

fn look(workspace: &Workspace, source: &Source) -> std::result::Result<StudyStatus, Vec<String>> {
    let study = read(source)?;
    let held = Holdings::read(workspace, &study).map_err(|error| vec![error.to_string()])?;
    Ok(StudyStatus { plan: study::plan(&study, &held), title: study.title })
}

/// Starts a step.
///
/// # Errors
/// While 'study run' does the steps by itself; a step that is gone, or needs others first; what keeps its run from being
/// started.
pub(super) fn start(settings: &Settings, source: &Source, name: &str, workers: &mut Workers) -> Result<JobReply> {
    let Settings { workspace, threads, device } = settings;
    let _lock = study::lock(workspace)?;
    let plan = look(workspace, source).map_err(|lines| Error::failed(lines.join(" ")))?.plan;
    let found = |step: &&Step| step.name == name;
    let step = plan.steps.iter().find(found).ok_or_else(|| {
        Error::failed(format!("The study no longer has a step '{}'; its file was changed.", line(name)))
    })?;
    if !plan.is_ready(step) {
        return Err(Error::failed(format!("{} needs other steps first, which are not done.", line(name))));
    }
    Ok(match begin(workspace, step, Hands { threads: *threads, device, queue: true })? {
        StartOutcome::Launched(launched) => {
            let run = launched.run.id().clone();
            workers.take(launched);
            JobReply::Launched { run }
        }
        StartOutcome::Queued(run) => JobReply::Queued { run: run.id().clone() },
        StartOutcome::Follow(run) => JobReply::Word(format!("{} is already doing that.", run.id())),
        StartOutcome::Chosen(choice) => JobReply::Chosen(choice),
        StartOutcome::Nothing => match &step.action {
            Action::Report(report) => JobReply::Saved(report.html(workspace.root())),
            _ => JobReply::Word(format!("There is nothing to do for {}.", line(name))),
        },
    })
}
