//! A study with damaged feature rows: models trained on them afterwards equal those trained before.

#[path = "support/made_up.rs"]
mod made_up;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn ok(workspace: &Path, args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_faceprobe"));
    command.env("FACEPROBE_WEIGHTS", workspace.join("weights")).stdin(Stdio::null());
    let output = command.arg("--workspace").arg(workspace).args(args).output().expect("the binary starts");
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn json(workspace: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&ok(workspace, &[args, &["--json"]].concat())).expect("standard output is one JSON value")
}

/// Waves of any colours, with more red in one class.
fn picture(seed: u64, class: usize) -> image::RgbImage {
    let mut draw = ChaCha8Rng::seed_from_u64(2 * seed + class as u64);
    let waves: [[f32; 4]; 3] = std::array::from_fn(|_| std::array::from_fn(|_| draw.random_range(-9.0..9.0)));
    image::RgbImage::from_fn(48, 48, |x, y| {
        let (x, y) = (x as f32 / 48.0, y as f32 / 48.0);
        let value = |[a, b, phase, height]: [f32; 4]| 128.0 + 8.0 * height * (a * x + b * y + phase).sin();
        let [red, green, blue] = waves.map(value);
        image::Rgb([red + 50.0 * class as f32, green, blue].map(|value| value.clamp(0.0, 255.0) as u8))
    })
}

/// A prepared set, and MobileNetV2 on made-up weights.
fn prepared(workspace: &Path) {
    let raw = workspace.join("raw");
    for (class, name) in ["female", "male"].iter().enumerate() {
        fs::create_dir_all(raw.join(name)).expect("a folder");
        for number in 0..30u32 {
            let picture = picture(u64::from(number), class);
            picture.save(raw.join(name).join(format!("{number}.png"))).expect("a picture");
        }
    }
    let weights = workspace.join("made-up.safetensors");
    made_up::weights("mobilenet-v2", &weights);
    ok(workspace, &["weights", "import", "mobilenet-v2", &weights.to_string_lossy()]);
    ok(workspace, &["data", "prepare", "--source", &format!("folder:{}", raw.display()), "--name", "waves"]);
}

/// The files of all stores with this ending.
fn parts(workspace: &Path, backbone: &str, ending: &str) -> Vec<PathBuf> {
    let stores = fs::read_dir(workspace.join("cache/features")).expect("stores").flatten().map(|store| store.path());
    let of = |store: &PathBuf| store.file_name().is_some_and(|name| name.to_string_lossy().starts_with(backbone));
    let files = stores.filter(of).flat_map(|store| fs::read_dir(store).expect("parts").flatten());
    let mut files: Vec<PathBuf> = files.map(|file| file.path()).collect();
    files.retain(|file| file.to_string_lossy().ends_with(ending) && !file.to_string_lossy().contains("keys"));
    files
}

/// The classes' rows change places: what is learned from them is wrong, and nothing about the file is.
fn swap(part: &Path) {
    let mut bytes = fs::read(part).expect("a part");
    let half = 128 + (bytes.len() - 128) / 2;
    bytes[128..].rotate_left(half - 128);
    fs::write(part, bytes).expect("a part");
}

fn notes(workspace: &Path, run: &str) -> String {
    fs::read_to_string(workspace.join("runs").join(run).join("events.jsonl")).expect("a journal")
}

#[test]
fn trainings_and_tests_on_damaged_rows_are_those_on_sound_ones() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    prepared(at);
    let logistic: &[&str] = &["--quiet", "train", "logistic", "--backbone", "mobilenet-v2"];
    let benchmark: &[&str] = &["--quiet", "train", "benchmark", "--pool", "4", "--epochs", "2"];
    for (args, backbone) in [(logistic, "mobilenet-v2"), (benchmark, "pixels")] {
        let first = ok(at, args);
        let damaged = parts(at, backbone, ".npy");
        assert!(!damaged.is_empty(), "{backbone}");
        damaged.iter().for_each(|part| swap(part));
        let second = ok(at, args);
        assert!(notes(at, &second).contains("do not fit their checksum"), "{backbone}");
        assert_eq!(parts(at, backbone, ".npy.damaged").len(), damaged.len(), "{backbone}");
        let scores = |run: &str| fs::read(at.join("runs").join(run).join("scores-val.csv")).expect("scores");
        assert!(scores(&first) == scores(&second), "{backbone}");

        // The test split's rows come with the first opening; the other run's opening finds them changed.
        let open = |run: &str| json(at, &["evaluate", run, "--open-test"])["test_accuracy"].clone();
        let accuracy = open(&first);
        parts(at, backbone, ".npy").iter().for_each(|part| swap(part));
        assert_eq!(open(&second), accuracy, "{backbone}");
        let row = |run: &str, name: &str| {
            let rows = json(at, &["results"]);
            let rows = rows.as_array().cloned().unwrap_or_default();
            rows.into_iter().find(|row| row["run"] == run).map(|row| row[name].clone())
        };
        for name in ["train_accuracy", "val_accuracy", "test_accuracy"] {
            assert!(row(&first, name).is_some_and(|figure| figure.is_number()), "{backbone}: {name}");
            assert_eq!(row(&first, name), row(&second, name), "{backbone}: {name}");
        }
    }
    // An audit reads the same rows: it leaves them out, and what it advises mends them.
    parts(at, "mobilenet-v2", ".npy").iter().for_each(|part| swap(part));
    let audit = json(at, &["data", "audit"]);
    let advice = audit["notes"].to_string();
    let options = advice.split("faceprobe extract ").nth(1).and_then(|rest| rest.split(" computes").next());
    let options = options.unwrap_or_else(|| panic!("no advice in {advice}"));
    let extract: Vec<&str> = ["--quiet", "extract"].into_iter().chain(options.split(' ')).collect();
    ok(at, &extract);
    let audit = json(at, &["data", "audit"]);
    assert!(!audit["notes"].to_string().contains("damaged") && audit["features"][0].is_string(), "{audit}");
}
