//! Fine-tuning through the real binary, on a small data set and MobileNetV2 with generated weights.

#[path = "support/made_up.rs"]
mod made_up;

use made_up::weights;
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A workspace with weights of its own.
struct Study {
    folder: tempfile::TempDir,
}

impl Study {
    /// With a prepared data set of `per_class` pictures of two colours, and MobileNetV2 on made-up weights.
    fn new(per_class: u32) -> Self {
        let study = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        let raw = study.at().join("raw");
        for (class, name) in ["female", "male"].iter().enumerate() {
            fs::create_dir_all(raw.join(name)).expect("a folder");
            for number in 0..per_class {
                let picture = image::RgbImage::from_fn(64, 64, |x, y| {
                    let texture = ((x * 7 + y * 13 + number * 31) % 160) as u8;
                    if class == 0 { image::Rgb([180, texture, 40]) } else { image::Rgb([40, texture, 180]) }
                });
                picture.save(raw.join(name).join(format!("{number}.png"))).expect("a picture");
            }
        }
        let file = study.at().join("made-up.safetensors");
        weights("mobilenet-v2", &file);
        study.ok(&["weights", "import", "mobilenet-v2", &file.to_string_lossy()]);
        study.ok(&["data", "prepare", "--source", &format!("folder:{}", raw.display()), "--name", "colours"]);
        study
    }

    fn at(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_faceprobe"));
        command.env("FACEPROBE_WEIGHTS", self.at().join("weights")).stdin(Stdio::null());
        command.arg("--workspace").arg(self.at()).args(args);
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("the binary starts")
    }

    fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.ok(&[args, &["--json"]].concat())).expect("standard output is one JSON value")
    }

    fn file(&self, run: &str, name: &str) -> PathBuf {
        self.at().join("runs").join(run).join(name)
    }
}

/// What speaks for the answer to a picture is all of the answer but the head's bias, and in its mirror image on the other
/// side.
fn check_maps(study: &Study, run: &str, picture: &Path) {
    let mirrored = study.at().join("mirrored.png");
    let upright = image::open(picture).expect("a picture").to_rgb8();
    image::imageops::flip_horizontal(&upright).save(&mirrored).expect("a picture");
    let mut child = Command::new(faceprobe_core::worker::program().expect("the worker is built"));
    child.env("FACEPROBE_WEIGHTS", study.at().join("weights"));
    child.arg("answer").arg(study.at()).args(["cpu", "2", run]);
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the binary starts");
    let mut input = child.stdin.take().expect("input");
    for picture in [picture, &mirrored] {
        writeln!(input, "{}", serde_json::json!({ "path": picture, "explain": true })).expect("it listens");
    }
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stdout);
    let answers: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let [_, upright, mirrored] = &answers[..] else { panic!("{text}") };
    let map = |answer: &Value| -> (usize, Vec<f64>) {
        let map = &answer["answers"][0]["map"];
        assert_eq!(map["method"], "cam", "{answer}");
        let values = map["values"].as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
        (map["columns"].as_u64().unwrap_or(1) as usize, values)
    };
    let ((columns, upright_map), (_, mirrored_map)) = (map(upright), map(mirrored));
    let turned: Vec<f64> = mirrored_map.chunks(columns).flat_map(|row| row.iter().rev().copied()).collect();
    let largest = upright_map.iter().fold(0f64, |largest, value| largest.max(value.abs()));
    assert!(columns > 1 && upright_map.len() == turned.len() && largest > 0.0, "{upright}");
    for (one, other) in upright_map.iter().zip(&turned) {
        assert!((one - other).abs() < 1e-4 * largest, "{one} {other} of {largest}");
    }

    let saved = faceprobe_core::model::SavedModel::load(&study.file(run, "model.safetensors")).expect("a model");
    let biases: Vec<f64> = saved
        .weights
        .iter()
        .filter(|(name, _)| name.ends_with("head.bias"))
        .flat_map(|(_, bias)| bias.iter().map(|&bias| f64::from(bias)))
        .collect();
    let bias = biases.iter().sum::<f64>() / biases.len() as f64;
    let told = &upright["answers"][0]["prediction"];
    let score = told["score"].as_f64().expect("a score");
    let sign = if told["label"] == "male" { 1.0 } else { -1.0 };
    let mean = sign * upright_map.iter().sum::<f64>() / upright_map.len() as f64;
    assert!((mean + bias - logit(score)).abs() < 1e-3, "{mean} + {bias} is not {}", logit(score));
}

