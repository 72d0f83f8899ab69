//! A run at work: paused, resumed and stopped through its socket, killed, and gone on with to the same end.

#[allow(dead_code, reason = "other tests use the rest of it")]
#[path = "support/study.rs"]
mod study;

use serde_json::Value;
use std::fs;
use std::process::Command;
use std::time::Duration;
use study::{json, ok, prepared, run, status, until};

#[test]
fn a_run_is_paused_resumed_and_stopped_through_its_socket() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    prepared(at, 40);
    let id = ok(at, &["train", "benchmark", "--pool", "4", "--epochs", "100000", "--detach"]);
    let id = id.trim();
    let epochs = || json(at, &["runs", "show", id, "--json"])["epochs"].as_array().map_or(0, Vec::len);
    until("the first epoch", || epochs() > 0);

    let socket = fs::symlink_metadata(at.join("runs").join(id).join("control.sock")).expect("the control socket");
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&socket.permissions()) & 0o077, 0, "only the user may connect");
    let output = run(at, &["runs", "remove", id, "--yes"]);
    assert_eq!(output.status.code(), Some(1), "a run at work is not removed");

    ok(at, &["runs", "pause", id]);
    until("the pause", || status(at, id) == "paused");
    std::thread::sleep(Duration::from_millis(300));
    let before = epochs();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(epochs(), before, "a paused run does not go on");
    ok(at, &["runs", "resume", id]);
    until("an epoch after the pause", || epochs() > before);

    ok(at, &["runs", "stop", id]);
    until("the stop", || status(at, id) == "stopped");
    assert_eq!(run(at, &["runs", "stop", id]).status.code(), Some(1), "there is nothing left to stop");
    ok(at, &["runs", "remove", id, "--yes"]);
    assert!(!at.join("runs").join(id).exists());
    // Whatever was removed can be brought back: meanwhile nothing gets its name.
    assert_eq!(ok(at, &["runs", "restore"]).trim(), id);
    let next = ok(at, &["train", "benchmark", "--pool", "4", "--epochs", "1", "--quiet"]);
    assert_ne!(next.trim(), id);
    ok(at, &["runs", "restore", id]);
    assert_eq!(status(at, id), "stopped");
    assert_eq!(run(at, &["runs", "restore", id]).status.code(), Some(1), "it is back already");
    let text = ok(at, &["evaluate", next.trim()]);
    for figure in ["Brier score", "log loss", "expected calibration error"] {
        let line = text.lines().find(|line| line.contains(figure)).expect("the figure");
        assert!(line.contains(" calibrated, ") && line.ends_with(" raw"), "{line}");
    }
}

#[test]
fn a_killed_worker_is_told_from_a_live_one_and_its_cache_is_used_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    prepared(at, 40);
    let id = ok(at, &["train", "benchmark", "--pool", "4", "--epochs", "100000", "--detach"]);
    let id = id.trim();
    let events = at.join("runs").join(id).join("events.jsonl");
    until("an epoch", || fs::read_to_string(&events).is_ok_and(|text| text.contains("\"epoch\"")));
    let text = fs::read_to_string(&events).expect("the journal");
    let started: Value = text.lines().find_map(|line| serde_json::from_str(line).ok()).expect("a first event");
    let pid = started["pid"].as_u64().expect("the worker's process");
    let killed = Command::new("kill").args(["-9", &pid.to_string()]).status().expect("kill runs");
    assert!(killed.success());
    until("the end of the worker", || status(at, id) == "interrupted");
    let output = run(at, &["runs", "attach", id]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("was killed or crashed"));

    // The cached input of the first run serves the second: nothing is decoded again.
    let again = ok(at, &["--quiet", "train", "benchmark", "--pool", "4", "--epochs", "1"]);
    let journal = at.join("runs").join(again.trim()).join("events.jsonl");
    assert!(!fs::read_to_string(journal).expect("the journal").contains("\"progress\""));
}

#[test]
fn a_training_that_was_killed_goes_on_to_the_same_end() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    prepared(at, 40);
    let training = ["train", "benchmark", "--pool", "8", "--epochs", "200", "--schedule", "cosine", "--warmup", "3"];
    let whole = ok(at, &[&["--quiet"], training.as_slice()].concat());
    let id = ok(at, &[training.as_slice(), &["--detach"]].concat());
    let (whole, id) = (whole.trim(), id.trim());
    let checkpoint = at.join("runs").join(id).join("checkpoint.safetensors");
    until("a checkpoint", || checkpoint.is_file());
    let text = fs::read_to_string(at.join("runs").join(id).join("events.jsonl")).expect("the journal");
    let started: Value = text.lines().find_map(|line| serde_json::from_str(line).ok()).expect("a first event");
    let pid = started["pid"].as_u64().expect("the worker's process");
    let killed = Command::new("kill").args(["-9", &pid.to_string()]).status().expect("kill runs");
    assert!(killed.success());
    until("the end of the worker", || status(at, id) == "interrupted");

    ok(at, &["runs", "resume", id]);
    until("the end of the training", || status(at, id) == "done");
    let shown = |id: &str| json(at, &["runs", "show", id, "--json"]);
    let (whole, resumed) = (shown(whole), shown(id));
    assert!(resumed["notes"][0].as_str().is_some_and(|note| note.contains("from a checkpoint")), "{resumed}");
    let curve = |run: &Value| -> Vec<[Value; 3]> {
        let epochs = run["epochs"].as_array().cloned().unwrap_or_default();
        epochs.iter().map(|e| [e["epoch"].clone(), e["val_loss"].clone(), e["train_loss"].clone()]).collect()
    };
    assert_eq!(curve(&resumed).len(), 200);
    assert_eq!(curve(&resumed), curve(&whole));
    for field in ["val_accuracy", "best_epoch", "threshold", "validation"] {
        assert_eq!(resumed["result"][field], whole["result"][field], "{field}");
    }
    assert!(!checkpoint.exists(), "a finished training keeps no checkpoint");
    assert_eq!(run(at, &["runs", "resume", id]).status.code(), Some(1), "there is nothing left to go on with");

    // Thresholds for something else than accuracy, from the stored validation scores.
    for (threshold, field) in [("youden", "youden"), ("eer", "eer")] {
        let choice = json(at, &["choose", id, "--threshold", threshold, "--json"]);
        assert_eq!(choice["threshold"], resumed["result"]["validation"]["thresholds"][field]);
        assert_eq!(choice["criterion"], threshold);
    }
    assert_eq!(run(at, &["choose", id, "--threshold", "precision=2"]).status.code(), Some(2));
    let all = json(at, &["choose", id, "--threshold", "recall=1", "--json"]);
    assert!(all["threshold"].as_f64().is_some_and(|threshold| (0.0..=1.0).contains(&threshold)));
}
