//! The study through the real binary on a small drawn sample: runs, their journals and control, kill and resume,
//! results, choice and prediction. What needs the backbone's weights says so and skips when they are not there.

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn command(workspace: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_faceprobe"));
    command.arg("--workspace").arg(workspace).args(args).stdin(Stdio::null());
    command
}

fn run(workspace: &Path, args: &[&str]) -> Output {
    command(workspace, args).output().expect("the binary starts")
}

fn ok(workspace: &Path, args: &[&str]) -> String {
    let output = run(workspace, args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn json(workspace: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&ok(workspace, args)).expect("standard output is one JSON value")
}

fn status(workspace: &Path, run: &str) -> String {
    json(workspace, &["runs", "show", run, "--json"])["run"]["status"].as_str().unwrap_or_default().to_owned()
}

/// Waits, with a generous limit, until something is so.
fn until(what: &str, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what} did not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A folder-per-class data set whose classes differ in colour, so that the benchmark learns it at once.
fn coloured(folder: &Path, per_class: u32) {
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

fn prepared(workspace: &Path, per_class: u32) {
    let raw = workspace.join("raw");
    coloured(&raw, per_class);
    ok(workspace, &["data", "prepare", "--source", &format!("folder:{}", raw.display()), "--name", "colours"]);
}

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
fn a_run_is_paused_resumed_and_stopped_through_its_socket() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    prepared(at, 40);
    let id = ok(at, &["train", "benchmark", "--pool", "4", "--epochs", "100000", "--detach"]);
    let id = id.trim();
    let epochs = || json(at, &["runs", "show", id, "--json"])["epochs"].as_array().map_or(0, Vec::len);
    until("the first epoch", || epochs() > 0);

    let socket = fs::symlink_metadata(at.join("runs").join(id).join("control.sock")).expect("the control socket");
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&socket.permissions()) & 0o077, 0, "only the user may connect");
    let output = run(at, &["runs", "remove", id, "--yes"]);
    assert_eq!(output.status.code(), Some(1), "a run at work is not removed");

    ok(at, &["runs", "pause", id]);
    until("the pause", || status(at, id) == "paused");
    std::thread::sleep(Duration::from_millis(300));
    let before = epochs();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(epochs(), before, "a paused run does not go on");
    ok(at, &["runs", "resume", id]);
    until("an epoch after the pause", || epochs() > before);

    ok(at, &["runs", "stop", id]);
    until("the stop", || status(at, id) == "stopped");
    assert_eq!(run(at, &["runs", "stop", id]).status.code(), Some(1), "there is nothing left to stop");
    ok(at, &["runs", "remove", id, "--yes"]);
    assert!(!at.join("runs").join(id).exists());
    // Whatever was removed can be brought back: meanwhile nothing gets its name.
    assert_eq!(ok(at, &["runs", "restore"]).trim(), id);
    let next = ok(at, &["train", "benchmark", "--pool", "4", "--epochs", "1", "--quiet"]);
    assert_ne!(next.trim(), id);
    ok(at, &["runs", "restore", id]);
    assert_eq!(status(at, id), "stopped");
    assert_eq!(run(at, &["runs", "restore", id]).status.code(), Some(1), "it is back already");
    let text = ok(at, &["evaluate", next.trim()]);
    for figure in ["Brier score", "log loss", "expected calibration error"] {
        let line = text.lines().find(|line| line.contains(figure)).expect("the figure");
        assert!(line.contains(" calibrated, ") && line.ends_with(" raw"), "{line}");
    }
}

#[test]
fn a_killed_worker_is_told_from_a_live_one_and_its_cache_is_used_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    prepared(at, 40);
    let id = ok(at, &["train", "benchmark", "--pool", "4", "--epochs", "100000", "--detach"]);
    let id = id.trim();
    let events = at.join("runs").join(id).join("events.jsonl");
    until("an epoch", || fs::read_to_string(&events).is_ok_and(|text| text.contains("\"epoch\"")));
    let text = fs::read_to_string(&events).expect("the journal");
    let started: Value = text.lines().find_map(|line| serde_json::from_str(line).ok()).expect("a first event");
    let pid = started["pid"].as_u64().expect("the worker's process");
    let killed = Command::new("kill").args(["-9", &pid.to_string()]).status().expect("kill runs");
    assert!(killed.success());
    until("the end of the worker", || status(at, id) == "interrupted");
    let output = run(at, &["runs", "attach", id]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("was killed or crashed"));

    // The cached input of the first run serves the second: nothing is decoded again.
    let again = ok(at, &["--quiet", "train", "benchmark", "--pool", "4", "--epochs", "1"]);
    let journal = at.join("runs").join(again.trim()).join("events.jsonl");
    assert!(!fs::read_to_string(journal).expect("the journal").contains("\"progress\""));
}

