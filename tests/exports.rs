//! Exports through the real binary: features for numpy, models as ONNX.

#[path = "support/made_up.rs"]
mod made_up;

use bytes::Bytes;
use faceprobe_core::backbone::format::{Checkpoint, TensorValues};
use faceprobe_core::features::{Store, StoreIdentity};
use faceprobe_core::model::SavedModel;
use faceprobe_core::onnx::proto::{GraphProto, ModelProto};
use prost::Message;
use serde_json::Value;
use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A workspace with MobileNetV2 on weights made here, and a set of pictures of two colours.
struct Study {
    folder: tempfile::TempDir,
}

impl Study {
    fn new() -> Self {
        let study = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        let raw = study.at().join("raw");
        fs::create_dir(&raw).expect("a folder");
        // Attributes that are called as the columns that are always there are, and text that a CSV must quote.
        let mut table = "path,label,age,class,split_,mood\n".to_owned();
        for number in 0..48 {
            let (label, tint) = if number % 2 == 0 { ("left", 40) } else { ("right", 200) };
            let picture = image::RgbImage::from_fn(32, 32, |x, y| {
                image::Rgb([tint, ((x * 7 + y * 13 + number * 31) % 160) as u8, number as u8])
            });
            picture.save(raw.join(format!("{number}.png"))).expect("a picture");
            table += &format!("{number}.png,{label},{},c{number},s,\"calm, \"\"so\"\" to say\"\n", 20 + number);
        }
        fs::write(raw.join("table.csv"), table).expect("a table");
        let file = study.at().join("made-up.safetensors");
        made_up::weights("mobilenet-v2", &file);
        study.ok(&["weights", "import", "mobilenet-v2", &file.to_string_lossy()]);
        study.ok(&["data", "prepare", "--source", "csv:raw/table.csv", "--name", "colours"]);
        study
    }

    fn at(&self) -> &Path {
        self.folder.path()
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_faceprobe"));
        command.env("FACEPROBE_WEIGHTS", self.at().join("weights")).stdin(Stdio::null()).current_dir(self.at());
        command.args(["--quiet", "--workspace", "."]).args(args).output().expect("the binary starts")
    }

    fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.ok(&[args, &["--json"]].concat())).expect("standard output is one JSON value")
    }

    /// The file in the workspace, written anew by `export`.
    fn onnx(&self, run: &str) -> (PathBuf, ModelProto) {
        let path = self.at().join(format!("{run}.onnx"));
        self.ok(&["export", run, "--to", &path.to_string_lossy()]);
        let bytes = fs::read(&path).expect("the file");
        (path, ModelProto::decode(bytes.as_slice()).expect("a message"))
    }
}

/// A `.npy` file of 32-bit floats: rows, columns, values.
fn npy(path: &Path) -> (usize, usize, Vec<f32>) {
    let bytes = fs::read(path).expect("a file");
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    assert_eq!((10 + header) % 64, 0);
    let text = std::str::from_utf8(&bytes[10..10 + header]).expect("text");
    assert!(text.starts_with("{'descr': '<f4', 'fortran_order': False, 'shape': (") && text.ends_with('\n'), "{text}");
    let shape = &text[text.find("'shape': (").expect("a shape") + 10..text.find("), }").expect("its end")];
    let sides: Vec<usize> = shape.split(", ").map(|side| side.parse().expect("a side")).collect();
    let values =
        bytes[10 + header..].chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]));
    (sides[0], sides[1], values.collect())
}

