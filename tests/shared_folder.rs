//! Feature stores on a shared file system: many writers at once, links and renames reported as failed that were done,
//! no locks, delayed directory listings.

#[allow(dead_code, reason = "other tests use the rest of it")]
#[path = "support/coloured.rs"]
mod coloured;

use coloured::{command, ok, pictures};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const TRAIN: [&str; 9] = ["--quiet", "train", "benchmark", "--pool", "4", "--epochs", "4", "--learning-rate", "0.01"];

fn workspace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    pictures(&folder.path().join("raw"), 0..60);
    ok(folder.path(), &["data", "prepare", "--source", "folder:raw", "--name", "colours"]);
    folder
}

fn accuracies(at: &Path) -> Vec<Value> {
    let rows: Value = serde_json::from_str(&ok(at, &["results", "--json"])).expect("JSON");
    rows.as_array().expect("rows").iter().map(|row| row["val_accuracy"].clone()).collect()
}

/// The library that makes files behave so; none where there is no C compiler.
fn lossy(folder: &Path) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/lossy_files.c");
    let library = folder.join("lossy_files.so");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl");
    compiler.status().is_ok_and(|status| status.success()).then_some(library)
}

#[test]
fn four_writers_on_a_file_system_that_loses_answers_fill_one_store() {
    let alone = workspace();
    ok(alone.path(), &TRAIN);
    let [expected] = &accuracies(alone.path())[..] else { panic!("one row") };

    let shared = workspace();
    let at = shared.path();
    let Some(library) = lossy(at) else {
        println!("skipped: writers on a lossy file system, because there is no C compiler");
        return;
    };
    let writers: Vec<_> = (0..4)
        .map(|_| command(at).args(TRAIN).env("LD_PRELOAD", &library).spawn().expect("the binary starts"))
        .collect();
    for mut writer in writers {
        assert!(writer.wait().expect("it ends").success());
    }
    assert_eq!(accuracies(at), vec![expected.clone(); 4]);

    // Every part is whole, and joined they are one that gives the same again.
    let store = fs::read_dir(at.join("cache/features")).expect("stores").flatten().next().expect("a store").path();
    let ending = |ending: &str| {
        let files = fs::read_dir(&store).expect("a store").flatten();
        files.filter(|file| file.file_name().to_string_lossy().ends_with(ending)).count()
    };
    let parts = ending(".keys.npy");
    assert!(parts >= 1 && ending(".sha256") == parts && ending(".npy") == 2 * parts && ending(".damaged") == 0);
    let joined: Value = serde_json::from_str(&ok(at, &["features", "compact", "--json"])).expect("JSON");
    assert_eq!(joined[0]["parts_after"], 1, "{joined}");
    ok(at, &TRAIN);
    assert_eq!(accuracies(at), vec![expected.clone(); 5]);
}
