//! `faceprobe extract`: the features of a prepared data set, once.

use super::Context;
use super::args::ExtractArgs;
use super::follow::start;
use super::output::{print, print_json};
use super::train::dataset_name;
use crate::error::Result;
use crate::run::JobSpec;
use serde_json::json;

pub(crate) fn run(context: &Context, args: &ExtractArgs) -> Result<()> {
    let dataset = dataset_name(context, &args.dataset)?;
    let backbone = crate::backbone::find(&args.backbone)?.name.to_owned();
    let Some(view) = start(context, JobSpec::Extract { dataset, backbone }, args.detach.detach)? else {
        return Ok(());
    };
    if context.json {
        return print_json(&json!({
            "run": view.id().as_str(),
            "status": view.status,
            "seconds": view.seconds(),
            "skipped": view.skipped,
            "outcome": view.outcome,
        }));
    }
    print(&format!("{}\n", view.outcome.as_deref().unwrap_or("Done.")))
}
