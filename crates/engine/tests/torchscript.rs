//! TorchScript files as backbones. Fixtures: `fixtures/torchscript_reference.py`.

#[path = "support/patterns.rs"]
#[allow(dead_code, reason = "only the pictures are wanted here")]
mod patterns;

use faceprobe_core::error::Result;
use faceprobe_core::imaging::{ChannelOrder, Mode, Pixels};
use faceprobe_core::monitor::Silent;
use faceprobe_engine::backbone::weights::{self, WeightsInfo};
use faceprobe_engine::backbone::{self, BackboneInfo, Network, Pool};
use faceprobe_engine::features::{FeatureSpec, NetworkSource, RowSource};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, PoisonError, RwLock};
use tch::Device;

const SIDE: usize = 24;
const NUMBERS: &str = "mean = [0.485, 0.456, 0.406]\nstd = [0.229, 0.224, 0.225]\n";

/// The folder for weights of this process; each test asks for it before anything else.
static WEIGHTS: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    // SAFETY: every test of this file waits here first, so no other thread reads the environment meanwhile.
    unsafe { std::env::set_var("FACEPROBE_WEIGHTS", folder.path()) };
    folder
});

/// Read by every import and written by who wants the folder as no import is in the middle of changing it.
static IMPORTING: RwLock<()> = RwLock::new(());

/// Image files are among the fixtures of the core.
fn fixture(name: &str) -> PathBuf {
    let folder = if name.starts_with("imaging_") { "../core/tests/fixtures" } else { "tests/fixtures" };
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(name)
}

/// Writes a description and imports it as the command line does.
fn import(name: &str, text: &str) -> Result<WeightsInfo> {
    LazyLock::force(&WEIGHTS);
    let folder = tempfile::tempdir().unwrap();
    let description = folder.path().join("description.toml");
    std::fs::write(&description, text).unwrap();
    let _importing = IMPORTING.read().unwrap_or_else(PoisonError::into_inner);
    weights::import(name, &description, &Silent)
}

fn described(name: &str, file: &str, more: &str) -> String {
    format!("name = \"{name}\"\nfile = \"{}\"\ninput = {SIDE}\n{NUMBERS}{more}", fixture(file).display())
}

fn installed(name: &str, file: &str, more: &str) -> &'static BackboneInfo {
    import(name, &described(name, file, more)).unwrap();
    backbone::find(name).unwrap()
}

fn pictures() -> [Pixels; 2] {
    [0, 1].map(|number| patterns::picture(number, SIDE as u32, SIDE as u32))
}

fn agrees(network: &Network, reference: &str) {
    let text = std::fs::read_to_string(fixture("torchscript_reference.json")).unwrap();
    let expected: BTreeMap<String, Vec<Vec<f32>>> = serde_json::from_str(&text).unwrap();
    let features = network.features(&pictures()).unwrap();
    for (row, expected) in features.rows().into_iter().zip(&expected[reference]) {
        assert_eq!(row.len(), expected.len());
        for (value, expected) in row.iter().zip(expected) {
            assert!((value - expected).abs() < 1e-5, "{reference}: {row} instead of {expected}");
        }
    }
}

#[test]
fn a_vector_and_a_map_become_backbones_like_the_others() {
    let vector = installed("vector", "torchscript_vector.pt", "");
    assert_eq!((vector.features, vector.stages()[0].side, vector.input), (20, 1, SIDE));
    let network = Network::load(vector, Device::Cpu).unwrap();
    agrees(&network, "vector");
    // The module writes into its input, and was saved with dropout on: neither may show.
    let input = network.input(&pictures()).unwrap();
    let outputs = [0, 1].map(|_| network.outputs(&input, &[0]).unwrap().swap_remove(0));
    assert_eq!(outputs[0], outputs[1]);

    let map = installed("map", "torchscript_map.pt", "title = \"A map\"\nlicence = \"MIT\"\n");
    let stage = map.stages().swap_remove(0);
    assert_eq!((map.title, map.licence, stage.channels, stage.side), ("A map", "MIT", 4, 12));
    let network = Network::load(map, Device::Cpu).unwrap();
    agrees(&network, "map");
    let grid = network.pooled(&pictures(), &[0], Pool::Grid(3)).unwrap().swap_remove(0);
    assert_eq!(grid.dim(), (2, 36));
    assert_eq!(network.features(&[]).unwrap().dim(), (0, 4));

    let status = weights::status("map").unwrap();
    assert_eq!(status.sha256.as_deref(), Some(network.weights_sha256()));
    assert!(status.present && status.path.ends_with("map.pt"));
    let names: Vec<&str> = backbone::registry().iter().map(|info| info.name).collect();
    assert!(names.contains(&"map") && names.contains(&"vector") && names.contains(&backbone::DEFAULT), "{names:?}");
    let identity =
        NetworkSource::new(&FeatureSpec { mode: Mode::Keras, ..FeatureSpec::of_backbone(map.name) }, Device::Cpu)
            .unwrap()
            .identity();
    assert!(identity.preprocessing.starts_with("keras-v1 24 nearest"), "{identity:?}");
    assert_eq!((identity.backbone.as_str(), identity.width), ("map", 4));
}

