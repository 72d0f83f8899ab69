//! `faceprobe evaluate RUN --on DATA`.

use super::Context;
use super::follow::start;
use super::output::{Align, print, print_json, table};
use crate::error::Result;
use crate::evaluation::Interval;
use crate::run::JobSpec;
use crate::run::elsewhere::{Elsewhere, find_dataset};

/// The run on another data set.
pub(super) fn run(context: &Context, run: &str, on: &str) -> Result<()> {
    // A mistyped name is told before a run is made of it; and the worker is in another folder.
    let manifest = find_dataset(&context.workspace, on)?;
    let named = manifest.folder.parent() == Some(context.workspace.all_prepared().as_path());
    let on = if named { manifest.name.clone() } else { manifest.folder.to_string_lossy().into_owned() };
    let Some(view) = start(context, JobSpec::Evaluate { run: run.to_owned(), on }, false)? else {
        return Ok(());
    };
    let figures = Elsewhere::load(view.folder.path())?;
    if context.json { print_json(&figures) } else { print(&text(&figures)) }
}

fn text(figures: &Elsewhere) -> String {
    let interval = |interval: Option<Interval>| {
        interval.map_or_else(String::new, |at| format!(" [{:.3}, {:.3}]", at.low, at.high))
    };
    let share = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"));
    let calibrated = |value: Option<f64>| value.map_or_else(String::new, |value| format!(" ({value:.3} calibrated)"));
    let head = [("", Align::Left), ("images", Align::Right), ("accuracy", Align::Left), ("precision", Align::Right)];
    let accuracy = format!("{:.3}{}", figures.accuracy, interval(figures.interval));
    let mut rows = vec![vec!["all".to_owned(), figures.images.to_string(), accuracy, "-".into()]];
    rows.extend(figures.classes.iter().map(|class| {
        let accuracy = share(class.accuracy) + &interval(class.interval);
        vec![class.class.clone(), class.images.to_string(), accuracy, share(class.precision)]
    }));
    let synthetic = if figures.synthetic { " (synthetic)" } else { "" };
    let mut text = format!(
        "{} (trained on {}) on {}{synthetic}, threshold {:.3}\n\n{}\n",
        figures.run,
        figures.trained_on,
        figures.dataset,
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
            figures.trained_on,
            out.train,
            out.val,
            out.test
        );
    }
    if !figures.own_images_known {
        text += &format!(
            "{} is no longer there as it was, so images that {} was trained on may be among these.\n",
            figures.trained_on, figures.run
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
