//! Weights in larger files: prefixes, other modules, other values, external data.
//! Fixtures: `fixtures/weights_company.py`.

use super::files::{bytes, count, hollow, open};
use bytes::Bytes;
use faceprobe_core::backbone::format::{Checkpoint, TensorValues};
use faceprobe_core::backbone::{self, weights};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

type Shapes = Vec<(String, Vec<usize>)>;

fn prefixed(network: &str, prefix: &str) -> Shapes {
    let parameters = backbone::find(network).unwrap().parameters();
    parameters.into_iter().map(|(name, shape)| (format!("{prefix}{name}"), shape)).collect()
}

#[test]
fn a_network_is_found_under_any_prefix_with_any_modules_beside_it() {
    let prefixes =
        ["", "model.", "module.", "backbone.", "net.", "encoder.", "feature_extractor.", "gender_probe.trunk."];
    for network in ["mobilenet-v2", "vgg16-torchvision", "efficientnet-lite0", "inception-resnet-v2"] {
        for prefix in prefixes {
            let mut tensors = prefixed(network, prefix);
            let own = tensors.clone();
            for company in ["loss.weight", "gender_head.0.weight", "ema.decay"] {
                tensors.push((company.into(), vec![2]));
            }
            tensors.push((format!("{prefix}age_head.weight"), vec![3, 4]));
            let origins =
                weights::origins(network, &hollow(&tensors)).unwrap_or_else(|reason| panic!("{prefix}: {reason}"));
            let found: Vec<String> = origins.into_iter().map(|(_, tensor)| tensor.unwrap()).collect();
            assert_eq!(found, own.into_iter().map(|(name, _)| name).collect::<Vec<_>>(), "{network} {prefix}");
        }
    }
}

#[test]
fn incomplete_weights_under_a_prefix_are_reported_with_it() {
    let reason = |tensors: &Shapes| weights::origins("mobilenet-v2", &hollow(tensors)).unwrap_err();
    let mut lacking = prefixed("mobilenet-v2", "model.");
    lacking.push(("loss.weight".into(), vec![1]));
    let (gone, _) = lacking.remove(4);
    let said = reason(&lacking);
    assert!(said.contains("under `model.`") && said.contains(&format!("1 tensor missing: {gone}")), "{said}");
    // Within the network's own modules, what is over is of another network.
    let mut over = prefixed("mobilenet-v2", "net.");
    over.push(("net.features.19.weight".into(), vec![1]));
    assert!(reason(&over).contains("1 tensor left over: net.features.19.weight"), "{}", reason(&over));
    // Which of two is meant, nobody can know.
    let both = [prefixed("mobilenet-v2", "student."), prefixed("mobilenet-v2", "teacher.")].concat();
    let said = reason(&both);
    assert!(said.contains("2 times") && said.contains("`student.`") && said.contains("`teacher.`"), "{said}");
}

#[test]
fn other_values_are_passed_over_in_every_protocol() {
    for file in ["company_2.ckpt", "company_3.ckpt", "company_4.ckpt", "company_5.ckpt", "company_legacy.pth"] {
        let checkpoint = open(bytes(file)).unwrap_or_else(|reason| panic!("{file}: {reason}"));
        let names: Vec<&str> = checkpoint.tensors().keys().map(String::as_str).collect();
        assert_eq!(names, ["loss.weight", "model.a"], "{file}");
        let tensor = checkpoint.read("model.a").unwrap();
        assert_eq!((tensor.shape, tensor.numbers), (vec![2, 3], TensorValues::F32((0..6).map(|n| n as f32).collect())));
        assert_eq!(checkpoint.read("loss.weight").unwrap().numbers, TensorValues::F32(vec![0.5, 2.0]));
        for foreign in ["argparse.Namespace", "datetime.datetime", "study.config.Config"] {
            assert!(checkpoint.foreign().iter().any(|name| name == foreign), "{file}: {:?}", checkpoint.foreign());
        }
    }
}

