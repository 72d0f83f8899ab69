//! `faceprobe study export`: the file of what a workspace holds.

use super::Context;
use super::output::{print, say};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::outputs::{Outputs, is_stream};
use faceprobe_core::study::{Exported, Holdings, ReportWanted, Study, export, write};
use faceprobe_core::text::{line, printable};
use std::path::Path;

pub(super) fn run(context: &Context, file: Option<&Path>, force: bool) -> Result<()> {
    let mut outputs = Outputs::new(&context.workspace, force);
    if let Some(path) = file {
        outputs.check(path)?;
    }
    let reported = Study { report: Some(ReportWanted::default()), ..Study::default() };
    let Exported { study, left_out } = export(&Holdings::read(&context.workspace, &reported)?);
    if study.data.is_empty() {
        return Err(Error::failed(format!(
            "There is no prepared data set in {}, so there is no study to export; 'faceprobe demo' makes one.",
            context.workspace.root().display()
        )));
    }
    let text = write(&study);
    if !context.quiet && !left_out.is_empty() {
        say(&line(&format!(
            "Not in the file, because they are unfinished or their data is not there as it was: {}.",
            left_out.join(", ")
        )));
    }
    let Some(path) = file else { return print(&text) };
    outputs.write(path, text.as_bytes())?;
    if context.quiet || is_stream(path) {
        return Ok(());
    }
    print(&format!("{}\n", printable(&path.to_string_lossy())))
}
