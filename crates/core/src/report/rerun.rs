//! The commands that make the same study again.

use super::gather::Study;
use crate::dataset::prepare::PrepareSettings;
use crate::run::{JobSpec, ModelSpec, Spec};
use serde_json::Value;
use std::collections::BTreeSet;

/// One line for each command, with what it made behind it.
pub fn commands(study: &Study) -> String {
    let mut lines = Vec::new();
    if study.jobs.iter().any(|(_, spec)| matches!(spec.job, JobSpec::Demo { .. })) {
        lines.push("faceprobe demo --plain".to_owned());
    }
    let mut prepared = BTreeSet::new();
    for set in &study.sets {
        let settings = set.sources.as_ref().map(|sources| &sources.settings);
        let Some(settings) = settings.filter(|settings| prepared.insert(settings.name.clone())) else { continue };
        lines.push(format!("{}  # manifest {}", prepare(settings), hash(&set.report.manifest_sha256)));
    }
    for (run, spec) in study.jobs.iter().filter(|(_, spec)| spec.parent.is_none()) {
        let command = match &spec.job {
            JobSpec::Train { model: ModelSpec::Ensemble { members, .. }, refit: None, .. } => {
                format!(
                    "faceprobe train ensemble {}",
                    members.iter().map(|run| quoted(run)).collect::<Vec<_>>().join(" ")
                )
            }
            JobSpec::Train { refit: Some(run), .. } => format!("faceprobe train refit {}", quoted(run)),
            JobSpec::Train { dataset, model, .. } | JobSpec::Folds { dataset, model } => train(dataset, model),
            JobSpec::OpenTest { run } => format!("faceprobe evaluate {} --open-test", quoted(run)),
            JobSpec::Sweep { dataset, .. } => {
                lines.push(format!("# {run}: a sweep on {dataset}; its settings are in runs/{run}/spec.json"));
                continue;
            }
            _ => continue,
        };
        lines.push(format!("{command}{}  # {run}", circumstances(spec)));
    }
    if let Some(choice) = &study.chosen {
        lines.push(format!("faceprobe choose {} --threshold {}", quoted(&choice.run), choice.threshold));
    }
    lines.push("faceprobe report".to_owned());
    lines.join("\n")
}

fn hash(sha256: &str) -> &str {
    sha256.get(..12).unwrap_or("of each fold above")
}

/// Threads and device change numbers a little; the default device needs no word.
fn circumstances(spec: &Spec) -> String {
    let device = if spec.device == "cpu" { String::new() } else { format!(" --device {}", quoted(&spec.device)) };
    format!(" --threads {}{device}", spec.threads)
}

fn prepare(settings: &PrepareSettings) -> String {
    let mut command = "faceprobe data prepare".to_owned();
    for source in &settings.sources {
        command += &format!(" --source {}", quoted(&source.to_string()));
    }
    command += &format!(" --name {}", quoted(&settings.name));
    for (name, size) in [("train", settings.train), ("val", settings.val), ("test", settings.test)] {
        command += &size.map(|size| format!(" --{name} {size}")).unwrap_or_default();
    }
    command += &format!(" --seed {}", settings.seed);
    command + &settings.split.map(|split| format!(" --split {}", split.name())).unwrap_or_default()
}

/// Options of `train` that hold a setting under its own name.
const OPTIONS: [&str; 16] = [
    "backbone",
    "tap",
    "mode",
    "dtype",
    "width",
    "depth",
    "filters",
    "dense",
    "alphas",
    "dropout",
    "learning_rate",
    "optimizer",
    "weight_decay",
    "epochs",
    "batch",
    "patience",
];

fn train(dataset: &str, model: &ModelSpec) -> String {
    let mut command = format!("faceprobe train {} --data {}", model.kind().name(), quoted(dataset));
    let value = serde_json::to_value(model).unwrap_or_default();
    let settings = value.get("settings").cloned().unwrap_or_default();
    // The benchmark's pool is a setting, that of features is not.
    let get = |name: &str| settings.get(name).or_else(|| value.get(name)).filter(|value| !value.is_null());
    for name in OPTIONS.into_iter().chain(["pool"]) {
        if let Some(value) = get(name) {
            command += &format!(" --{} {}", name.replace('_', "-"), quoted(&written(value)));
        }
    }
    if let Some(schedule) = settings.get("schedule") {
        let course = &schedule["course"];
        match course["name"].as_str() {
            Some("cosine") => command += " --schedule cosine",
            Some("step") => {
                command += &format!(" --schedule step:{}:{}", written(&course["every"]), written(&course["factor"]));
            }
            _ => {}
        }
        if let Some(warmup) = schedule["warmup"].as_u64().filter(|warmup| *warmup > 0) {
            command += &format!(" --warmup {warmup}");
        }
    }
    // The regression is the same for every seed and has no such option.
    if get("alphas").is_none() {
        command += &format!(" --seed {}", model.seed());
    }
    command
}

/// A value as an option takes it.
fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(written).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// As a shell takes it for one word.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,=+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
