//! The workbench in a workspace with a thousand runs.

mod mended;
mod table;

use super::session::Session;
use std::fs;
use std::path::Path;
use std::sync::PoisonError;
use std::time::Duration;

/// A workspace with finished dense trainings, as `benches/many_runs.py` makes it too: spec, journal and result of each.
pub fn fabricate(workspace: &Path, runs: usize) {
    for number in 1..=runs {
        let created = format!("2026-01-{:02}T{:02}:{:02}:00Z", 1 + number / 1440, number / 60 % 24, number % 60);
        one(workspace, number, &created, 1024, None);
    }
}

/// A finished dense training of a width; a head, where it has a parent.
fn one(workspace: &Path, number: usize, created: &str, width: usize, parent: Option<&str>) {
    let folder = workspace.join(format!("runs/dense-{number}"));
    fs::create_dir_all(&folder).expect("a folder");
    let settings = serde_json::json!({
        "width": width, "dropout": 0.8, "learning_rate": 0.001, "optimizer": "adam", "weight_decay": 0.0,
        "epochs": 100, "batch": 128, "standardise": true, "patience": null, "seed": number,
    });
    let model = serde_json::json!({ "kind": "dense", "backbone": "efficientnet-lite0", "settings": settings });
    let job = serde_json::json!({ "job": "train", "dataset": "sample", "model": model });
    let spec = serde_json::json!({ "job": job, "created": created, "threads": 2, "device": "cpu", "parent": parent });
    let val = 0.7 + number as f64 / 10_000.0;
    let mut journal = vec![serde_json::json!({ "at": 0, "event": "started", "pid": 1, "threads": 2 })];
    journal.extend((1..=100).map(|epoch| {
        serde_json::json!({
            "at": epoch * 300, "event": "epoch", "epoch": epoch, "epochs": 100, "train_loss": 0.41234,
            "train_accuracy": 0.8312, "val_loss": 0.51234, "val_accuracy": val, "seconds": 0.3012,
        })
    }));
    journal.push(serde_json::json!({ "at": 40_000, "event": "finished", "summary": "well", "seconds": 40.0 }));
    let result = serde_json::json!({
        "run": format!("dense-{number}"), "kind": "dense", "backbone": "efficientnet-lite0", "pool": "avg",
        "tap": "last", "params": 1_312_769, "seed": number, "epochs": 100, "best_epoch": 50,
        "train_accuracy": 0.95, "val_accuracy": val, "val_interval": { "low": val - 0.02, "high": val + 0.02 },
        "test_accuracy": null, "test_interval": null, "threshold": 0.5, "seconds": 40.0, "status": "done",
        "dataset": "sample", "manifest_sha256": "a", "synthetic": true, "settings": "dense 1024", "created": created,
    });
    let lines: Vec<String> = journal.iter().map(ToString::to_string).collect();
    fs::write(folder.join("spec.json"), spec.to_string()).expect("a file");
    fs::write(folder.join("events.jsonl"), lines.join("\n") + "\n").expect("a file");
    fs::write(folder.join("result.json"), result.to_string()).expect("a file");
}

#[test]
fn a_thousand_runs_fit_into_memory_and_an_idle_screen_is_silent() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fabricate(folder.path(), 1000);
    let mut session = Session::start(folder.path(), &[], &[], 120, 40);
    session.shows("1,000 runs");
    session.keys("4");
    session.shows("val@τ 0.800");
    session.keys("frun==dense-7\r");
    session.shows("1 of 1000");
    session.keys("7");
    session.shows("dense-999");
    let id = session.child.process_id().expect("it is a process");
    let status = fs::read_to_string(format!("/proc/{id}/status")).expect("it is alive");
    let kilobytes = |name: &str| -> u64 {
        let value = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        value.and_then(|value| value.trim().trim_end_matches(" kB").parse().ok()).expect("its memory is told")
    };
    let resident = kilobytes("VmRSS");
    let (own, files) = (kilobytes("RssAnon"), kilobytes("RssFile"));
    assert!(resident < 150 * 1024, "{resident} KiB, {own} of its own and {files} of files");
    // Whatever changes is drawn within a second; after that nothing is.
    let count = |session: &Session| *session.bytes.lock().unwrap_or_else(PoisonError::into_inner);
    std::thread::sleep(Duration::from_secs(2));
    let before = count(&session);
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(count(&session), before, "an idle screen writes nothing");
    session.keys("q");
    assert!(session.ends().success());
}
