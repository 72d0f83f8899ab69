//! Series of trainings of which a part fails: the command says which, exits 1, and mends it when it is given again.

#[allow(dead_code, reason = "other tests use the rest of it")]
#[path = "support/coloured.rs"]
mod coloured;
#[path = "support/made_up.rs"]
mod made_up;

use coloured::{command, ok, pictures};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Output;

const SWEEP: [&str; 8] = ["sweep", "--backbone", "mobilenet-v2", "--width", "4,8", "--epochs", "3", "--optimizer=sgd"];

fn run(at: &Path, args: &[&str]) -> Output {
    command(at).env("FACEPROBE_WEIGHTS", at.join("weights")).args(args).output().expect("the binary starts")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn done(at: &Path, args: &[&str]) -> String {
    let output = run(at, args);
    assert!(output.status.success(), "{args:?}: {}", said(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn workspace(split: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    pictures(&at.join("raw"), 0..20);
    let rows = (0..20).flat_map(|number| {
        ["female", "male"].map(|class| format!("{class}/{number:03}.png,{class},{class}{number},{}\n", number % 3))
    });
    let table = "path,label,subject,fold\n".to_owned() + &rows.collect::<String>();
    fs::write(at.join("raw/labels.csv"), table).expect("a table");
    ok(at, &["data", "prepare", "--source", "csv:raw/labels.csv", "--name", "colours", "--split", split]);
    made_up::weights("mobilenet-v2", &at.join("made-up.safetensors"));
    done(at, &["weights", "import", "mobilenet-v2", "made-up.safetensors"]);
    folder
}

/// Finished trainings.
fn finished(at: &Path) -> Vec<String> {
    let rows: Value = serde_json::from_str(&done(at, &["results", "--json"])).expect("JSON");
    let rows = rows.as_array().expect("rows").iter().filter(|row| row["status"] == "done");
    rows.map(|row| row["run"].as_str().unwrap_or_default().to_owned()).collect()
}

fn status(at: &Path, run: &str) -> String {
    let shown: Value = serde_json::from_str(&done(at, &["runs", "show", run, "--json"])).expect("JSON");
    shown["run"]["status"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_sweep_that_lacks_a_head_fails_and_names_it() {
    let folder = workspace("random");
    let at = folder.path();
    let mut failed = 0;
    for more in [&[][..], &["--on", "local:2"]] {
        let output = run(at, &[&SWEEP[..], &["--learning-rate", "0.01,1e30", "--standardise=no"], more].concat());
        let sentence = said(&output);
        let last = sentence.lines().last().unwrap_or_default();
        assert_eq!(output.status.code(), Some(1), "{more:?}: {sentence}");
        assert!(last.contains(" of 4 heads could not be trained: dense-"), "{more:?}: {sentence}");
        assert!(last.contains("lower --learning-rate") && output.stdout.is_empty(), "{more:?}: {sentence}");
        if more.is_empty() {
            let count = last.split(": ").nth(1).and_then(|text| text.split(' ').next());
            failed = count.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("{last}"));
        }
    }
    assert_eq!(status(at, "sweep-1"), "failed");
    let left = finished(at);
    assert!(failed > 0 && left.len() >= 4 - failed, "the others are there: {left:?}");
}

#[test]
fn a_head_that_failed_for_a_while_is_trained_as_advised() {
    let folder = workspace("random");
    let at = folder.path();
    done(at, &SWEEP);
    let whole = done(at, &["results", "--json"]);
    // One of its files cannot be written.
    let model = at.join("runs/dense-2/model.safetensors");
    fs::remove_file(&model).expect("a model");
    fs::remove_file(at.join("runs/dense-2/result.json")).expect("a result");
    fs::create_dir_all(model.join("in the way")).expect("a folder");
    let journal = at.join("runs/sweep-1/events.jsonl");
    let begun = fs::read_to_string(&journal).expect("a journal");
    let until = begun.find("\"finished\"").and_then(|end| begun[..end].rfind('\n')).expect("its end");
    fs::write(&journal, &begun[..=until]).expect("a file");
    let _ = fs::remove_file(at.join("runs/sweep-1/summary.json"));
    done(at, &["runs", "resume", "sweep-1"]);
    let attached = run(at, &["runs", "attach", "sweep-1"]);
    let sentence = said(&attached);
    assert_eq!(attached.status.code(), Some(1), "{sentence}");
    assert!(sentence.contains("1 of 2 heads could not be trained: dense-2; dense-2: "), "{sentence}");
    assert!(sentence.contains("model.safetensors") && sentence.contains("Of the others best val@τ"), "{sentence}");
    assert!(sentence.contains("'faceprobe runs resume sweep-1' trains what is missing"), "{sentence}");
    fs::remove_dir_all(&model).expect("the folder");
    done(at, &["runs", "resume", "sweep-1"]);
    let attached = run(at, &["runs", "attach", "sweep-1"]);
    assert!(attached.status.success(), "{}", said(&attached));
    let without_time = |text: &str| -> Vec<Value> {
        let rows: Value = serde_json::from_str(text).expect("JSON");
        let mut rows = rows.as_array().cloned().unwrap_or_default();
        rows.iter_mut().for_each(|row| row["seconds"] = Value::Null);
        rows
    };
    assert_eq!(without_time(&done(at, &["results", "--json"])), without_time(&whole));
}

#[test]
fn seeds_and_folds_that_lack_a_part_fail_and_name_it() {
    let folder = workspace("folds");
    let at = folder.path();
    let wild = ["--learning-rate", "1e30", "--standardise=no", "--optimizer=sgd", "--epochs", "2", "--width", "64"];
    let dense = ["train", "dense", "--backbone", "mobilenet-v2"];
    for data in ["colours-fold-0", "colours"] {
        for more in [&["--seeds", "1,2"][..], &["--seeds", "1,2", "--on", "local:2"], &["--seed", "3"]] {
            let output = run(at, &[&dense[..], &["--data", data], &wild, more].concat());
            let sentence = said(&output);
            assert_eq!(output.status.code(), Some(1), "{data} {more:?}: {sentence}");
            assert!(sentence.contains("lower --learning-rate"), "{data} {more:?}: {sentence}");
        }
    }
    assert!(finished(at).is_empty());
}
