//! `faceprobe man`: man pages for the program and each of its commands.

use super::Context;
use super::args::{Cli, ManArgs};
use super::output::print;
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use faceprobe_core::error::{AtPath, Result};
use faceprobe_core::outputs::Outputs;
use faceprobe_core::path_text::text_of;
use faceprobe_core::text::printable;

pub(crate) fn run(context: &Context, args: &ManArgs) -> Result<()> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let mut outputs = Outputs::new(&context.workspace, args.force);
    let mut pages = Vec::new();
    gather(&command, "faceprobe", &mut pages);
    for (name, page) in pages {
        let path = args.to.join(format!("{name}.1"));
        let mut text = Vec::new();
        page.render(&mut text).at(&path)?;
        outputs.write(&path, &text)?;
        if !context.quiet {
            print(&format!("{}\n", printable(&text_of(&path))))?;
        }
    }
    Ok(())
}

/// The pages of a command and its subcommands.
fn gather(command: &Command, name: &str, pages: &mut Vec<(String, Man)>) {
    let below = command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help");
    for one in below {
        gather(one, &format!("{name}-{}", one.get_name()), pages);
    }
    pages.push((name.to_owned(), Man::new(command.clone())));
}
