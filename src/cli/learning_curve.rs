//! `faceprobe learning-curve KIND --sizes N,N,…`: accuracy against the number of training images.

use super::Context;
use super::args::CurveArgs;
use super::follow::start;
use super::output::{Align, print, print_json, table};
use super::place::{Outcome, place};
use super::train::{dataset_name, first};
use faceprobe_core::error::Result;
use faceprobe_core::model::ModelSpec;
use faceprobe_core::run::JobSpec;
use faceprobe_core::run::learning_curve::{CurveSettings, LearningCurve};
use faceprobe_core::run::result_text::{set_name, with_interval};
use faceprobe_core::text::line;
use faceprobe_settings::set_all;

pub(crate) fn run(context: &Context, args: &CurveArgs) -> Result<()> {
    let curve: CurveSettings = set_all(&args.curve)?;
    let model = ModelSpec::read(args.kind, &args.model).map_err(first)?;
    let dataset = dataset_name(context, &args.dataset)?;
    let job = JobSpec::LearningCurve { dataset, model, curve };
    let view = match place(context, &args.place, vec![job.clone()], args.detach)? {
        Outcome::Here => start(context, job, args.detach)?,
        Outcome::Told => None,
        Outcome::Done(views) => views.into_iter().next(),
    };
    let Some(view) = view else {
        return Ok(());
    };
    let curve = LearningCurve::load(view.folder.path())?;
    if context.json { print_json(&curve) } else { print(&text(&curve)) }
}

fn text(curve: &LearningCurve) -> String {
    let right = Align::Right;
    let head = [
        ("images", right),
        ("seeds", right),
        ("validation", Align::Left),
        ("± over seeds", Align::Left),
        ("runs", Align::Left),
    ];
    let rows: Vec<Vec<String>> = curve
        .points
        .iter()
        .map(|point| {
            let runs: Vec<&str> = point.runs.iter().map(|run| run.run.as_str()).collect();
            vec![
                point.images.to_string(),
                point.runs.len().to_string(),
                with_interval(Some(point.val_accuracy.mean), point.interval, "-"),
                point.val_accuracy.deviation.map_or_else(|| "-".to_owned(), |deviation| format!("{deviation:.3}")),
                runs.join(" "),
            ]
        })
        .collect();
    let backbone = curve.backbone.as_ref().map(|backbone| format!(" on {backbone}")).unwrap_or_default();
    let mut text = format!(
        "{}{backbone}, {}, on {}\n\n{}\n",
        curve.kind,
        line(&curve.settings),
        line(&set_name(&curve.dataset, curve.synthetic)),
        table(&head, &rows)
    );
    text += &format!(
        "Everything is chosen and measured on the same {} validation images; intervals are 95 % Wilson intervals.\n",
        curve.val_images
    );
    match (&curve.fit, &curve.at_twice) {
        (Some(fit), Some(twice)) => {
            text += &format!(
                "Fitted: error = {:.3} + {:.3} x images ^ -{:.2}; with {} images it expects {:.3} [{:.3}, {:.3}], if the \
                 curve goes on as it began.\n",
                fit.floor,
                fit.scale,
                fit.exponent,
                twice.images,
                twice.accuracy,
                twice.interval.low,
                twice.interval.high
            );
        }
        _ => text += "At least three sizes are needed to extrapolate to more images.\n",
    }
    if curve.synthetic {
        text += "(synthetic): the pictures are drawings made by this program; their accuracies say nothing about photographs.\n";
    }
    text
}
