//! Jobs of the audit view, carried out on the job thread: reading findings and decisions, writing decisions. The audit
//! itself is a run like others.

use faceprobe_core::audit::Audit;
use faceprobe_core::dataset::decisions::{Change, Decision, Decisions};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::workspace::Workspace;
use std::collections::BTreeMap;

/// A job.
#[derive(Debug, Clone, PartialEq)]
pub enum AuditJob {
    /// Reads the last audit of a prepared set, and the decisions taken since.
    Read { dataset: String },
    /// Writes decisions.
    Decide { changes: Vec<Change> },
}

/// The result of a job.
#[derive(Debug, Clone, PartialEq)]
pub enum AuditReply {
    /// None where the set was not audited yet.
    Read { dataset: String, outcome: Result<Option<Box<Found>>, String> },
    /// The decisions are in the file.
    Decided,
    /// They could not be written.
    Refused(String),
}

/// Findings, and the decisions taken since.
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
