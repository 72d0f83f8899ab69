//! ONNX files as backbones. Fixtures: `fixtures/onnx_backbone_reference.py`. Tests that need ONNX Runtime are skipped,
//! with a message, if it was not fetched.

#[path = "support/patterns.rs"]
#[allow(dead_code, reason = "only the pictures are wanted here")]
mod patterns;

use faceprobe_core::error::Result;
use faceprobe_core::imaging::Pixels;
use faceprobe_core::monitor::Silent;
use faceprobe_engine::backbone::weights::{self, WeightsInfo, onnx_runtime};
use faceprobe_engine::backbone::{self, Network, Pool};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use tch::Device;

const SIDE: u32 = 24;
const NUMBERS: &str = "input = 24\nmean = [0.485, 0.456, 0.406]\nstd = [0.229, 0.224, 0.225]\n";

/// The folder for weights of this process, and where ONNX Runtime is, if it is here; each test asks for it before anything
/// else.
static WEIGHTS: LazyLock<(tempfile::TempDir, Option<PathBuf>)> = LazyLock::new(|| {
    let library = onnx_runtime::library().ok();
    let folder = tempfile::tempdir().unwrap();
    // SAFETY: every test of this file waits here first, so no other thread reads the environment meanwhile.
    unsafe {
        std::env::set_var("FACEPROBE_WEIGHTS", folder.path());
        if let Some(library) = &library {
            std::env::set_var(onnx_runtime::VARIABLE, library);
        }
    }
    (folder, library)
});

fn runtime_is_here() -> bool {
    let here = WEIGHTS.1.is_some();
    if !here {
        println!("skipped: ONNX Runtime is not here; run: faceprobe weights fetch {}", onnx_runtime::NAME);
    }
    here
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Imports an ONNX file as the command line does: by its path, the description beside it.
fn import(name: &str, model: &[u8], more: &str) -> Result<WeightsInfo> {
    import_beside(name, model, more, |_| ())
}

/// The same with other files in the model's folder.
fn import_beside(name: &str, model: &[u8], more: &str, others: impl FnOnce(&Path)) -> Result<WeightsInfo> {
    LazyLock::force(&WEIGHTS);
    let folder = tempfile::tempdir().unwrap();
    others(folder.path());
    let file = folder.path().join("model.onnx");
    fs::write(&file, model).unwrap();
    let description = format!("name = \"{name}\"\nfile = \"model.onnx\"\n{NUMBERS}{more}");
    fs::write(folder.path().join("model.toml"), description).unwrap();
    weights::import(name, &file, &Silent)
}

fn pictures() -> [Pixels; 3] {
    [0, 1, 2].map(|number| patterns::picture(number, SIDE, SIDE))
}

#[test]
fn an_onnx_file_gives_what_torchscript_of_the_same_network_gives() {
    if !runtime_is_here() {
        return;
    }
    let model = fs::read(fixture("onnx_backbone.onnx")).unwrap();
    let taps = "features = \"features\"\ntaps = [\"/small/Relu_output_0\"]\n";
    let record = import("as-onnx", &model, taps).unwrap();
    assert_eq!(import("as-onnx", &model, taps).unwrap().sha256, record.sha256, "the same file has one hash");
    let folder = tempfile::tempdir().unwrap();
    let description = folder.path().join("description.toml");
    let text = format!("name = \"as-script\"\nfile = \"{}\"\n{NUMBERS}", fixture("onnx_backbone.pt").display());
    fs::write(&description, text).unwrap();
    weights::import("as-script", &description, &Silent).unwrap();

    let onnx = backbone::find("as-onnx").unwrap();
    let stages: Vec<_> = onnx.stages().into_iter().map(|stage| (stage.name, stage.channels, stage.side)).collect();
    assert_eq!(stages, [("/small/Relu_output_0".to_owned(), 10, 6), ("features".to_owned(), 10, 1)]);
    let onnx = Network::load(onnx, Device::Cpu).unwrap();
    let script = Network::load(backbone::find("as-script").unwrap(), Device::Cpu).unwrap();
    let (got, expected) = (onnx.features(&pictures()).unwrap(), script.features(&pictures()).unwrap());
    let close = |a: &ndarray::Array2<f32>, b: &ndarray::Array2<f32>| (a - b).iter().all(|d| d.abs() < 1e-5);
    assert!(expected.iter().any(|value| *value > 0.1) && close(&got, &expected), "{got} instead of {expected}");
    // The map before the average is the average before it is taken; several taps and another thread change nothing.
    let thread = onnx.share();
    let both = std::thread::spawn(move || thread.pooled(&pictures(), &[0, 1], Pool::Avg).unwrap()).join().unwrap();
    assert!(close(&both[0], &expected) && close(&both[1], &expected));
    assert!(onnx.pooled(&pictures(), &[0], Pool::Grid(2)).unwrap()[0].ncols() == 40);
}

/// A message field of protobuf.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = content.len();
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    [out, content.to_vec()].concat()
}