fn logit(score: f64) -> f64 {
    (score / (1.0 - score)).ln()
}

/// Waits, with a generous limit, until something is so.
fn until(what: &str, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < Duration::from_secs(180), "{what} did not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_fine_tuned_run_is_a_run_like_any_other() {
    let study = Study::new(30);
    let train = ["--quiet", "train", "finetune", "--backbone", "mobilenet-v2", "--cut", "16", "--epochs", "4"];
    let run = study.ok(&[train.as_slice(), &["--batch", "8", "--learning-rate", "1e-4"]].concat());
    assert_eq!(run, "finetune-1");
    let rows = study.json(&["results"]);
    let row = &rows[0];
    assert_eq!((&row["kind"], &row["tap"], &row["pool"]), (&"finetune".into(), &"16".into(), &"avg".into()));
    assert_eq!((&row["backbone"], &row["epochs"]), (&"mobilenet-v2".into(), &4.into()));
    assert!(row["val_accuracy"].as_f64().is_some_and(|accuracy| accuracy > 0.8), "{row}");
    assert!(row["validation"]["calibration"].is_object() && row["test_accuracy"].is_null(), "{row}");
    let shown = study.json(&["runs", "show", &run]);
    let note = shown["notes"][0].as_str().unwrap_or_default();
    assert!(note.starts_with("4 epochs of about "), "{shown}");

    let opened = study.json(&["evaluate", &run, "--open-test"]);
    assert!(opened["test_accuracy"].is_f64(), "{opened}");
    study.ok(&["choose", &run, "--threshold", "youden"]);

    // A prediction is what validation saw of the same picture: the mean of it and its mirror image.
    let scores = fs::read_to_string(study.file(&run, "scores-val.csv")).expect("scores");
    let line: Vec<&str> = scores.lines().nth(1).expect("a score").split(',').collect();
    let picture = study.at().join("raw").join(line[1].trim_start_matches("raw/"));
    let mirrored = study.at().join("mirrored.png");
    image::imageops::flip_horizontal(&image::open(&picture).expect("a picture").to_rgb8())
        .save(&mirrored)
        .expect("a picture");
    let answers = study.json(&["predict", &picture.to_string_lossy(), &mirrored.to_string_lossy()]);
    let expected: f64 = line[3].parse().expect("a number");
    for answer in [&answers[0], &answers[1]] {
        let score = answer["score"].as_f64().expect("a score");
        assert!((score - expected).abs() < 1e-6 && answer["model"] == run, "{answer}, not {expected}");
    }

    // What cannot be is refused in a sentence.
    for (args, part) in [
        (["--backbone", "mobilenet-v2", "--cut", "18"], "can be cut after the stages 0 to 17"),
        (["--backbone", "vgg16", "--cut", "0"], "values per image"),
        (["--backbone", "mobilenet-v2", "--learning-rate-head", "0"], "must be above 0, not 0"),
    ] {
        let output = study.run(&[["train", "finetune"].as_slice(), &args].concat());
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && error.contains(part), "{args:?}: {error}");
    }
}

