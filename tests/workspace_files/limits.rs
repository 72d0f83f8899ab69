//! Limits, full disks and folders that are removed end in a sentence, and the same command succeeds afterwards.

use super::{TRAIN, ok, run, run_after, said, workspace};
use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

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

/// Runs a command where a folder of the workspace is a small disk of its own; none where no disk can be mounted.
fn on_small_disk(at: &std::path::Path, folder: &str, kilobytes: u32, args: &[&str]) -> Option<std::process::Output> {
    let script = format!("mount -t tmpfs -o size={kilobytes}k small \"$0\" || exit 99; shift 0; exec \"$@\"");
    let place = at.join(folder);
    fs::create_dir_all(&place).expect("a folder");
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", &script]).arg(&place).arg(super::PROGRAM).arg("--workspace").arg(at).args(args);
    let output = command.stdin(Stdio::null()).output().ok()?;
    let mounted = output.status.code() != Some(99) && !said(&output).starts_with("unshare:");
    if !mounted {
        println!("skipped: a full disk, because no small one can be mounted here: {}", said(&output).trim());
    }
    mounted.then_some(output)
}

#[test]
fn a_full_disk_is_named_and_the_command_succeeds_when_there_is_room() {
    let (_folder, at, source) = workspace();
    let prepare = ["data", "prepare", "--source", source.as_str(), "--name", "colours"];
    let full = |folder: &str, kilobytes: u32, args: &[&str]| {
        let output = on_small_disk(&at, folder, kilobytes, args)?;
        let words = said(&output);
        assert_eq!(output.status.code(), Some(1), "{folder}, {args:?}: {words}");
        assert!(words.contains("No space left") || words.contains("is full"), "{folder}, {args:?}: {words}");
        assert!(!words.contains("without a word") || words.contains("is full"), "{folder}, {args:?}: {words}");
        Some(())
    };
    if full("data", 4, &prepare).is_none() {
        return;
    }
    ok(&at, &prepare);
    // The rows of the pictures, the run, what a user names.
    full("cache", 8, &TRAIN);
    full("runs", 8, &TRAIN);
    let trained = ok(&at, &TRAIN);
    let out = at.join("out");
    let (report, model) = (out.to_string_lossy().into_owned(), out.join("model.onnx").to_string_lossy().into_owned());
    full("out", 4, &["report", "--output", &report]);
    full("out", 4, &["export", &trained, "--to", &model]);
    let left: Vec<_> = fs::read_dir(at.join("runs")).expect("runs").flatten().map(|run| run.file_name()).collect();
    assert_eq!(left.iter().filter(|name| name.to_string_lossy().starts_with(".tmp")).count(), 0, "{left:?}");
    ok(&at, &["report", "--output", &report]);
    ok(&at, &["export", &trained, "--to", &model]);
}

#[test]
fn a_run_whose_folder_is_removed_says_so() {
    let (_folder, at, source) = workspace();
    ok(&at, &["data", "prepare", "--source", &source, "--name", "colours"]);
    let mut command = Command::new(super::PROGRAM);
    command.arg("--workspace").arg(&at).args(["train", "benchmark", "--pool", "4", "--epochs", "100000"]);
    let training =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let journal = at.join("runs/benchmark-1/events.jsonl");
    let begun = || fs::read_to_string(&journal).is_ok_and(|text| text.contains("\"epoch\""));
    crate::session::eventually("an epoch", begun);
    let pid = fs::read_to_string(&journal).expect("a journal");
    let pid: i32 = pid
        .split("\"pid\":")
        .nth(1)
        .and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok())
        .expect("the worker");
    // Files may appear in it while it is removed.
    for _ in 0..100 {
        if fs::remove_dir_all(at.join("runs/benchmark-1")).is_ok() {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = training.wait_with_output().expect("it ends");
    let words = said(&output);
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(words.contains("benchmark-1") && words.contains("removed"), "{words}");
    assert!(words.contains("Start the work again"), "{words}");
    // As it says.
    let again = run(&at, &TRAIN);
    assert!(again.status.success(), "{}", said(&again));
    let _ = Command::new("kill").args(["-9", &pid.to_string()]).stderr(Stdio::null()).status();
}
