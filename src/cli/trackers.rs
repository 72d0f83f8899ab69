//! `faceprobe runs export`: exports runs for experiment trackers.

use super::Context;
use super::output::{print, print_json};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::outputs::Outputs;
use faceprobe_core::run::listing::{self, Listed};
use faceprobe_core::run::trackers::{File, Tracked, mlflow, tensorboard};
use faceprobe_core::run::{JobSpec, RunFolder, Status};
use faceprobe_core::text::printable;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf, absolute};

pub(crate) fn export(
    context: &Context,
    names: &[String],
    boards: Option<&Path>,
    store: Option<&Path>,
    force: bool,
) -> Result<()> {
    let tracked = tracked(context, names)?;
    let mut files: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
    let mut add =
        |folder: &Path, of: Vec<File>| files.extend(of.into_iter().map(|(path, bytes)| (folder.join(path), bytes)));
    for run in &tracked {
        if let Some(folder) = boards {
            add(folder, tensorboard::files(run));
        }
        if let Some(folder) = store {
            let root = absolute(folder).map_err(|error| Error::at(folder, error))?;
            add(folder, mlflow::files(run, &root));
        }
    }
    let mut outputs = Outputs::new(&context.workspace, force);
    files.keys().try_for_each(|path| outputs.check(path))?;
    files.iter().try_for_each(|(path, bytes)| outputs.write(path, bytes))?;
    if context.json {
        let runs: Vec<&str> = tracked.iter().map(|run| run.run.as_str()).collect();
        return print_json(&json!({ "runs": runs, "tensorboard": boards, "mlflow": store, "files": files.len() }));
    }
    let count = match tracked.len() {
        1 => "1 run".to_owned(),
        count => format!("{count} runs"),
    };
    let open = |program: &str, folder: Option<&Path>| {
        folder.map(|folder| format!("{count}: {program} {}\n", printable(&folder.to_string_lossy())))
    };
    let lines = [open("tensorboard --logdir", boards), open("mlflow ui --backend-store-uri", store)];
    print(&lines.into_iter().flatten().collect::<String>())
}

/// The named runs, or all with a trained model.
fn tracked(context: &Context, names: &[String]) -> Result<Vec<Tracked>> {
    if !names.is_empty() {
        return names.iter().map(|name| Tracked::read(&RunFolder::find(&context.workspace, name)?)).collect();
    }
    let trained = listing::all(&context.workspace)?.into_iter().filter_map(|listed| match listed {
        Listed::Run(view) => {
            let done = view.status == Status::Done && matches!(view.result, Ok(Some(_)));
            (done && matches!(view.spec.job, JobSpec::Train { .. })).then_some(view.folder)
        }
        Listed::Damaged(_) => None,
    });
    let tracked = trained.map(|run| Tracked::read(&run)).collect::<Result<Vec<_>>>()?;
    if tracked.is_empty() {
        return Err(Error::failed("There is no trained model here to export; train one with 'faceprobe train'."));
    }
    Ok(tracked)
}
