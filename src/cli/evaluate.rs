//! `faceprobe evaluate RUN [--open-test]`.

use super::Context;
use super::args::EvaluateArgs;
use super::follow::start;
use super::output::{print, print_json};
use super::results;
use crate::error::{Error, Result};
use crate::run::{JobSpec, RunFolder, RunView};
use crate::run::{choice, openings, results as table};

pub(crate) fn run(context: &Context, args: &EvaluateArgs) -> Result<()> {
    let folder = RunFolder::find(&context.workspace, &args.run)?;
    if args.open_test {
        start(context, JobSpec::OpenTest { run: folder.id().to_string() }, false)?;
    }
    let view = RunView::open(folder)?;
    let chosen = choice::load(&context.workspace)?.map(|choice| choice.run);
    let row = table::row(&view, &openings::load(&context.workspace)?, chosen.as_deref())
        .ok_or_else(|| Error::failed(format!("Run {} trains no model, so there is nothing to evaluate.", view.id())))?;
    if context.json { print_json(&row) } else { print(&results::text(&[row])) }
}
