//! The audit job: provides the face counter and the reference model for [`crate::audit`].

use super::execute::JobContext;
use super::reference_model;
use super::scoring::manifest;
use crate::audit::faces::Cascade;
use crate::audit::{self, CountFaces, Helpers, Settings};
use crate::backbone::{MTCNN, device, weights};
use faceprobe_core::error::Result;
use faceprobe_core::monitor::Monitor;

/// Audits the prepared set `dataset`; the findings are in `audit.json` next to its manifest.
///
/// # Errors
/// As [`audit::run`]; a reference run that cannot be used; a face detector that was requested and is not installed.
pub(super) fn audit(
    circumstances: &JobContext<'_>,
    dataset: &str,
    settings: &Settings,
    monitor: &dyn Monitor,
) -> Result<String> {
    let manifest = manifest(circumstances.workspace, dataset)?;
    let there = || weights::status(MTCNN.name).is_ok_and(|status| status.present);
    let cascade = match settings.faces.unwrap_or_else(there) {
        true => Some(Cascade::load(device::parse(circumstances.device)?)?),
        false => None,
    };
    let reference = match &settings.with {
        Some(run) => Some(reference_model::ask(circumstances, run, &manifest, monitor)?),
        None => None,
    };
    let helpers =
        Helpers { faces: cascade.as_ref().map(|cascade| cascade as &dyn CountFaces), reference: reference.as_ref() };
    let audit = audit::run(circumstances.workspace, &manifest, settings, helpers, monitor)?;
    let findings: usize = audit.tallies.iter().map(|tally| tally.count).sum();
    Ok(format!("{findings} findings in {} images of {dataset}", audit.images))
}
