//! `runs export` through the real binary: valid event files, a file store with what MLflow expects, nothing
//! overwritten. `tools/check_trackers.py` reads them with TensorBoard and MLflow themselves.

#[path = "support/coloured.rs"]
mod coloured;

use coloured::{ok, run, trained};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// CRC-32C bit by bit, masked as TFRecord has it.
fn masked(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ 0x82f6_3b78 } else { sum >> 1 };
        }
    }
    let sum = !sum;
    sum.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// The records of an event file, whose sums must be right.
fn records(path: &Path) -> Vec<Vec<u8>> {
    let bytes = fs::read(path).expect("an event file");
    let (mut at, mut records) = (0, Vec::new());
    while at < bytes.len() {
        let number = |from: usize| u32::from_le_bytes(bytes[from..from + 4].try_into().expect("four bytes"));
        let length = u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes")) as usize;
        assert_eq!(number(at + 8), masked(&bytes[at..at + 8]));
        let content = &bytes[at + 12..at + 12 + length];
        assert_eq!(number(at + 12 + length), masked(content));
        records.push(content.to_vec());
        at += length + 16;
    }
    records
}

fn only(folder: &Path) -> PathBuf {
    let found: Vec<PathBuf> = fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path()).collect();
    let [one] = &found[..] else { panic!("{found:?}") };
    one.clone()
}

#[test]
fn runs_are_written_for_tensorboard_and_mlflow_and_nothing_else_is_touched() {
    let folder = trained();
    let at = folder.path();
    ok(at, &["runs", "rename", "benchmark-1", "red: \"and\" blue\u{1b}[31m"]);
    let export = ["--quiet", "runs", "export", "--tensorboard", "boards", "--mlflow", "ml runs"];
    ok(at, &export);
    let told: Value = serde_json::from_str(&ok(at, &["runs", "show", "benchmark-1", "--json"])).expect("JSON");
    let epochs = told["epochs"].as_array().expect("epochs");
    let figure = |name: &str| told["result"][name].as_f64().expect("a figure");

    let file = only(&at.join("boards/benchmark-1"));
    assert!(file.to_string_lossy().contains("events.out.tfevents."), "{file:?}");
    let events = records(&file);
    let holding = |text: &str| -> Vec<&Vec<u8>> {
        events.iter().filter(|event| event.windows(text.len()).any(|part| part == text.as_bytes())).collect()
    };
    assert!(events[0].ends_with(b"brain.Event:2"));
    for curve in ["loss/train", "loss/val", "accuracy/train", "accuracy/val"] {
        assert_eq!(holding(curve).len(), epochs.len(), "{curve}");
    }
    let [accuracy] = holding("result/val_accuracy")
        .into_iter()
        .filter(|event| !event.windows(4).any(|part| part == b"_low" || part == b"_hig"))
        .collect::<Vec<_>>()[..]
    else {
        panic!("{events:?}")
    };
    // The figure is the last field of the event.
    assert!(accuracy.ends_with(&(figure("val_accuracy") as f32).to_le_bytes()));
    assert!(holding("result/test_accuracy").is_empty(), "what was not opened is not told");
    assert!(holding("_hparams_/session_start_info")[0].windows(8).any(|part| part == b"learning"));

    let experiment = only(&at.join("ml runs"));
    let text = |path: PathBuf| fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(text(experiment.join("meta.yaml")).contains("\nname: \"faceprobe colours\"\n"));
    let runs: Vec<PathBuf> = fs::read_dir(&experiment).expect("a folder").flatten().map(|entry| entry.path()).collect();
    let own = runs.iter().find(|path| path.is_dir()).expect("a run");
    let meta = text(own.join("meta.yaml"));
    // Whatever a title holds, it is one value of the file.
    assert!(meta.contains("\nrun_name: \"red: \\\"and\\\" blue") && !meta.contains('\u{1b}'), "{meta}");
    assert!(meta.contains("\nstatus: 3\n") && meta.contains("ml%20runs"), "{meta}");
    let curve = text(own.join("metrics/loss/train"));
    for (line, epoch) in curve.lines().zip(epochs) {
        let [_, value, step] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        assert_eq!((value.parse().ok(), step.parse().ok()), (epoch["train_loss"].as_f64(), epoch["epoch"].as_u64()));
    }
    assert_eq!(curve.lines().count(), epochs.len());
    let value: f64 =
        text(own.join("metrics/val_accuracy")).split(' ').nth(1).expect("a value").parse().expect("a number");
    assert_eq!(value, figure("val_accuracy"));
    assert_eq!((text(own.join("params/pool")), text(own.join("params/dataset"))), ("4".into(), "colours".into()));
    assert!(!own.join("metrics/test_accuracy").exists());
    // MLflow finds a run by its id only where all of these are folders; without that it lists no artifacts.
    for run in runs.iter().filter(|path| path.is_dir()) {
        for part in ["metrics", "params", "tags", "artifacts"] {
            assert!(run.join(part).is_dir(), "{}", run.join(part).display());
        }
        let id = run.file_name().expect("a name").to_string_lossy().into_owned();
        let meta = text(run.join("meta.yaml"));
        assert!(meta.contains(&format!("\nrun_id: \"{id}\"\n")), "{meta}");
        assert!(meta.contains(&format!("{id}/artifacts\"\n")), "{meta}");
    }
    let result: Value = serde_json::from_str(&text(own.join("artifacts/result.json"))).expect("JSON");
    assert_eq!(result, told["result"], "what 'runs show --json' has");

    // Again is the same; what somebody changed stays, and then nothing is written.
    let before = fs::read(&file).expect("an event file");
    ok(at, &export);
    assert_eq!(fs::read(&file).expect("an event file"), before);
    fs::write(own.join("params/pool"), "mine").expect("a file");
    fs::remove_file(&file).expect("an event file");
    let refused = run(at, &export);
    assert!(refused.status.code() == Some(2) && String::from_utf8_lossy(&refused.stderr).contains("--force"));
    assert!(!file.exists() && text(own.join("params/pool")) == "mine");
    // Runs that train nothing have nothing to export; nor is there anything without a place to put it.
    assert_eq!(run(at, &["runs", "export", "prepare-1", "--mlflow", "x"]).status.code(), Some(2));
    assert_eq!(run(at, &["runs", "export"]).status.code(), Some(2));
}
