//! What the view of an audit wants done, on the job thread: reading what was found and decided, writing decisions. The
//! audit itself is a run like others.

use faceprobe_core::audit::Audit;
use faceprobe_core::dataset::decisions::{Change, Decision, Decisions};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::workspace::Workspace;
use std::collections::BTreeMap;

/// Something to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum AuditJob {
    /// Reads the last audit of a prepared set, and what was decided.
    Read { dataset: String },
    /// Writes decisions down.
    Decide { changes: Vec<Change> },
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub enum AuditReply {
    /// None where the set was not audited yet.
    Read { dataset: String, outcome: Result<Option<Box<Found>>, String> },
    /// The decisions are in the file.
    Decided,
    /// They could not be written.
    Refused(String),
}

/// What was found, and what was decided since.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub audit: Audit,
    /// By the hash of the image, as the audit writes it.
    pub decided: BTreeMap<String, Decision>,
}

/// Does one job, on the job thread.
pub fn perform(workspace: &Workspace, job: AuditJob) -> AuditReply {
    match job {
        AuditJob::Read { dataset } => {
            let outcome = read(workspace, &dataset).map_err(|error| error.to_string());
            AuditReply::Read { dataset, outcome }
        }
        AuditJob::Decide { changes } => match Decisions::change(workspace, changes) {
            Ok(_) => AuditReply::Decided,
            Err(error) => AuditReply::Refused(error.to_string()),
        },
    }
}

fn read(workspace: &Workspace, dataset: &str) -> Result<Option<Box<Found>>> {
    let folder = workspace.prepared(dataset);
    if !folder.join("audit.json").exists() {
        return Ok(None);
    }
    let audit = Audit::load(&folder)
        .map_err(|error| Error::failed(format!("{} Audit the set again.", ended(&error.to_string()))))?;
    let decisions = Decisions::load(workspace)?;
    let decided = decisions.iter().map(|(hash, decided)| (hash.to_string(), decided.decision.clone())).collect();
    Ok(Some(Box::new(Found { audit, decided })))
}

/// A sentence with its full stop.
fn ended(sentence: &str) -> String {
    format!("{}.", sentence.trim_end_matches('.'))
}
