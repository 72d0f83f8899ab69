//! The backbone against timm, and the reader of foreign weights against friendly and hostile files.
//! Fixtures: `fixtures/backbone_reference.py`.

use faceprobe::backbone::torch_legacy::{self, Numbers};
use faceprobe::backbone::weights::{self, canonical};
use faceprobe::backbone::{self, Format, Network};
use faceprobe::imaging::Pixels;
use ndarray::Array2;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use tch::{Device, Kind, Tensor};

const LITE0: &str = "efficientnet-lite0";

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// The loaded network; none, with a printed reason, on a machine where its weights were not fetched.
fn lite0() -> Option<Network> {
    if !weights::status(LITE0).is_ok_and(|status| status.present) {
        println!("skipped: the weights are not here; run: faceprobe weights fetch {LITE0}");
        return None;
    }
    Some(Network::load(backbone::find(LITE0).unwrap(), Device::Cpu).unwrap())
}

/// `picture` of the fixture script.
fn picture(number: u32) -> Pixels {
    let side: u32 = 224;
    let mut rgb = Vec::new();
    for y in 0..side {
        for x in 0..side {
            for c in 0..3_u32 {
                let mut h = x.wrapping_mul(73_856_093)
                    ^ y.wrapping_mul(19_349_663)
                    ^ c.wrapping_mul(83_492_791)
                    ^ number.wrapping_mul(2_654_435_761);
                h ^= h >> 13;
                h = h.wrapping_mul(0x5BD1_E995);
                h ^= h >> 15;
                let wave = ((x * (number + 2) + y * (number + 1)) >> 1) & 255;
                let wave = wave.min(255 - wave);
                rgb.push((wave + (h & 63) + 16 * c) as u8);
            }
        }
    }
    Pixels::new(side as usize, side as usize, rgb).unwrap()
}

#[derive(Deserialize)]
struct Reference {
    pixel_sums: Vec<u64>,
    stages: BTreeMap<String, Stage>,
}

#[derive(Deserialize)]
struct Stage {
    shape: Vec<i64>,
    mean: f64,
    std: f64,
    first: Vec<f64>,
    last: Vec<f64>,
}

/// The largest difference relative to the reference's own value. Values nearer to zero than a hundredth of
/// `magnitude` are measured against that: an average over 49 places cancels no better than that in 32 bits.
fn largest_relative_difference(got: &[f64], expected: &[f64], magnitude: f64) -> f64 {
    assert_eq!(got.len(), expected.len());
    let floor = magnitude / 100.0;
    got.iter().zip(expected).map(|(a, b)| (a - b).abs() / b.abs().max(floor)).fold(0.0, f64::max)
}

#[test]
fn features_agree_with_timm() {
    let Some(network) = lite0() else { return };
    let expected: Array2<f32> = ndarray_npy::read_npy(fixture("backbone_lite0_features.npy")).unwrap();
    let pictures: Vec<Pixels> = (0..3).map(picture).collect();
    let features = network.features(&pictures).unwrap();
    assert_eq!(features.shape(), [3, 1280]);
    let wide = |array: &Array2<f32>| array.iter().map(|&value| f64::from(value)).collect::<Vec<_>>();
    let (features, expected) = (wide(&features), wide(&expected));
    let magnitude = expected.iter().copied().fold(0.0, f64::max);
    let difference = largest_relative_difference(&features, &expected, magnitude);
    println!("largest relative difference of the features: {difference:.2e} (largest feature {magnitude:.2})");
    assert!(difference < 1e-4, "{difference}");
}

