//! Many heads on the same features, and every stage of a network: sweeps and probes. They need the weights of the default
//! backbone, and skip with a word where these are not there.

#[allow(dead_code, reason = "other tests use the rest of it")]
#[path = "support/study.rs"]
mod study;

use serde_json::Value;
use std::fs;
use std::process::Command;
use study::{json, ok, prepared, status, study_folder, until};

#[test]
fn a_sweep_keeps_what_is_finished_and_ranks_its_heads() {
    let Some(folder) = study_folder() else { return };
    let at = folder.path();
    prepared(at, 40);
    let values = ["--width", "16,600", "--dropout", "0.2,0.8", "--seeds", "1,2", "--epochs", "300"];
    let id = ok(at, &[&["sweep", "--detach"], values.as_slice()].concat());
    let id = id.trim();
    let rows = || json(at, &["results", "--json"]).as_array().cloned().unwrap_or_default();
    let finished = || rows().into_iter().filter(|row| row["status"] == "done").collect::<Vec<_>>();
    // Looked for in the folder: another process for each look would let a fast sweep end meanwhile.
    let journal = at.join("runs").join(id).join("events.jsonl");
    let first = || fs::read_to_string(&journal).ok()?.lines().find_map(|line| serde_json::from_str::<Value>(line).ok());
    until("the worker", || first().is_some());
    let pid = first().expect("a first event")["pid"].as_u64().expect("the worker's process");
    let heads = || fs::read_dir(at.join("runs")).expect("the runs").flatten().map(|run| run.path().join("result.json"));
    until("a finished head", || heads().any(|result| result.exists()));
    assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().expect("kill runs").success());
    until("the end of the worker", || status(at, id) == "interrupted");
    let before = finished();
    assert!(before.len() < 8, "the kill came in the middle");
    // As if it had come between a head's result and the last word in its journal, where it did not.
    if let Some(head) = before.first().and_then(|row| row["run"].as_str()) {
        let journal = at.join("runs").join(head).join("events.jsonl");
        let whole = fs::read_to_string(&journal).expect("the journal");
        let kept: String = whole.split_inclusive('\n').filter(|line| !line.contains("\"finished\"")).collect();
        fs::write(&journal, kept).expect("a file");
        assert_eq!(status(at, head), "done", "a result is written last");
    }

    ok(at, &["runs", "resume", id]);
    until("the end of the sweep", || status(at, id) == "done");
    let after = finished();
    assert_eq!(after.len(), 8);
    for row in &before {
        assert!(after.contains(row), "finished heads are kept as they were: {row}");
    }
    let settings = json(at, &["results", "--by-setting", "--json"]);
    let settings = settings.as_array().cloned().unwrap_or_default();
    assert_eq!(settings.len(), 4);
    let means: Vec<f64> = settings.iter().filter_map(|row| row["val_accuracy"]["mean"].as_f64()).collect();
    assert!(means.is_sorted_by(|a, b| a >= b), "{means:?}");
    for setting in &settings {
        assert_eq!(setting["seeds"].as_array().map(Vec::len), Some(2));
        let of = |row: &&Value| row["settings"] == setting["settings"];
        let accuracies: Vec<f64> = after.iter().filter(of).filter_map(|row| row["val_accuracy"].as_f64()).collect();
        let mean = accuracies.iter().sum::<f64>() / 2.0;
        let deviation = (accuracies[0] - accuracies[1]).abs() / 2f64.sqrt();
        assert!((setting["val_accuracy"]["mean"].as_f64().unwrap_or(-1.0) - mean).abs() < 1e-12);
        assert!((setting["val_accuracy"]["deviation"].as_f64().unwrap_or(-1.0) - deviation).abs() < 1e-12);
    }

    // Heads trained side by side are those trained alone.
    let alone =
        ok(at, &["--quiet", "train", "dense", "--width", "16", "--dropout", "0.8", "--epochs", "300", "--seed", "2"]);
    let alone = rows().into_iter().find(|row| row["run"] == alone.trim()).expect("the head trained alone");
    let same = |row: &&Value| row["settings"] == alone["settings"] && row["seed"] == 2;
    let twin = after.iter().find(same).expect("its twin in the sweep");
    for field in ["val_accuracy", "best_epoch", "threshold"] {
        assert_eq!(twin[field], alone[field], "{field}");
    }

    // More values, only the new heads; and halving trains the worse half for a while only.
    ok(at, &["--quiet", "sweep", "--extend", id, "--width", "24", "--seeds", "1"]);
    assert_eq!(finished().len(), 8 + 1 + 4);
    ok(at, &["--quiet", "sweep", "--width", "8,12", "--dropout", "0.2,0.8", "--epochs", "12", "--halving", "3:4"]);
    let epochs = |wanted: u64| finished().iter().filter(|row| row["epochs"] == wanted).count();
    assert_eq!((epochs(3), epochs(12)), (3, 1));

    // On features as they are, too.
    let options = ["--width", "8", "--standardise", "no", "--epochs", "12"];
    ok(at, &[&["--quiet", "sweep"], options.as_slice()].concat());
    ok(at, &[&["--quiet", "train", "dense"], options.as_slice()].concat());
    let as_they_are: Vec<Value> =
        rows().into_iter().filter(|row| row["settings"].to_string().contains("standardise no")).collect();
    assert!(as_they_are.len() == 2 && as_they_are[0]["val_accuracy"] == as_they_are[1]["val_accuracy"]);
}

#[test]
fn a_probe_tells_accuracy_by_depth_and_its_stages_serve_any_combination() {
    let Some(folder) = study_folder() else { return };
    let at = folder.path();
    prepared(at, 40);
    let probe = json(at, &["extract", "--probe", "--pool", "grid2", "--json"]);
    let stages = probe["probe"]["stages"].as_array().cloned().unwrap_or_default();
    assert_eq!(stages.len(), 18, "{probe}");
    assert_eq!((&stages[5]["tap"], &stages[5]["name"]), (&Value::from(5), &Value::from("blocks.4")));
    assert_eq!(stages[5]["width"], 40 * 2 * 2);

    // The same stage alone gives the same model, and two stages together are their features side by side; neither
    // computes an image again.
    let alpha = stages[5]["alpha"].to_string();
    let train = |tap: &str| {
        let args = ["--quiet", "train", "logistic", "--pool", "grid2", "--tap", tap, "--alphas", &alpha];
        let run = ok(at, &args);
        let rows = json(at, &["results", "--json"]).as_array().cloned().unwrap_or_default();
        rows.into_iter().find(|row| row["run"] == run.trim()).expect("its row")
    };
    let alone = train("5");
    assert_eq!(alone["val_accuracy"], stages[5]["val_accuracy"]);
    let both = train("9,5");
    assert_eq!((&both["tap"], &both["pool"]), (&Value::from("5,9"), &Value::from("grid2")));
    let widths = |tap: usize| stages[tap]["width"].as_u64().unwrap_or_default();
    assert_eq!(both["params"].as_u64(), Some(widths(5) + widths(9) + 1));
    let again = json(at, &["extract", "--pool", "grid2", "--tap", "5,9", "--json"]);
    assert!(again["outcome"].as_str().is_some_and(|outcome| !outcome.contains(" 0 already cached")), "{again}");

    // The saved model finds its features by itself.
    let run = both["run"].as_str().expect("a name");
    let red = at.join("raw/female/0.png");
    let answer = json(at, &["predict", "--json", "--model", run, &red.to_string_lossy()]);
    assert!(answer[0]["error"].is_null() && answer[0]["label"].is_string(), "{answer}");
}
