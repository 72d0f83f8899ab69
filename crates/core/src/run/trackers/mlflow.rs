//! MLflow's file store: a folder per experiment (one for each prepared set), with a folder per run whose metrics,
//! parameters, tags and artifacts are files (mlflow/store/tracking/file_store.py). MLflow finds a run by its id only
//! where it has the folders `metrics`, `params` and `artifacts`.

use super::{File, Tracked};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::path::Path;

/// MLflow's limit for a parameter's value, in characters.
const LONGEST_VALUE: usize = 6000;

/// The files of a run in a store at `root`, an absolute path. The same run always gives the same files.
pub fn files(tracked: &Tracked, root: &Path) -> Vec<File> {
    let experiment = experiment_of(&tracked.dataset);
    let folder = Path::new(&experiment);
    let run = run_id(tracked);
    let location = |path: &Path| Value::from(uri(&root.join(path)));
    let title = if tracked.label.title.is_empty() { &tracked.run } else { &tracked.label.title };
    let experiment_meta = yaml(&[
        ("artifact_location", location(folder)),
        ("creation_time", tracked.started.into()),
        ("experiment_id", experiment.as_str().into()),
        ("last_update_time", tracked.ended.into()),
        ("lifecycle_stage", "active".into()),
        ("name", format!("faceprobe {}", tracked.dataset).into()),
    ]);
    let own = folder.join(&run);
    let run_meta = yaml(&[
        ("artifact_uri", location(&own.join("artifacts"))),
        ("end_time", tracked.ended.into()),
        ("entry_point_name", "".into()),
        ("experiment_id", experiment.as_str().into()),
        ("lifecycle_stage", "active".into()),
        ("run_id", run.as_str().into()),
        ("run_name", title.as_str().into()),
        ("run_uuid", run.as_str().into()),
        ("source_name", "".into()),
        // LOCAL, and below FINISHED.
        ("source_type", 4.into()),
        ("source_version", "".into()),
        ("start_time", tracked.started.into()),
        ("status", 3.into()),
        ("tags", Value::Array(Vec::new())),
        ("user_id", "faceprobe".into()),
    ]);
    let mut files: Vec<File> = vec![(folder.join("meta.yaml"), experiment_meta), (own.join("meta.yaml"), run_meta)];
    for curve in &tracked.curves {
        let lines = curve.points.iter().map(|point| format!("{} {} {}\n", point.at, point.value, point.epoch));
        files.push((own.join("metrics").join(curve.name), lines.collect::<String>().into_bytes()));
    }
    for (name, value) in &tracked.figures {
        let line = format!("{} {value} {}\n", tracked.ended, tracked.epoch);
        files.push((own.join("metrics").join(name), line.into_bytes()));
    }
    for (name, text) in &tracked.settings {
        let text: String = text.chars().take(LONGEST_VALUE).collect();
        files.push((own.join("params").join(name), text.into_bytes()));
    }
    let tags = [
        ("mlflow.runName", title.clone()),
        ("mlflow.source.name", "faceprobe".to_owned()),
        ("mlflow.source.type", "LOCAL".to_owned()),
        ("mlflow.note.content", tracked.label.note.clone()),
        ("faceprobe.run", tracked.run.clone()),
    ];
    let tags = tags.into_iter().filter(|(_, text)| !text.is_empty());
    files.push((own.join("artifacts/result.json"), tracked.result.clone().into_bytes()));
    files.extend(tags.map(|(name, text)| (own.join("tags").join(name), text.into_bytes())));
    files
}

/// The id of a prepared set's experiment, in MLflow's form: 18 digits, deterministic.
fn experiment_of(dataset: &str) -> String {
    let digest = Sha256::digest(dataset.as_bytes());
    let number = digest.iter().take(8).fold(0u64, |number, &byte| number << 8 | u64::from(byte));
    format!("{}", 100_000_000_000_000_000 + number % 900_000_000_000_000_000)
}

/// A unique id of 32 hexadecimal digits.
fn run_id(tracked: &Tracked) -> String {
    let text = format!("{} {} {}", tracked.run, tracked.started, tracked.dataset);
    hex::encode(&Sha256::digest(text.as_bytes())[..16])
}

/// Keys and values, each value as JSON, which is valid YAML.
fn yaml(pairs: &[(&str, Value)]) -> Vec<u8> {
    pairs.iter().map(|(key, value)| format!("{key}: {value}\n")).collect::<String>().into_bytes()
}

/// An absolute path as a `file` URL.
fn uri(path: &Path) -> String {
    let kept = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    let bytes = path.as_os_str().as_encoded_bytes().iter();
    let text = bytes.map(|&byte| if kept(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") });
    format!("file://{}", text.collect::<String>())
}