#[test]
fn channels_and_mode_are_the_descriptions() {
    let info = installed("vector-bgr", "torchscript_vector.pt", "channels = \"bgr\"\nmode = \"keras\"\n");
    assert_eq!((info.preprocessing.order, info.preprocessing.mode), (ChannelOrder::Bgr, Mode::Keras));
    agrees(&Network::load(info, Device::Cpu).unwrap(), "vector_bgr");
    // Another import under the name takes its place, also within a process.
    let info = installed("vector-bgr", "torchscript_vector.pt", "");
    agrees(&Network::load(info, Device::Cpu).unwrap(), "vector");
}

#[test]
fn threads_share_one_module_and_get_the_same_numbers() {
    let network = Network::load(installed("shared", "torchscript_map.pt", ""), Device::Cpu).unwrap();
    let expected = network.features(&pictures()).unwrap();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let network = network.share();
            std::thread::spawn(move || {
                tch::set_num_threads(1);
                (0..20).map(|_| network.features(&pictures()).unwrap()).collect::<Vec<_>>()
            })
        })
        .collect();
    for features in threads.into_iter().flat_map(|thread| thread.join().unwrap()) {
        let difference = (&features - &expected).mapv(f32::abs).fold(0.0_f32, |a, &b| a.max(b));
        assert!(difference < 1e-6, "{difference}");
    }
}

#[test]
fn what_cannot_be_a_backbone_is_refused_in_one_sentence() {
    LazyLock::force(&WEIGHTS);
    let not_torchscript = described("bad", "imaging_baseline.jpg", "");
    let folder = described("bad", "", "");
    let absent = described("bad", "nothing.pt", "");
    let pair = described("bad", "torchscript_pair.pt", "");
    let one = described("bad", "torchscript_one.pt", "");
    let good = described("bad", "torchscript_map.pt", "");
    let small = good.replace("input = 24", "input = 3").replace("map.pt", "vector.pt");
    for (text, expected) in [
        ("", "cannot be understood (line 1: missing field"),
        ("name = ", "cannot be understood (line 1:"),
        (&good.replace("input = 24", "input = -1"), "cannot be understood (line 3:"),
        (&format!("{good}mod = \"keras\"\n"), "unknown field `mod`"),
        (&format!("{good}mode = \"nearest\"\n"), "must be default or keras"),
        (&good.replace("input = 24", "input = 0"), "1 to 2048"),
        (&good.replace("0.485", "123.675"), "from 0 to 1"),
        (&good.replace("0.229", "0.0"), "from 0 to 1"),
        (&good.replace("0.229", "nan"), "from 0 to 1"),
        (&good.replace("\"bad\"", "\"other\""), "describes `other`, not `bad`"),
        (&not_torchscript, "libtorch cannot read it as TorchScript"),
        (&folder, "is not a file"),
        (&absent, "No such file"),
        (&pair, "did not return a tensor"),
        (&one, "gives"),
        (&small, "fails on 1 x 3 x 3 x 3"),
    ] {
        let error = import("bad", text).err().unwrap_or_else(|| panic!("taken: {text}")).to_string();
        assert!(error.contains(expected) && !error.contains('\n'), "{expected}: {error}");
        assert!(backbone::find("bad").is_err(), "{text}");
    }
    for name in ["vgg16", "Big", "../up", "", "a b"] {
        let error = import(name, &described(name, "torchscript_map.pt", "")).unwrap_err().to_string();
        assert!(error.contains("name"), "{name}: {error}");
    }
    let _nobody_imports = IMPORTING.write().unwrap_or_else(PoisonError::into_inner);
    let left: Vec<_> = std::fs::read_dir(WEIGHTS.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with(".tmp-")), "{left:?}");
}

#[test]
fn a_file_that_changed_since_is_not_run() {
    let info = installed("changed", "torchscript_map.pt", "");
    let path = weights::status("changed").unwrap().path;
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let error = Network::load(info, Device::Cpu).err().expect("it was loaded").to_string();
    assert!(error.contains("sha256 differs") && error.contains("weights import changed"), "{error}");
    std::fs::remove_file(&path).unwrap();
    assert!(!weights::status("changed").unwrap().present);
    std::fs::write(path.with_extension("toml"), "name = 1").unwrap();
    let error = backbone::find("changed").err().expect("it was found").to_string();
    assert!(error.contains("changed.toml") && error.contains("cannot be understood"), "{error}");
    let error = weights::import("shared-nothing", &fixture("torchscript_map.pt"), &Silent).unwrap_err().to_string();
    assert!(error.contains("no backbone"), "{error}");
}

#[test]
fn a_description_in_the_folder_of_weights_is_not_overwritten_by_its_import() {
    LazyLock::force(&WEIGHTS);
    let place = WEIGHTS.path().join("inplace.toml");
    let text = format!("# my own words\n{}", described("inplace", "torchscript_map.pt", ""));
    std::fs::write(&place, &text).unwrap();
    let from = |description: &Path| {
        let _importing = IMPORTING.read().unwrap_or_else(PoisonError::into_inner);
        weights::import("inplace", description, &Silent)
    };
    let refusal = from(&place).unwrap_err().to_string();
    assert!(refusal.contains("move it elsewhere"), "{refusal}");
    assert_eq!(std::fs::read_to_string(&place).unwrap(), text);
    let elsewhere = tempfile::tempdir().unwrap();
    let moved = elsewhere.path().join("inplace.toml");
    std::fs::rename(&place, &moved).unwrap();
    from(&moved).unwrap();
    from(&place).unwrap();
    assert_eq!(std::fs::read_to_string(&moved).unwrap(), text);
}
