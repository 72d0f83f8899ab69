//! Model files: any change is detected, and values that no training can produce are refused.

use faceprobe_core::evaluation::Calibration;
use faceprobe_core::evaluation::calibration::Method;
use faceprobe_core::features::{Dtype, StoreIdentity};
use faceprobe_core::imaging::{Alignment, Template};
use faceprobe_core::model::{FORMAT, Kind, ModelInfo, Provenance, SavedModel, Weights};
use ndarray::ArrayD;
use safetensors::{Dtype as Stored, tensor::TensorView};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// A word of the refusal, and the change that is refused.
type Refused = (&'static str, fn(&mut Value));

fn model() -> SavedModel {
    let info = ModelInfo {
        format: FORMAT,
        kind: Kind::DENSE,
        input: StoreIdentity {
            backbone: "efficientnet-lite0".into(),
            weights: "none".into(),
            preprocessing: "default-v1 224".into(),
            tap: "last".into(),
            pool: "avg".into(),
            dtype: Dtype::F32,
            width: 2,
        },
        alignment: Some(Alignment::new(Template::Loose)),
        classes: ["female".into(), "male".into()],
        threshold: 0.53125,
        calibration: Some(Calibration { method: Method::Platt, slope: 1.5, offset: -0.25 }),
        settings: json!({ "width": 8, "dropout": 0.5 }),
        provenance: Provenance {
            run: "dense-1".into(),
            dataset: "faces".into(),
            manifest_sha256: "ab".repeat(32),
            epochs_run: 9,
            best_epoch: 7,
            ..Provenance::default()
        },
    };
    let tensor = |values: &[f32]| ArrayD::from_shape_vec(vec![values.len()], values.to_vec()).unwrap();
    let weights = Weights::from([("bias".into(), tensor(&[0.5])), ("weight".into(), tensor(&[1.0, -2.0]))]);
    SavedModel { info, weights }
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    (folder, path)
}

/// The file as format 1 had it: `sha256` of the tensors' names and bytes, and nothing about the rest.
fn write_first_format(path: &Path, model: &SavedModel, change: impl FnOnce(&mut Value)) {
    let tensors: Vec<(&String, Vec<usize>, Vec<u8>)> = model
        .weights
        .iter()
        .map(|(name, array)| (name, array.shape().to_vec(), array.iter().flat_map(|v| v.to_le_bytes()).collect()))
        .collect();
    let mut hash = Sha256::new();
    for (name, _, bytes) in &tensors {
        hash.update(name.as_bytes());
        hash.update([0]);
        hash.update(bytes);
    }
    let sum: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let mut info = serde_json::to_value(&model.info).unwrap();
    info["format"] = json!(1);
    change(&mut info);
    let header = json!({ "info": info, "sha256": sum }).to_string();
    let views =
        tensors.iter().map(|(n, shape, bytes)| (*n, TensorView::new(Stored::F32, shape.clone(), bytes).unwrap()));
    let metadata = HashMap::from([("faceprobe".to_owned(), header)]);
    std::fs::write(path, safetensors::serialize(views, Some(metadata)).unwrap()).unwrap();
}

#[test]
fn any_change_of_a_model_file_is_detected() {
    let (_folder, path) = folder();
    model().save(&path).unwrap();
    let whole = std::fs::read(&path).unwrap();
    assert_eq!((SavedModel::load(&path).unwrap(), ModelInfo::read(&path).unwrap()), (model(), model().info));
    let changes = [
        ("female", "famale"),
        ("0.53125", "0.53126"),
        ("platt", "plaTt"),
        ("1.5", "1.6"),
        ("default-v1 224", "default-v1 225"),
        ("loose", "tight"),
        ("\\\"dropout\\\":0.5", "\\\"dropout\\\":0.6"),
        ("faces", "fales"),
        ("efficientnet-lite0", "efficientnet-lite1"),
        ("\\\"format\\\":2", "\\\"format\\\":1"),
    ];
    for (from, to) in changes {
        let text = |bytes: &[u8]| bytes.windows(from.len()).position(|window| window == from.as_bytes());
        let at = text(&whole).unwrap_or_else(|| panic!("{from} is not in the file"));
        let changed = [&whole[..at], to.as_bytes(), &whole[at + from.len()..]].concat();
        std::fs::write(&path, changed).unwrap();
        for error in [SavedModel::load(&path).unwrap_err(), ModelInfo::read(&path).unwrap_err()] {
            let error = error.to_string();
            assert!(error.starts_with(&path.display().to_string()) && error.contains("again"), "{from}: {error}");
        }
    }
}

#[test]
fn files_of_the_first_format_open_and_their_ranges_are_checked() {
    let (_folder, path) = folder();
    write_first_format(&path, &model(), |_| {});
    let SavedModel { info, weights } = SavedModel::load(&path).unwrap();
    assert_eq!(
        (info.threshold, info.classes, weights),
        (model().info.threshold, model().info.classes, model().weights)
    );
    // Saved again it is a file of the present format.
    SavedModel { info: ModelInfo::read(&path).unwrap(), weights: model().weights }.save(&path).unwrap();
    assert_eq!(SavedModel::load(&path).unwrap(), model());

    let mut bytes = {
        write_first_format(&path, &model(), |_| {});
        std::fs::read(&path).unwrap()
    };
    *bytes.last_mut().unwrap() ^= 1;
    assert!(SavedModel::from_bytes(&bytes).unwrap_err().to_string().contains("checksum"));

    let refused: [Refused; 9] = [
        ("threshold", |info| info["threshold"] = json!(1e308)),
        ("threshold", |info| info["threshold"] = json!(-0.1)),
        ("classes", |info| info["classes"] = json!(["male", "male"])),
        ("classes", |info| info["classes"] = json!([" ", "male"])),
        ("calibration", |info| info["calibration"]["slope"] = json!(1e9)),
        ("features", |info| info["input"]["width"] = json!(0)),
        ("pixels", |info| info["alignment"]["side"] = json!(1_000_000)),
        ("settings", |info| info["settings"] = json!(3)),
        ("epoch", |info| info["provenance"]["best_epoch"] = json!(300)),
    ];
    for (word, change) in refused {
        write_first_format(&path, &model(), change);
        for error in [SavedModel::load(&path).unwrap_err(), ModelInfo::read(&path).unwrap_err()] {
            let error = error.to_string();
            assert!(error.contains(word) && error.starts_with(&path.display().to_string()), "{word}: {error}");
        }
    }
}

#[test]
fn impossible_models_are_not_written() {
    let (_folder, path) = folder();
    for threshold in [f64::NAN, f64::INFINITY, -1.0, 2.0] {
        let mut wrong = model();
        wrong.info.threshold = threshold;
        assert!(wrong.save(&path).unwrap_err().to_string().contains("threshold"));
    }
    assert!(!path.exists());
    // A model that never says the second class has its threshold a hair above 1.
    let mut never = model();
    never.info.threshold = 1f64.next_up();
    never.save(&path).unwrap();
    assert_eq!(SavedModel::load(&path).unwrap(), never);
}
