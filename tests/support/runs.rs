//! Runs for tests of the screens.

use faceprobe::tui::snapshot::{Run, RunDetails};
use faceprobe_core::monitor::{EpochFigures, Update};
use faceprobe_core::run::follower::Fold;
use faceprobe_core::run::journal::{Entry, Event};
use faceprobe_core::run::{Facts, History, JobSpec, RunId, Status};
use std::sync::Arc;

/// A run of which nothing is known but what it does and how it stands.
pub fn run(id: &str, job: JobSpec, status: Status) -> Run {
    Run {
        id: RunId::parse(id).unwrap(),
        job,
        parent: None,
        step: None,
        created: String::new(),
        status,
        facts: Facts::default(),
        history: None,
        seconds: Some(38.4),
        row: None,
        about: RunDetails::default(),
    }
}

/// The same when its journal has told so much and was read.
pub fn told(run: Run, updates: impl IntoIterator<Item = Update>) -> Run {
    let (mut facts, mut history) = (run.facts.clone(), History::default());
    for update in updates {
        let entry = Entry { at: 0, event: Event::Work(update) };
        facts.take(entry.clone());
        history.take(entry);
    }
    Run { facts, history: Some(Arc::new(history)), ..run }
}

/// The same of one that has trained so many epochs.
pub fn trained(run: Run, epochs: Vec<EpochFigures>) -> Run {
    told(run, epochs.into_iter().map(Update::Epoch))
}
