//! `faceprobe screens --to DIR`: a picture of every screen, for the documents.

use super::Context;
use super::args::ScreensArgs;
use super::output::print;
use crate::tui::screenshots;
use faceprobe_core::error::Result;
use faceprobe_core::outputs::Outputs;
use faceprobe_core::text::printable;

pub(crate) fn run(context: &Context, args: &ScreensArgs) -> Result<()> {
    let mut outputs = Outputs::new(&context.workspace, args.force);
    let path = |name: &str| args.to.join(format!("{name}.svg"));
    screenshots::names().try_for_each(|name| outputs.check(&path(&name)))?;
    let size = (args.columns, args.rows);
    let shots = screenshots::take(&context.workspace, &context.tui_options(None)?, size, args.image.as_deref())?;
    for (name, svg) in shots {
        let path = path(&name);
        outputs.write(&path, svg.as_bytes())?;
        if !context.quiet {
            print(&format!("{}\n", printable(&path.to_string_lossy())))?;
        }
    }
    Ok(())
}
