//! Advice in error messages: the error is provoked through the command line, the advice is followed, and then the same
//! command succeeds.
//!
//! | advice | kind | followed in |
//! |---|---|---|
//! | run data prepare again | a changed manifest, account, sources or attributes; a picture that changed since | `damaged.rs` |
//! | 'faceprobe runs resume RUN' trains it again | a changed result, model, scores | `damaged.rs` |
//! | 'faceprobe evaluate RUN --open-test' scores the test split again | changed test scores | `damaged.rs` |
//! | make it again, evaluate again, audit again, make the map again | a changed curve, evaluation, audit, map, group of images | `damaged.rs` |
//! | remove the file and import / fetch again | changed weights | `damaged.rs` |
//! | run 'faceprobe choose RUN' again | a changed choice | `damaged.rs` |
//! | remove the folder / the file / this line / what was no opening | spec, journal, label, decisions, record of openings, store | `damaged.rs` |
//! | put the file itself in its place, or remove the link | links in runs, stores and sets | `damaged.rs` |
//! | remove it to train from the beginning | what is no checkpoint | `damaged.rs` |
//! | begins again, computes what is lost again | changed checkpoints, changed rows | engine's `checkpoints.rs`, `damage.rs` |
//! | give the command once more | plans, placements, terms, changed runs of a plan | `plans.rs` |
//! | 'faceprobe runs resume RUN' trains what is missing | a sweep without some heads | `series.rs` |
//! | 'faceprobe runs resume RUN' goes on | a worker that was killed, a full disk | `study.rs`, `benches/torture` |
//! | Start the work again | a run whose folder was removed | `workspace_files/limits.rs` |
//! | name another file, or overwrite it with --force | tables, report, maps | `ends.rs`, more in `outputs.rs` |
//! | remove it or name another file | links that lead nowhere | `ends.rs` |
//! | make it with faceprobe data audit | an audit | `damaged.rs` |
//! | 'faceprobe evaluate RUN --open-test' opens it | comparisons on test | `ends.rs` |
//! | stop it first with 'faceprobe runs stop RUN' | removing a run at work | `ends.rs` |
//! | say --yes, --data NAME, --format, --detect … | an option that is missing | `ends.rs`, `refused.rs` |
//! | take, use, write, give, ask for …; leave … out | values and options that are refused | `refused.rs` |
//! | move it elsewhere, rename it | what is in the way | `refused.rs` |
//! | make the folder or pass --workspace DIR | a workspace that is not there | `ends.rs` |
//! | make one with 'faceprobe data prepare --source …' | a set that is not there | `ends.rs` |
//! | make it with 'faceprobe config init' | a configuration that is not there | `refused.rs` |
//! | train one with 'faceprobe train …', train it again | nothing to predict with; a set that was prepared anew | `ends.rs`, `refused.rs` |
//! | import it with --trust, import it as … | TorchScript, another network's weights | `weights/importing.rs` |
//! | run the same command again | downloads that were cut short | `fetch/`, `weights/http.rs` |

#[path = "../support/coloured.rs"]
mod coloured;
mod damaged;
mod ends;
#[path = "../support/made_up.rs"]
mod made_up;
mod refused;

use coloured::{ok, run};
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
