//! A network trained on faces with a classifier: its predictions as a baseline, and the remark on its results.

#[path = "support/made_up.rs"]
mod made_up;

use safetensors::SafeTensors;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const NETWORK: &str = "mobilenet-v1-vggface2";

fn run(workspace: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_faceprobe"));
    command.env("FACEPROBE_WEIGHTS", workspace.join("weights")).stdin(Stdio::null());
    command.arg("--workspace").arg(workspace).args(args).output().expect("the binary starts")
}

fn ok(workspace: &Path, args: &[&str]) -> String {
    let output = run(workspace, args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn json(workspace: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&ok(workspace, &[args, &["--json"]].concat())).expect("standard output is one JSON value")
}

/// Pictures of two classes in folders of these names, prepared under the name `name`.
fn prepared(workspace: &Path, name: &str, classes: [&str; 2]) {
    let raw = workspace.join(name);
    for (class, folder) in classes.iter().enumerate() {
        fs::create_dir_all(raw.join(folder)).expect("a folder");
        for number in 0..12u32 {
            let picture = image::RgbImage::from_fn(48, 48, |x, y| {
                let texture = ((x * (7 + number) + y * 13 + 31 * number) % 200) as u8;
                if class == 0 { image::Rgb([180, texture, 40]) } else { image::Rgb([texture, 40, 180]) }
            });
            picture.save(raw.join(folder).join(format!("{number}.png"))).expect("a picture");
        }
    }
    ok(workspace, &["data", "prepare", "--source", &format!("folder:{}", raw.display()), "--name", name]);
}

/// The averaged last stage of a picture, as the store has it.
fn features(workspace: &Path, picture: &Path) -> Vec<f64> {
    let wanted = Sha256::digest(fs::read(picture).expect("the picture"));
    let stores = fs::read_dir(workspace.join("cache/features")).expect("stores").flatten().map(|store| store.path());
    for part in stores.flat_map(|store| fs::read_dir(store).expect("parts").flatten()).map(|part| part.path()) {
        let Some(start) = part.to_string_lossy().strip_suffix(".keys.npy").map(str::to_owned) else { continue };
        // Behind the header of 128 bytes that all parts have.
        let content = |path: &str| fs::read(path).expect("a part").split_off(128);
        let (keys, rows) = (content(&part.to_string_lossy()), content(&format!("{start}.npy")));
        let width = rows.len() / (keys.len() / 32);
        if let Some(row) = keys.chunks_exact(32).position(|key| key == wanted.as_slice()) {
            let row = rows[row * width..][..width].as_chunks::<4>().0;
            return row.iter().map(|&value| f64::from(f32::from_le_bytes(value))).collect();
        }
    }
    panic!("{} has no features", picture.display());
}

/// The classifier's score, computed from its weights as they were imported.
fn score(weights: &Path, features: &[f64]) -> f64 {
    let bytes = fs::read(weights).expect("weights");
    let file = SafeTensors::deserialize(&bytes).expect("safetensors");
    let tensor = |name: &str| -> Vec<f64> {
        let data = file.tensor(name).expect("a tensor").data().to_vec();
        data.as_chunks::<4>().0.iter().map(|&value| f64::from(f32::from_le_bytes(value))).collect()
    };
    let dense = |layer: &str, input: &[f64]| -> Vec<f64> {
        let (weight, bias) = (tensor(&format!("{layer}.weight")), tensor(&format!("{layer}.bias")));
        let sum = |row: &[f64]| row.iter().zip(input).map(|(weight, value)| weight * value).sum::<f64>();
        weight.chunks_exact(input.len()).zip(bias).map(|(row, bias)| sum(row) + bias).collect()
    };
    let hidden: Vec<f64> = dense("feats", features).into_iter().map(|value| value.max(0.0)).collect();
    1.0 / (1.0 + (-dense("gender_pred", &hidden)[0]).exp())
}

#[test]
fn a_networks_own_classifier_is_a_model_like_any_other_and_is_named_face_pretrained() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    let weights = at.join("made-up.safetensors");
    made_up::weights(NETWORK, &weights);
    ok(at, &["weights", "import", NETWORK, &weights.to_string_lossy()]);
    prepared(at, "colours", ["female", "male"]);

    let by_validation = ok(at, &["--quiet", "train", "offtheshelf", "--data", "colours"]);
    let as_it_came = ok(at, &["--quiet", "train", "offtheshelf", "--data", "colours", "--threshold", "0.5"]);
    let test = json(at, &["evaluate", &as_it_came, "--open-test"])["test_accuracy"].clone();
    assert!(test.is_number());
    let rows = json(at, &["results"]);
    let row = |run: &str| rows.as_array().expect("rows").iter().find(|row| row["run"] == run).expect("a row").clone();
    let (chosen, own) = (row(&by_validation), row(&as_it_came));
    assert_eq!((&own["kind"], &own["params"], &own["threshold"]), (&"offtheshelf".into(), &0.into(), &0.5.into()));
    assert_eq!((&own["trained_on"], &own["test_accuracy"]), (&"faces".into(), &test));
    assert!(chosen["val_accuracy"].as_f64() >= own["val_accuracy"].as_f64(), "{chosen} {own}");

    let picture = at.join("colours/male/3.png");
    let told = json(at, &["predict", "--model", &as_it_came, &picture.to_string_lossy()]);
    let (told, expected) = (told[0]["score"].as_f64().expect("a score"), score(&weights, &features(at, &picture)));
    assert!((told - expected).abs() < 1e-5, "{told} is not {expected}");

    for shown in [&["results"][..], &["results", "--by-setting"]] {
        let text = ok(at, shown);
        assert!(text.contains("mobilenet-v1-vggface2 (face-pretrained)"), "{text}");
        assert_eq!(text.matches("trained on millions of photographs of faces").count(), 1, "{text}");
    }
    let list = ok(at, &["weights", "list"]);
    let groups: Vec<&str> = list.lines().skip(2).filter_map(|line| line.split_whitespace().next()).collect();
    let mut met = groups.clone();
    met.dedup();
    let each: std::collections::BTreeSet<&str> = met.iter().copied().collect();
    assert!(
        met.len() == each.len() && met.len() > 2 && met.contains(&"faces"),
        "what belongs together stands together: {list}"
    );
}

#[test]
fn a_classifier_of_other_classes_or_of_no_network_is_refused_in_a_sentence() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    let weights = at.join("made-up.safetensors");
    made_up::weights(NETWORK, &weights);
    ok(at, &["weights", "import", NETWORK, &weights.to_string_lossy()]);
    prepared(at, "other", ["cats", "dogs"]);
    let refused = run(at, &["--quiet", "train", "offtheshelf", "--data", "other"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("answers female or male, and the classes of this data set are cats and dogs"), "{said}");

    let none = run(at, &["train", "offtheshelf", "--data", "other", "--backbone", "vgg16"]);
    let said = String::from_utf8_lossy(&none.stderr).into_owned();
    assert_eq!(none.status.code(), Some(2), "{said}");
    assert!(said.contains("brings its own classifier (mobilenet-v1-vggface2), not vgg16"), "{said}");
    let again = run(at, &["train", "refit", "offtheshelf-1"]);
    assert_ne!(again.status.code(), Some(0));
}
