//! The real binary on a small set of its own.

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

pub fn command(workspace: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_faceprobe"));
    command.arg("--workspace").arg(workspace).args(args).stdin(Stdio::null());
    command
}

pub fn run(workspace: &Path, args: &[&str]) -> Output {
    command(workspace, args).output().expect("the binary starts")
}

pub fn ok(workspace: &Path, args: &[&str]) -> String {
    let output = run(workspace, args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn json(workspace: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&ok(workspace, args)).expect("standard output is one JSON value")
}

pub fn status(workspace: &Path, run: &str) -> String {
    json(workspace, &["runs", "show", run, "--json"])["run"]["status"].as_str().unwrap_or_default().to_owned()
}

/// Waits, with a generous limit, until something is so.
pub fn until(what: &str, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what} did not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A folder-per-class data set whose classes differ in colour, so that the benchmark learns it at once.
pub fn coloured(folder: &Path, per_class: u32) {
    for (class, name) in ["female", "male"].iter().enumerate() {
        fs::create_dir_all(folder.join(name)).expect("a folder");
        for number in 0..per_class {
            let picture = image::RgbImage::from_fn(40, 40, |x, y| {
                let texture = ((x * 7 + y * 13 + number * 31) % 60) as u8;
                if class == 0 { image::Rgb([180, texture, 40]) } else { image::Rgb([40, texture, 180]) }
            });
            picture.save(folder.join(name).join(format!("{number}.png"))).expect("a picture");
        }
    }
}

pub fn prepared(workspace: &Path, per_class: u32) {
    let raw = workspace.join("raw");
    coloured(&raw, per_class);
    ok(workspace, &["data", "prepare", "--source", &format!("folder:{}", raw.display()), "--name", "colours"]);
}

/// An empty workspace; none, and a word about it, where the default backbone's weights are missing.
pub fn study_folder() -> Option<tempfile::TempDir> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let here = json(folder.path(), &["weights", "list", "--json"])[0]["present"] == true;
    if !here {
        eprintln!("skipped: the weights of efficientnet-lite0 are not here; 'make test' fetches them");
    }
    here.then_some(folder)
}
