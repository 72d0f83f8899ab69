//! Workspaces on a shared file system: many writers at once, links and renames reported as failed that were done, no locks,
//! delayed directory listings, clocks minutes apart, runs that another machine works on.

#[allow(dead_code, reason = "other tests use the rest of it")]
#[path = "support/coloured.rs"]
mod coloured;

use coloured::{command, ok, pictures, run};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

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

/// The program there, with a clock that is some seconds off.
fn on_lossy(at: &Path, library: &Path, clock: i32) -> Command {
    let mut command = command(at);
    command.env("LD_PRELOAD", library).env("FACEPROBE_TEST_CLOCK", clock.to_string());
    command
}

/// Every claim there is, in the workspace.
fn claims(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        if entry.path().is_dir() {
            found.extend(claims(&entry.path()));
        } else if entry.file_name().to_string_lossy().contains(".claim") {
            found.push(entry.path());
        }
    }
    found
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
    // Their clocks are up to fifteen minutes apart.
    let writers: Vec<_> = (0..4)
        .map(|writer| on_lossy(at, &library, (writer - 1) * 300).args(TRAIN).spawn().expect("the binary starts"))
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

#[test]
fn what_several_decide_at_once_without_locks_is_all_kept() {
    let shared = workspace();
    let at = shared.path();
    let Some(library) = lossy(at) else {
        println!("skipped: decisions on a lossy file system, because there is no C compiler");
        return;
    };
    // Left by a process that was killed.
    fs::write(at.join("data/.decisions.claim"), dead_here(at)).expect("a claim");
    let deciders: Vec<_> = (0..8)
        .map(|number| {
            let image = format!("raw/male/{number:03}.png");
            let mut command = on_lossy(at, &library, (number - 4) * 75);
            command.args(["data", "decide", &image, "drop"]).spawn().expect("the binary starts")
        })
        .collect();
    for mut decider in deciders {
        assert!(decider.wait().expect("it ends").success());
    }
    let decided = fs::read_to_string(at.join("data/decisions.csv")).expect("decisions");
    for number in 0..8 {
        assert!(decided.contains(&format!("{number:03}.png")), "{decided}");
    }
    assert_eq!(claims(&at.join("data")), Vec::<PathBuf>::new());
}

#[test]
fn one_of_two_studies_at_once_is_refused_without_locks_too() {
    let shared = workspace();
    let at = shared.path();
    let Some(library) = lossy(at) else {
        println!("skipped: studies on a lossy file system, because there is no C compiler");
        return;
    };
    let study =
        "[data.colours]\nsource = \"folder:raw\"\n[model.bench]\nkind = \"benchmark\"\npool = 4\nepochs = 90000\n";
    fs::write(at.join("study.toml"), study).expect("a study");
    let run_study = ["--quiet", "study", "run", "study.toml"];
    let mut first = on_lossy(at, &library, 300).args(run_study).spawn().expect("the binary starts");
    until("it trains", || shown(at, "benchmark-1").is_some_and(|run| run["status"] == "running"));
    let second = on_lossy(at, &library, -300).args(run_study).output().expect("the binary starts");
    assert!(said(&second).contains("Another 'faceprobe study run' is at work"), "{}", said(&second));
    // Killed, it is in nobody's way.
    first.kill().expect("it runs");
    first.wait().expect("it ends");
    ok(at, &["runs", "stop", "benchmark-1"]);
    until("it is stopped", || shown(at, "benchmark-1").is_some_and(|run| run["status"] == "stopped"));
    fs::write(at.join("study.toml"), study.replace("90000", "1")).expect("a study");
    let third = on_lossy(at, &library, -300).args(run_study).output().expect("the binary starts");
    assert!(third.status.success(), "{}", said(&third));
    assert_eq!(claims(at), Vec::<PathBuf>::new());
}

#[test]
fn a_run_that_another_machine_works_on_is_left_alone() {
    let shared = workspace();
    let at = shared.path();
    ok(at, &["train", "benchmark", "--pool", "4", "--epochs", "90000", "--detach"]);
    until("it trains", || shown(at, "benchmark-1").is_some_and(|run| run["status"] == "running"));
    let claim = at.join("runs/benchmark-1/worker.claim");
    kill(&fs::read_to_string(&claim).expect("a claim"));
    until("it is dead", || shown(at, "benchmark-1").is_some_and(|run| run["status"] == "interrupted"));

    // Another machine has taken it since, and its number grows.
    let (over, number) = (AtomicBool::new(false), &mut 0);
    let mut moves = || {
        *number += 1;
        fs::write(&claim, format!("00000007-00000001-64-1388-0 {number:020} node7\n")).expect("a claim");
    };
    moves();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(200));
                moves();
            }
        });
        let told = std::panic::catch_unwind(|| {
            assert_eq!(shown(at, "benchmark-1").expect("it is there")["status"], "running");
            for command in [&["resume"][..], &["stop"], &["remove", "--yes"]] {
                let refused = run(at, &[&["runs"], command, &["benchmark-1"]].concat());
                assert_eq!(refused.status.code(), Some(1), "{command:?}");
                let word = if command[0] == "remove" { "still working" } else { "on node7" };
                assert!(said(&refused).contains(word), "{command:?}: {}", said(&refused));
            }
        });
        over.store(true, Ordering::Relaxed);
        assert!(told.is_ok());
    });
    // It does not use this machine's processors: what waits here starts.
    ok(at, &["train", "benchmark", "--pool", "4", "--epochs", "1", "--queue"]);
    until("the next is done", || shown(at, "benchmark-2").is_some_and(|run| run["status"] == "done"));
    assert_eq!(shown(at, "benchmark-1").expect("it is there")["status"], "running", "one look tells nothing");
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn shown(at: &Path, run: &str) -> Option<Value> {
    let runs: Value = serde_json::from_str(&ok(at, &["--json", "runs", "list"])).expect("JSON");
    runs.as_array()?.iter().find(|one| one["run"] == run).cloned()
}

/// Waits, with a generous limit.
fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}: not yet");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Kills the owner of a claim as a machine's lack of memory would.
fn kill(claim: &str) {
    let pid = claim.split('-').nth(2).expect("a process");
    let pid = u32::from_str_radix(pid, 16).expect("its number").to_string();
    assert!(Command::new("kill").args(["-9", &pid]).status().expect("kill runs").success());
}

/// The claim of a process of this machine that is dead.
fn dead_here(at: &Path) -> String {
    ok(at, &["train", "benchmark", "--pool", "4", "--epochs", "90000", "--detach"]);
    until("it trains", || shown(at, "benchmark-1").is_some_and(|run| run["status"] == "running"));
    let claim = fs::read_to_string(at.join("runs/benchmark-1/worker.claim")).expect("a claim");
    kill(&claim);
    until("it is dead", || shown(at, "benchmark-1").is_some_and(|run| run["status"] == "interrupted"));
    ok(at, &["runs", "remove", "--yes", "benchmark-1"]);
    claim
}