#[test]
fn every_stage_agrees_with_timm() {
    let Some(network) = lite0() else { return };
    let text = std::fs::read_to_string(fixture("backbone_lite0_stages.json")).unwrap();
    let reference: Reference = serde_json::from_str(&text).unwrap();
    let pictures: Vec<Pixels> = (0..3).map(picture).collect();
    let sums: Vec<u64> = pictures.iter().map(|picture| picture.rgb().iter().map(|&v| u64::from(v)).sum()).collect();
    assert_eq!(sums, reference.pixel_sums, "the pictures of this test are not those of the script");

    let mut seen = Vec::new();
    let input = network.input(&pictures).unwrap();
    let mut watch = |name: &str, output: &Tensor| {
        // The network goes on in place; what is kept must be a copy.
        seen.push((name.to_string(), output.to_kind(Kind::Double)));
    };
    network.forward_watched(&input, &mut watch).unwrap();
    assert_eq!(seen.len(), reference.stages.len());
    for (name, output) in seen {
        let stage = &reference.stages[&name];
        assert_eq!(output.size(), stage.shape, "{name}");
        let channels = stage.shape[1];
        let (first, last) = (output.get(0), output.get(-1));
        let corner = |picture: &Tensor, start: i64, at: i64| {
            let values = picture.narrow(0, start, 6).select(2, at).select(1, at).contiguous();
            Vec::<f64>::try_from(values).unwrap()
        };
        let got =
            [corner(&first, 0, 0), corner(&last, channels - 6, -1), vec![output.mean(None).double_value(&[])]].concat();
        let expected = [stage.first.clone(), stage.last.clone(), vec![stage.mean]].concat();
        let spread = output.std(false).double_value(&[]);
        // Single values of a stage cancel, so they are measured against the stage's own spread.
        let difference = largest_relative_difference(&got, &expected, 100.0 * stage.std);
        assert!(difference < 1e-4, "{name} parts from the reference: {difference:.2e}");
        assert!((spread / stage.std - 1.0).abs() < 1e-5, "{name}");
    }
}

#[test]
fn threads_share_one_network_and_pictures_of_any_size_fit() {
    let Some(network) = lite0() else { return };
    let small = Pixels::new(50, 30, (0..4500).map(|i| (i % 251) as u8).collect()).unwrap();
    let expected = network.features(std::slice::from_ref(&small)).unwrap();
    let resized = network.features(&[faceprobe::imaging::resize(&small, 224)]).unwrap();
    assert_eq!(expected, resized);
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let (network, picture) = (network.share(), small.clone());
            std::thread::spawn(move || network.features(&[picture]).unwrap())
        })
        .collect();
    for thread in threads {
        let features = thread.join().unwrap();
        let difference = (&features - &expected).mapv(f32::abs).fold(0.0_f32, |a, &b| a.max(b));
        assert!(difference < 1e-4, "{difference}");
    }
    assert_eq!(network.features(&[]).unwrap().shape(), [0, 1280]);
    assert_eq!(network.weights_sha256().len(), 64);
}

#[test]
fn an_unknown_backbone_is_told_the_names_there_are() {
    let error = backbone::find("resnet").err().unwrap().to_string();
    assert!(error.contains("`resnet`") && error.contains(LITE0), "{error}");
}

#[test]
fn weights_of_another_network_are_refused_with_what_is_missing_and_left_over() {
    let bytes = std::fs::read(fixture("backbone_legacy.pth")).unwrap();
    let reason = canonical(backbone::find(LITE0).unwrap(), &bytes, Format::TorchLegacy).unwrap_err();
    assert!(
        reason.contains("tensors missing: _blocks.0._bn1.bias") && reason.contains("7 tensors left over"),
        "{reason}"
    );
}

#[test]
fn a_legacy_file_of_torch_is_read_as_torch_reads_it() {
    let bytes = std::fs::read(fixture("backbone_legacy.pth")).unwrap();
    let tensors = torch_legacy::read(&bytes).unwrap();
    let shapes: Vec<(&str, &[usize])> = tensors.iter().map(|(name, t)| (name.as_str(), t.shape.as_slice())).collect();
    let expected: [(&str, &[usize]); 7] = [
        ("count", &[3]),
        ("empty", &[0, 3]),
        ("parameter", &[2]),
        ("plain", &[2, 3]),
        ("row", &[4]),
        ("scalar", &[]),
        ("transposed", &[4, 2, 3]),
    ];
    assert_eq!(shapes, expected);
    let floats = |name: &str| match &tensors[name].numbers {
        Numbers::F32(numbers) => numbers.clone(),
        Numbers::I64(_) => panic!("{name} has integers"),
    };
    assert_eq!(floats("plain"), [1.5, -2.0, 0.25, 3.0, 1e-30, -1e30]);
    assert_eq!(floats("parameter"), [0.5, 0.125]);
    assert_eq!(floats("scalar"), [7.0]);
    // arange(24).reshape(2, 3, 4) / 8: the last row, and the axes moved.
    assert_eq!(floats("row"), [20.0, 21.0, 22.0, 23.0].map(|v: f32| v / 8.0));
    let moved: Vec<f32> = (0..4).flat_map(|k| (0..6).map(move |row| (4 * row + k) as f32 / 8.0)).collect();
    assert_eq!(floats("transposed"), moved);
    assert_eq!(tensors["count"].numbers, Numbers::I64(vec![1, -2, 1 << 40]));
}

