//! `faceprobe features export`: features and labels for numpy, pandas and scikit-learn.

use super::Context;
use super::args::{FeaturesCommand, FeaturesExportArgs};
use super::follow::start;
use super::output::{print, print_json};
use super::train::dataset_name;
use faceprobe_core::dataset::{ContentHash, Manifest};
use faceprobe_core::error::Result;
use faceprobe_core::features::export::{Files, export};
use faceprobe_core::features::{FeatureSpec, Store};
use faceprobe_core::monitor::Silent;
use faceprobe_core::outputs::Outputs;
use faceprobe_core::run::JobSpec;
use faceprobe_core::text::printable;

pub(crate) fn run(context: &Context, command: &FeaturesCommand) -> Result<()> {
    match command {
        FeaturesCommand::Export(args) => exported(context, args),
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
    let exported = export(&mut outputs, &files, &manifest, &stores, &features.identity()?)?;
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

/// The stores of these features, once they have a row for every image that can be read.
fn filled(context: &Context, features: &FeatureSpec, manifest: &Manifest) -> Result<Vec<Store>> {
    let keys: Vec<ContentHash> = manifest.samples.iter().map(|sample| sample.hash).collect();
    let folder = context.workspace.features();
    let open = || -> Result<Vec<Store>> {
        let mut stores =
            features.identities()?.iter().map(|identity| Store::open(&folder, identity)).collect::<Result<Vec<_>>>()?;
        stores.iter_mut().try_for_each(|store| store.verify(&keys, &Silent))?;
        Ok(stores)
    };
    let stores = open()?;
    if stores.iter().all(|store| store.missing(&keys).is_empty()) {
        return Ok(stores);
    }
    drop(stores);
    start(context, JobSpec::Extract { dataset: manifest.name.clone(), features: features.clone() }, false)?;
    open()
}
