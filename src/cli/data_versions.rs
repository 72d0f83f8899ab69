//! `faceprobe data list|use`: the versions of prepared sets.

use super::Context;
use super::output::{Align, print, print_json, say, table};
use faceprobe_core::dataset::versions::{self, Version};
use faceprobe_core::dataset::{PrepareReport, SplitMethod};
use faceprobe_core::error::Result;
use faceprobe_core::run::results;
use faceprobe_core::text::{line, printable};
use serde_json::{Value, json};

pub(crate) fn make_current(context: &Context, typed: &str) -> Result<()> {
    let id = match typed.contains('@') {
        true => versions::resolve(&context.workspace, typed)?,
        // A plain name is accepted only if it has one version.
        false => match versions::numbers(&context.workspace, typed).into_iter().collect::<Vec<_>>()[..] {
            [only] => Version::new(typed, only).id(),
            [] => versions::resolve(&context.workspace, typed)?,
            [.., last] => {
                return Err(faceprobe_core::error::Error::usage(format!(
                    "Say which version of {typed}, such as {}; 'faceprobe data list' has them all.",
                    Version::new(typed, last).full()
                )));
            }
        },
    };
    let version = versions::version_of(&context.workspace, &id);
    versions::make_current(&context.workspace, &version.name, version.number)?;
    if context.json {
        return print_json(&json!({ "name": version.name, "version": version.number }));
    }
    let whole = Version::new(&version.name, version.number);
    print(&format!("{} is the current version of {}\n", printable(&whole.full()), printable(&version.name)))
}

/// An entry of the list of versions.
struct Listed {
    version: Version,
    /// None if the file that records it is damaged.
    current: Option<bool>,
    report: Result<PrepareReport>,
    /// RFC 3339, UTC.
    written: Option<String>,
    /// Models that were trained on it or one of its folds, or are being trained.
    runs: usize,
}

pub(crate) fn list(context: &Context) -> Result<()> {
    let workspace = &context.workspace;
    let rows = results::table(workspace)?.rows;
    let mut listed = Vec::new();
    for (name, numbers) in versions::all(workspace) {
        let current = versions::current_among(workspace, &name, &numbers);
        if let Err(error) = &current {
            say(&format!("faceprobe: {}", line(&error.to_string())));
        }
        let current = current.ok();
        for number in numbers {
            let version = Version::new(&name, number);
            let report = workspace.prepared(&version.id()).join("report.json");
            let at = std::fs::metadata(&report).and_then(|metadata| metadata.modified()).ok();
            let of = |row: &results::ResultRow| {
                let of = versions::version_of(workspace, &row.dataset);
                of.name == name && of.number == number
            };
            listed.push(Listed {
                current: current.map(|current| current == number),
                report: PrepareReport::load(&workspace.prepared(&version.id())),
                written: at.and_then(|at| jiff::Timestamp::try_from(at).ok()).map(|at| at.to_string()),
                runs: rows.iter().filter(|row| of(row)).count(),
                version,
            });
        }
    }
    if context.json {
        return print_json(&listed.iter().map(to_json).collect::<Vec<_>>());
    }
    if listed.is_empty() {
        return print("There is no prepared data set here; 'faceprobe data prepare --help' says how one is made.\n");
    }
    let left = Align::Left;
    let head = [
        ("version", left),
        ("current", left),
        ("images", left),
        ("seed", Align::Right),
        ("prepared (UTC)", left),
        ("models", Align::Right),
        ("source", left),
    ];
    print(&table(&head, &listed.iter().map(cells).collect::<Vec<_>>()))
}

fn to_json(listed: &Listed) -> Value {
    let Listed { version, current, report, written, runs } = listed;
    let mut object = json!({
        "name": version.name, "version": version.number, "id": version.id(), "current": current, "written": written,
        "runs": runs,
    });
    match report {
        Ok(report) => {
            object["classes"] = json!(report.classes);
            object["splits"] = json!(report.splits);
            object["sources"] = json!(report.sources);
            object["seed"] = json!(report.seed);
            object["split"] = json!(report.split.name());
            object["manifest_sha256"] = json!(report.manifest_sha256);
            object["error"] = Value::Null;
        }
        Err(error) => object["error"] = json!(error.to_string()),
    }
    object
}

fn cells(listed: &Listed) -> Vec<String> {
    let current = match listed.current {
        Some(true) => "yes",
        Some(false) => "",
        None => "?",
    };
    let (images, seed, source) = match &listed.report {
        Ok(report) => {
            let split = |count: &faceprobe_core::dataset::report::SplitCount| {
                let [first, second] = count.per_class;
                format!("{} {first} + {second}", count.split)
            };
            let images = match report.split {
                SplitMethod::Folds if report.fold.is_none() => {
                    let sum: usize = report.splits.iter().flat_map(|split| split.per_class).sum();
                    format!("{sum} in {} folds", report.splits.len())
                }
                _ => report.splits.iter().map(split).collect::<Vec<_>>().join(", "),
            };
            (images, report.seed.to_string(), report.sources.join(", "))
        }
        Err(error) => (error.to_string(), "-".into(), "-".into()),
    };
    let written = listed.written.as_ref().and_then(|at| at.get(..16)).unwrap_or("-").replace('T', " ");
    vec![listed.version.full(), current.into(), images, seed, written, listed.runs.to_string(), source]
}
