//! `faceprobe features`: features and labels for numpy, pandas and scikit-learn; joining the parts of stores.

use super::Context;
use super::args::{FeaturesCommand, FeaturesExportArgs};
use super::follow::start;
use super::output::{print, print_json};
use super::train::dataset_name;
use faceprobe_core::dataset::Manifest;
use faceprobe_core::error::Result;
use faceprobe_core::features::export::{self, Files};
use faceprobe_core::features::{Compaction, FeatureSpec, Store, compact, inventory};
use faceprobe_core::monitor::Silent;
use faceprobe_core::outputs::Outputs;
use faceprobe_core::run::JobSpec;
use faceprobe_core::text::printable;

pub(crate) fn run(context: &Context, command: &FeaturesCommand) -> Result<()> {
    match command {
        FeaturesCommand::Export(args) => exported(context, args),
        FeaturesCommand::Map(args) => super::features_map::run(context, args),
        FeaturesCommand::Compact => compacted(context),
    }
}

fn compacted(context: &Context) -> Result<()> {
    let folder = context.workspace.features();
    let mut all = Vec::new();
    for info in inventory(&folder) {
        let mut store = Store::open(&folder, &info.identity)?;
        let joined = compact(&mut store, &Silent)?;
        let name = info.identity.folder_name();
        if !context.json {
            let Compaction { before, after, rows } = joined;
            print(&match rows {
                0 => format!("{name}: {before} parts, nothing to join\n"),
                _ => format!("{name}: {before} parts became {after}; {rows} rows were copied\n"),
            })?;
        }
        all.push(serde_json::json!({
            "store": name, "parts_before": joined.before, "parts_after": joined.after, "rows_copied": joined.rows,
        }));
    }
    match (context.json, all.is_empty()) {
        (true, _) => print_json(&all),
        (false, true) => print("No features are kept here yet.\n"),
        (false, false) => Ok(()),
    }
}

fn exported(context: &Context, args: &FeaturesExportArgs) -> Result<()> {
    let features = args.features.read()?;
    let dataset = dataset_name(context, &args.dataset)?;
    let manifest = Manifest::load_named(&context.workspace, &dataset)?;
    let mut outputs = Outputs::new(&context.workspace, args.force);
    let files = Files::of(&args.to);
    files.check(&mut outputs)?;
    let stores = filled(context, &features, &manifest)?;
    let stores: Vec<&Store> = stores.iter().collect();
    let exported = export::export(&mut outputs, &files, &manifest, &stores, &features.identity()?)?;
    if context.json {
        return print_json(&serde_json::json!({ "files": files, "exported": exported }));
    }
    let left_out = match exported.left_out {
        0 => String::new(),
        count => format!("; {count} images cannot be read and are left out"),
    };
    print(&format!(
        "{}: {} rows of {} values; {} has a line for each{left_out}.\n",
        printable(&files.features.to_string_lossy()),
        exported.rows,
        exported.width,
        printable(&files.labels.to_string_lossy()),
    ))
}

/// The stores of these features, after computing missing rows.
fn filled(context: &Context, features: &FeatureSpec, manifest: &Manifest) -> Result<Vec<Store>> {
    let (stores, missing) = export::stores(&context.workspace, features, manifest, &Silent)?;
    if missing == 0 {
        return Ok(stores);
    }
    drop(stores);
    start(context, JobSpec::Extract { dataset: manifest.name.clone(), features: features.clone() }, false)?;
    Ok(export::stores(&context.workspace, features, manifest, &Silent)?.0)
}
