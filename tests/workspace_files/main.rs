//! Files of a workspace: links are not followed, permissions follow the umask, limits end in a sentence, clocks may go
//! backwards, what killed programs left is cleared.

mod limits;
mod links;
#[path = "../support/made_up.rs"]
mod made_up;
#[path = "../support/session.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod session;

use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
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
    // A lock that an earlier version left to all belongs to its owner again when it is taken: here for rows that are missing.
    let store = fs::read_dir(at.join("cache/features")).expect("stores").flatten().next().expect("a store").path();
    let lock = store.join(".lock");
    fs::set_permissions(&lock, fs::Permissions::from_mode(0o666)).expect("rights");
    let files = fs::read_dir(&store).expect("a store").flatten().map(|entry| entry.path());
    files
        .filter(|path| path.to_string_lossy().contains("part-"))
        .for_each(|part| fs::remove_file(part).expect("a part"));
    ok(&at, &TRAIN);
    assert_eq!(fs::metadata(&lock).expect("facts").permissions().mode() & 0o777, 0o600);
    // What the user has set for a file stays when it is written again.
    let label = at.join("runs/benchmark-1/label.json");
    ok(&at, &["runs", "note", "benchmark-1", "one"]);
    fs::set_permissions(&label, fs::Permissions::from_mode(0o604)).expect("rights");
    ok(&at, &["runs", "note", "benchmark-1", "two"]);
    assert_eq!(fs::metadata(&label).expect("facts").permissions().mode() & 0o777, 0o604);
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

#[test]
fn what_killed_programs_left_goes_with_the_next_call() {
    let (_folder, at, source) = workspace();
    ok(&at, &["data", "prepare", "--source", &source, "--name", "colours"]);
    ok(&at, &TRAIN);
    let weights = at.join("weights");
    fs::create_dir_all(&weights).expect("a folder");
    made_up::weights("mobilenet-v2", &at.join("made-up.safetensors"));
    // As a program leaves its own that is killed while it writes: the name tells whose it is.
    let own = faceprobe_core::scratch::file(&at, "").expect("a file");
    let mine = own.path().file_name().expect("a name").to_string_lossy().into_owned();
    let machine = mine.trim_start_matches(".tmp-").split('-').next().expect("a machine").to_owned();
    let dead = format!(".tmp-{machine}-00000000-7fffffff-1-abc");
    let living = mine.clone() + "x";
    let folders = [weights.clone(), at.join("runs/benchmark-1"), at.join("data/decisions.d"), at.join("data")];
    let store = fs::read_dir(at.join("cache/features")).expect("stores").flatten().next().expect("one").path();
    for folder in folders.iter().chain([&store]) {
        fs::create_dir_all(folder).expect("a folder");
        fs::write(folder.join(&dead), "half").expect("a file");
        fs::write(folder.join(&living), "half").expect("a file");
    }
    let mut import = Command::new(PROGRAM);
    import.env("FACEPROBE_WEIGHTS", &weights).arg("--workspace").arg(&at);
    let output = import.args(["weights", "import", "mobilenet-v2"]).arg(at.join("made-up.safetensors")).output();
    assert!(output.expect("it starts").status.success());
    ok(&at, &["runs", "note", "benchmark-1", "a note"]);
    ok(&at, &["data", "decide", &at.join("raw/male/1.png").to_string_lossy(), "keep"]);
    ok(&at, &["train", "benchmark", "--pool", "2", "--epochs", "1"]);
    for folder in [&weights, &at.join("runs/benchmark-1"), &at.join("data")] {
        assert!(!folder.join(&dead).exists(), "{}", folder.display());
        assert!(folder.join(&living).exists(), "{}: it may be at work", folder.display());
    }
}

#[test]
fn work_that_cannot_begin_is_refused_at_once_and_leaves_nothing() {
    let (_folder, at, source) = workspace();
    let refused = |args: &[&str], part: &str| {
        for more in [&[][..], &["--detach"]] {
            let output = run(&at, &[args, more].concat());
            let words = said(&output);
            assert_eq!(output.status.code(), Some(2), "{args:?}: {words}");
            assert!(
                words.contains(part) && words.lines().count() == 1 && output.stdout.is_empty(),
                "{args:?}: {words}"
            );
            assert!(!at.join("runs").exists(), "{args:?} left a run");
        }
    };
    let missing = [
        &["train", "benchmark", "--data", "foo"][..],
        &["train", "dense", "--data", "foo"],
        &["sweep", "--data", "foo"],
        &["extract", "--data", "foo"],
        &["learning-curve", "benchmark", "--data", "foo", "--sizes", "8,16"],
        &["data", "audit", "foo"],
    ];
    missing.iter().for_each(|args| refused(args, "There is no prepared data set"));
    let nowhere = at.join("nowhere").display().to_string();
    for layout in ["folder", "csv", "adience", "fairface", "celeba", "lfw"] {
        let from = format!("{layout}:{nowhere}");
        let output = run(&at, &["data", "prepare", "--source", &from, "--name", "x"]);
        assert_eq!(output.status.code(), Some(2), "{from}: {}", said(&output));
        assert!(said(&output).contains("nowhere"), "{}", said(&output));
    }
    assert!(!at.join("runs").exists(), "nothing was begun");
    ok(&at, &["data", "prepare", "--source", &source, "--name", "foo"]);
    missing[..1].iter().for_each(|args| drop(ok(&at, &[*args, &["--epochs", "1", "--pool", "8"]].concat())));
}
