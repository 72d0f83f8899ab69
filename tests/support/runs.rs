//! Runs for tests of the screens.

use faceprobe::tui::snapshot::{About, Run};
use faceprobe_core::monitor::{EpochFigures, Update};
use faceprobe_core::run::follower::Fold;
use faceprobe_core::run::journal::{Entry, Event};
use faceprobe_core::run::{Facts, JobSpec, RunId, Status, Story};
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
        story: None,
        seconds: Some(38.4),
        row: None,
        about: About::default(),
    }
}

/// The same when its journal has told so much and was read.
pub fn told(run: Run, updates: impl IntoIterator<Item = Update>) -> Run {
    let (mut facts, mut story) = (run.facts.clone(), Story::default());
    for update in updates {
        let entry = Entry { at: 0, event: Event::Work(update) };
        facts.take(entry.clone());
        story.take(entry);
    }
    Run { facts, story: Some(Arc::new(story)), ..run }
}

/// The same of one that has trained so many epochs.
pub fn trained(run: Run, epochs: Vec<EpochFigures>) -> Run {
    told(run, epochs.into_iter().map(Update::Epoch))
}
