//! `faceprobe extract`: the features of a prepared data set, once; or the probe of every stage.

use super::Context;
use super::args::ExtractArgs;
use super::follow::start;
use super::output::{Align, print, print_json, table};
use super::place::{Outcome, place};
use super::train::dataset_name;
use faceprobe_core::error::Result;
use faceprobe_core::model::LogisticSettings;
use faceprobe_core::run::probe::{self, Probe};
use faceprobe_core::run::{History, JobSpec};
use faceprobe_core::text::line;
use serde_json::json;

pub(crate) fn run(context: &Context, args: &ExtractArgs) -> Result<()> {
    let features = args.features.read()?;
    let dataset = dataset_name(context, &args.dataset)?;
    let job = if args.probe {
        let settings = LogisticSettings { alphas: probe::ALPHAS.to_vec(), ..LogisticSettings::default() };
        JobSpec::Probe { dataset, features, settings }
    } else {
        JobSpec::Extract { dataset, features }
    };
    let view = match place(context, &args.place, vec![job.clone()], args.detach.detach)? {
        Outcome::Here => start(context, job, args.detach.detach)?,
        Outcome::LastEvent => None,
        Outcome::Done(views) => views.into_iter().next(),
    };
    let Some(view) = view else {
        return Ok(());
    };
    let probe = if args.probe { Some(Probe::load(view.folder.path())?) } else { None };
    if context.json {
        return print_json(&json!({
            "run": view.id().as_str(),
            "status": view.status,
            "seconds": view.seconds(),
            "skipped": History::read(&view.folder)?.skipped,
            "outcome": view.facts().outcome,
            "probe": probe,
        }));
    }
    if let Some(probe) = probe {
        let rows: Vec<Vec<String>> = probe
            .stages
            .iter()
            .map(|stage| {
                let accuracy = |value: f64| format!("{value:.3}");
                vec![
                    stage.tap.to_string(),
                    stage.name.clone(),
                    stage.width.to_string(),
                    stage.alpha.to_string(),
                    accuracy(stage.train_accuracy),
                    accuracy(stage.val_accuracy),
                ]
            })
            .collect();
        let right = Align::Right;
        let columns = [
            ("tap", right),
            ("stage", Align::Left),
            ("values", right),
            ("alpha", right),
            ("train", right),
            ("val", right),
        ];
        print(&table(&columns, &rows))?;
    }
    print(&format!("{}\n", line(view.facts().outcome.as_deref().unwrap_or("Done."))))
}
