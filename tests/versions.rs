//! Prepared sets are versions: what is prepared again changes nothing that stands on it.

#[allow(dead_code, reason = "other tests use the rest of it")]
#[path = "support/coloured.rs"]
mod coloured;

use coloured::{command, ok, pictures, run};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Stdio;

fn prepare(seed: &str) -> [&str; 8] {
    ["data", "prepare", "--source", "folder:raw", "--name", "study", "--seed", seed]
}

fn list(at: &Path) -> Vec<(u64, Option<bool>, u64)> {
    let sets: Vec<Value> = serde_json::from_str(&ok(at, &["data", "list", "--json"])).expect("JSON");
    let row = |set: &Value| Some((set["version"].as_u64()?, set["current"].as_bool(), set["runs"].as_u64()?));
    sets.iter().filter_map(row).collect()
}

#[test]
fn a_training_keeps_its_set_while_the_next_version_is_prepared() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    pictures(&at.join("raw"), 0..40);
    ok(at, &prepare("1"));
    let before = fs::read(at.join("data/prepared/study/manifest.csv")).expect("a manifest");
    ok(at, &["train", "benchmark", "--pool", "2", "--epochs", "40", "--detach"]);
    ok(at, &prepare("2"));
    run(at, &["runs", "attach", "benchmark-1"]);
    ok(at, &["evaluate", "benchmark-1", "--open-test"]);
    assert_eq!(fs::read(at.join("data/prepared/study/manifest.csv")).expect("a manifest"), before);
    assert_eq!(list(at), [(1, Some(false), 1), (2, Some(true), 0)]);
    ok(at, &["--quiet", "train", "benchmark", "--pool", "4", "--epochs", "1"]);
    let rows: Vec<Value> = serde_json::from_str(&ok(at, &["results", "--current", "--json"])).expect("JSON");
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["dataset"], "study@2");
    // The same again is found, and the option leaves the current one.
    ok(at, &[&prepare("1")[..], &["--keep-current"]].concat());
    assert_eq!(list(at), [(1, Some(false), 1), (2, Some(true), 1)]);

    fs::write(at.join("data/current/study"), "seven").expect("a file");
    let refused = run(at, &["train", "benchmark"]);
    let sentence = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(sentence.contains("'faceprobe data use study@2' sets it anew"), "{sentence}");
    ok(at, &["data", "use", "study@2"]);
    assert_eq!(list(at)[1].1, Some(true));
}

#[test]
fn a_set_of_an_earlier_version_is_the_first_version() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    pictures(&at.join("raw"), 0..40);
    ok(at, &prepare("1"));
    ok(at, &["--quiet", "train", "benchmark", "--pool", "4", "--epochs", "1"]);
    // Earlier versions of the program had nothing else, and knew one set of a name.
    fs::remove_dir_all(at.join("data/current")).ok();
    fs::remove_file(at.join("data/prepared/.lock")).ok();
    assert_eq!(list(at), [(1, Some(true), 1)]);
    ok(at, &prepare("2"));
    ok(at, &["evaluate", "benchmark-1", "--open-test"]);
    // One whose set was replaced finds it when it is prepared again.
    let result = at.join("runs/benchmark-1/spec.json");
    assert!(fs::read_to_string(result).expect("a spec").contains("\"study\""));
    for file in ["manifest.csv", "report.json", "sources.json"] {
        fs::copy(at.join("data/prepared/study@2").join(file), at.join("data/prepared/study").join(file))
            .expect("a copy");
    }
    fs::remove_dir_all(at.join("data/prepared/study@2")).expect("removed");
    ok(at, &prepare("1"));
    assert_eq!(list(at).len(), 2);
    ok(at, &["evaluate", "benchmark-1", "--open-test"]);
}

#[test]
fn concurrent_preparations_never_mix() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    pictures(&at.join("raw"), 0..40);
    let seeds = ["1", "2", "2", "3"];
    let children: Vec<_> = seeds
        .iter()
        .map(|seed| {
            command(at).args(prepare(seed)).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a start")
        })
        .collect();
    for mut child in children {
        assert!(child.wait().expect("an end").success());
    }
    assert_eq!(list(at).iter().map(|row| row.0).collect::<Vec<_>>(), [1, 2, 3]);
    for version in ["study@1", "study@2", "study@3"] {
        ok(at, &["--quiet", "train", "benchmark", "--pool", "4", "--epochs", "1", "--data", version]);
    }
}
