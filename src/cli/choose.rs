//! `faceprobe choose RUN`: makes it the model that predict uses.

use super::Context;
use super::args::{ChooseArgs, Threshold};
use super::output::{print, print_json, say};
use faceprobe_core::error::Result;
use faceprobe_core::run::RunFolder;
use faceprobe_core::run::{choice, openings};
use faceprobe_core::text::line;

pub(crate) fn run(context: &Context, args: &ChooseArgs) -> Result<()> {
    let run = RunFolder::find(&context.workspace, &args.run)?;
    let choice = match args.threshold {
        Threshold::For(criterion) => choice::choose_for(&context.workspace, &run, criterion)?,
        Threshold::Fixed(value) => choice::choose(&context.workspace, &run, Some(value))?,
    };
    let damage = openings::load(&context.workspace).damage();
    damage.iter().for_each(|damage| say(&format!("faceprobe: {}", line(&damage.to_string()))));
    if context.json {
        return print_json(&choice);
    }
    let warning = match choice.after_test_openings {
        0 => String::new(),
        _ if damage.is_some() => {
            "Its test split may have been opened before this choice; the choice is recorded as made after it.\n"
                .to_owned()
        }
        count => format!(
            "Its test split had been opened {count} time{} before this choice; the choice is recorded as made after it.\n",
            if count == 1 { "" } else { "s" }
        ),
    };
    print(&format!("predict now uses {} with threshold {:.3}.\n{warning}", line(&choice.run), choice.threshold))
}
