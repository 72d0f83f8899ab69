//! Carries out tasks by the same calls as the command line.

use super::settings::{DataSource, FetchData, FetchWeights, place};
use super::{Order, Outcome, Task};
use faceprobe_core::backbone::weights;
use faceprobe_core::dataset::Manifest;
use faceprobe_core::dataset::fetch::{adience, congress};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::features::export;
use faceprobe_core::monitor::Monitor;
use faceprobe_core::net::{Client, check_address};
use faceprobe_core::outputs::{OutputState, Outputs};
use faceprobe_core::report::{self, ReportOptions};
use faceprobe_core::run::{JobSpec, predictor_export};
use faceprobe_core::workspace::Workspace;
use std::path::PathBuf;
use std::time::Duration;

/// A server that does not answer for this long is given up.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two requests for portraits.
const PAUSE: Duration = Duration::from_millis(100);

/// Does it.
///
/// # Errors
/// The errors of the command line; a stop.
pub(super) fn perform(workspace: &Workspace, order: Order, monitor: &dyn Monitor) -> Result<Outcome> {
    let root = workspace.root();
    match &order.task {
        Task::FetchData(fetch) => match fetch.set {
            DataSource::Congress => fetch_congress(workspace, &order, fetch, monitor),
            DataSource::Adience => fetch_adience(workspace, fetch, monitor),
        },
        Task::FetchWeights(fetch) => fetch_weights(workspace, fetch, monitor),
        Task::Report(wanted) => {
            let to = place(root, &wanted.to);
            let html =
                if to.extension().is_some_and(|ending| ending == "html") { to.clone() } else { to.join("report.html") };
            if let Some(exists) = exists(workspace, &order, [html.clone(), html.with_extension("md")])? {
                return Ok(exists);
            }
            let options =
                ReportOptions { model: wanted.model.clone(), thumbnails: wanted.thumbnails, force: order.replace };
            let written = report::write(workspace, &to, &options)?;
            Ok(Outcome::TaskMessage(format!("Report written to {}; open it in a browser.", written.html.display())))
        }
        Task::ExportModel(wanted) => {
            let to = place(root, &wanted.to);
            if let Some(exists) = exists(workspace, &order, predictor_export::files(&to)?)? {
                return Ok(exists);
            }
            let mut outputs = Outputs::new(workspace, order.replace);
            let written = predictor_export::export(workspace, wanted.run.as_deref(), &to, &mut outputs)?;
            let (run, program) = (&written.info.provenance.run, written.program.display());
            Ok(Outcome::TaskMessage(format!(
                "{run} was exported to {}; {program} shows how to use it.",
                written.model.display()
            )))
        }
        Task::ExportFeatures { .. } => export_features(workspace, &order, monitor),
    }
}

/// Asks whether to replace the first of these files that the program did not write, unless that was answered.
fn exists(workspace: &Workspace, order: &Order, files: impl IntoIterator<Item = PathBuf>) -> Result<Option<Outcome>> {
    let mut outputs = Outputs::new(workspace, order.replace);
    for path in files {
        if !order.replace && outputs.standing(&path)? == OutputState::Foreign {
            return Ok(Some(Outcome::Exists { path, order: Box::new(Order { replace: true, ..order.clone() }) }));
        }
    }
    Ok(None)
}

/// The destination: what was typed, else `data/NAME`.
fn folder(workspace: &Workspace, fetch: &FetchData) -> PathBuf {
    match &fetch.to {
        Some(to) => place(workspace.root(), to),
        None => workspace.root().join("data").join(fetch.set.name()),
    }
}

fn fetch_congress(workspace: &Workspace, order: &Order, fetch: &FetchData, monitor: &dyn Monitor) -> Result<Outcome> {
    let folder = folder(workspace, fetch);
    if let Some(exists) = exists(workspace, order, [folder.join("labels.csv")])? {
        return Ok(exists);
    }
    let (legislators, portraits) = congress::addresses(fetch.mirror.as_deref())?;
    let client = Client::new();
    let request = congress::Request {
        legislators: &legislators,
        portraits: &portraits,
        folder: &folder,
        client: &client,
        pause: PAUSE,
        patience: PATIENCE,
    };
    let report = congress::fetch(&request, &mut Outputs::new(workspace, order.replace), monitor)?;
    Ok(Outcome::Source {
        told: format!(
            "{} portraits downloaded, {} female and {} male.",
            report.female + report.male,
            report.female,
            report.male
        ),
        source: format!("csv:{}", report.labels.display()),
        name: "congress".to_owned(),
    })
}

