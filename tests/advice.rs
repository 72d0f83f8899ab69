//! Advice in error messages: the error is provoked through the command line, the advice is followed, and then the same
//! command succeeds.
//!
//! | advice | where |
//! |---|---|
//! | run data prepare again | manifest, account, sources and attributes of a set; a picture that changed since |
//! | 'faceprobe runs resume RUN' trains it again | result, model, scores |
//! | 'faceprobe runs resume RUN' goes on | a worker that was killed (`study.rs`, `python3 benches/torture`); a full disk (`python3 benches/torture`) |
//! | run 'faceprobe choose RUN' again | the choice |
//! | remove the folder / the file / this line / what was no opening | spec, journal, label, decisions, record of openings, store |
//! | name another file, or overwrite it with --force | tables, report, maps (more in `outputs.rs`) |
//! | remove it or name another file | links that lead nowhere |
//! | put the file itself in its place, or remove the link | links in runs, stores and sets |
//! | make it with faceprobe data audit | an audit |
//! | 'faceprobe evaluate RUN --open-test' opens it | comparisons on test |
//! | stop it first with 'faceprobe runs stop RUN' | removing a run at work |
//! | say --yes | removing without a terminal |
//! | make the folder or pass --workspace DIR | a workspace that is not there |
//! | make one with 'faceprobe data prepare --source …' | a set that is not there |
//! | train one with 'faceprobe train …' | nothing to predict with |
//! | faceprobe extract … computes what is lost again | damaged rows in an audit (`damage.rs`) |
//! | import it with --trust | TorchScript (`weights/importing.rs`) |
//! | run the same command again | downloads that were cut short (`fetch/`, `weights/http.rs`) |

#[path = "support/coloured.rs"]
mod coloured;

use coloured::{ok, pictures, run, trained};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

const PREPARE: [&str; 5] = ["data", "prepare", "--source", "folder:raw", "--name=colours"];
const TRAIN: [&str; 8] = ["--quiet", "train", "benchmark", "--pool", "4", "--epochs", "2", "--data=colours"];

/// The sentence that a command ends with, or warns with.
fn said<S: AsRef<std::ffi::OsStr>>(at: &Path, args: &[S]) -> String {
    String::from_utf8_lossy(&run(at, args).stderr).into_owned()
}

/// Provokes an error, which must say `advice`, does what it says, and expects the same command to succeed without it.
fn advised(at: &Path, args: &[&str], advice: &str, follow: impl FnOnce(&str)) {
    let sentence = said(at, args);
    assert!(sentence.contains(advice), "{args:?} does not say {advice:?}: {sentence}");
    follow(&sentence);
    let output = run(at, args);
    let still = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !still.contains(advice), "{args:?}, though advice was followed: {still}");
}

/// Runs the command that a sentence names in quotes.
fn named(at: &Path, sentence: &str) {
    let line = sentence.split("'faceprobe ").nth(1).and_then(|rest| rest.split('\'').next());
    let line = line.unwrap_or_else(|| panic!("no command in {sentence}")).replace("RUN", "benchmark-1");
    ok(at, &line.split(' ').collect::<Vec<_>>());
}

/// Flips a digit in the middle of a file.
fn damage(path: &Path) {
    let mut bytes = fs::read(path).expect("a file");
    let digits: Vec<usize> = (0..bytes.len()).filter(|&at| bytes[at].is_ascii_digit()).collect();
    let digit = digits[digits.len() / 2];
    bytes[digit] = if bytes[digit] == b'1' { b'2' } else { b'1' };
    fs::write(path, bytes).expect("a file");
}

/// Waits, with a generous limit, until a run stands so.
fn until(at: &Path, run: &str, status: &str) {
    for _ in 0..2400 {
        let shown: Value = serde_json::from_str(&ok(at, &["runs", "show", run, "--json"])).expect("JSON");
        if shown["run"]["status"] == status {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(25));
    }
    panic!("{run} is not {status}");
}

fn in_run(at: &Path, name: &str) -> PathBuf {
    at.join("runs/benchmark-1").join(name)
}

#[test]
fn a_prepared_set_that_was_changed_is_prepared_again() {
    let folder = trained();
    let at = folder.path();
    for name in ["manifest.csv", "report.json", "sources.json"] {
        // Each time it becomes the next version.
        let current = fs::read_to_string(at.join("data/current/colours")).unwrap_or_else(|_| "1".to_owned());
        let version = if current.trim() == "1" { String::new() } else { format!("@{}", current.trim()) };
        damage(&at.join(format!("data/prepared/colours{version}")).join(name));
        advised(at, &TRAIN, "run data prepare again", |_| drop(ok(at, &PREPARE)));
    }
    // Pictures: what is trained on says which were left out, and the next version has them.
    for number in 0..10 {
        let picture = image::RgbImage::from_pixel(40, 40, image::Rgb([180, 3, 20 * number]));
        picture.save(at.join(format!("raw/female/00{number}.png"))).expect("a picture");
    }
    let epochs = ["train", "benchmark", "--pool", "8", "--epochs", "1", "--data=colours"];
    advised(at, &epochs, "run data prepare again", |_| drop(ok(at, &PREPARE)));
}

