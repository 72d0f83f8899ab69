//! `faceprobe evaluate RUN --on DATA`.

use super::Context;
use super::follow::start;
use super::output::{Align, print, print_json, table};
use faceprobe_core::dataset::versions;
use faceprobe_core::error::Result;
use faceprobe_core::run::external_evaluation::{ExternalEvaluation, find_dataset};
use faceprobe_core::run::result_text::{set_name, share, with_interval};
use faceprobe_core::run::{JobSpec, RunView};
use faceprobe_core::text::line;

/// An external evaluation.
pub(super) fn run(context: &Context, run: &str, on: &str) -> Result<()> {
    let Some(view) = scored(context, run, on)? else {
        return Ok(());
    };
    let figures = ExternalEvaluation::load(view.folder.path())?;
    if context.json { print_json(&figures) } else { print(&text(&figures)) }
}

/// Scores the run on another data set; scores and figures are in the folder of the evaluation's run.
pub(super) fn scored(context: &Context, run: &str, on: &str) -> Result<Option<RunView>> {
    // Checked before a run is created; and the worker runs in another folder.
    let by_path = on.contains('/') || on == "manifest.csv" || on == ".";
    let on = if by_path { on.to_owned() } else { versions::resolve(&context.workspace, on)? };
    let manifest = find_dataset(&context.workspace, &on)?;
    let named = manifest.folder.parent() == Some(context.workspace.all_prepared().as_path());
    let on = if named { manifest.name.clone() } else { manifest.folder.to_string_lossy().into_owned() };
    start(context, JobSpec::Evaluate { run: run.to_owned(), on }, false)
}

fn text(figures: &ExternalEvaluation) -> String {
    let share = |value: Option<f64>| share(value, "-");
    let calibrated = |value: Option<f64>| value.map_or_else(String::new, |value| format!(" ({value:.3} calibrated)"));
    let head = [("", Align::Left), ("images", Align::Right), ("accuracy", Align::Left), ("precision", Align::Right)];
    let accuracy = with_interval(Some(figures.accuracy), figures.interval, "-");
    let mut rows = vec![vec!["all".to_owned(), figures.images.to_string(), accuracy, "-".into()]];
    rows.extend(figures.classes.iter().map(|class| {
        let accuracy = with_interval(class.accuracy, class.interval, "-");
        vec![class.class.clone(), class.images.to_string(), accuracy, share(class.precision)]
    }));
    let mut text = format!(
        "{} (trained on {}) on {}, threshold {:.3}\n\n{}\n",
        line(&figures.run),
        line(&figures.trained_on),
        line(&set_name(&figures.dataset, figures.synthetic)),
        figures.threshold,
        table(&head, &rows)
    );
    text += &format!(
        "balanced accuracy {:.3} · ROC AUC {} · average precision {}\n",
        figures.balanced_accuracy,
        share(figures.of_scores.roc_auc),
        share(figures.of_scores.average_precision)
    );
    text += &format!(
        "log loss {:.3}{} · Brier {:.3}{} · calibration error {:.3}{}\n",
        figures.of_scores.log_loss,
        calibrated(figures.of_scores.calibrated_log_loss),
        figures.of_scores.brier,
        calibrated(figures.of_scores.calibrated_brier),
        figures.of_scores.calibration_error,
        calibrated(figures.of_scores.calibrated_error)
    );
    let out = figures.left_out;
    if out.total() > 0 {
        text += &format!(
            "{} images are left out because they are in {} too ({} train, {} val, {} test).\n",
            out.total(),
            line(&figures.trained_on),
            out.train,
            out.val,
            out.test
        );
    }
    if !figures.own_images_known {
        text += &format!(
            "{} is no longer there as it was, so images that {} was trained on may be among these.\n",
            line(&figures.trained_on),
            line(&figures.run)
        );
    }
    if figures.unreadable > 0 {
        text += &format!("{} images could not be read and are left out.\n", figures.unreadable);
    }
    if figures.synthetic {
        text += "(synthetic): the pictures are drawings made by this program; their accuracies say nothing about photographs.\n";
    }
    text
}
