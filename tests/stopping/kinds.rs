//! The same for every kind of training that has epochs, for series of them, and by the workbench's key.

use super::session::Session;
use super::{colours, epochs, json, made_up, ok, row, run, stop, until};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// [`colours`] with MobileNetV2 on made-up weights.
fn with_weights() -> (tempfile::TempDir, PathBuf) {
    let (folder, at) = colours();
    made_up::weights("mobilenet-v2", &at.join("made-up.safetensors"));
    ok(&at, &["weights", "import", "mobilenet-v2", &at.join("made-up.safetensors").to_string_lossy()]);
    (folder, at)
}

/// What a stopped run keeps: the model of its best epoch, which predicts.
fn keeps_its_best(at: &Path, id: &str) {
    let shown = json(at, &["runs", "show", id, "--json"]);
    let result = row(at, id);
    assert_eq!(result["status"], "stopped", "{id}");
    let figures = shown["epochs"].as_array().expect("epochs");
    let best = figures.iter().filter_map(|epoch| epoch["val_accuracy"].as_f64()).fold(0.0, f64::max);
    let kept = &figures[result["best_epoch"].as_u64().expect("an epoch") as usize - 1];
    assert_eq!(kept["val_accuracy"].as_f64(), Some(best), "{id}");
    assert!(at.join("runs").join(id).join("checkpoint.safetensors").is_file(), "{id} can go on");
    let picture = at.join("raw/male/3.png").display().to_string();
    let predicted = json(at, &["predict", &picture, "--model", id, "--json"]);
    assert!(predicted[0]["error"].is_null() && predicted[0]["label"].is_string(), "{id}: {predicted}");
}

#[test]
fn heads_and_fine_tuned_networks_keep_their_best_model() {
    let (_folder, at) = with_weights();
    let backbone = ["--backbone", "mobilenet-v2", "--epochs", "100000", "--detach"];
    for (id, kind) in
        [("dense-1", &["train", "dense", "--width", "16"][..]), ("finetune-1", &["train", "finetune", "--cut", "17"])]
    {
        ok(&at, &[kind, &backbone].concat());
        until(&at, id, "in its third epoch", |shown| epochs(shown) > 2);
        let shown = stop(&at, id);
        let outcome = shown["run"]["outcome"].as_str().expect("a sentence");
        assert!(outcome.contains("of 100000") && outcome.contains("best model so far is kept"), "{id}: {outcome}");
        keeps_its_best(&at, id);
        assert!(run(&at, &["choose", id]).status.success());
    }
}

#[test]
fn a_stopped_sweep_says_which_of_its_heads_have_a_model() {
    let (_folder, at) = with_weights();
    let sweep = ["--threads", "2", "sweep", "--backbone", "mobilenet-v2", "--width", "8,16", "--epochs", "100000"];
    ok(&at, &[&sweep[..], &["--detach"]].concat());
    let begun = |head: &'static str| {
        let at = at.clone();
        move || at.join("runs").join(head).join("spec.json").is_file()
    };
    super::session::eventually("the first head", begun("dense-1"));
    until(&at, "dense-1", "in its third epoch", |shown| epochs(shown) > 2);
    let shown = stop(&at, "sweep-1");
    let outcome = shown["run"]["outcome"].as_str().expect("a sentence");
    assert!(outcome.contains("of 2 heads have a model") && outcome.contains("Best on validation so far"), "{outcome}");
    keeps_its_best(&at, "dense-1");
    let rows = json(&at, &["results", "--json"]);
    let stopped = |row: &&Value| row["status"] == "stopped" && row["val_accuracy"].is_number();
    let with_model = rows.as_array().expect("rows").iter().filter(stopped).count();
    assert!(outcome.contains(&format!("{with_model} of 2 heads")), "{outcome}: {rows}");
}

#[test]
fn the_key_of_the_workbench_keeps_the_best_model_too() {
    let (_folder, at) = colours();
    ok(&at, &["train", "benchmark", "--pool", "4", "--epochs", "100000", "--detach"]);
    until(&at, "benchmark-1", "in its third epoch", |shown| epochs(shown) > 2);
    let mut session = Session::start(&at, &[], 120, 40);
    session.shows("benchmark-1");
    session.keys("3");
    session.until("the run", |screen| screen.contains("of 100000"));
    session.keys("s");
    session.shows("Stop benchmark-1 and keep");
    session.keys("y");
    until(&at, "benchmark-1", "stopped", |shown| shown["run"]["status"] == "stopped");
    keeps_its_best(&at, "benchmark-1");
    session.keys("4");
    session.until("it among the results", |screen| screen.contains("benchmark-1") && screen.contains("stopped"));
}
