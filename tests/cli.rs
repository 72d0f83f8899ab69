//! The command line through the real binary: exit codes, one-sentence errors, valid JSON.

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn faceprobe(workspace: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_faceprobe"))
        .arg("--workspace")
        .arg(workspace)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .expect("the binary starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("standard output is one JSON value")
}

/// The error must be one line that begins with the program's name, and the exit code the one promised.
fn fails(output: &Output, code: i32, part: &str) {
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{error}");
    assert!(error.contains(part), "'{part}' is not in: {error}");
    assert!(!error.contains("panicked") && !error.contains("this is a bug"), "{error}");
    if code == 1 {
        let lines: Vec<&str> = error.lines().filter(|line| line.starts_with("faceprobe: ")).collect();
        assert_eq!(lines.len(), 1, "{error}");
    }
}

#[test]
fn an_empty_workspace_answers_every_question_in_a_sentence() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    assert!(text(&faceprobe(at, &["results"]).stdout).contains("faceprobe demo"));
    assert_eq!(json(&faceprobe(at, &["results", "--json"])), Value::Array(vec![]));
    assert_eq!(json(&faceprobe(at, &["runs", "list", "--json"])), Value::Array(vec![]));
    fails(&faceprobe(at, &["predict", "nowhere.jpg"]), 1, "no trained model");
    fails(&faceprobe(at, &["train", "dense"]), 2, "no prepared data set");
    fails(&faceprobe(at, &["choose", "dense-1"]), 1, "no run 'dense-1'");
    fails(&faceprobe(at, &["runs", "show", "../../etc"]), 2, "not a run's name");
    fails(&faceprobe(at, &["data", "show"]), 2, "no prepared data set");
    assert_eq!(std::fs::read_dir(at).expect("it can be read").count(), 0, "questions leave nothing behind");
}

#[test]
fn wrong_usage_exits_with_two_and_names_the_mistake() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    fails(&faceprobe(at, &["data", "prepare", "--source", "imagenet:/x"]), 2, "adience");
    fails(&faceprobe(at, &["train", "dense", "--dropout", "1.5"]), 2, "--dropout");
    fails(&faceprobe(at, &["train", "dense", "--backbone", "resnet9000"]), 2, "efficientnet-lite0");
    fails(&faceprobe(at, &["results", "--sort", "beauty"]), 2, "threshold");
    fails(&faceprobe(at, &["--device", "tpu", "results"]), 2, "cuda");
    fails(&faceprobe(at, &["results", "--threads", "0"]), 2, "--threads");
    fails(&faceprobe(at, &[]), 2, "needs a terminal");
    fails(&faceprobe(&at.join("missing"), &["results"]), 1, "--workspace");
}

#[test]
fn a_closed_pipe_is_no_error() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut child = Command::new(env!("CARGO_BIN_EXE_faceprobe"))
        .arg("--workspace")
        .arg(folder.path())
        .args(["weights", "list"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success());
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
}

#[test]
fn the_doctor_names_what_decides_speed_and_what_is_missing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let report = json(
        &Command::new(env!("CARGO_BIN_EXE_faceprobe"))
            .arg("--workspace")
            .arg(folder.path())
            .args(["doctor", "--json"])
            .env("FACEPROBE_WEIGHTS", folder.path())
            .output()
            .expect("the binary starts"),
    );
    assert!(report["libtorch"]["value"].as_str().is_some_and(|value| value.starts_with("2.13")));
    assert!(report["efficientnet-lite0"]["mend"].as_str().is_some_and(|mend| mend.contains("weights fetch")));
}

/// What computes is a process of its own; the program itself starts in milliseconds.
#[test]
fn the_program_links_no_libtorch() {
    let Ok(linked) = std::process::Command::new("ldd").arg(env!("CARGO_BIN_EXE_faceprobe")).output() else {
        println!("skipped: there is no ldd");
        return;
    };
    let linked = String::from_utf8_lossy(&linked.stdout).into_owned();
    assert!(linked.contains("libc.so") && !linked.contains("torch"), "{linked}");
}