#[test]
fn a_run_whose_files_were_changed_is_trained_again_to_the_same_numbers() {
    let folder = trained();
    let at = folder.path();
    let figures = || {
        let rows: Value = serde_json::from_str(&ok(at, &["results", "--json"])).expect("JSON");
        ["val_accuracy", "threshold", "validation"].map(|name| rows[0][name].clone())
    };
    let before = figures();
    let again = |sentence: &str| {
        named(at, sentence);
        until(at, "benchmark-1", "done");
    };
    for (name, args) in [
        ("result.json", &["evaluate", "benchmark-1"][..]),
        ("scores-val.csv", &["evaluate", "benchmark-1"]),
        ("model.safetensors", &["predict", "raw/male/001.png", "--model", "benchmark-1"]),
    ] {
        damage(&in_run(at, name));
        advised(at, args, "'faceprobe runs resume benchmark-1' trains it again", again);
        assert_eq!(figures(), before, "{name}");
    }
    // Its spec or journal: nobody knows what it was.
    damage(&in_run(at, "spec.json"));
    let remove = |_: &str| fs::remove_dir_all(at.join("runs/benchmark-1")).expect("a folder");
    let sentence = said(at, &["runs", "show", "benchmark-1"]);
    assert!(sentence.contains("remove the folder"), "{sentence}");
    remove(&sentence);
    assert_eq!(ok(at, &["runs", "list"]).lines().count(), 3, "the preparation is left");
}

#[test]
fn files_are_removed_or_rewritten_as_advised() {
    let folder = trained();
    let at = folder.path();
    let picture = ["predict", "raw/male/001.png"];
    ok(at, &["choose", "benchmark-1"]);
    damage(&at.join("runs/chosen.json"));
    advised(at, &picture, "run 'faceprobe choose RUN' again", |sentence| named(at, sentence));

    fs::write(in_run(at, "label.json"), "{").expect("a file");
    let note = ["runs", "note", "benchmark-1"];
    advised(at, &note, "remove the file", |_| fs::remove_file(in_run(at, "label.json")).expect("a file"));

    fs::write(at.join("data/decisions.csv"), "hash,decision,label,path,decided\nx,drop,,,\n").expect("a file");
    let decisions = at.join("data/decisions.csv");
    advised(at, &PREPARE, "mend or remove this line", |sentence| {
        assert!(sentence.contains("line 2"), "{sentence}");
        let text = fs::read_to_string(&decisions).expect("the decisions");
        fs::write(&decisions, text.lines().next().expect("a head").to_owned() + "\n").expect("a file");
    });

    ok(at, &["evaluate", "benchmark-1", "--open-test"]);
    let record = at.join("runs/test-openings.jsonl");
    let opened = fs::read_to_string(&record).expect("the record");
    fs::write(&record, format!("{opened}what is this\n")).expect("a file");
    advised(at, &["results"], "remove what was no opening", |sentence| {
        assert!(sentence.contains("line 2"), "{sentence}");
        fs::write(&record, &opened).expect("a file");
    });
    fs::remove_file(&record).expect("the record");
    advised(at, &["results"], "put the record back from a copy", |_| fs::write(&record, &opened).expect("a file"));

    ok(at, &["data", "audit"]);
    let audit = at.join("data/prepared/colours/audit.json");
    damage(&audit);
    let refused = said(at, &["report"]);
    assert!(refused.is_empty() || refused.contains("faceprobe data audit"), "{refused}");
    ok(at, &["data", "audit"]);
    ok(at, &["report"]);

    let stores = fs::read_dir(at.join("cache/features")).expect("stores").flatten();
    let store = stores.map(|store| store.path()).next().expect("a store");
    let identity = fs::read_to_string(store.join("identity.json")).expect("a file");
    fs::write(store.join("identity.json"), identity.replace("sum", "avg")).expect("a file");
    advised(at, &TRAIN, "rename or remove this folder", |_| fs::remove_dir_all(&store).expect("a folder"));

    let moved = at.join("elsewhere");
    fs::rename(in_run(at, "result.json"), &moved).expect("a file");
    std::os::unix::fs::symlink(&moved, in_run(at, "result.json")).expect("a link");
    advised(at, &["evaluate", "benchmark-1"], "put the file itself in its place, or remove the link", |_| {
        fs::rename(&moved, in_run(at, "result.json")).expect("the file itself");
    });
}

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
