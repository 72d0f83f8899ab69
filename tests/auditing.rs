//! The audit in the workbench, from its start to a set without the dropped image, by keys in a pseudo-terminal.

#[path = "support/session.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod session;

use faceprobe_core::dataset::decisions::{Decision, Decisions};
use faceprobe_core::dataset::synthetic::{SampleSettings, generate};
use faceprobe_core::monitor::Silent;
use faceprobe_core::workspace::Workspace;
use serde_json::Value;
use session::{Session, eventually};
use std::fs;
use std::process::Command;

#[test]
fn an_image_dropped_by_a_key_is_not_in_the_next_preparation() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let photos = folder.path().join("photos");
    let settings = SampleSettings { images: 240, ..SampleSettings::default() };
    generate(&photos, &settings, &Silent).expect("the sample is drawn");
    let made = Command::new(env!("CARGO_BIN_EXE_faceprobe"))
        .arg("--workspace")
        .arg(folder.path())
        .args(["--quiet", "data", "prepare", "--name", "study", "--source"])
        .arg(format!("adience:{}", photos.display()))
        .status()
        .expect("the binary starts");
    assert!(made.success());
    let prepared = folder.path().join("data/prepared/study");
    let before = fs::read_to_string(prepared.join("manifest.csv")).expect("a manifest");

    let mut session = Session::start(folder.path(), &["--image-protocol", "none"], 100, 30);
    session.named("a", "audit");
    session.shows("study has not been audited yet.");
    session.keys("R");
    session.shows("Audit study");
    session.keys("\r");
    session.shows("audit-1 is done.");
    session.shows("to do");
    // To the kind of findings whose images are all in the set.
    let audit: Value = serde_json::from_slice(&fs::read(prepared.join("audit.json")).expect("an audit")).expect("JSON");
    let mut kinds: Vec<&str> =
        audit["findings"].as_array().expect("findings").iter().filter_map(|finding| finding["kind"].as_str()).collect();
    kinds.dedup();
    let place = kinds.iter().position(|kind| *kind == "subject_across_splits").expect("people in two splits");
    session.keys(&"f".repeat(place + 1));
    session.shows("The same person in more than one split");
    session.named("d", "drop");
    session.shows("1 decided: 0 keep, 1 drop, 0 relabel");
    let workspace = Workspace::open(folder.path()).expect("the workspace");
    let decided = || Decisions::load(&workspace).expect("decisions that can be read");
    eventually("the decision is in the file", || decided().len() == 1);
    let (hash, dropped) = decided().iter().next().map(|(hash, one)| (hash.to_string(), one.clone())).expect("one");
    assert_eq!(dropped.decision, Decision::Drop);
    assert!(before.contains(&hash), "{} was in the set", dropped.path);

    // Taken back, and decided again.
    session.keys("u");
    eventually("the decision is taken back", || decided().is_empty());
    session.named("d", "drop");
    eventually("the decision is in the file again", || decided().len() == 1);

    session.named("p", "prepare");
    session.shows("Prepare a data set");
    session.keys("\r");
    session.shows("prepare-2 is done.");
    session.shows("study@2 has not been audited yet");
    let version = folder.path().join("data/prepared/study@2/manifest.csv");
    let after = fs::read_to_string(version).expect("a manifest");
    assert_eq!(fs::read_to_string(prepared.join("manifest.csv")).expect("a manifest"), before);
    assert!(!after.contains(&hash), "{} is still in the set", dropped.path);
    assert!(photos.join(&dropped.path).is_file(), "raw data is never changed");
    session.keys("q");
    assert!(session.ends().success());
}
