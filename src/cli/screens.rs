//! `faceprobe screens --to DIR`: a picture of every screen, for the README.

use super::Context;
use super::args::ScreensArgs;
use super::output::print;
use crate::tui::screenshots;
use faceprobe_core::error::Result;
use faceprobe_core::workspace::write_whole;

pub(crate) fn run(context: &Context, args: &ScreensArgs) -> Result<()> {
    let size = (args.columns, args.rows);
    let shots = screenshots::take(&context.workspace, &context.tui_options(None), size, args.image.as_deref())?;
    for (name, svg) in shots {
        let path = args.to.join(format!("{name}.svg"));
        write_whole(&path, svg.as_bytes())?;
        if !context.quiet {
            print(&format!("{}\n", path.display()))?;
        }
    }
    Ok(())
}
