//! `faceprobe choose RUN`: makes it the model that predict uses.

use super::Context;
use super::args::ChooseArgs;
use super::evaluate_on;
use super::output::{print, print_json, say};
use faceprobe_core::error::Result;
use faceprobe_core::run::RunFolder;
use faceprobe_core::run::adaptation::{self, Adaptation, Measured};
use faceprobe_core::run::choice::Choice;
use faceprobe_core::run::external_evaluation::find_dataset;
use faceprobe_core::run::openings;
use faceprobe_core::run::result_text::{spread, with_interval};
use faceprobe_core::text::line;

pub(crate) fn run(context: &Context, args: &ChooseArgs) -> Result<()> {
    let run = RunFolder::find(&context.workspace, &args.run)?;
    let settings = args.settings.read()?;
    let scored = match &settings.on {
        None => None,
        Some(on) => {
            let manifest = find_dataset(&context.workspace, on)?;
            adaptation::check(&manifest.name, manifest.samples.len(), settings.draw().0)?;
            let Some(scored) = evaluate_on::scored(context, run.id().as_str(), on)? else { return Ok(()) };
            Some(scored)
        }
    };
    let choice = settings.choose(&context.workspace, &run, scored.as_ref().map(|scored| &scored.folder))?;
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
    let adapted = choice.adapted.as_ref().map(|adapted| text(&choice, adapted)).unwrap_or_default();
    print(&format!(
        "predict now uses {} with threshold {:.3}.\n{adapted}{warning}",
        line(&choice.run),
        choice.threshold
    ))
}

/// What was fitted elsewhere, and what it is worth.
fn text(choice: &Choice, adapted: &Adaptation) -> String {
    let dataset = line(&adapted.dataset);
    let fitted = if adapted.calibration.is_some() { "Threshold and calibration are" } else { "The threshold is" };
    let accuracy = |of: &Measured| with_interval(Some(of.accuracy), of.interval, "-");
    let draws = &adapted.draws;
    format!(
        "{fitted} fitted on {} images of {dataset} (seed {}), not on validation; the model is the same.\n\
         On its other {} images: accuracy {} with the run's own threshold {:.3}, {} with {:.3}.\n\
         Over {} draws of {} images: {} before, {} after; better in {}, worse in {}.\n",
        adapted.images,
        adapted.seed,
        adapted.rest,
        accuracy(&adapted.before),
        adapted.own_threshold,
        accuracy(&adapted.after),
        choice.threshold,
        draws.before.map_or(0, |spread| spread.count),
        adapted.images,
        spread(draws.before, "-"),
        spread(draws.after, "-"),
        draws.better,
        draws.worse
    )
}
