//! Links in a workspace that came from elsewhere are neither read nor written through.

use super::{TRAIN, ok, run, said, workspace};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

#[test]
fn links_in_a_run_that_came_from_elsewhere_are_not_followed() {
    let (folder, at, source) = workspace();
    ok(&at, &["data", "prepare", "--source", &source, "--name", "colours"]);
    ok(&at, &TRAIN);
    let run_folder = at.join("runs/benchmark-1");
    fs::remove_file(run_folder.join("result.json")).expect("a result");
    fs::write(run_folder.join("events.jsonl"), "").expect("a journal");
    for name in ["worker.claim", "events.jsonl", "worker.log", "spec.json", "model.safetensors", "scores-val.csv"] {
        let (link, target) = (run_folder.join(name), folder.path().join("precious"));
        let before = fs::read(&link).ok();
        let was = before.clone().unwrap_or_default();
        let precious =
            if name == "spec.json" || name.contains("safetensors") { was.clone() } else { b"mine\n".to_vec() };
        fs::write(&target, &precious).expect("a file");
        let _ = fs::remove_file(&link);
        symlink(&target, &link).expect("a link");
        let output = match name {
            "model.safetensors" => run(&at, &["predict", "raw/male/1.png", "--model", "benchmark-1"]),
            "scores-val.csv" => {
                // With a result there are scores to be looked at.
                ok(&at, &["runs", "resume", "benchmark-1"]);
                ok_until_done(&at);
                fs::remove_file(&link).expect("the new scores, or the link");
                symlink(&target, &link).expect("a link");
                run(&at, &["evaluate", "benchmark-1"])
            }
            _ => run(&at, &["runs", "resume", "benchmark-1"]),
        };
        let mut words = said(&output);
        if output.status.success() {
            // Its worker has the word.
            words = ended(&at, name);
        }
        assert!(words.contains("is a link") && words.contains(name), "{name}: {words}");
        assert_eq!(fs::read(&target).expect("the file"), precious, "{name}");
        let _ = fs::remove_file(&link);
        if let Some(before) = before {
            fs::write(&link, before).expect("as it was");
        }
    }
}

