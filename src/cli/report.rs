//! `faceprobe report`: the study as one HTML file and one of Markdown.

use super::Context;
use super::args::ReportArgs;
use super::output::{bytes, print, print_json};
use faceprobe_core::error::Result;
use faceprobe_core::report::{ReportOptions, write};
use std::path::absolute;

pub(crate) fn run(context: &Context, args: &ReportArgs) -> Result<()> {
    let output = match &args.output {
        Some(output) => absolute(output).unwrap_or_else(|_| output.clone()),
        None => context.workspace.root().join("report"),
    };
    let options = ReportOptions { model: args.model.clone(), thumbnails: args.thumbnails, force: args.force };
    let written = write(&context.workspace, &output, &options)?;
    if context.json {
        return print_json(&written);
    }
    print(&format!("{} ({})\n{}\n", written.html.display(), bytes(written.bytes as u64), written.markdown.display()))
}
