//! A stopped training keeps its best model as a result that is marked as stopped.

mod kinds;
#[path = "../support/made_up.rs"]
mod made_up;
#[path = "../support/session.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod session;

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn run(workspace: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_faceprobe"));
    command.env("FACEPROBE_WEIGHTS", workspace.join("weights"));
    command.arg("--workspace").arg(workspace).args(args).stdin(Stdio::null()).output().expect("the binary starts")
}

fn ok(workspace: &Path, args: &[&str]) -> String {
    let output = run(workspace, args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn json(workspace: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&ok(workspace, args)).expect("JSON")
}

/// Waits, with a generous limit, until something of a run is so.
fn until(workspace: &Path, run: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let shown = json(workspace, &["runs", "show", run, "--json"]);
        if holds(&shown) {
            return shown;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{run}: not {what}: {}", shown["run"]);
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn epochs(shown: &Value) -> usize {
    shown["epochs"].as_array().map_or(0, Vec::len)
}

fn stop(workspace: &Path, run: &str) -> Value {
    ok(workspace, &["runs", "stop", run]);
    until(workspace, run, "stopped", |shown| shown["run"]["status"] == "stopped")
}

/// A workspace with plain pictures of two colours, prepared as `colours`.
fn colours() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path().to_path_buf();
    for (class, name) in ["female", "male"].iter().enumerate() {
        fs::create_dir_all(at.join("raw").join(name)).expect("a folder");
        for number in 0..20 {
            let colour = image::Rgb([40 + 140 * class as u8, number * 7, 90]);
            let picture = image::RgbImage::from_pixel(40, 40, colour);
            picture.save(at.join(format!("raw/{name}/{number}.png"))).expect("a picture");
        }
    }
    ok(&at, &["data", "prepare", "--source", &format!("folder:{}", at.join("raw").display()), "--name", "colours"]);
    (folder, at)
}

fn row(workspace: &Path, run: &str) -> Value {
    let rows = json(workspace, &["results", "--json"]);
    rows.as_array().expect("rows").iter().find(|row| row["run"] == run).expect("the row").clone()
}

#[test]
fn a_stopped_training_keeps_its_best_model_and_can_go_on() {
    let (_folder, at) = colours();
    ok(&at, &["train", "benchmark", "--pool", "4", "--epochs", "400", "--detach"]);
    until(&at, "benchmark-1", "in its fourth epoch", |shown| epochs(shown) > 3);
    let shown = stop(&at, "benchmark-1");
    let outcome = shown["run"]["outcome"].as_str().expect("a sentence");
    assert!(outcome.contains("of 400") && outcome.contains("best model so far is kept"), "{outcome}");
    let result = row(&at, "benchmark-1");
    assert_eq!(result["status"], "stopped");
    let figures = shown["epochs"].as_array().expect("epochs");
    // The best of the epochs that were done, and not a later state.
    let best = figures.iter().filter_map(|epoch| epoch["val_accuracy"].as_f64()).fold(0.0, f64::max);
    let kept = &figures[result["best_epoch"].as_u64().expect("an epoch") as usize - 1];
    assert_eq!(kept["val_accuracy"].as_f64(), Some(best));
    assert_eq!(result["epochs"].as_u64(), Some(figures.len() as u64));
    assert!(ok(&at, &["results"]).contains("stopped"));
    assert!(ok(&at, &["runs", "list"]).contains("best model so far"));

    // It predicts, is evaluated, chosen, tested and reported as any other.
    let picture = at.join("raw/male/3.png").display().to_string();
    let predicted = json(&at, &["predict", &picture, "--json"]);
    assert_eq!((&predicted[0]["error"], predicted[0]["label"].is_string()), (&Value::Null, true));
    ok(&at, &["evaluate", "benchmark-1"]);
    ok(&at, &["choose", "benchmark-1"]);
    ok(&at, &["evaluate", "benchmark-1", "--open-test"]);
    ok(&at, &["report"]);
    let report = fs::read_to_string(at.join("report/report.md")).expect("a report");
    assert!(report.contains("benchmark-1") && report.contains("(stopped)") && report.contains("where it was stopped"));

    // It goes on after its checkpoint; what was there of the older model does not stay for the newer.
    ok(&at, &["runs", "resume", "benchmark-1"]);
    let before = figures.len();
    until(&at, "benchmark-1", "further", |shown| epochs(shown) > before + 2);
    let shown = stop(&at, "benchmark-1");
    let notes = shown["notes"].as_array().expect("notes");
    assert!(notes.iter().any(|note| note.as_str().is_some_and(|note| note.contains("from a checkpoint"))));
    let result = row(&at, "benchmark-1");
    assert!(result["epochs"].as_u64() > Some(before as u64) && result["test_accuracy"].is_null());
    assert!(!at.join("runs/benchmark-1/scores-test.csv").exists());
}

#[test]
fn a_training_that_is_stopped_in_its_first_epoch_says_that_there_is_no_model() {
    let (_folder, at) = colours();
    // The largest network there is: its first epoch lasts.
    let large = ["--input", "512", "--pool", "1", "--filters", "512", "--dense", "512"];
    ok(&at, &[&["train", "benchmark", "--epochs", "9", "--detach"][..], &large].concat());
    until(&at, "benchmark-1", "training", |shown| shown["run"]["stage"] == "train");
    let shown = stop(&at, "benchmark-1");
    assert_eq!(epochs(&shown), 0, "the first epoch was done before it could be stopped");
    let outcome = shown["run"]["outcome"].as_str().expect("a sentence");
    assert!(outcome.contains("no model") || outcome.contains("before there was a model"), "{outcome}");
    assert!(!at.join("runs/benchmark-1/model.safetensors").exists());
    assert!(!run(&at, &["choose", "benchmark-1"]).status.success());
}