#[test]
fn a_training_that_was_killed_goes_on_to_the_same_end() {
    let study = Study::new(20);
    // With everything that a training remembers or draws.
    let drawn = ["--averaging", "0.9", "--shift", "1", "--smoothing", "0.1", "--mixup", "0.3", "--variations", "2"];
    let options = [drawn.as_slice(), &["--epochs", "60", "--batch", "8"]].concat();
    let train = [["train", "finetune", "--backbone", "mobilenet-v2", "--cut", "17"].as_slice(), &options].concat();
    let whole = study.ok(&[train.as_slice(), &["--quiet"]].concat());
    let id = study.ok(&[train.as_slice(), &["--detach"]].concat());
    let status = || study.json(&["runs", "show", &id])["run"]["status"].clone();
    until("a checkpoint", || study.file(&id, "checkpoint.safetensors").is_file());
    let text = fs::read_to_string(study.file(&id, "events.jsonl")).expect("the journal");
    let started: Value = text.lines().find_map(|line| serde_json::from_str(line).ok()).expect("a first event");
    let pid = started["pid"].as_u64().expect("the worker's process").to_string();
    assert!(Command::new("kill").args(["-9", &pid]).status().expect("kill runs").success());
    until("the end of the worker", || status() == "interrupted");

    study.ok(&["runs", "resume", &id]);
    until("the end of the training", || status() == "done");
    let (whole, resumed) = (study.json(&["runs", "show", &whole]), study.json(&["runs", "show", &id]));
    assert!(resumed["notes"].to_string().contains("from a checkpoint"), "{resumed}");
    let curve = |run: &Value| -> Vec<[Value; 3]> {
        let epochs = run["epochs"].as_array().cloned().unwrap_or_default();
        epochs.iter().map(|e| [e["epoch"].clone(), e["val_loss"].clone(), e["train_loss"].clone()]).collect()
    };
    assert_eq!(curve(&resumed).len(), 60);
    assert_eq!(curve(&resumed), curve(&whole));
    for field in ["val_accuracy", "best_epoch", "threshold", "validation"] {
        assert_eq!(resumed["result"][field], whole["result"][field], "{field}");
    }
    assert!(!study.file(&id, "checkpoint.safetensors").exists(), "a finished training keeps no checkpoint");
}

#[test]
fn a_chosen_model_is_refitted_on_validation_too() {
    let study = Study::new(30);
    let sizes = ["val", "train"].map(|split| {
        let report = study.json(&["data", "show", "colours"]);
        let splits = report["splits"].as_array().cloned().unwrap_or_default();
        let found = splits.iter().find(|found| found["split"] == split).expect("the split");
        found["per_class"].as_array().into_iter().flatten().filter_map(Value::as_u64).sum::<u64>()
    });
    let network = ["--quiet", "--backbone", "mobilenet-v2"];
    let tuned = ["train", "finetune", "--cut", "17", "--epochs", "5", "--batch", "8", "--variations", "1"];
    let logistic = ["train", "logistic", "--alphas", "1,10,100"];
    for train in [tuned.as_slice(), &logistic] {
        let first = study.ok(&[train, &network].concat());
        let second = study.ok(&["--quiet", "train", "refit", &first]);
        let [before, after] = [&first, &second].map(|run| study.json(&["runs", "show", run]));
        for (shown, validated) in [(&before, true), (&after, false)] {
            let epochs = shown["epochs"].as_array().expect("epochs");
            assert!(epochs.iter().all(|epoch| epoch["val_loss"].is_f64() == validated), "{epochs:?}");
        }
        let [before, after] = [before, after].map(|shown| shown["result"].clone());
        assert_eq!(after["refit"], first.as_str());
        for kept in ["threshold", "kind", "backbone", "tap", "dataset", "best_epoch"] {
            assert_eq!(after[kept], before[kept], "{kept}");
        }
        assert_eq!(after["epochs"], before["best_epoch"].as_u64().unwrap_or(0));
        // Nothing that was learnt from validates.
        assert!(after["val_accuracy"].is_null() && after["validation"].is_null(), "{after}");
        assert!(!study.file(&second, "scores-val.csv").exists() && !study.file(&second, "last.safetensors").exists());
        let [before, after] = [&first, &second]
            .map(|run| faceprobe_core::model::ModelInfo::read(&study.file(run, "model.safetensors")).expect("a model"));
        let samples = |info: &faceprobe_core::model::ModelInfo| {
            [info.provenance.val_samples as u64, info.provenance.train_samples as u64]
        };
        assert_eq!((samples(&before), samples(&after)), (sizes, [0, sizes[0] + sizes[1]]));
        assert_eq!(after.calibration, before.calibration);
        assert_eq!(after.settings.get("alpha"), before.settings.get("alpha"));

        let opened = study.json(&["evaluate", &second, "--open-test"]);
        assert!(opened["test_accuracy"].is_f64(), "{opened}");
        for (args, part) in [
            (["train", "refit", &second].as_slice(), format!("refit {first} instead")),
            (&["choose", &second, "--threshold", "youden"], format!("choose one for {first}")),
        ] {
            let output = study.run(args);
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.code() == Some(2) && error.contains(&part), "{args:?}: {error}");
        }
    }
}