#[test]
fn a_training_that_was_killed_goes_on_to_the_same_end() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    prepared(at, 40);
    let training = ["train", "benchmark", "--pool", "8", "--epochs", "200", "--schedule", "cosine", "--warmup", "3"];
    let whole = ok(at, &[&["--quiet"], training.as_slice()].concat());
    let id = ok(at, &[training.as_slice(), &["--detach"]].concat());
    let (whole, id) = (whole.trim(), id.trim());
    let checkpoint = at.join("runs").join(id).join("checkpoint.safetensors");
    until("a checkpoint", || checkpoint.is_file());
    let text = fs::read_to_string(at.join("runs").join(id).join("events.jsonl")).expect("the journal");
    let started: Value = text.lines().find_map(|line| serde_json::from_str(line).ok()).expect("a first event");
    let pid = started["pid"].as_u64().expect("the worker's process");
    let killed = Command::new("kill").args(["-9", &pid.to_string()]).status().expect("kill runs");
    assert!(killed.success());
    until("the end of the worker", || status(at, id) == "interrupted");

    ok(at, &["runs", "resume", id]);
    until("the end of the training", || status(at, id) == "done");
    let shown = |id: &str| json(at, &["runs", "show", id, "--json"]);
    let (whole, resumed) = (shown(whole), shown(id));
    assert!(resumed["notes"][0].as_str().is_some_and(|note| note.contains("from a checkpoint")), "{resumed}");
    let curve = |run: &Value| -> Vec<[Value; 3]> {
        let epochs = run["epochs"].as_array().cloned().unwrap_or_default();
        epochs.iter().map(|e| [e["epoch"].clone(), e["val_loss"].clone(), e["train_loss"].clone()]).collect()
    };
    assert_eq!(curve(&resumed).len(), 200);
    assert_eq!(curve(&resumed), curve(&whole));
    for field in ["val_accuracy", "best_epoch", "threshold", "validation"] {
        assert_eq!(resumed["result"][field], whole["result"][field], "{field}");
    }
    assert!(!checkpoint.exists(), "a finished training keeps no checkpoint");
    assert_eq!(run(at, &["runs", "resume", id]).status.code(), Some(1), "there is nothing left to go on with");

    // Thresholds for something else than accuracy, from the stored validation scores.
    for (threshold, field) in [("youden", "youden"), ("eer", "eer")] {
        let choice = json(at, &["choose", id, "--threshold", threshold, "--json"]);
        assert_eq!(choice["threshold"], resumed["result"]["validation"]["thresholds"][field]);
        assert_eq!(choice["criterion"], threshold);
    }
    assert_eq!(run(at, &["choose", id, "--threshold", "precision=2"]).status.code(), Some(2));
    let all = json(at, &["choose", id, "--threshold", "recall=1", "--json"]);
    assert!(all["threshold"].as_f64().is_some_and(|threshold| (0.0..=1.0).contains(&threshold)));
}

