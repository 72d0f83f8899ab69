//! The queue of trainings, with several processes.

use faceprobe_core::claim::Claim;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn run(workspace: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_faceprobe"));
    command.arg("--workspace").arg(workspace).args(args).stdin(Stdio::null()).output().expect("the binary starts")
}

fn ok(workspace: &Path, args: &[&str]) -> String {
    let output = run(workspace, args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Waits, with a generous limit, until a run has this status.
fn until(workspace: &Path, run: &str, status: &str) {
    let begun = Instant::now();
    loop {
        let shown: Value = serde_json::from_str(&ok(workspace, &["runs", "show", run, "--json"])).expect("JSON");
        if shown["run"]["status"] == status {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{run} is not {status} but {}", shown["run"]["status"]);
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A process that looks at the queue while a training is at work starts nothing. The worker of that training, which ends
/// in this very moment, must start what waits all the same.
#[test]
fn a_waiting_run_starts_even_if_another_process_holds_the_queue() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    for (class, name) in ["female", "male"].iter().enumerate() {
        fs::create_dir_all(at.join("raw").join(name)).expect("a folder");
        for number in 0..20 {
            let colour = image::Rgb([40 + 140 * class as u8, number * 7, 90]);
            let picture = image::RgbImage::from_pixel(40, 40, colour);
            picture.save(at.join(format!("raw/{name}/{number}.png"))).expect("a picture");
        }
    }
    ok(at, &["data", "prepare", "--source", &format!("folder:{}", at.join("raw").display()), "--name", "colours"]);
    let train = ["train", "benchmark", "--pool", "4", "--epochs"];
    // More than this test can take.
    ok(at, &[&train[..], &["90000", "--detach"]].concat());
    until(at, "benchmark-1", "running");
    ok(at, &[&train[..], &["1", "--queue"]].concat());
    until(at, "benchmark-2", "queued");

    let held = Claim::wait(&at.join("runs/.queue.claim"), || true).expect("the queue's claim");
    ok(at, &["runs", "stop", "benchmark-1"]);
    until(at, "benchmark-1", "stopped");
    // Long enough for its worker to come to the claim.
    std::thread::sleep(Duration::from_millis(500));
    drop(held);
    until(at, "benchmark-2", "done");
}