#[test]
fn non_text_metadata_is_reported() {
    for (metadata, key) in [
        (r#"{"epoch":7}"#, "`epoch`"),
        (r#"{"format":"pt","best":0.93}"#, "`best`"),
        (r#"{"tags":["a"]}"#, "`tags`"),
        (r#"["a"]"#, "`__metadata__`"),
    ] {
        let header = format!(r#"{{"__metadata__":{metadata},"a":{{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}}}"#);
        let file = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &[0; 4]].concat();
        let reason = open(file).err().unwrap();
        assert!(reason.contains("no text") && reason.contains(key), "{reason}");
    }
}

fn onnx_beside(data: Result<Bytes, String>) -> Checkpoint {
    let beside = move |name: &str| {
        assert_eq!(name, "beside.onnx.data");
        data.clone()
    };
    Checkpoint::open_beside(&Bytes::from(bytes("beside.onnx")), &beside).unwrap()
}

#[test]
fn external_data_of_onnx_is_read() {
    let data = Bytes::from(bytes("beside.onnx.data"));
    let checkpoint = onnx_beside(Ok(data.clone()));
    assert_eq!(checkpoint.read("model.a").unwrap().numbers, TensorValues::F32((0..6).map(|n| n as f32).collect()));
    assert_eq!(checkpoint.read("loss.weight").unwrap().numbers, TensorValues::F32(vec![0.5, 2.0]));
    let cut = onnx_beside(Ok(data.slice(..data.len() - 4)));
    assert!(cut.tensors().keys().any(|name| cut.read(name).is_err_and(|reason| reason.contains("reaches outside"))));
    assert!(onnx_beside(Err("is gone".into())).read("model.a").is_err_and(|reason| reason.contains("is gone")));
}

/// A field of a protobuf message: a number, or bytes.
fn number(field: u8, value: u64) -> Vec<u8> {
    [varint(u64::from(field) << 3), varint(value)].concat()
}

fn content(field: u8, content: &[u8]) -> Vec<u8> {
    [&varint(u64::from(field) << 3 | 2), &varint(content.len() as u64), content].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// An ONNX model whose numbers are in the file `location`.
fn onnx(tensors: &Shapes, location: &str) -> Vec<u8> {
    let mut at = 0;
    let mut graph = Vec::new();
    for (name, shape) in tensors {
        let length = 4 * count(shape);
        let entry =
            |key: &str, value: &str| content(13, &[content(1, key.as_bytes()), content(2, value.as_bytes())].concat());
        let dims: Vec<u8> = shape.iter().flat_map(|side| number(1, *side as u64)).collect();
        let place = [("location", location.to_owned()), ("offset", at.to_string()), ("length", length.to_string())];
        let external: Vec<u8> = place.iter().flat_map(|(key, value)| entry(key, value)).collect();
        graph.extend(content(5, &[dims, number(2, 1), content(8, name.as_bytes()), external, number(14, 1)].concat()));
        at += length;
    }
    [number(1, 8), content(7, &graph)].concat()
}

fn import(folder: &Path, network: &str, file: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_faceprobe"))
        .args(["weights", "import", network])
        .arg(file)
        .env("FACEPROBE_WEIGHTS", folder.join("weights"))
        .output()
        .expect("the binary starts")
}

#[test]
fn onnx_with_its_numbers_beside_it_is_imported_and_nothing_outside_its_folder_is_read() {
    const NETWORK: &str = "mobilenet-v2-keras";
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let mut tensors = prefixed(NETWORK, "model.");
    tensors.push(("loss.weight".into(), vec![1]));
    let length: usize = tensors.iter().map(|(_, shape)| 4 * count(shape)).sum();
    let numbers: Vec<u8> = (0..length / 4).flat_map(|n| ((n % 97) as f32 / 97.0).to_le_bytes()).collect();
    fs::write(folder.path().join("outside.data"), &numbers).unwrap();
    fs::write(inner.join("m.onnx.data"), &numbers).unwrap();
    std::os::unix::fs::symlink("../outside.data", inner.join("link.data")).unwrap();
    let model = inner.join("m.onnx");
    let outside = folder.path().join("outside.data");
    for (location, expected) in [
        ("../outside.data", "not in the model's folder"),
        (outside.to_str().unwrap(), "not in the model's folder"),
        ("link.data", "leads out of the model's folder"),
        ("m.data", "not beside the model"),
        ("", "not in the model's folder"),
    ] {
        fs::write(&model, onnx(&tensors, location)).unwrap();
        let output = import(folder.path(), NETWORK, &model);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && error.contains(expected), "{location}: {error}");
    }
    fs::write(&model, onnx(&tensors, "m.onnx.data")).unwrap();
    let output = import(folder.path(), NETWORK, &model);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("under `model.`") && said.contains("loss.weight"), "{said}");
    // The same as from one file.
    let stored = fs::read(folder.path().join(format!("weights/{NETWORK}.safetensors"))).unwrap();
    assert!(stored.windows(4000).any(|window| window == &numbers[..4000]));
}

#[test]
fn another_network_is_advised_only_where_its_import_would_work() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.safetensors");
    // By its names and shapes it fits; with NaN in it, it is weights of no network.
    let tensors = prefixed("mobilenet-v2", "net.");
    let (header, length) = super::files::header(&tensors);
    for (value, advised) in [(f32::NAN, false), (0.5, true)] {
        let numbers: Vec<u8> = (0..length / 4).flat_map(|_| value.to_le_bytes()).collect();
        fs::write(&file, [header.as_slice(), &numbers].concat()).unwrap();
        let output = import(folder.path(), "efficientnet-lite0", &file);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(error.contains("it fits mobilenet-v2"), advised, "{error}");
        if advised {
            assert!(import(folder.path(), "mobilenet-v2", &file).status.success());
        }
    }
}
