//! Files of a workspace: links are not followed, permissions follow the umask, limits end in a sentence, clocks may go
//! backwards.

use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_faceprobe");

fn run(workspace: &Path, args: &[&str]) -> Output {
    Command::new(PROGRAM).arg("--workspace").arg(workspace).args(args).stdin(Stdio::null()).output().expect("it starts")
}

/// The same behind something that a shell does first.
fn run_after(first: &str, workspace: &Path, args: &[&str]) -> Output {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{first}; exec \"$@\""), "sh", PROGRAM, "--workspace"]).arg(workspace).args(args);
    command.stdin(Stdio::null()).output().expect("the shell starts")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn ok(workspace: &Path, args: &[&str]) -> String {
    let output = run(workspace, args);
    assert!(output.status.success(), "{args:?}: {}", said(&output));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn workspace() -> (tempfile::TempDir, PathBuf, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path().to_path_buf();
    for (class, name) in ["female", "male"].iter().enumerate() {
        fs::create_dir_all(at.join("raw").join(name)).expect("a folder");
        for number in 0..20 {
            let colour = image::Rgb([40 + 140 * class as u8, number * 7, 90]);
            let picture = image::RgbImage::from_pixel(40, 40, colour);
            picture.save(at.join(format!("raw/{name}/{number}.png"))).expect("a picture");
        }
    }
    let source = format!("folder:{}", at.join("raw").display());
    (folder, at, source)
}

const TRAIN: [&str; 6] = ["train", "benchmark", "--pool", "4", "--epochs", "1"];

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
        let was = fs::read(&link).unwrap_or_default();
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
        fs::write(&link, &was).expect("as it was");
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

#[test]
fn files_have_the_rights_that_the_umask_leaves_and_locks_are_their_owners() {
    let (_folder, at, source) = workspace();
    let prepared = run_after("umask 027", &at, &["data", "prepare", "--source", &source, "--name", "colours"]);
    assert!(prepared.status.success(), "{}", said(&prepared));
    let trained = run_after("umask 027", &at, &TRAIN);
    assert!(trained.status.success(), "{}", said(&trained));
    let mut seen = 0;
    let mut folders = vec![at.join("runs"), at.join("data"), at.join("cache")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let facts = entry.metadata().expect("facts");
            let (path, mode) = (entry.path(), facts.permissions().mode() & 0o777);
            if facts.is_dir() {
                assert_eq!(mode, 0o750, "{}", path.display());
                folders.push(path);
            } else if facts.is_file() {
                let lock = path.extension().is_some_and(|ending| ending == "lock") || path.ends_with(".lock");
                assert_eq!(mode, if lock { 0o600 } else { 0o640 }, "{}", path.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 10, "{seen}");
    // What the user has set for a file stays when it is written again.
    let label = at.join("runs/benchmark-1/label.json");
    ok(&at, &["runs", "note", "benchmark-1", "one"]);
    fs::set_permissions(&label, fs::Permissions::from_mode(0o604)).expect("rights");
    ok(&at, &["runs", "note", "benchmark-1", "two"]);
    assert_eq!(fs::metadata(&label).expect("facts").permissions().mode() & 0o777, 0o604);
}

#[test]
fn a_limit_on_files_ends_in_a_sentence() {
    let (_folder, at, source) = workspace();
    ok(&at, &["data", "prepare", "--source", &source, "--name", "colours"]);
    // Sixteen blocks of 512 bytes: the rows do not fit.
    let output = run_after("ulimit -f 16", &at, &TRAIN);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("too large"), "{}", said(&output));
    ok(&at, &TRAIN);
}

#[test]
fn a_name_that_cannot_be_one_is_wrong_usage() {
    let (_folder, at, source) = workspace();
    for name in ["../colours", "", ".hidden", "a b"] {
        let output = run(&at, &["data", "prepare", "--source", &source, &format!("--name={name}")]);
        assert_eq!(output.status.code(), Some(2), "{name}: {}", said(&output));
    }
    assert!(!at.join("runs").exists());
}

#[test]
fn time_does_not_run_backwards_with_the_clock() {
    let (_folder, at, source) = workspace();
    ok(&at, &["data", "prepare", "--source", &source, "--name", "colours"]);
    ok(&at, &TRAIN);
    let run_folder = at.join("runs/benchmark-1");
    fs::remove_file(run_folder.join("result.json")).expect("a result");
    let _ = fs::remove_file(run_folder.join("summary.json"));
    let entry = |at: i64, mut event: Value| {
        event["at"] = at.into();
        event.to_string() + "\n"
    };
    let begun = entry(1_700_000_060_000, json!({ "event": "started", "pid": 1, "threads": 1 }));
    let later = entry(1_700_000_090_000, json!({ "event": "note", "text": "at work" }));
    let set_back = entry(1_600_000_000_000, json!({ "event": "note", "text": "the clock was set back" }));
    let stopped = entry(1_600_000_001_000, json!({ "event": "stopped", "seconds": 31.0 }));
    let seconds = |journal: String| {
        fs::write(run_folder.join("events.jsonl"), journal).expect("a journal");
        let listed: Value = serde_json::from_str(&ok(&at, &["runs", "show", "benchmark-1", "--json"])).expect("JSON");
        listed["run"]["seconds"].as_f64().expect("seconds")
    };
    // Interrupted: as long as it was heard of, now and later.
    assert_eq!(seconds(format!("{begun}{later}")), 30.0);
    assert_eq!(seconds(format!("{begun}{later}{set_back}")), 30.0);
    assert_eq!(seconds(format!("{begun}{later}{set_back}{stopped}")), 30.0);
    assert_eq!(seconds(format!("{begun}{set_back}")), 0.0);
}
