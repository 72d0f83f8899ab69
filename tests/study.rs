//! The study through the real binary on a small drawn sample: results, openings, choice, prediction, the demo. What needs the
//! backbone's weights says so and skips when they are not there.

#[allow(dead_code, reason = "other tests use the rest of it")]
#[path = "support/study.rs"]
mod study;

use serde_json::Value;
use std::fs;
use std::path::Path;
use study::{json, ok, prepared, run, study_folder};

/// The record of openings in several states of damage, after the opening of benchmark-1 and before benchmark-2: what may
/// have been that opening marks benchmark-2, and whoever asks is told which line it is.
fn what_cannot_be_read_counts_as_opened(at: &Path, record: &str) {
    let path = at.join("runs/test-openings.jsonl");
    let sealed = record.trim_end();
    // As versions before checksums wrote it; what stands in such a line is believed.
    let whole = &format!("{}}}", &sealed[..sealed.rfind(",\"sum\"").expect("a checksum")]);
    let other =
        whole.replace(&whole[whole.find("manifest_sha256\":\"").expect("a manifest") + 18..][..64], &"0".repeat(64));
    let day = |line: &str, day: &str| {
        let from = line.find("at\":\"").expect("a moment") + 5;
        format!("{}{day}{}", &line[..from], &line[from + 10..])
    };
    let torn = &whole[..whole.len() / 2];
    // The record, its damaged lines, and how many openings may have come before benchmark-1 and benchmark-2.
    let states: [(Vec<u8>, &str, [u64; 2]); 12] = [
        (torn.into(), "line 1 is", [1, 1]),
        (vec![0; 300], "line 1 is", [1, 1]),
        (format!("\n{whole}\n{torn}").into(), "line 3 is", [0, 2]),
        ([whole.as_bytes(), b"\n\xff\xfe\n"].concat(), "line 2 is", [0, 2]),
        // A whole line of a moment or a manifest that is none; of another set; of a time to come.
        (day(whole, "2026-13-41").into(), "line 1 is", [1, 1]),
        (whole.replace("sha256\":\"", "sha256\":\"?").into(), "line 1 is", [0, 1]),
        (other.replace("test_accuracy\":", "test_accuracy\":!").into(), "line 1 is", [1, 1]),
        (day(&other, "2026-13-41").into(), "line 1 is", [0, 0]),
        // Nothing in a line that does not fit its checksum is believed; a line that is gone is missed.
        (sealed.replace("\"at\":\"2", "\"at\":\"1").into(), "line 1 is", [1, 1]),
        (sealed.replace("colours", "colour").into(), "line 1 is", [1, 1]),
        (Vec::new(), "no opening for benchmark-1", [0, 1]),
        (format!("{whole}\n{}\n{torn}\nx\n", day(&other, "9999-01-01")).into(), "lines 2, 3, 4 are", [0, 3]),
    ];
    for (damaged, said, counts) in states {
        fs::write(&path, &damaged).expect("the record is written");
        let output = run(at, &["results", "--json", "--sort", "run"]);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && told.contains("test-openings.jsonl") && told.contains(said),
            "{said}: {told}"
        );
        let rows: Value = serde_json::from_slice(&output.stdout).expect("standard output is one JSON value");
        let found = [0, 1].map(|row: usize| rows[row]["after_test_openings"].as_u64().unwrap_or(u64::MAX));
        assert_eq!(found, counts, "{}", String::from_utf8_lossy(&damaged));
        assert_eq!(ok(at, &["results"]).contains("benchmark-2!"), counts[1] > 0);
        let evaluated = run(at, &["evaluate", "benchmark-2"]);
        assert!(String::from_utf8_lossy(&evaluated.stderr).contains(said));
    }
    // Whoever chooses now may have seen the test split; an opening goes onto a line of its own.
    fs::write(&path, torn).expect("the record is written");
    let chosen = run(at, &["choose", "benchmark-1"]);
    assert!(String::from_utf8_lossy(&chosen.stdout).contains("may have been opened"), "{chosen:?}");
    assert!(String::from_utf8_lossy(&chosen.stderr).contains("line 1 is"), "{chosen:?}");
    ok(at, &["--quiet", "evaluate", "benchmark-1", "--open-test"]);
    let lines = fs::read_to_string(&path).expect("the record");
    assert_eq!(lines.lines().next(), Some(torn));
    assert!(serde_json::from_str::<Value>(lines.lines().nth(1).expect("the opening")).is_ok(), "{lines}");
    // A record that nobody can read says nothing of any model.
    fs::remove_file(&path).and_then(|()| fs::create_dir(&path)).expect("a folder in its place");
    let output = run(at, &["results"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("benchmark-2!"), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("test-openings.jsonl"), "{output:?}");
    fs::remove_dir(&path).and_then(|()| fs::write(&path, record)).expect("the record is written");
    fs::remove_file(at.join("runs/chosen.json")).expect("the choice");
}

