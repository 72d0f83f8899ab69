//! `faceprobe learning-curve KIND --sizes N,N,…`: accuracy against the number of training images.

use super::Context;
use super::args::{CurveArgs, CurveFigure};
use super::follow::start;
use super::output::{Align, print, print_json, table};
use super::place::{Outcome, place};
use super::train::{dataset_name, first};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::model::ModelSpec;
use faceprobe_core::outputs::Outputs;
use faceprobe_core::report;
use faceprobe_core::run::learning_curve::{CurveSettings, LearningCurve};
use faceprobe_core::run::result_text::{set_name, with_interval};
use faceprobe_core::run::{JobSpec, RunFolder};
use faceprobe_core::text::{line, printable};
use faceprobe_settings::set_all;
use std::path::Path;

pub(crate) fn run(context: &Context, args: &CurveArgs) -> Result<()> {
    let curve: CurveSettings = set_all(&args.curve)?;
    let model = ModelSpec::read(args.kind, &args.model).map_err(first)?;
    let dataset = dataset_name(context, &args.dataset)?;
    let mut figure = Figure::check(context, &args.figure)?;
    let job = JobSpec::LearningCurve { dataset, model, curve };
    let view = match place(context, &args.place, vec![job.clone()], args.detach)? {
        Outcome::Here => start(context, job, args.detach)?,
        Outcome::LastEvent => None,
        Outcome::Done(views) => views.into_iter().next(),
    };
    let Some(view) = view else {
        return Ok(());
    };
    let curve = LearningCurve::load(view.folder.path())?;
    if let Some(figure) = &mut figure {
        figure.write(&curve)?;
    }
    if context.json { print_json(&curve) } else { print(&text(&curve)) }
}

/// A picture that can be written.
struct Figure<'a> {
    file: &'a Path,
    others: Vec<(String, LearningCurve)>,
    outputs: Outputs,
}

impl<'a> Figure<'a> {
    /// Checks the file and reads the other curves, before anything is trained.
    fn check(context: &Context, args: &'a CurveFigure) -> Result<Option<Self>> {
        let Some(file) = args.svg.as_deref() else { return Ok(None) };
        if !file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("svg")) {
            let file = file.to_string_lossy();
            return Err(Error::usage(format!("{}: a learning curve is drawn as .svg.", printable(&file))));
        }
        let mut outputs = Outputs::new(&context.workspace, args.force);
        outputs.check(file)?;
        let other = |run: &String| {
            let folder = RunFolder::find(&context.workspace, run)?;
            let curve = match folder.spec()?.job {
                JobSpec::LearningCurve { .. } => LearningCurve::load(folder.path())?,
                _ => return Err(Error::usage(format!("Run {} is no learning curve.", folder.id()))),
            };
            Ok((name(&curve), curve))
        };
        let others = args.with.iter().map(other).collect::<Result<_>>()?;
        Ok(Some(Self { file, others, outputs }))
    }

    fn write(&mut self, curve: &LearningCurve) -> Result<()> {
        let mut curves = vec![(name(curve), curve.clone())];
        curves.append(&mut self.others);
        let drawing = report::growth_file(&curves)
            .ok_or_else(|| Error::failed("The learning curve cannot be drawn: its accuracies are no numbers."))?;
        self.outputs.write(self.file, drawing.as_bytes())
    }
}

/// The name of a curve in a picture with others.
fn name(curve: &LearningCurve) -> String {
    let backbone = curve.backbone.as_ref().map(|backbone| format!(" on {backbone}")).unwrap_or_default();
    format!("{}{backbone}, {}", curve.kind, line(&set_name(&curve.dataset, curve.synthetic)))
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
