//! `faceprobe choose RUN`: makes it the model that predict uses.

use super::Context;
use super::args::{ChooseArgs, Threshold};
use super::evaluate_on;
use super::output::{print, print_json, say};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::run::RunFolder;
use faceprobe_core::run::adaptation::{self, Adaptation, Measured};
use faceprobe_core::run::choice::Choice;
use faceprobe_core::run::external_evaluation::find_dataset;
use faceprobe_core::run::result_text::{spread, with_interval};
use faceprobe_core::run::{choice, openings};
use faceprobe_core::text::line;

/// On how many images of another place a threshold is fitted when nothing is said.
const IMAGES: u64 = 50;

pub(crate) fn run(context: &Context, args: &ChooseArgs) -> Result<()> {
    let run = RunFolder::find(&context.workspace, &args.run)?;
    let choice = match (args.threshold, &args.on) {
        (Threshold::For(criterion), None) => choice::choose_for(&context.workspace, &run, criterion)?,
        (Threshold::Fixed(value), None) => choice::choose(&context.workspace, &run, Some(value))?,
        (Threshold::Fixed(_), Some(_)) => {
            return Err(Error::usage(
                "--on fits a threshold, so --threshold says what for (auto, youden, eer, precision=P, recall=R) and not \
                 which.",
            ));
        }
        (Threshold::For(criterion), Some(on)) => {
            let images = usize::try_from(args.images.unwrap_or(IMAGES)).unwrap_or(usize::MAX);
            let manifest = find_dataset(&context.workspace, on)?;
            adaptation::check(&manifest.name, manifest.samples.len(), images)?;
            let Some(scored) = evaluate_on::scored(context, run.id().as_str(), on)? else { return Ok(()) };
            let draw = (images, args.seed.unwrap_or(1));
            choice::choose_on(&context.workspace, &run, &scored.folder, criterion, draw)?
        }
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