/// The three pickles that every legacy file begins with.
const HEAD: &[u8] =
    b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}X\x0d\0\0\0little_endian\x88s.";

/// A legacy file whose object is the given pickle, without storages.
fn file_with(object: &[u8]) -> Vec<u8> {
    [HEAD, object, b"\x80\x02]."].concat()
}

/// A legacy file with one tensor `a` that says of itself what it is told to say; `data` follows the key list.
fn file_with_tensor(stored: i32, offset: i32, shape: &[i32], strides: &[i32], data: &[u8]) -> Vec<u8> {
    let int = |value: i32| [b"J".as_slice(), &value.to_le_bytes()].concat();
    let tuple = |values: &[i32]| {
        let items: Vec<u8> = values.iter().flat_map(|&value| int(value)).collect();
        [b"(", items.as_slice(), b"t"].concat()
    };
    let object = [
        b"\x80\x02}U\x01actorch._utils\n_rebuild_tensor_v2\n((U\x07storagectorch\nFloatStorage\nU\x010U\x03cpu"
            .as_slice(),
        &int(stored),
        b"NtQ",
        &int(offset),
        &tuple(shape),
        &tuple(strides),
        b"\x89}tRs.",
    ];
    [HEAD, &object.concat(), b"\x80\x02]U\x010a.", data].concat()
}

fn refusal(bytes: &[u8]) -> String {
    torch_legacy::read(bytes).err().unwrap_or_else(|| panic!("{:?} was read", bytes.escape_ascii().to_string()))
}

#[test]
fn code_in_a_pickle_is_refused_by_name() {
    let witness = std::env::temp_dir().join(format!("faceprobe-executed-{}", std::process::id()));
    let command = format!("touch {}", witness.display());
    let call =
        [b"\x80\x02cposix\nsystem\nU".as_slice(), &[command.len() as u8], command.as_bytes(), b"\x85R."].concat();
    for bytes in [file_with(&call), call.clone(), [HEAD, b"\x80\x02}.", &call].concat()] {
        let reason = refusal(&bytes);
        assert!(reason.contains("`posix.system`") || reason.contains("magic number"), "{reason}");
        assert!(!witness.exists());
    }
    for (object, expected) in [
        (b"\x80\x02c__builtin__\neval\n.".as_slice(), "`__builtin__.eval`"),
        (b"\x80\x02ctorch\nHalfStorage\n.", "`torch.HalfStorage`"),
        (b"\x80\x04\x8c\x05posix\x8c\x06system\x93.", "protocol 4"),
        (b"\x80\x02(U\x04trueios\nsystem\n.", "instruction 0x69"),
        (b"\x80\x02ccollections\nOrderedDict\nK\x01\x85R.", "OrderedDict"),
        (b"\x80\x02}}R.", "tuple of arguments"),
        (b"\x80\x02c\x1b[2J\nx\n.", "`[2J.x`"),
        (b"\x80\x02K\x05.", "dictionary"),
        (b"\x80\x02}.", "no tensors"),
        (b"\x80\x02t.", "more values than it made"),
        (b"\x80\x02K\x01(s.", "more values than it made"),
        (b"\x80\x02h\x05.", "memo 5"),
        (b"\x80\x02T\xff\xff\xff\xffabc", "truncated"),
    ] {
        let reason = refusal(&file_with(object));
        assert!(reason.contains(expected), "{expected}: {reason}");
    }
}

