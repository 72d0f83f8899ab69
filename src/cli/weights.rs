//! `faceprobe weights list|fetch|import`.

use super::Context;
use super::args::WeightsCommand;
use super::output::{Align, bytes, print, print_json, table};
use super::reporter::Reporter;
use faceprobe_core::backbone::BackboneInfo;
use faceprobe_core::backbone::weights::{self, Source};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::text::printable;
use serde_json::json;

pub(crate) fn run(context: &Context, command: &WeightsCommand) -> Result<()> {
    match command {
        WeightsCommand::List => list(context),
        WeightsCommand::Fetch { name, .. } if name == weights::onnx_runtime::NAME => {
            let reporter = Reporter::new(context.quiet)?;
            let path = weights::onnx_runtime::fetch(&reporter)?;
            drop(reporter);
            if context.json {
                return print_json(&json!({ "name": name, "path": path }));
            }
            print(&format!("{name}: {}\n", printable(&path.to_string_lossy())))
        }
        WeightsCommand::Fetch { name, from, sha256 } => {
            let reporter = Reporter::new(context.quiet)?;
            match from {
                Some(url) => weights::fetch_url(name, url, sha256.as_deref(), &reporter)?,
                None => weights::fetch(name, &reporter)?,
            };
            drop(reporter);
            stored(context, name)
        }
        WeightsCommand::Import { name, file, trust } => {
            if weights::is_program(file) && !trust {
                return Err(Error::usage(format!(
                    "{} describes a TorchScript file, and that is a program: it runs with your rights, now and whenever the \
                     backbone is used. If you trust who made it, import it with --trust.",
                    file.display()
                )));
            }
            // A new TorchScript file has no status yet.
            let before = weights::status(name).ok().and_then(|status| status.sha256);
            let reporter = Reporter::new(context.quiet)?;
            let record = weights::import(name, file, &reporter)?;
            if before.is_some_and(|before| before != record.sha256) {
                reporter.say(&format!(
                    "the weights of {name} were others before: features and models made with those do not go with these"
                ));
            }
            drop(reporter);
            stored(context, name)
        }
    }
}

/// Reports what is stored now.
fn stored(context: &Context, name: &str) -> Result<()> {
    let status = weights::status(name)?;
    if context.json {
        return print_json(&json!({
            "name": name,
            "path": status.path,
            "sha256": status.sha256,
            "bytes": status.bytes,
            "source": status.source,
        }));
    }
    if context.quiet {
        return Ok(());
    }
    let path = status.path.to_string_lossy();
    print(&format!("{name}: {} ({})\n", printable(&path), bytes(status.bytes.unwrap_or(0))))
}

/// Size of installed weights in bytes.
fn size(info: &BackboneInfo) -> u64 {
    4 * info.parameters().iter().map(|(_, shape)| shape.iter().product::<usize>() as u64).sum::<u64>()
}

fn list(context: &Context) -> Result<()> {
    let mut rows = Vec::new();
    let mut values = Vec::new();
    let mut all = weights::all();
    all.sort_by_key(|info| info.trained_on);
    for info in all {
        let status = weights::status(info.name)?;
        let sources: Vec<String> = info.sources.iter().map(Source::title).collect();
        rows.push(vec![
            info.trained_on.title().to_owned(),
            info.name.to_owned(),
            if status.present { "present" } else { "absent" }.to_owned(),
            bytes(status.bytes.unwrap_or_else(|| size(info))),
            // The face detector takes any size, and gives no features.
            if info.input > 0 { format!("{} px", info.input) } else { "any".to_owned() },
            if info.features > 0 { info.features.to_string() } else { "-".to_owned() },
            info.licence.to_owned(),
            status.sha256.as_deref().and_then(|hash| hash.get(..12)).unwrap_or("-").to_owned(),
            match &status.source {
                // Hashes are in the record, and in --json.
                Some(source) => source.split(" (").next().unwrap_or_default().to_owned(),
                None if sources.is_empty() => format!("faceprobe weights import {} FILE", info.name),
                None => format!("faceprobe weights fetch {}", info.name),
            },
        ]);
        values.push(json!({
            "name": info.name,
            "title": info.title,
            "trained_on": info.trained_on,
            "features": info.features,
            "input": info.input,
            "licence": info.licence,
            "present": status.present,
            "path": status.path,
            "sha256": status.sha256,
            "bytes": status.bytes,
            "size": size(info),
            "source": status.source,
            "sources": sources,
        }));
    }
    if context.json {
        return print_json(&values);
    }
    let (left, right) = (Align::Left, Align::Right);
    print(&table(
        &[
            ("trained on", left),
            ("backbone", left),
            ("weights", left),
            ("size", right),
            ("input", right),
            ("features", right),
            ("licence", left),
            ("sha256", left),
            ("from, or how to get them", left),
        ],
        &rows,
    ))
}