#[test]
fn the_benchmark_learns_is_opened_chosen_and_predicts() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    prepared(at, 40);
    let trained = ok(at, &["--quiet", "train", "benchmark", "--pool", "4", "--epochs", "6", "--learning-rate", "0.01"]);
    assert_eq!(trained.trim(), "benchmark-1");

    let rows = json(at, &["results", "--json"]);
    let row = &rows[0];
    for field in [
        "run",
        "kind",
        "backbone",
        "pool",
        "params",
        "tap",
        "seed",
        "epochs",
        "train_accuracy",
        "val_accuracy",
        "test_accuracy",
        "threshold",
        "seconds",
        "status",
    ] {
        assert!(row.get(field).is_some(), "results --json lacks {field}");
    }
    assert_eq!(row["kind"], "benchmark");
    assert_eq!(row["status"], "done");
    assert!(row["val_accuracy"].as_f64().is_some_and(|accuracy| accuracy > 0.9), "{row}");
    assert!(row["test_accuracy"].is_null(), "nobody opened the test split");
    assert!(!at.join("runs/test-openings.jsonl").exists());

    let opened = json(at, &["evaluate", "benchmark-1", "--open-test", "--json"]);
    assert!(opened["test_accuracy"].as_f64().is_some_and(|accuracy| accuracy > 0.9), "{opened}");
    let record = fs::read_to_string(at.join("runs/test-openings.jsonl")).expect("the opening is on record");
    assert_eq!(record.lines().count(), 1);

    // A model made after that opening is marked as such; the one before it is not.
    ok(at, &["--quiet", "train", "benchmark", "--pool", "4", "--epochs", "1", "--seed", "2"]);
    let rows = json(at, &["results", "--json", "--sort", "run"]);
    assert_eq!(rows[0]["after_test_openings"], 0);
    assert_eq!(rows[1]["after_test_openings"], 1);
    assert!(ok(at, &["results"]).contains("benchmark-2!"));
    what_cannot_be_read_counts_as_opened(at, &record);

    // Side by side on validation: the same settings but for epochs and seed. On test only once both were opened.
    let beside = json(at, &["results", "--json", "--compare", "benchmark-1", "benchmark-2"]);
    let differ: Vec<&str> =
        beside["differences"].as_array().into_iter().flatten().filter_map(|d| d["setting"].as_str()).collect();
    assert_eq!(differ, ["epochs", "learning_rate", "seed"]);
    let accuracy = &beside["comparison"]["sides"][0]["confusion"];
    let right = accuracy["true_positive"].as_f64().zip(accuracy["true_negative"].as_f64()).map(|(a, b)| a + b);
    let whole = beside["comparison"]["common"].as_f64();
    assert_eq!(right.zip(whole).map(|(right, whole)| right / whole), rows[0]["val_accuracy"].as_f64());
    let output = run(at, &["results", "--compare", "benchmark-1", "benchmark-2", "--on-test"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("not opened for benchmark-2"));

    // The table for other programs, whole or by condition.
    let table = ok(at, &["results", "--format", "csv", "--filter", "epochs<6"]);
    assert_eq!(table.lines().count(), 2);
    assert!(table.lines().nth(1).is_some_and(|line| line.starts_with("benchmark-2,benchmark,,")));
    let file = at.join("table.tex");
    ok(at, &["--quiet", "results", "--output", &file.to_string_lossy()]);
    assert!(fs::read_to_string(&file).is_ok_and(|text| text.starts_with("\\begin{tabular}")));
    assert_eq!(run(at, &["results", "--filter", "beauty>1"]).status.code(), Some(2));

    // What a person writes on a run is kept, and the run's name with it.
    ok(at, &["runs", "rename", "benchmark-1", "first try"]);
    ok(at, &["runs", "note", "benchmark-1", "six epochs\nare enough"]);
    ok(at, &["runs", "pin", "benchmark-1"]);
    assert_eq!(ok(at, &["runs", "note", "benchmark-1"]), "six epochs\nare enough\n");
    let listed = json(at, &["runs", "list", "--json"]);
    assert_eq!((&listed[0]["run"], &listed[0]["title"]), (&"benchmark-1".into(), &"first try".into()));
    assert!(listed[0]["bytes"].as_u64().is_some_and(|bytes| bytes > 1000));
    ok(at, &["runs", "rename", "benchmark-1", ""]);
    assert_eq!(run(at, &["runs", "rename", "benchmark-1", &"x".repeat(81)]).status.code(), Some(2));

    // Predictions keep the contract, bad files get a sentence each and exit code 1, the good ones their labels.
    ok(at, &["choose", "benchmark-1"]);
    fs::write(at.join("broken.jpg"), b"no picture").expect("a file");
    let red = at.join("raw/female/0.png");
    let output = run(at, &["predict", "--json", &red.to_string_lossy(), "broken.jpg", "missing.png"]);
    assert_eq!(output.status.code(), Some(1));
    let answers: Value = serde_json::from_slice(&output.stdout).expect("JSON all the same");
    assert_eq!(answers[0]["label"], "female");
    // The score decides, against the threshold; the probability is the score calibrated on validation, of that label.
    let number = |name: &str| answers[0][name].as_f64();
    assert!(number("score").zip(number("threshold")).is_some_and(|(score, from)| score < from), "{answers}");
    assert!(number("probability").is_some_and(|probability| (0.5..=1.0).contains(&probability)), "{answers}");
    assert!(answers[0]["error"].is_null() && answers[0]["faces"].is_array());
    assert!(answers[1]["error"].as_str().is_some_and(|error| error.contains("broken.jpg")), "{answers}");
    assert!(answers[2]["error"].as_str().is_some_and(|error| error.contains("no such file")), "{answers}");
}