fn node(operator: &str, inputs: &[&str], output: &str) -> Vec<u8> {
    node_with(operator, inputs, output, &[])
}

/// A node with an attribute.
fn node_with(operator: &str, inputs: &[&str], output: &str, attribute: &[u8]) -> Vec<u8> {
    let inputs: Vec<u8> = inputs.iter().flat_map(|input| field(1, input.as_bytes())).collect();
    let attribute = if attribute.is_empty() { Vec::new() } else { field(5, attribute) };
    field(1, &[inputs, field(2, output.as_bytes()), field(4, operator.as_bytes()), attribute].concat())
}

/// An attribute that is a whole number.
fn whole(name: &str, value: u8) -> Vec<u8> {
    [field(1, name.as_bytes()), vec![0x18, value, 0xA0, 1, 2]].concat()
}

/// A model with an input `x`, an output `y`, and whatever is between.
fn model(parts: &[Vec<u8>]) -> Vec<u8> {
    // Three axes that are known and one that is not.
    let sides: Vec<u8> =
        [vec![0x08, 3], vec![0x08, 24], vec![0x08, 24]].iter().flat_map(|side| field(1, side)).collect();
    let shape = [field(1, &field(2, b"n")), sides].concat();
    let tensor = field(1, &[vec![0x08, 1], field(2, &shape)].concat());
    let input = field(11, &[field(1, b"x"), field(2, &tensor)].concat());
    let graph = [parts.concat(), field(2, b"g"), input, field(12, &field(1, b"y"))].concat();
    [vec![0x08, 8], field(7, &graph), field(8, &[0x10, 17])].concat()
}

/// A tensor of 64-bit integers of these dimensions.
fn integers(name: &str, dims: &[u64], values: &[i64]) -> Vec<u8> {
    let values: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    [tensor(name, dims, 7), field(9, &values)].concat()
}

/// A tensor without its numbers.
fn tensor(name: &str, dims: &[u64], kind: u8) -> Vec<u8> {
    let mut message = Vec::new();
    for &side in dims {
        message.push(0x08);
        let mut side = side;
        while side >= 0x80 {
            message.push(side as u8 | 0x80);
            side >>= 7;
        }
        message.push(side as u8);
    }
    message.extend([0x10, kind]);
    message.extend(field(8, name.as_bytes()));
    message
}

/// A tensor of 32-bit floats whose numbers are in another file.
fn elsewhere(name: &str, dims: &[u64], about: &[(&str, &str)]) -> Vec<u8> {
    let entry =
        |&(key, value): &(&str, &str)| field(13, &[field(1, key.as_bytes()), field(2, value.as_bytes())].concat());
    [tensor(name, dims, 1), about.iter().flat_map(entry).collect(), vec![0x70, 1]].concat()
}

/// `y = x w + v`, the pictures and both tensors of 3 x 24 x 24.
fn two_tensors(w: &[u8], v: &[u8]) -> Vec<u8> {
    model(&[node("Mul", &["x", "w"], "z"), node("Add", &["z", "v"], "y"), field(5, w), field(5, v)])
}

