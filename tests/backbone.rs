//! The registry, and the reader of foreign weights against friendly and hostile files.
//! Fixtures: `fixtures/backbone_reference.py`.

use faceprobe::backbone::torch_legacy::{self, Numbers};
use faceprobe::backbone::weights::canonical;
use faceprobe::backbone::{self, Format};
use std::path::Path;

const LITE0: &str = "efficientnet-lite0";

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
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
