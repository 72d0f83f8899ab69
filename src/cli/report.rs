//! `faceprobe report`: the study as one HTML file and one of Markdown.

use super::Context;
use super::args::ReportArgs;
use super::output::{bytes, print, print_json};
use faceprobe_core::error::Result;
use faceprobe_core::report::{ReportOptions, write};
use faceprobe_core::text::printable;
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
    let [html, markdown] = [&written.html, &written.markdown].map(|path| path.to_string_lossy());
    print(&format!("{} ({})\n{}\n", printable(&html), bytes(written.bytes as u64), printable(&markdown)))
}