#[test]
fn numbers_beside_the_file_are_taken_in() {
    if !runtime_is_here() {
        return;
    }
    let dims = [3, u64::from(SIDE), u64::from(SIDE)];
    let numbers: Vec<u8> = (0..2 * 3 * SIDE * SIDE).flat_map(|i| (i as f32 / 1000.0).to_le_bytes()).collect();
    let (first, second) = numbers.split_at(numbers.len() / 2);
    let own = |name: &str, numbers: &[u8]| [tensor(name, &dims, 1), field(9, numbers)].concat();
    let one_piece = import("one-piece", &two_tensors(&own("w", first), &own("v", second)), "").unwrap();
    assert!(!one_piece.source.contains(" with "), "{}", one_piece.source);

    // As torch.onnx.export and onnx.save write it, with an unused file beside it; in one file with offsets, or in two.
    let (start, length) = (first.len().to_string(), second.len().to_string());
    let together = two_tensors(
        &elsewhere("w", &dims, &[("location", "model.onnx.data"), ("offset", "0"), ("length", &length)]),
        &elsewhere("v", &dims, &[("location", "model.onnx.data"), ("offset", &start), ("length", &length)]),
    );
    let beside = |folder: &Path| fs::write(folder.join("model.onnx.data"), &numbers).unwrap();
    let record = import_beside("together", &together, "", beside).unwrap();
    assert_eq!(record.sha256, one_piece.sha256, "what is installed is the same, wherever its numbers were");
    let of_both = hex::encode(Sha256::digest([together.as_slice(), &numbers].concat()));
    assert!(record.source.contains(&of_both) && record.source.contains(" with model.onnx.data"), "{}", record.source);
    let apart = two_tensors(
        &elsewhere("w", &dims, &[("location", "./parts/w")]),
        &elsewhere("v", &dims, &[("location", "v.bin")]),
    );
    let beside = |folder: &Path| {
        fs::create_dir(folder.join("parts")).unwrap();
        fs::write(folder.join("parts/w"), first).unwrap();
        // A link within the folder leads to a file of the folder.
        fs::write(folder.join("kept"), second).unwrap();
        std::os::unix::fs::symlink("kept", folder.join("v.bin")).unwrap();
    };
    assert_eq!(import_beside("apart", &apart, "", beside).unwrap().sha256, one_piece.sha256);

    // The folder is gone; what was installed needs nothing of it.
    let features =
        |name: &str| Network::load(backbone::find(name).unwrap(), Device::Cpu).unwrap().features(&pictures());
    let expected = features("one-piece").unwrap();
    assert!(expected.iter().any(|value| value.abs() > 0.1));
    assert_eq!(features("together").unwrap(), expected);
    assert_eq!(features("apart").unwrap(), expected);
}