/// Waits, with a generous limit, for the sentence in the log of a worker that could not begin.
fn ended(at: &Path, name: &str) -> String {
    for _ in 0..600 {
        let log = fs::read_to_string(at.join("runs/benchmark-1/worker.log")).unwrap_or_default();
        if log.contains(name) {
            return log;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    String::new()
}

fn ok_until_done(at: &Path) {
    for _ in 0..600 {
        let shown: Value = serde_json::from_str(&ok(at, &["runs", "show", "benchmark-1", "--json"])).expect("JSON");
        if shown["run"]["status"] == "done" {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("benchmark-1 is not done");
}

#[test]
fn a_link_in_a_store_or_a_prepared_set_is_named() {
    let (folder, at, source) = workspace();
    ok(&at, &["data", "prepare", "--source", &source, "--name", "colours"]);
    ok(&at, &TRAIN);
    let store = fs::read_dir(at.join("cache/features")).expect("stores").flatten().next().expect("a store").path();
    let manifest = at.join("data/prepared/colours/manifest.csv");
    let part = |ending: &str| {
        let mut files = fs::read_dir(&store).expect("a store").flatten().map(|entry| entry.path());
        files.find(|path| path.to_string_lossy().ends_with(ending)).expect("a part")
    };
    for file in [part("-00000.npy"), part("-00000.keys.npy"), manifest] {
        let moved = folder.path().join("moved");
        fs::rename(&file, &moved).expect("a file");
        symlink(&moved, &file).expect("a link");
        let refused = said(&run(&at, &TRAIN));
        assert!(refused.contains("is a link"), "{}: {refused}", file.display());
        fs::remove_file(&file).expect("the link");
        fs::rename(&moved, &file).expect("the file");
    }
    ok(&at, &TRAIN);
    // The whole workspace behind a link is the user's own affair.
    let behind = folder.path().join("behind");
    symlink(&at, &behind).expect("a link");
    ok(&behind, &TRAIN);
}

/// The files of a folder and those below it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let facts = entry.file_type().expect("what it is");
        if facts.is_dir() {
            found.extend(files(&entry.path()));
        } else if facts.is_file() {
            found.push(entry.path());
        }
    }
    found.sort();
    found
}

#[test]
fn whatever_file_of_a_workspace_is_a_link_its_target_stays_as_it_was() {
    let (folder, at, source) = workspace();
    ok(&at, &["data", "prepare", "--source", &source, "--name", "colours"]);
    ok(&at, &TRAIN);
    ok(&at, &["train", "benchmark", "--pool", "4", "--epochs", "1", "--seeds", "5,6", "--on", "local:2"]);
    ok(&at, &["choose", "benchmark-1"]);
    ok(&at, &["evaluate", "benchmark-1", "--open-test"]);
    ok(&at, &["runs", "note", "benchmark-1", "mine"]);
    ok(&at, &["data", "decide", &at.join("raw/male/1.png").to_string_lossy(), "keep"]);
    ok(&at, &["data", "audit", "--faces", "no"]);
    let folders = ["data", "cache", "runs", "plans"].map(|name| at.join(name));
    let all: Vec<PathBuf> = folders.iter().flat_map(|folder| files(folder)).collect();
    assert!(all.len() > 40, "{}", all.len());
    let kept = folder.path().join("kept");
    let mut targets = Vec::new();
    for (number, path) in all.iter().enumerate() {
        // Twice: what the file held, and something that is only the user's.
        for (kind, bytes) in [("same", fs::read(path).expect("a file")), ("other", b"precious\n".to_vec())] {
            let target = kept.join(format!("{number}-{kind}"));
            fs::create_dir_all(&kept).expect("a folder");
            fs::write(&target, &bytes).expect("a file");
            targets.push((path, target, bytes));
        }
    }
    let commands: [&[&str]; 10] = [
        &["runs", "resume", "benchmark-1"],
        &["evaluate", "benchmark-1", "--open-test"],
        &["choose", "benchmark-1"],
        &["runs", "note", "benchmark-1", "another"],
        &["runs", "pin", "benchmark-1"],
        &["data", "decide", "raw/male/2.png", "drop"],
        &["results"],
        &["--quiet", "train", "benchmark", "--pool", "4", "--epochs", "1"],
        &["--quiet", "data", "prepare", "--source", "folder:raw", "--name", "colours"],
        &["work", "plans/benchmark-2"],
    ];
    // All at once: each file of the workspace is a link, first to what it held.
    for kind in ["same", "other"] {
        for (path, target, _) in targets.iter().filter(|(_, target, _)| target.to_string_lossy().ends_with(kind)) {
            let _ = fs::remove_file(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            symlink(target, path).expect("a link");
        }
        for command in commands {
            let mut words = std::process::Command::new(super::PROGRAM);
            words.arg("--workspace").arg(&at).args(command).current_dir(&at).stdin(std::process::Stdio::null());
            let output = words.output().expect("it starts");
            assert!(matches!(output.status.code(), Some(0..=2)), "{command:?}: {}", said(&output));
        }
        for (path, target, bytes) in &targets {
            assert!(fs::read(target).expect("the user's file") == *bytes, "{kind}: {}", path.display());
        }
    }
}

#[test]
fn what_the_workbench_had_open_and_installed_weights_are_not_written_through_a_link() {
    let (folder, at, source) = workspace();
    ok(&at, &["data", "prepare", "--source", &source, "--name", "colours"]);
    let target = folder.path().join("precious");
    fs::write(&target, "mine").expect("a file");
    fs::create_dir_all(at.join("cache")).expect("a folder");
    let session = at.join("cache/workbench.json");
    let _ = fs::remove_file(&session);
    symlink(&target, &session).expect("a link");
    let mut workbench = crate::session::Session::start(&at, &[], 100, 30);
    workbench.shows("colours");
    workbench.keys("q");
    workbench.ends();
    assert_eq!(fs::read(&target).expect("the file"), b"mine");

    // Weights that lead to a file elsewhere are read there, and replaced here.
    let weights = at.join("weights");
    fs::create_dir_all(&weights).expect("a folder");
    crate::made_up::weights("mobilenet-v2", &at.join("made-up.safetensors"));
    symlink(&target, weights.join("mobilenet-v2.safetensors")).expect("a link");
    symlink(&target, weights.join("mobilenet-v2.json")).expect("a link");
    let mut import = std::process::Command::new(super::PROGRAM);
    import.env("FACEPROBE_WEIGHTS", &weights).arg("--workspace").arg(&at);
    let output = import.args(["weights", "import", "mobilenet-v2"]).arg(at.join("made-up.safetensors")).output();
    let output = output.expect("it starts");
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", said(&output));
    assert_eq!(fs::read(&target).expect("the file"), b"mine");
}