#[test]
fn a_sweep_keeps_what_is_finished_and_ranks_its_heads() {
    let Some(folder) = study_folder() else { return };
    let at = folder.path();
    prepared(at, 40);
    let values = ["--width", "16,600", "--dropout", "0.2,0.8", "--seeds", "1,2", "--epochs", "300"];
    let id = ok(at, &[&["sweep", "--detach"], values.as_slice()].concat());
    let id = id.trim();
    let rows = || json(at, &["results", "--json"]).as_array().cloned().unwrap_or_default();
    let finished = || rows().into_iter().filter(|row| row["status"] == "done").collect::<Vec<_>>();
    // Looked for in the folder: another process for each look would let a fast sweep end meanwhile.
    let journal = at.join("runs").join(id).join("events.jsonl");
    let first = || fs::read_to_string(&journal).ok()?.lines().find_map(|line| serde_json::from_str::<Value>(line).ok());
    until("the worker", || first().is_some());
    let pid = first().expect("a first event")["pid"].as_u64().expect("the worker's process");
    let heads = || fs::read_dir(at.join("runs")).expect("the runs").flatten().map(|run| run.path().join("result.json"));
    until("a finished head", || heads().any(|result| result.exists()));
    assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().expect("kill runs").success());
    until("the end of the worker", || status(at, id) == "interrupted");
    let before = finished();
    assert!(before.len() < 8, "the kill came in the middle");
    // As if it had come between a head's result and the last word in its journal, where it did not.
    if let Some(head) = before.first().and_then(|row| row["run"].as_str()) {
        let journal = at.join("runs").join(head).join("events.jsonl");
        let whole = fs::read_to_string(&journal).expect("the journal");
        let kept: String = whole.split_inclusive('\n').filter(|line| !line.contains("\"finished\"")).collect();
        fs::write(&journal, kept).expect("a file");
        assert_eq!(status(at, head), "done", "a result is written last");
    }

    ok(at, &["runs", "resume", id]);
    until("the end of the sweep", || status(at, id) == "done");
    let after = finished();
    assert_eq!(after.len(), 8);
    for row in &before {
        assert!(after.contains(row), "finished heads are kept as they were: {row}");
    }
    let settings = json(at, &["results", "--by-setting", "--json"]);
    let settings = settings.as_array().cloned().unwrap_or_default();
    assert_eq!(settings.len(), 4);
    let means: Vec<f64> = settings.iter().filter_map(|row| row["val_accuracy"]["mean"].as_f64()).collect();
    assert!(means.is_sorted_by(|a, b| a >= b), "{means:?}");
    for setting in &settings {
        assert_eq!(setting["seeds"].as_array().map(Vec::len), Some(2));
        let of = |row: &&Value| row["settings"] == setting["settings"];
        let accuracies: Vec<f64> = after.iter().filter(of).filter_map(|row| row["val_accuracy"].as_f64()).collect();
        let mean = accuracies.iter().sum::<f64>() / 2.0;
        let deviation = (accuracies[0] - accuracies[1]).abs() / 2f64.sqrt();
        assert!((setting["val_accuracy"]["mean"].as_f64().unwrap_or(-1.0) - mean).abs() < 1e-12);
        assert!((setting["val_accuracy"]["deviation"].as_f64().unwrap_or(-1.0) - deviation).abs() < 1e-12);
    }

    // Heads trained side by side are those trained alone.
    let alone =
        ok(at, &["--quiet", "train", "dense", "--width", "16", "--dropout", "0.8", "--epochs", "300", "--seed", "2"]);
    let alone = rows().into_iter().find(|row| row["run"] == alone.trim()).expect("the head trained alone");
    let same = |row: &&Value| row["settings"] == alone["settings"] && row["seed"] == 2;
    let twin = after.iter().find(same).expect("its twin in the sweep");
    for field in ["val_accuracy", "best_epoch", "threshold"] {
        assert_eq!(twin[field], alone[field], "{field}");
    }

    // More values, only the new heads; and halving trains the worse half for a while only.
    ok(at, &["--quiet", "sweep", "--extend", id, "--width", "24", "--seeds", "1"]);
    assert_eq!(finished().len(), 8 + 1 + 4);
    ok(at, &["--quiet", "sweep", "--width", "8,12", "--dropout", "0.2,0.8", "--epochs", "12", "--halving", "3:4"]);
    let epochs = |wanted: u64| finished().iter().filter(|row| row["epochs"] == wanted).count();
    assert_eq!((epochs(3), epochs(12)), (3, 1));

    // On features as they are, too.
    let options = ["--width", "8", "--standardise", "no", "--epochs", "12"];
    ok(at, &[&["--quiet", "sweep"], options.as_slice()].concat());
    ok(at, &[&["--quiet", "train", "dense"], options.as_slice()].concat());
    let as_they_are: Vec<Value> =
        rows().into_iter().filter(|row| row["settings"].to_string().contains("standardise no")).collect();
    assert!(as_they_are.len() == 2 && as_they_are[0]["val_accuracy"] == as_they_are[1]["val_accuracy"]);
}

#[test]
fn a_probe_tells_accuracy_by_depth_and_its_stages_serve_any_combination() {
    let Some(folder) = study_folder() else { return };
    let at = folder.path();
    prepared(at, 40);
    let probe = json(at, &["extract", "--probe", "--pool", "grid2", "--json"]);
    let stages = probe["probe"]["stages"].as_array().cloned().unwrap_or_default();
    assert_eq!(stages.len(), 18, "{probe}");
    assert_eq!((&stages[5]["tap"], &stages[5]["name"]), (&Value::from(5), &Value::from("blocks.4")));
    assert_eq!(stages[5]["width"], 40 * 2 * 2);

    // The same stage alone gives the same model, and two stages together are their features side by side; neither
    // computes an image again.
    let alpha = stages[5]["alpha"].to_string();
    let train = |tap: &str| {
        let args = ["--quiet", "train", "logistic", "--pool", "grid2", "--tap", tap, "--alphas", &alpha];
        let run = ok(at, &args);
        let rows = json(at, &["results", "--json"]).as_array().cloned().unwrap_or_default();
        rows.into_iter().find(|row| row["run"] == run.trim()).expect("its row")
    };
    let alone = train("5");
    assert_eq!(alone["val_accuracy"], stages[5]["val_accuracy"]);
    let both = train("9,5");
    assert_eq!((&both["tap"], &both["pool"]), (&Value::from("5,9"), &Value::from("grid2")));
    let widths = |tap: usize| stages[tap]["width"].as_u64().unwrap_or_default();
    assert_eq!(both["params"].as_u64(), Some(widths(5) + widths(9) + 1));
    let again = json(at, &["extract", "--pool", "grid2", "--tap", "5,9", "--json"]);
    assert!(again["outcome"].as_str().is_some_and(|outcome| !outcome.contains(" 0 already cached")), "{again}");

    // The saved model finds its features by itself.
    let run = both["run"].as_str().expect("a name");
    let red = at.join("raw/female/0.png");
    let answer = json(at, &["predict", "--json", "--model", run, &red.to_string_lossy()]);
    assert!(answer[0]["error"].is_null() && answer[0]["label"].is_string(), "{answer}");
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

/// An empty workspace; none, and a word about it, where the default backbone's weights are missing.
fn study_folder() -> Option<tempfile::TempDir> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let here = json(folder.path(), &["weights", "list", "--json"])[0]["present"] == true;
    if !here {
        eprintln!("skipped: the weights of efficientnet-lite0 are not here; 'make test' fetches them");
    }
    here.then_some(folder)
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