#[test]
fn other_files_than_those_beside_it_are_refused() {
    if !runtime_is_here() {
        return;
    }
    let huge = (1_u64 << 60).to_string();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), [0; 64]).unwrap();
    let (secret, within) = (outside.path().join("secret"), [("location", "w.bin")]);
    let secret = secret.to_str().unwrap();
    let above = format!("../{}/secret", outside.path().file_name().unwrap().to_str().unwrap());
    let with = |about: &[(&str, &str)]| elsewhere("w", &[4], about);
    let at = |more: (&'static str, &'static str)| with(&[("location", "w.bin"), more]);
    let cases: [(&str, Vec<u8>, &str); 16] = [
        ("absolute", with(&[("location", secret)]), "not in the model's folder"),
        ("above", with(&[("location", &above)]), "not in the model's folder"),
        ("roundabout", with(&[("location", "parts/../../w.bin")]), "not in the model's folder"),
        ("nameless", with(&[]), "not in the model's folder"),
        ("memory", with(&[("location", "*/_ORT_MEM_ADDR_/*"), ("offset", "94000000000000")]), "not beside the model"),
        ("missing", with(&[("location", "v.bin")]), "`v.bin`, which is not beside the model"),
        ("link", with(&[("location", "link")]), "a link that leads out"),
        ("linked-folder", with(&[("location", "away/secret")]), "a link that leads out"),
        ("folder", with(&[("location", "parts")]), "not a file"),
        ("pipe", with(&[("location", "pipe")]), "not a file"),
        ("empty", with(&[("location", "empty")]), "empty"),
        (
            "short",
            elsewhere("w", &[5], &within),
            "reaches outside the file with its numbers, `w.bin`, which has 16 bytes",
        ),
        ("beyond", at(("offset", "4")), "reaches outside the file"),
        ("far", with(&[("location", "w.bin"), ("offset", &huge)]), "reaches outside the file"),
        ("long", with(&[("location", "w.bin"), ("length", &huge)]), "where its shape needs 16"),
        ("negative", at(("offset", "-4")), "no number"),
    ];
    let beside = |folder: &Path| {
        fs::write(folder.join("w.bin"), [0; 16]).unwrap();
        fs::write(folder.join("empty"), []).unwrap();
        fs::create_dir(folder.join("parts")).unwrap();
        std::os::unix::fs::symlink(secret, folder.join("link")).unwrap();
        std::os::unix::fs::symlink(outside.path(), folder.join("away")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, folder.join("pipe"), rustix::fs::Mode::RUSR).unwrap();
    };
    let refused = |name: &str, model: &[u8], expected: &str| {
        let error = import_beside(name, model, "", beside).unwrap_err().to_string();
        assert!(error.contains(expected), "{name}: {error}");
        assert!(!error.contains('\n') && error.len() < 1200, "{name}: {error}");
        assert!(backbone::find(name).is_err(), "{name} is no backbone");
    };
    for (name, tensor, expected) in cases {
        refused(name, &model(&[node("Add", &["x", "w"], "y"), field(5, &tensor)]), expected);
    }
    let many = elsewhere("w", &[1 << 60, 1 << 60], &within);
    refused("many", &model(&[node("Add", &["x", "w"], "y"), field(5, &many)]), "more numbers than a file can hold");
    // In a node, where no exporter puts them.
    let value = field(5, &[field(1, b"value"), field(5, &elsewhere("w", &[4], &within)), vec![0xA0, 1, 4]].concat());
    let constant = field(1, &[field(2, b"w"), field(4, b"Constant"), value].concat());
    refused("constant", &model(&[constant, node("Add", &["x", "w"], "y")]), "within a node, in another file");
}

#[test]
fn hostile_graphs_end_in_a_sentence() {
    if !runtime_is_here() {
        return;
    }
    let huge = 1_i64 << 60;
    let cases: [(&str, Vec<u8>, &str); 10] = [
        (
            "circle",
            model(&[node("Relu", &["b"], "a"), node("Relu", &["a"], "b"), node("Add", &["x", "b"], "y")]),
            "circle",
        ),
        ("itself", model(&[node("Add", &["x", "y"], "y")]), "circle"),
        ("nothing", model(&[node("Add", &["x", "z"], "y")]), "`z`, which nothing gives"),
        ("twice", model(&[node("Relu", &["x"], "y"), node("Neg", &["x"], "y")]), "twice"),
        ("unknown", model(&[node("Divine", &["x"], "y")]), "Divine"),
        (
            "dimensions",
            model(&[node("Add", &["x", "w"], "y"), field(5, &integers("w", &[1 << 60, 1 << 60], &[1]))]),
            "more numbers than the file can hold",
        ),
        (
            "expanded",
            model(&[node("Expand", &["x", "w"], "y"), field(5, &integers("w", &[5], &[huge, 1, 3, 24, 24]))]),
            "ONNX",
        ),
        (
            "tiled",
            model(&[node("Tile", &["x", "w"], "y"), field(5, &integers("w", &[4], &[1, 1 << 14, 1 << 8, 1 << 8]))]),
            "ONNX",
        ),
        ("no-picture", model(&[node("Relu", &["w"], "y"), field(5, &integers("w", &[1], &[1]))]), "one picture"),
        ("cut", model(&[node("Relu", &["x"], "y")])[..40].to_vec(), "damaged or truncated"),
    ];
    for (name, model, expected) in cases {
        let error = import(name, &model, "").unwrap_err().to_string();
        assert!(error.contains(expected) || (expected == "ONNX" && !error.is_empty()), "{name}: {error}");
        assert!(!error.contains('\n') && error.len() < 1200, "{name}: {error}");
        assert!(backbone::find(name).is_err(), "{name} is no backbone");
    }
    // A value that is not there, and a description for TorchScript only.
    let sound = model(&[node("Relu", &["x"], "y")]);
    let error = import("absent", &sound, "features = \"nowhere\"\n").unwrap_err().to_string();
    assert!(error.contains("`nowhere`") && error.contains("`y`"), "{error}");
    assert_eq!(import("sound", &sound, "").unwrap().backbone, "sound");
}