#[test]
fn exported_features_are_the_stores_rows_in_the_order_of_their_labels() {
    let study = Study::new();
    let options =
        ["features", "export", "--backbone", "mobilenet-v2", "--tap", "2,4", "--pool", "grid2", "--to", "out"];
    // A picture that vanishes before its features are computed has no row and no label.
    fs::remove_file(study.at().join("raw/7.png")).expect("a picture");
    let told = study.json(&options);
    assert_eq!((&told["exported"]["rows"], &told["exported"]["left_out"]), (&Value::from(47), &Value::from(1)));
    // It may be read by whom any new file may be read by.
    let rights = |name: &str| fs::metadata(study.at().join(name)).expect("a file").permissions().mode();
    fs::write(study.at().join("any"), "").expect("a file");
    assert_eq!(rights("out/features.npy"), rights("any"));
    let (rows, width, values) = npy(&study.at().join("out/features.npy"));
    assert_eq!((rows, width), (47, (24 + 32) * 4));

    let mut labels = csv::Reader::from_path(study.at().join("out/labels.csv")).expect("labels");
    let head: Vec<String> = labels.headers().expect("a head").iter().map(str::to_owned).collect();
    let columns =
        ["path", "source", "split", "label", "class", "subject", "age", "fold", "hash", "class_", "mood", "split_"];
    assert_eq!(head, columns);
    let about: Value =
        serde_json::from_slice(&fs::read(study.at().join("out/features.json")).expect("a file")).expect("JSON");
    let identity: StoreIdentity = serde_json::from_value(about["identity"].clone()).expect("an identity");
    assert_eq!((identity.tap.as_str(), identity.width), ("2,4", width));
    let stores = ["2", "4"].map(|tap| {
        let width = if tap == "2" { 24 * 4 } else { 32 * 4 };
        let own = StoreIdentity { tap: tap.into(), width, ..identity.clone() };
        Store::open(&study.at().join("cache/features"), &own).expect("a store")
    });
    let mut seen = 0;
    for (record, row) in labels.records().zip(values.chunks_exact(width)) {
        let record = record.expect("a line");
        let number: usize = record[0].trim_end_matches(".png").parse().expect("its number");
        let expected = (if number.is_multiple_of(2) { ("left", "0") } else { ("right", "1") }, format!("c{number}"));
        assert_eq!(((&record[3], &record[4]), record[9].to_owned()), expected);
        assert_eq!((&record[6], &record[10], &record[11]), (&*(20 + number).to_string(), "calm, \"so\" to say", "s"));
        let key = [record[8].parse().expect("a hash")];
        let own: Vec<f32> = stores.iter().flat_map(|store| store.rows_f32(&key).expect("a row").into_iter()).collect();
        assert_eq!(own, row);
        seen += 1;
    }
    assert_eq!(seen, 47);

    // The same again takes the place of its own files; what was changed since is kept.
    study.ok(&options);
    fs::write(study.at().join("out/labels.csv"), "mine").expect("a file");
    let refused = study.run(&options);
    assert_eq!(refused.status.code(), Some(2), "{}", String::from_utf8_lossy(&refused.stderr));
    assert_eq!(fs::read(study.at().join("out/labels.csv")).expect("a file"), b"mine");
}

/// A graph that can be computed from its inputs in the order in which it is written, and holds nothing else.
fn check_structure(graph: &GraphProto) {
    let tensors: HashSet<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    assert_eq!(tensors.len(), graph.initializer.len(), "two tensors of one name");
    let inputs: Vec<&str> = graph.input.iter().map(|input| input.name.as_str()).collect();
    assert_eq!(inputs, ["pictures"]);
    let mut known: HashSet<&str> = tensors.iter().copied().chain(inputs).collect();
    let mut used = HashSet::new();
    for node in &graph.node {
        for input in &node.input {
            assert!(known.contains(input.as_str()), "{} uses {input} before it is there", node.name);
            used.insert(input.as_str());
        }
        for output in &node.output {
            assert!(known.insert(output), "{output} is there twice");
        }
    }
    let outputs: Vec<&str> = graph.output.iter().map(|output| output.name.as_str()).collect();
    assert_eq!(outputs, ["label", "probability", "score"]);
    used.extend(outputs);
    let idle: Vec<&&str> = known.iter().filter(|name| !used.contains(*name)).collect();
    assert!(idle.is_empty(), "{idle:?} are used by nothing");
}

/// The tensors of the file as the program's own reader of ONNX files finds them.
fn reread(path: &Path) -> Checkpoint {
    Checkpoint::open(&Bytes::from(fs::read(path).expect("a file"))).expect("an ONNX file")
}

fn floats(file: &Checkpoint, name: &str) -> (Vec<usize>, Vec<f32>) {
    let tensor = file.read(name).unwrap_or_else(|reason| panic!("{reason}"));
    let TensorValues::F32(values) = tensor.numbers else { panic!("{name} holds no floats") };
    (tensor.shape, values)
}

