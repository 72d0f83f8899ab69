//! The table of runs in a pseudo-terminal: groups, columns, search, copying, cloning.

use super::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A sweep of two widths with three heads, behind 40 trainings of their own.
pub fn with_a_sweep(workspace: &Path) {
    fabricate(workspace, 40);
    let folder = workspace.join("runs/sweep-1");
    fs::create_dir_all(&folder).expect("a folder");
    let base = serde_json::json!({ "width": 1024, "epochs": 100, "seed": 1 });
    let axis = serde_json::json!({ "setting": "width", "values": ["64", "256"] });
    let job = serde_json::json!({
        "job": "sweep", "dataset": "sample",
        "sweep": { "backbone": "efficientnet-lite0", "base": base, "axes": [axis], "seeds": [1] },
    });
    let created = "2026-02-01T00:00:00Z";
    let spec = serde_json::json!({ "job": job, "created": created, "threads": 2, "device": "cpu", "parent": null });
    let journal = [
        serde_json::json!({ "at": 0, "event": "started", "pid": 1, "threads": 2 }),
        serde_json::json!({ "at": 9, "event": "finished", "summary": "3 heads", "seconds": 9.0 }),
    ];
    fs::write(folder.join("spec.json"), spec.to_string()).expect("a file");
    let lines: Vec<String> = journal.iter().map(|line| format!("{line}\n")).collect();
    fs::write(folder.join("events.jsonl"), lines.concat()).expect("a file");
    for (number, width) in [(41, 64), (42, 256), (43, 256)] {
        one(workspace, number, "2026-02-01T00:00:01Z", width, Some("sweep-1"));
    }
}

#[test]
fn the_table_folds_searches_copies_and_clones() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    with_a_sweep(folder.path());
    let mut session = Session::start(folder.path(), &[], &[], 160, 40);
    session.shows("44 runs");
    // A sweep is one line with mean and spread; its heads are beneath it once it is unfolded.
    session.keys("4");
    session.shows("▸ sweep-1  mean of 3 heads, best 0.704");
    session.shows("0.704 ±.000");
    assert!(!session.text().contains("dense-42"), "{}", session.text());
    session.keys("g\r");
    session.until("the heads", |screen| screen.contains("▾ sweep-1") && screen.contains("  dense-42"));
    // The width differs among the lines, so it has a column; what is the same is said once.
    assert!(session.text().contains("width") && session.text().contains("all: dense, efficientnet-lite0, sample"));
    session.keys("z");
    session.until("the group is folded", |screen| !screen.contains("dense-42"));
    // A search goes into what is folded away; n is the next match.
    session.keys("/dense-4\r");
    session.keys("n");
    session.shows("of 5");
    session.keys("/dense-42\r");
    session.until("the head", |screen| screen.contains("  dense-42") && screen.contains("╭ dense-42"));
    // What is copied is told to the terminal, in the words of OSC 52, and said.
    let copied = |session: &Session, text: &str| {
        let sequence = format!("\u{1b}]52;c;{}\u{7}", STANDARD.encode(text));
        let raw = session.raw.lock().unwrap_or_else(PoisonError::into_inner);
        raw.windows(sequence.len()).any(|part| part == sequence.as_bytes())
    };
    session.keys("y");
    session.shows("Copy from dense-42");
    session.keys("n");
    session.shows("Copied the name: dense-42");
    assert!(copied(&session, "dense-42"));
    session.keys("yc");
    session.shows("Copied the command:");
    let command = "faceprobe train dense --width 256 --learning-rate 0.001 --epochs 100 --seed 42 --data sample";
    assert!(copied(&session, command), "{}", session.text());
    session.keys("yp");
    session.shows("Copied the folder:");
    assert!(copied(&session, &folder.path().join("runs/dense-42").display().to_string()));
    // Columns are chosen from a list, and are there at the next start.
    assert!(!session.text().contains("started (UTC)"));
    session.keys("|");
    session.shows("Columns of Results");
    session.keys("G");
    session.keys("k");
    session.keys(" ");
    session.keys("q");
    session.shows("started (UTC)");
    // A clone is a form with the settings of the run.
    session.keys("N");
    session.shows("Filled with the settings of dense-42");
    session.shows("256");
    session.keys("\u{1b}");
    session.until("no form", |screen| !screen.contains("Filled with"));
    session.keys("q");
    assert!(session.ends().success());
    let mut session = Session::start(folder.path(), &[], &[], 160, 40);
    session.shows("started (UTC)");
    session.keys("q");
    assert!(session.ends().success());
}

#[test]
fn marked_runs_go_to_the_trash_together_and_one_key_brings_all_back() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    with_a_sweep(folder.path());
    let mut session = Session::start(folder.path(), &[], &[], 100, 30);
    session.shows("44 runs");
    session.keys("7");
    session.shows("dense-40");
    // Below the sweep, which is the newest; the cursor goes on to the next line with each mark.
    session.keys("j   D");
    session.shows("Remove 3 runs?");
    session.shows("dense-40, dense-39, dense-38");
    session.keys("y");
    session.shows("3 runs were moved to the trash");
    let there = |name: &str| folder.path().join(format!("runs/{name}/result.json")).is_file();
    assert!(["dense-40", "dense-39", "dense-38"].iter().all(|run| !there(run) && there(&format!(".trash/{run}"))));
    session.shows("41 runs");
    session.keys("u");
    session.shows("3 runs were restored");
    assert!(["dense-40", "dense-39", "dense-38"].iter().all(|run| there(run)));
    session.keys("q");
    assert!(session.ends().success());
}

#[test]
fn what_a_study_made_is_a_group_and_columns_are_those_of_the_configuration() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    with_a_sweep(folder.path());
    for run in ["sweep-1", "dense-40"] {
        let path = folder.path().join(format!("runs/{run}/spec.json"));
        let mut spec: serde_json::Value = serde_json::from_slice(&fs::read(&path).expect("a spec")).expect("JSON");
        spec["step"] = "model x".into();
        fs::write(&path, spec.to_string()).expect("a file");
    }
    fs::write(folder.path().join("faceprobe.toml"), "[columns]\nruns = ['note', 'settings', 'took']\n")
        .expect("a file");
    let mut session = Session::start(folder.path(), &[], &[], 120, 40);
    session.shows("44 runs");
    session.keys("7");
    session
        .until("the columns", |screen| screen.contains("note") && screen.contains("took") && screen.contains("width"));
    assert!(!session.text().contains("started (UTC)"), "{}", session.text());
    session.keys("F");
    session.until("the study", |screen| screen.contains("▾ study  4 runs") && screen.contains("  ▸ sweep-1"));
    session.keys("gD");
    session.shows("its runs stand beneath it");
    session.keys("\r");
    session.until("it is folded", |screen| screen.contains("▸ study") && !screen.contains("sweep-1"));
    session.keys("F");
    session.shows("Groups are off");
    session.keys("q");
    assert!(session.ends().success());
}