/// What is more than 0 for any picture and 0 for the zeros of a trial, as the 64-bit integer `k` times `times`, in `count`.
fn count(times: i64) -> Vec<u8> {
    [
        node("Abs", &["x"], "a"),
        node_with("ReduceMax", &["a"], "m", &whole("keepdims", 0)),
        node("Ceil", &["m"], "c"),
        node_with("Cast", &["c"], "k", &whole("to", 7)),
        node("Mul", &["k", "times"], "count"),
        field(5, &integers("times", &[], &[times])),
    ]
    .concat()
}

/// Files that behave in the trial and not with pictures.
#[test]
fn later_runs_have_limits_too() {
    if !runtime_is_here() {
        return;
    }
    // 32 GiB of floats, had it its way.
    let greedy = model(&[
        count(1 << 33),
        node("Add", &["count", "one"], "length"),
        node("Expand", &["m", "length"], "wide"),
        node_with("ReduceMax", &["wide"], "r", &whole("keepdims", 0)),
        node("Add", &["x", "r"], "y"),
        field(5, &integers("one", &[1], &[1])),
    ]);
    import("greedy", &greedy, "").unwrap();
    let network = Network::load(backbone::find("greedy").unwrap(), Device::Cpu).unwrap();
    let error = network.features(&pictures()).unwrap_err().to_string();
    assert!(error.contains("more than 6 GiB of memory for 3 pictures"), "{error}");
    assert!(!error.contains('\n') && error.len() < 600, "{error}");

    // A loop of 2^60 rounds.
    let scalar = |name: &str, kind: u8| {
        field(1, name.as_bytes()).into_iter().chain(field(2, &field(1, &[0x08, kind, 0x12, 0]))).collect::<Vec<u8>>()
    };
    let body = [
        node("Identity", &["on"], "on_again"),
        node("Neg", &["v"], "w"),
        field(2, b"body"),
        [scalar("round", 7), scalar("on", 9), scalar("v", 1)].iter().flat_map(|input| field(11, input)).collect(),
        [scalar("on_again", 9), scalar("w", 1)].iter().flat_map(|output| field(12, output)).collect(),
    ];
    let body = [field(1, b"body"), field(6, &body.concat()), vec![0xA0, 1, 5]].concat();
    let endless = model(&[
        count(1 << 60),
        node_with("Loop", &["count", "", "m"], "last", &body),
        node("Add", &["x", "last"], "y"),
    ]);
    import("endless", &endless, "").unwrap();
    let info = backbone::find("endless").unwrap();
    let model = backbone::onnx::Model::load(&weights::checked(info).unwrap().0, &info.stages()).unwrap().within(1);
    let ones = tch::Tensor::ones([1, 3, 24, 24], (tch::Kind::Float, Device::Cpu));
    let error = model.outputs(&ones, &[0]).unwrap_err().to_string();
    assert!(error.contains("stopped after 1 s with 1 pictures"), "{error}");
    // It goes on with what is no trouble.
    assert!(model.outputs(&ones.zeros_like(), &[0]).is_ok());
}