fn fetch_adience(workspace: &Workspace, fetch: &FetchData, monitor: &dyn Monitor) -> Result<Outcome> {
    let folder = folder(workspace, fetch);
    let address = check_address(fetch.mirror.as_deref().unwrap_or(adience::OFFICIAL))?;
    let client = match (&fetch.user, &fetch.password) {
        (Some(user), Some(password)) => Client::new().with_password(user, password)?,
        _ => Client::new(),
    };
    let parts: Vec<adience::Part> = fetch.parts.iter().map(|part| part.of_adience()).collect();
    let request = adience::Request { address, parts: &parts, folder: &folder, client: &client, patience: PATIENCE };
    let files = adience::fetch(&request, monitor)?;
    let images: u64 = files.iter().filter_map(|file| file.images).sum();
    Ok(Outcome::Source {
        told: match images {
            0 => "Adience is downloaded.".to_owned(),
            _ => format!("Adience is downloaded, {images} files."),
        },
        source: format!("adience:{}", folder.display()),
        name: "adience".to_owned(),
    })
}

fn fetch_weights(workspace: &Workspace, fetch: &FetchWeights, monitor: &dyn Monitor) -> Result<Outcome> {
    let name = &fetch.backbone;
    let told = match (&fetch.file, &fetch.from) {
        (Some(file), _) => {
            let file = place(workspace.root(), file);
            if weights::is_program(&file) {
                return Err(Error::usage(format!(
                    "{} describes a TorchScript file, which is a program; if you trust who made it, import it with \
                     faceprobe weights import {name} FILE --trust.",
                    file.display()
                )));
            }
            weights::import(name, &file, monitor)?;
            "imported"
        }
        (None, Some(from)) => {
            weights::fetch_url(name, from, fetch.sha256.as_deref(), monitor)?;
            "installed"
        }
        (None, None) => {
            weights::fetch(name, monitor)?;
            "installed"
        }
    };
    Ok(Outcome::TaskMessage(format!("The weights of {name} are {told}.")))
}

fn export_features(workspace: &Workspace, order: &Order, monitor: &dyn Monitor) -> Result<Outcome> {
    let Task::ExportFeatures { dataset, features, to, extracted } = &order.task else {
        return Err(Error::usage("No features were asked for."));
    };
    let files = export::Files::of(&workspace.root().join(to));
    let all = [&files.features, &files.labels, &files.about];
    if let Some(exists) = exists(workspace, order, all.into_iter().cloned())? {
        return Ok(exists);
    }
    let manifest = Manifest::load_named(workspace, dataset)?;
    let (stores, missing) = export::stores(workspace, features, &manifest, monitor)?;
    if missing > 0 && !extracted {
        let task = Task::ExportFeatures {
            dataset: dataset.clone(),
            features: features.clone(),
            to: to.clone(),
            extracted: true,
        };
        return Ok(Outcome::Needs {
            spec: Box::new(JobSpec::Extract { dataset: dataset.clone(), features: features.clone() }),
            order: Box::new(Order { task, ..order.clone() }),
            told: format!(
                "{missing} images have no features of this kind yet; they are extracted first, then exported."
            ),
        });
    }
    let stores: Vec<_> = stores.iter().collect();
    let mut outputs = Outputs::new(workspace, order.replace);
    let exported = export::export(&mut outputs, &files, &manifest, &stores, &features.identity()?)?;
    let left_out = match exported.left_out {
        0 => String::new(),
        count => format!("; {count} unreadable images are left out"),
    };
    Ok(Outcome::TaskMessage(format!(
        "{} rows of {} values were written to {}{left_out}.",
        exported.rows,
        exported.width,
        files.features.display()
    )))
}
