//! The thread that reads folders for the screens, so that a large or a slow one stops neither the screen nor what is done
//! with the workspace.

use super::completion;
use super::event::Event;
use super::folders;
use super::jobs::{Job, JobReply};
use faceprobe_core::predict::PassedOver;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender};

/// Reads one folder after the other until the other end of `jobs` is gone.
pub fn read(jobs: &Receiver<Job>, events: &Sender<Event>) {
    while let Ok(job) = jobs.recv() {
        if perform(job, events).is_none() {
            return;
        }
    }
}

/// Answers one question; none when nobody listens any more.
fn perform(job: Job, events: &Sender<Event>) -> Option<()> {
    let tell = |reply| events.send(Event::Job(reply)).ok();
    let failed = |error: faceprobe_core::error::Error| JobReply::Failed(error.to_string());
    match job {
        Job::List { folder, select } => {
            // What names promise at once, what the files are a little later.
            if select.is_none()
                && let Some(entries) = folders::promised(&folder)
            {
                tell(JobReply::Listed {
                    folder: folder.clone(),
                    entries,
                    others: PassedOver::default(),
                    select: select.clone(),
                    predict: false,
                })?;
            }
            tell(match folders::list(&folder) {
                Ok((entries, others)) => JobReply::Listed { folder, entries, others, select, predict: false },
                Err(error) => failed(error),
            })
        }
        Job::Open { text, from } => tell(folders::open(&text, &from).unwrap_or_else(failed)),
        Job::Complete { text, paths, base } => {
            let names = completion::read(&text, paths, Path::new(&base)).map_err(|error| error.to_string());
            tell(JobReply::Completed { text, names })
        }
        _ => Some(()),
    }
}