#[test]
fn an_ensemble_is_the_mean_of_its_members_and_is_refitted_with_them() {
    let study = Study::new(30);
    let train = ["--quiet", "train", "finetune", "--backbone", "mobilenet-v2", "--cut", "17", "--epochs", "3"];
    let seeds = ["1", "2"].map(|seed| study.ok(&[train.as_slice(), &["--batch", "8", "--seed", seed]].concat()));
    let ensemble = study.ok(&["--quiet", "train", "ensemble", &seeds[0], &seeds[1]]);
    assert_eq!(ensemble, "ensemble-1");
    let scores = |run: &str| -> Vec<f64> {
        let text = fs::read_to_string(study.file(run, "scores-val.csv")).expect("scores");
        let score = |line: &str| line.rsplit(',').next().and_then(|score| score.parse().ok()).expect("a score");
        text.lines().skip(1).map(score).collect()
    };
    let members = seeds.each_ref().map(|run| scores(run));
    let both = scores(&ensemble);
    for (at, score) in both.iter().enumerate() {
        let mean = (logit(members[0][at]) + logit(members[1][at])) / 2.0;
        assert!((logit(*score) - mean).abs() < 1e-4 && members[0][at] != members[1][at], "{at}: {score}");
    }
    let rows = study.json(&["results", "--sort", "run"]);
    let of = |run: &str| rows.as_array().into_iter().flatten().find(|row| row["run"] == run).cloned().expect("a row");
    let row = of(&ensemble);
    let params = seeds.each_ref().map(|run| of(run)["params"].as_u64().unwrap_or_default());
    assert_eq!(row["params"].as_u64(), Some(params[0] + params[1]));
    assert!(
        row["val_accuracy"].is_f64() && row["settings"] == format!("members {}, {}; tap 17", seeds[0], seeds[1]),
        "{row}"
    );

    // It predicts what it said on validation.
    let text = fs::read_to_string(study.file(&ensemble, "scores-val.csv")).expect("scores");
    let picture =
        study.at().join("raw").join(text.lines().nth(1).and_then(|line| line.split(',').nth(1)).expect("a path"));
    let answers = study.json(&["predict", "--model", &ensemble, &picture.to_string_lossy()]);
    assert!(answers[0]["score"].as_f64().is_some_and(|score| (score - both[0]).abs() < 1e-6), "{answers}");
    check_maps(&study, &ensemble, &picture);
    check_maps(&study, &seeds[0], &picture);

    // Refitting it takes the refits of its members, and all that was chosen for it.
    let refused = |args: &[&str], part: &str| {
        let output = study.run(args);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && error.contains(part), "{args:?}: {error}");
    };
    let anew = study.ok(&["--quiet", "train", "refit", &seeds[0]]);
    refused(&["train", "refit", &ensemble], &format!("run 'faceprobe train refit {}' first", seeds[1]));
    study.ok(&["--quiet", "train", "refit", &seeds[1]]);
    let refit = study.ok(&["--quiet", "train", "refit", &ensemble]);
    let opened = study.json(&["evaluate", &refit, "--open-test"]);
    assert!(opened["test_accuracy"].is_f64() && opened["val_accuracy"].is_null(), "{opened}");
    assert_eq!((&opened["threshold"], &opened["refit"]), (&row["threshold"], &ensemble.as_str().into()));
    refused(&["train", "ensemble", &seeds[0], &seeds[0]], "named twice");
    refused(&["train", "ensemble", &seeds[0], &anew], "trained on validation too");
    refused(&["train", "ensemble", &seeds[0], &ensemble], "no fine-tuned network");
}
