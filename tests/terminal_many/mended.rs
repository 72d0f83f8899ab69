//! What once went wrong under somebody's eyes, looked for as a person sees it.

use super::table::with_a_sweep;
use super::*;

/// A run of its own kind and end: what its journal says, and no result.
fn ended(workspace: &Path, name: &str, job: &serde_json::Value, journal: &[serde_json::Value]) {
    let folder = workspace.join("runs").join(name);
    fs::create_dir_all(&folder).expect("a folder");
    let spec = serde_json::json!({
        "job": job, "created": "2026-03-01T00:00:00Z", "threads": 2, "device": "cpu", "parent": null,
    });
    fs::write(folder.join("spec.json"), spec.to_string()).expect("a file");
    let lines: Vec<String> = journal.iter().map(|line| format!("{line}\n")).collect();
    fs::write(folder.join("events.jsonl"), lines.concat()).expect("a file");
}

fn dense() -> serde_json::Value {
    let settings = serde_json::json!({ "width": 1024, "epochs": 100, "seed": 9 });
    let model = serde_json::json!({ "kind": "dense", "backbone": "efficientnet-lite0", "settings": settings });
    serde_json::json!({ "job": "train", "dataset": "sample", "model": model })
}

#[test]
fn every_accuracy_says_at_which_threshold_and_what_was_swept_is_seen_at_120_columns() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    with_a_sweep(folder.path());
    let mut session = Session::start(folder.path(), &[], &[], 120, 40);
    session.shows("44 runs");
    // One metric leads in each place, and says which it is.
    session.keys("3");
    session.shows("╭ sweep-1");
    session.keys("j");
    session.until("val@0.5 of the curves", |screen| screen.contains("best val@0.5") && screen.contains("Accuracy@0.5"));
    assert!(!session.text().contains("validation accuracy"), "{}", session.text());
    session.keys("4");
    session.until("val@τ of the models", |screen| screen.contains("val@τ▼") && screen.contains("test@τ"));
    // The swept setting has a column, the name of the sweep is whole.
    session.keys("g\r");
    session.until("the heads with their widths", |screen| {
        let has = |run: &str, width: &str| {
            screen.lines().any(|line| line.contains(&format!("  {run} ")) && line.contains(&format!(" {width} ")))
        };
        screen.contains("width") && has("dense-41", "64") && has("dense-42", "256") && screen.contains("▾ sweep-1")
    });
    // At 80 columns too.
    session.resize(80, 24);
    session.until("the width", |screen| screen.contains("width") && screen.contains("dense-42"));
    session.keys("q");
    assert!(session.ends().success());
}

#[test]
fn models_of_several_sets_are_told_apart_and_names_are_whole() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    with_a_sweep(folder.path());
    for file in ["spec.json", "result.json"] {
        let path = folder.path().join("runs/dense-40").join(file);
        let text = fs::read_to_string(&path).expect("a file");
        fs::write(&path, text.replace("\"sample\"", "\"adience\"")).expect("a file");
    }
    let mut session = Session::start(folder.path(), &[], &[], 200, 60);
    session.shows("44 runs");
    for screen in ["3", "4"] {
        session.keys(screen);
        let row = |screen: &str, run: &str, set: &str| {
            screen.lines().any(|line| line.contains(&format!(" {run} ")) && line.contains(&format!(" {set} ")))
        };
        session.until("a column for the set", |screen| {
            screen.contains(" data ") && row(screen, "dense-40", "adience") && row(screen, "dense-39", "sample")
        });
        assert!(!session.text().contains("dense-…"), "{}", session.text());
    }
    session.keys("q");
    assert!(session.ends().success());
}

#[test]
fn steps_agree_with_the_runs_and_the_time_of_what_was_interrupted_stands_still() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fabricate(folder.path(), 2);
    let started = serde_json::json!({ "at": 1_767_000_000_000_u64, "event": "started", "pid": 1, "threads": 2 });
    let epoch = serde_json::json!({
        "at": 1_767_000_042_000_u64, "event": "epoch", "epoch": 3, "epochs": 100, "train_loss": 0.4,
        "train_accuracy": 1.0, "val_loss": 0.5, "val_accuracy": 1.0, "seconds": 14.0,
    });
    let failed = serde_json::json!({
        "at": 1_767_000_050_000_u64, "event": "failed", "error": "the disk is full", "seconds": 50.0,
    });
    ended(folder.path(), "dense-3", &dense(), &[started.clone(), epoch]);
    ended(folder.path(), "dense-4", &dense(), &[started, failed]);
    let mut session = Session::start(folder.path(), &[], &[], 120, 40);
    session.shows("2 of 4 failed");
    // Models are there, so Train and Results are done; nothing is done for Evaluate's scores or for Predict, and a list
    // of which something failed is not "done" either.
    let step = |screen: &str, name: &str| -> String {
        let line = screen.lines().find(|line| line.chars().take(14).collect::<String>().contains(name));
        line.unwrap_or_default().chars().take(20).collect()
    };
    let screen = session.text();
    assert!(step(&screen, "3 Train").contains("done") && step(&screen, "4 Results").contains("done"), "{screen}");
    assert!(step(&screen, "5 Evaluate").contains("to do") && step(&screen, "6 Predict").contains("to do"), "{screen}");
    assert!(!step(&screen, "7 Runs").contains("done"), "{screen}");
    assert!(!screen.contains("Featuresrunning") && !screen.contains("1 seeds"), "{screen}");
    // It ran for 42 seconds and goes on running out for ever nowhere.
    session.keys("7");
    let row = |screen: &str| screen.lines().find(|line| line.contains("dense-3 ")).map(str::to_owned);
    session.until("the interrupted run", |screen| row(screen).is_some_and(|row| row.contains("42 s")));
    let before = row(&session.text());
    std::thread::sleep(Duration::from_millis(2500));
    assert_eq!(row(&session.text()), before);
    // An accuracy of 1 ends its axis: there is nothing above.
    session.keys("3");
    session.shows("dense-4");
    session.keys("j");
    session.until("its curve", |screen| screen.contains("╭ dense-3") && screen.contains("│ 1.00"));
    assert!(!session.text().contains("1.04") && !session.text().contains("1.05│"), "{}", session.text());
    session.keys("q");
    assert!(session.ends().success());
}

#[test]
fn a_long_refusal_is_read_whole_and_the_images_of_a_set_that_is_gone_are_not_awaited_for_ever() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fabricate(folder.path(), 1);
    let mut session = Session::start(folder.path(), &[], &[], 80, 24);
    session.shows("Press n to prepare");
    // A form with a wrong value says the whole sentence, on as many lines as it takes.
    session.keys("1n");
    session.shows("Prepare a data set");
    session.keys(
        "fairface:/no/such/place/that/has/a/rather/long/name/so/that/the/sentence/about/it/takes/more/than/two/lines",
    );
    session.keys("\r");
    let flat = |screen: &str| screen.split(|c: char| c.is_whitespace() || c == '│').collect::<String>();
    session.until("the whole sentence", |screen| {
        flat(screen).contains("takes/more/than/two/lines") && (screen.contains("no such") || screen.contains("not "))
    });
    session.keys("\u{1b}");
    session.until("no form", |screen| !screen.contains("Prepare a data set"));
    session.keys("q");
    assert!(session.ends().success());
}
