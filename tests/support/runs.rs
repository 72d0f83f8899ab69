//! Runs as the screens see them.

use faceprobe::tui::snapshot::{About, Run};
use faceprobe_core::run::{JobSpec, RunId, Status};

/// A run of which nothing is known but what it does and how it stands.
pub fn run(id: &str, job: JobSpec, status: Status) -> Run {
    Run {
        id: RunId::parse(id).unwrap(),
        job,
        parent: None,
        created: String::new(),
        status,
        stage: None,
        progress: None,
        epochs: Vec::new(),
        trials: Vec::new(),
        skipped: Vec::new(),
        skipped_count: 0,
        notes: Vec::new(),
        outcome: None,
        seconds: Some(38.4),
        row: None,
        about: About::default(),
    }
}