#[test]
fn a_model_of_every_kind_is_one_graph_with_its_own_numbers() {
    let study = Study::new();
    let network = ["--backbone", "mobilenet-v2"];
    let train = |args: &[&str]| study.ok(&[&["train"], args].concat());
    let features = |args: &[&str]| train(&[args, &network[..]].concat());
    let cut = ["--cut", "15", "--epochs", "1", "--batch", "8"];
    let runs = [
        features(&["logistic", "--tap", "2,4", "--pool", "grid3"]),
        features(&["knn", "--tap", "2", "--k", "3,1", "--votes", "similarity"]),
        features(&["dense", "--tap", "3", "--pool", "flatten", "--width", "8", "--depth", "2", "--epochs", "2"]),
        features(&[&["finetune", "--seed", "1"], &cut[..]].concat()),
        features(&[&["finetune", "--seed", "2"], &cut[..]].concat()),
        train(&["ensemble", "finetune-1", "finetune-2"]),
        train(&["benchmark", "--epochs", "1", "--pool", "8", "--filters", "4"]),
    ];
    for run in &runs {
        let (path, model) = study.onnx(run);
        let graph = model.graph.as_ref().expect("a graph");
        check_structure(graph);
        assert_eq!(
            (model.ir_version, model.opset_import[0].version, model.producer_name.as_str()),
            (8, 17, "faceprobe")
        );
        let told = |key: &str| {
            let found = model.metadata_props.iter().find(|entry| entry.key == key);
            found.unwrap_or_else(|| panic!("{run} has no {key}")).value.clone()
        };
        let saved = SavedModel::load(&study.at().join("runs").join(run).join("model.safetensors")).expect("a model");
        assert_eq!(told("classes"), r#"["left","right"]"#);
        assert_eq!(told("threshold").parse(), Ok(saved.info.threshold));
        assert_eq!(told("side"), "224");
        assert!(told("preprocessing").contains("antialiasing") && told("provenance").contains(run.as_str()));

        // What the model has of its own is there as it is; kernels behind a cut have their normalisation folded in.
        let file = reread(&path);
        let folded = |name: &str| saved.weights.contains_key("member.0.head.bias") && name.contains("features.");
        let mut found = 0;
        for (name, array) in saved.weights.iter().filter(|(name, _)| !folded(name) && *name != "input.scale") {
            if file.tensors().contains_key(name) && !name.contains("features.") {
                assert_eq!(
                    floats(&file, name),
                    (array.shape().to_vec(), array.iter().copied().collect()),
                    "{run} {name}"
                );
                found += 1;
            }
        }
        assert!(found >= 2, "{run}: {found}");
        let biases = ["bias", "out.bias", "head.bias", "member.1.head.bias"];
        assert!(run.starts_with("knn") || biases.iter().any(|name| file.tensors().contains_key(*name)), "{run}");
        let script = fs::read_to_string(path.with_extension("py")).expect("a program");
        assert!(script.contains(&format!("'{run}.onnx'")) && script.lines().count() <= 10, "{script}");
    }

    // The frozen part is the network's, normalisation folded in; the tuned part each member's own.
    let stem = floats(&reread(&study.at().join("logistic-1.onnx")), "features.0.0.weight");
    assert_eq!(stem.0, [32, 3, 3, 3]);
    let made = fs::read(study.at().join("made-up.safetensors")).expect("weights");
    let made = safetensors::SafeTensors::deserialize(&made).expect("weights");
    let values = |name: &str| -> Vec<f64> {
        let data = made.tensor(name).expect("a tensor");
        data.data()
            .chunks_exact(4)
            .map(|four| f64::from(f32::from_le_bytes([four[0], four[1], four[2], four[3]])))
            .collect()
    };
    let (kernel, gamma, variance) =
        (values("features.0.0.weight"), values("features.0.1.weight"), values("features.0.1.running_var"));
    for (at, (written, own)) in stem.1.iter().zip(&kernel).enumerate() {
        let expected = own * gamma[at / 27] / (variance[at / 27] + 1e-5).sqrt();
        assert!((f64::from(*written) - expected).abs() < 1e-6, "{at}: {written} {expected}");
    }
    let ensemble = reread(&study.at().join(format!("{}.onnx", runs[5])));
    for (member, run) in runs[3..5].iter().enumerate() {
        let alone = reread(&study.at().join(format!("{run}.onnx")));
        for name in ["features.18.0.weight", "head.weight"] {
            assert_eq!(floats(&ensemble, &format!("member.{member}.{name}")), floats(&alone, name));
        }
    }
}

#[test]
fn unsupported_exports_are_refused_in_a_sentence() {
    let study = Study::new();
    let refused = |args: &[&str], code: i32, part: &str| {
        let output = study.run(args);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(code) && error.contains(part), "{args:?}: {error}");
    };
    refused(&["export", "--to", "model.onnx"], 1, "no trained model");
    let run = study.ok(&["train", "logistic", "--backbone", "mobilenet-v2", "--tap", "1"]);
    refused(&["export", &run, "--to", "."], 2, "--to");
    refused(&["export", &run, "--to", "raw/1.py"], 2, "--to");
    fs::write(study.at().join("model.py"), "mine").expect("a file");
    refused(&["export", &run, "--to", "model.onnx"], 2, "model.py");
    assert!(!study.at().join("model.onnx").exists());
    // A name is text in the program, whatever it holds.
    study.ok(&["export", &run, "--to", "Köln's \\.onnx"]);
    let script = fs::read_to_string(study.at().join("Köln's \\.py")).expect("a program");
    assert!(script.contains(r"'K\U000000f6ln\'s \\.onnx'"), "{script}");
    // Other weights than the model's would be another model.
    let mut weights = fs::read(study.at().join("made-up.safetensors")).expect("weights");
    let last = weights.len() - 2;
    weights[last] ^= 1;
    fs::write(study.at().join("other.safetensors"), weights).expect("weights");
    study.ok(&["weights", "import", "mobilenet-v2", "other.safetensors"]);
    refused(&["export", &run, "--to", "other.onnx"], 1, "other weights");
}