#[test]
fn sizes_that_lie_are_refused_without_the_memory_they_claim() {
    let numbers: Vec<u8> =
        [4_u64.to_le_bytes().to_vec(), [1.0_f32, 2.0, 3.0, 4.0].map(f32::to_le_bytes).concat()].concat();
    let good = file_with_tensor(4, 0, &[2, 2], &[2, 1], &numbers);
    assert_eq!(torch_legacy::read(&good).unwrap()["a"].numbers, Numbers::F32(vec![1.0, 2.0, 3.0, 4.0]));
    // The stride of an axis of length 1 means nothing, so it may say anything.
    let odd = file_with_tensor(4, 3, &[1, 1], &[i32::MAX, 1], &numbers);
    assert_eq!(torch_legacy::read(&odd).unwrap()["a"].numbers, Numbers::F32(vec![4.0]));

    let huge = [&(1_u64 << 60).to_le_bytes()[..], &numbers[8..]].concat();
    for (bytes, expected) in [
        (file_with_tensor(4, 0, &[2, 2], &[2, 1], &huge), "claims to have"),
        (file_with_tensor(4, 1, &[2, 2], &[2, 1], &numbers), "outside its storage"),
        (file_with_tensor(4, 0, &[3, 2], &[2, 1], &numbers), "outside its storage"),
        (file_with_tensor(4, 0, &[i32::MAX; 8], &[0; 8], &numbers), "outside its storage"),
        (file_with_tensor(4, 0, &[i32::MAX, 4], &[0, 1], &numbers), "more numbers than the file can hold"),
        (file_with_tensor(4, 0, &[2, 2], &[-2, 1], &numbers), "not described"),
        (file_with_tensor(4, 0, &[2, 2], &[2], &numbers), "not described"),
        (file_with_tensor(4, 0, &[1; 9], &[1; 9], &numbers), "not described"),
        (file_with_tensor(4, 0, &[2, 2], &[2, 1], &numbers[..20]), "truncated"),
        (file_with_tensor(i32::MAX, 0, &[1], &[1], &(i32::MAX as u64).to_le_bytes()), "truncated"),
    ] {
        let reason = refusal(&bytes);
        assert!(reason.contains(expected), "{expected}: {reason}");
    }
}

#[test]
fn deep_and_doubling_structures_end_in_a_sentence() {
    let deep = [b"\x80\x02)".as_slice(), &[0x85; 900_000], b"."].concat();
    assert!(refusal(&file_with(&deep)).contains("dictionary"));
    let doubling = [b"\x80\x02)".as_slice(), &b"q\0h\0\x86".repeat(100_000), b"."].concat();
    assert!(refusal(&file_with(&doubling)).contains("dictionary"));
    let endless = [b"\x80\x02".as_slice(), &b")".repeat(2_000_000)].concat();
    assert!(refusal(&file_with(&endless)).contains("more than 1000000 instructions"));
    // A list that holds itself, and a dictionary that is its own value.
    assert!(refusal(&file_with(b"\x80\x02]q\0h\0a.")).contains("dictionary"));
    assert!(refusal(&file_with(b"\x80\x02}q\0U\x01ah\0s.")).contains("no tensors"));
}

#[test]
fn no_damage_to_a_file_makes_the_reader_panic() {
    let bytes = std::fs::read(fixture("backbone_legacy.pth")).unwrap();
    for length in 0..bytes.len() {
        let reason = refusal(&bytes[..length]);
        assert!(!reason.is_empty() && !reason.contains('\n'), "{reason}");
    }
    let mut damaged = bytes.clone();
    for place in 0..bytes.len() {
        for mask in [0x01, 0x08, 0x80, 0xFF, bytes[place]] {
            damaged[place] ^= mask;
            // Damage to a number goes unnoticed here (the hash of the download is what notices); a panic would not.
            let _ = torch_legacy::read(&damaged);
            damaged[place] = bytes[place];
        }
    }
}
