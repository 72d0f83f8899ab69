//! Outputs, things that are missing, and runs at work.

use super::coloured::{ok, pictures, trained};
use super::{PREPARE, TRAIN, advised, named, said, until};
use std::fs;

#[test]
fn outputs_are_named_otherwise_or_forced() {
    let folder = trained();
    let at = folder.path();
    fs::write(at.join("mine.csv"), "mine").expect("a file");
    std::os::unix::fs::symlink("nowhere", at.join("link.csv")).expect("a link");
    fs::create_dir(at.join("report")).expect("a folder");
    fs::write(at.join("report/report.md"), "mine").expect("a file");
    for args in [
        &["results", "--output", "mine.csv"][..],
        &["report"],
        &["predict", "raw/male/001.png", "--explain", "mine.csv"],
        &["export", "benchmark-1", "--to", "mine.csv"],
    ] {
        let sentence = said(at, args);
        if sentence.contains("overwrite it with --force") {
            ok(at, &[args, &["--force"]].concat());
            fs::write(at.join("mine.csv"), "mine again").expect("a file");
        } else {
            assert!(sentence.contains("needs") || sentence.contains(".onnx"), "{args:?}: {sentence}");
        }
    }
    let link = ["results", "--output", "link.csv"];
    advised(at, &link, "remove it or name another file", |_| fs::remove_file(at.join("link.csv")).expect("a link"));
}

#[test]
fn missing_things_are_created_as_advised() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    let nowhere = at.join("nowhere");
    let listed = ["--workspace", nowhere.to_str().expect("UTF-8"), "runs", "list"];
    let bare = || std::process::Command::new(env!("CARGO_BIN_EXE_faceprobe")).args(listed).output().expect("it starts");
    assert!(String::from_utf8_lossy(&bare().stderr).contains("make the folder or pass --workspace DIR"));
    fs::create_dir(&nowhere).expect("a folder");
    assert!(bare().status.success());

    pictures(&at.join("raw"), 0..40);
    advised(at, &TRAIN, "data prepare --source", |_| drop(ok(at, &PREPARE)));
    fs::remove_dir_all(at.join("runs")).expect("a folder");
    let predict = ["predict", "raw/male/001.png"];
    advised(at, &predict, "train one with", |_| drop(ok(at, &TRAIN)));
    ok(at, &[&TRAIN[..], &["--seed", "2"]].concat());

    ok(at, &["evaluate", "benchmark-2", "--open-test"]);
    let compare = ["results", "--compare", "benchmark-1", "benchmark-2", "--split", "test"];
    let sentence = said(at, &compare);
    if sentence.contains("--open-test") {
        advised(at, &compare, "--open-test' opens it", |sentence| named(at, sentence));
    }
    let remove = ["runs", "remove", "benchmark-2"];
    let sentence = said(at, &remove);
    assert!(sentence.contains("say --yes"), "{sentence}");
    ok(at, &[&remove[..], &["--yes"]].concat());
    ok(at, &["runs", "restore", "benchmark-2"]);
}

#[test]
fn a_running_run_is_stopped_first() {
    let folder = trained();
    let at = folder.path();
    ok(at, &["train", "benchmark", "--pool", "4", "--epochs", "100000", "--detach"]);
    until(at, "benchmark-2", "running");
    let remove = ["runs", "remove", "benchmark-2", "--yes"];
    advised(at, &remove, "stop it first with", |sentence| {
        named(at, sentence);
        until(at, "benchmark-2", "stopped");
    });
}