#[test]
fn the_same_seed_gives_the_same_accuracies_and_scores() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    prepared(at, 30);
    for _ in 0..2 {
        ok(at, &["--quiet", "train", "benchmark", "--pool", "8", "--epochs", "3", "--seed", "7", "--threads", "2"]);
    }
    let scores = |run: &str| fs::read(at.join("runs").join(run).join("scores-val.csv")).expect("scores");
    assert_eq!(scores("benchmark-1"), scores("benchmark-2"));
}

#[test]
fn the_demo_shows_the_whole_study_off_a_terminal() {
    let Some(folder) = study_folder() else { return };
    let at = folder.path();
    let table = ok(at, &["demo", "--images", "200"]);
    for kind in ["benchmark-1", "logistic-1", "dense-1"] {
        assert!(table.contains(kind), "{table}");
    }
    assert!(table.contains("(synthetic)") && !table.contains("not opened"), "{table}");
    let rows = json(at, &["results", "--json"]);
    assert_eq!(rows.as_array().map(Vec::len), Some(3));
    for row in rows.as_array().into_iter().flatten() {
        assert!(row["val_accuracy"].is_f64() && row["test_accuracy"].is_f64(), "{row}");
        assert_eq!(row["after_test_openings"], 0, "the demo opens the test split once all models are made");
    }
    // The account of the sample names every kind of damage that was drawn into it.
    let account = json(at, &["data", "show", "--json"]);
    assert_eq!(account["synthetic"], true);
    let dropped = |reason: &str| {
        let all = account["dropped"].as_array().cloned().unwrap_or_default();
        all.iter().find(|drop| drop["reason"] == reason).and_then(|drop| drop["count"].as_u64()).unwrap_or(0)
    };
    for reason in
        ["unknown_label", "repeated_row", "missing_file", "undecodable", "duplicate_image", "contradicting_labels"]
    {
        assert!(dropped(reason) > 0, "{reason}: {account}");
    }
    // A second demo finds the first one's work and only shows it.
    assert_eq!(ok(at, &["demo", "--images", "200"]), table);
    assert_eq!(json(at, &["results", "--json"]), rows);

    // Any image, any format, with the trained head.
    let jpeg =
        walk(&at.join("data/sample/faces")).into_iter().find(|path| image::open(path).is_ok()).expect("a picture");
    let png = at.join("any name ünïcode.png");
    image::open(&jpeg).and_then(|picture| picture.save(&png)).expect("a copy as PNG");
    let answers =
        json(at, &["predict", "--json", "--model", "dense-1", &jpeg.to_string_lossy(), &png.to_string_lossy()]);
    assert_eq!(answers[0]["score"], answers[1]["score"], "the same pixels in two formats");
    assert_eq!(answers[0]["model"], "dense-1");
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(walk(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}
