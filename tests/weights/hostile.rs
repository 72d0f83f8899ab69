//! Malicious and damaged files: one sentence, no panic, memory within a small multiple of the file.

use super::files::{bytes, header, open};
use faceprobe_core::backbone::format::TensorValues;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{Cursor, Write};
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

/// Counts what each thread has allocated.
struct Counting;

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn add(change: isize) {
    // While a thread ends there is nothing to count in.
    let _ = LIVE.try_with(|live| {
        live.set(live.get() + change);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(live.get())));
    });
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size() as isize);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        add(-(layout.size() as isize));
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Opens a file and reads all of it: the first thing that is wrong, if anything. Memory is bounded, whatever happens.
fn fault(file: &[u8]) -> Option<String> {
    let before = LIVE.get();
    PEAK.set(before);
    let fault = match open(file) {
        Err(reason) => Some(reason),
        Ok(checkpoint) => checkpoint.tensors().keys().find_map(|name| checkpoint.read(name).err()),
    };
    let used = (PEAK.get() - before) as usize;
    // The reader of HDF5 reserves up to 9.4 MB for an object that claims to have 65,535 messages.
    let allowed = 80 * file.len() + (16 << 20);
    assert!(used <= allowed, "{used} bytes for a file of {}", file.len());
    if let Some(reason) = &fault {
        assert!(!reason.is_empty() && !reason.contains('\n') && reason.len() < 1000, "{reason:?}");
    }
    fault
}

fn refusal(file: &[u8]) -> String {
    fault(file).unwrap_or_else(|| panic!("{} ... was read", file[..file.len().min(80)].escape_ascii()))
}

/// The three pickles that every legacy file begins with.
const HEAD: &[u8] =
    b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}X\x0d\0\0\0little_endian\x88s.";

/// A legacy file whose object is the given pickle, without storages.
fn file_with(object: &[u8]) -> Vec<u8> {
    [HEAD, object, b"\x80\x02]."].concat()
}

/// A pickle with one tensor `a` that says of itself what it is told to say.
fn pickle_with_tensor(stored: i32, offset: i32, shape: &[i32], strides: &[i32]) -> Vec<u8> {
    let int = |value: i32| [b"J".as_slice(), &value.to_le_bytes()].concat();
    let tuple = |values: &[i32]| {
        let items: Vec<u8> = values.iter().flat_map(|&value| int(value)).collect();
        [b"(", items.as_slice(), b"t"].concat()
    };
    let object = [
        b"\x80\x02}U\x01actorch._utils\n_rebuild_tensor_v2\n((U\x07storagectorch\nFloatStorage\nU\x010U\x03cpu"
            .as_slice(),
        &int(stored),
        b"tQ",
        &int(offset),
        &tuple(shape),
        &tuple(strides),
        b"\x89}tRs.",
    ];
    object.concat()
}

/// The legacy file of it; `data` follows the key list.
fn file_with_tensor(stored: i32, offset: i32, shape: &[i32], strides: &[i32], data: &[u8]) -> Vec<u8> {
    [HEAD, &pickle_with_tensor(stored, offset, shape, strides), b"\x80\x02]U\x010a.", data].concat()
}

/// A zip archive of torch.save with these members.
fn archive(members: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        zip.start_file(format!("a/{name}"), SimpleFileOptions::default().compression_method(method)).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn code_in_a_pickle_is_refused_by_name() {
    let witness = std::env::temp_dir().join(format!("faceprobe-executed-{}", std::process::id()));
    let command = format!("touch {}", witness.display());
    let call =
        [b"\x80\x02cposix\nsystem\nU".as_slice(), &[command.len() as u8], command.as_bytes(), b"\x85R."].concat();
    let zipped = archive(&[("data.pkl", &call)], CompressionMethod::Stored);
    for file in [file_with(&call), call.clone(), [HEAD, b"\x80\x02}.", &call].concat(), zipped] {
        let reason = refusal(&file);
        // Where it stands in the place of something else, that is what is told.
        let told = ["`posix.system`", "magic number", "no tensors"].iter().any(|part| reason.contains(part));
        assert!(told, "{reason}");
        assert!(!witness.exists());
    }
    for (object, expected) in [
        (b"\x80\x02c__builtin__\neval\n.".as_slice(), "`__builtin__.eval`"),
        (b"\x80\x02ctorch\nload\n.", "`torch.load`"),
        (b"\x80\x04\x8c\x05posix\x8c\x06system\x93.", "`posix.system`"),
        (b"\x80\x02(U\x04trueios\nsystem\n.", "`os.system`"),
        (b"\x80\x06N.", "protocol 6"),
        (b"\x80\x02ccollections\nOrderedDict\nK\x01\x85R.", "no tensors"),
        (b"\x80\x02}}R.", "tuple of arguments"),
        (b"\x80\x02c\x1b[2J\nx\n.", "`[2J.x`"),
        (b"\x80\x02K\x05.", "dictionary"),
        (b"\x80\x02}.", "no tensors"),
        (b"\x80\x02t.", "more values than it made"),
        (b"\x80\x02K\x01(s.", "more values than it made"),
        (b"\x80\x02h\x05.", "memo 5"),
        (b"\x80\x02U\x01aQ.", "not a storage"),
        (b"\x80\x02T\xff\xff\xff\xffabc", "truncated"),
    ] {
        let reason = refusal(&file_with(object));
        assert!(reason.contains(expected), "{expected}: {reason}");
    }
}

#[test]
fn sizes_that_lie_are_refused_without_the_memory_they_claim() {
    let values: Vec<u8> = [1.0_f32, 2.0, 3.0, 4.0].map(f32::to_le_bytes).concat();
    let numbers = [&4_u64.to_le_bytes()[..], &values].concat();
    let good = file_with_tensor(4, 0, &[2, 2], &[2, 1], &numbers);
    assert_eq!(open(good).unwrap().read("a").unwrap().numbers, TensorValues::F32(vec![1.0, 2.0, 3.0, 4.0]));
    // The stride of an axis of length 1 means nothing, so it may say anything.
    let odd = file_with_tensor(4, 3, &[1, 1], &[i32::MAX, 1], &numbers);
    assert_eq!(open(odd).unwrap().read("a").unwrap().numbers, TensorValues::F32(vec![4.0]));

    let huge = [&(1_u64 << 60).to_le_bytes()[..], &values].concat();
    for (file, expected) in [
        (file_with_tensor(4, 0, &[2, 2], &[2, 1], &huge), "claims to have"),
        (file_with_tensor(4, 1, &[2, 2], &[2, 1], &numbers), "outside its storage"),
        (file_with_tensor(4, 0, &[3, 2], &[2, 1], &numbers), "outside its storage"),
        (file_with_tensor(4, 0, &[i32::MAX; 8], &[0; 8], &numbers), "more numbers than the file can hold"),
        (file_with_tensor(4, 0, &[i32::MAX, 4], &[0, 1], &numbers), "more numbers than the file can hold"),
        (file_with_tensor(4, 0, &[2, 2], &[-2, 1], &numbers), "not described"),
        (file_with_tensor(4, 0, &[2, 2], &[2], &numbers), "not described"),
        (file_with_tensor(4, 0, &[1; 9], &[1; 9], &numbers), "not described"),
        (file_with_tensor(4, 0, &[2, 2], &[2, 1], &numbers[..20]), "truncated"),
        (file_with_tensor(i32::MAX, 0, &[1], &[1], &(i32::MAX as u64).to_le_bytes()), "truncated"),
    ] {
        let reason = refusal(&file);
        assert!(reason.contains(expected), "{expected}: {reason}");
    }
}

#[test]
fn deep_and_doubling_pickles_end_in_a_sentence() {
    let deep = [b"\x80\x02)".as_slice(), &[0x85; 900_000], b"."].concat();
    assert!(refusal(&file_with(&deep)).contains("dictionary"));
    let doubling = [b"\x80\x02)".as_slice(), &b"q\0h\0\x86".repeat(100_000), b"."].concat();
    assert!(refusal(&file_with(&doubling)).contains("dictionary"));
    let endless = [b"\x80\x02".as_slice(), &b")".repeat(2_000_000)].concat();
    assert!(refusal(&file_with(&endless)).contains("more than 1000000 instructions"));
    // A list that holds itself, a dictionary that is its own value, and one that is its own state_dict.
    assert!(refusal(&file_with(b"\x80\x02]q\0h\0a.")).contains("dictionary"));
    assert!(refusal(&file_with(b"\x80\x02}q\0U\x01ah\0s.")).contains("no tensors"));
    assert!(refusal(&file_with(b"\x80\x02}q\0U\x0astate_dicth\0s.")).contains("no tensors"));
}

#[test]
fn archives_that_are_not_what_they_say_are_refused() {
    let (stored, deflated) = (CompressionMethod::Stored, CompressionMethod::Deflated);
    let four = pickle_with_tensor(4, 0, &[2, 2], &[2, 1]);
    let good = archive(&[("data.pkl", &four), ("data/0", &[0; 16])], deflated);
    assert_eq!(fault(&good), None);
    let many = pickle_with_tensor(16 << 20, 0, &[16 << 20], &[1]);
    let zeros = vec![0; 64 << 20];
    let bomb = archive(&[("data.pkl", &four), ("data/0", &zeros)], deflated);
    let pickle_bomb = archive(&[("data.pkl", &[zeros.as_slice(), &zeros, &[0]].concat())], deflated);
    for (file, expected) in [
        (archive(&[("data.pkl", &four)], stored), "data/0"),
        (archive(&[("data.pkl", &four), ("data/0", &[0; 15])], stored), "outside its storage"),
        (archive(&[("data.pkl", &four), ("byteorder", b"big")], stored), "big-endian"),
        (archive(&[("data.pkl", &four), ("constants.pkl", b"")], stored), "TorchScript"),
        (archive(&[("version", b"3")], stored), "without the `data.pkl`"),
        (archive(&[("data.pkl", &many), ("data/0", &zeros)], deflated), "more numbers than the file can hold"),
        (bomb, "to more than it may"),
    ] {
        let reason = refusal(&file);
        assert!(reason.contains(expected), "{expected}: {reason}");
    }
    // Not through `refusal`: a pickle may always have some megabytes.
    let reason = open(pickle_bomb).err().unwrap();
    assert!(reason.contains("`data.pkl` to more than it may"), "{reason}");
    // The same for a model of Keras: a bomb, a member that is something else, one that claims more than there is.
    let keras = |content: &[u8], method| {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("model.weights.h5", SimpleFileOptions::default().compression_method(method)).unwrap();
        zip.write_all(content).unwrap();
        zip.finish().unwrap().into_inner()
    };
    assert!(refusal(&keras(&zeros, deflated)).contains("to more than it may"));
    assert!(refusal(&keras(b"no HDF5", stored)).contains("is not HDF5"));
    let mut longer = keras(&bytes("keras3.weights.h5"), stored);
    let directory = longer.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
    longer[directory + 20..][..8].copy_from_slice(&[0xF0; 8]);
    assert!(!refusal(&longer).is_empty());

    let mut damaged = good.clone();
    let at = damaged.windows(8).position(|window| window == b"a/data/0").unwrap() + 8;
    damaged[at] ^= 1;
    assert!(refusal(&damaged).contains("cannot be unpacked"));
}

#[test]
fn safetensors_that_lie_are_refused() {
    let one =
        |header: &str, data: usize| [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &vec![0; data]].concat();
    let tensor = |name: &str, start: usize, end: usize| {
        format!(r#""{name}":{{"dtype":"F32","shape":[2],"data_offsets":[{start},{end}]}}"#)
    };
    assert_eq!(fault(&one(&format!("{{{},{}}}", tensor("a", 0, 8), tensor("b", 8, 16)), 16)), None);
    for file in [
        [&(1_u64 << 60).to_le_bytes()[..], b"{\"a\":"].concat(),
        one(&format!("{{{},{}}}", tensor("a", 0, 8), tensor("b", 4, 12)), 12),
        one(&format!("{{{},{}}}", tensor("a", 0, 8), tensor("b", 12, 20)), 20),
        one(&format!("{{{}}}", tensor("a", 0, 12)), 12),
        one(&format!("{{{}}}", tensor("a", 0, 8)), 7),
        one(&format!("{{{}}}", tensor("a", 8, 0)), 8),
        one(r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}"#, 8),
        one(&format!("{{\"a\":{}", "[".repeat(100_000)), 0),
    ] {
        assert!(refusal(&file).contains("safetensors header is damaged"), "{}", refusal(&file));
    }
    let (mut whole, data) = header(&[("a".into(), vec![1 << 20])]);
    whole.resize(whole.len() + data - 1, 0);
    assert!(refusal(&whole).contains("damaged"));
}

#[test]
fn a_reason_that_quotes_a_foreign_name_stays_one_line() {
    // Found by the fuzzer, in sentences of the libraries for HDF5 and for safetensors. The second time that the
    // name is in this file, it is in the list of layers.
    let mut file = bytes("keras_2016.h5");
    let named: Vec<usize> = (0..file.len()).filter(|&at| file[at..].starts_with(b"inner_norm")).take(2).collect();
    file[named[1]..named[1] + 10].copy_from_slice(b"in\x1b\nr_norm");
    let reason = refusal(&file);
    assert!(reason.contains("inr_norm") && !reason.contains('\x1b'), "{reason}");

    let header = br#"{"li\nne":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#;
    let file = [&(header.len() as u64).to_le_bytes()[..], header, &[0; 12]].concat();
    assert!(refusal(&file).contains("line"), "{}", refusal(&file));
}

/// A protobuf field of bytes.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut length = content.len();
    let mut bytes = vec![number << 3 | 2];
    while length >= 0x80 {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    [bytes.as_slice(), content].concat()
}

/// A model with these initializers.
fn model(tensors: &[Vec<u8>]) -> Vec<u8> {
    let graph: Vec<u8> = tensors.iter().flat_map(|tensor| field(5, tensor)).collect();
    [b"\x08\x08".as_slice(), &field(7, &graph)].concat()
}

#[test]
fn onnx_that_lies_is_refused() {
    let named = |rest: &[u8]| [field(8, b"a").as_slice(), b"\x10\x01", rest].concat();
    assert_eq!(fault(&model(&[named(&[b"\x08\x02".as_slice(), &field(9, &[0; 8])].concat())])), None);
    let nested = (0..2000).fold(vec![], |inner: Vec<u8>, _| field(7, &inner));
    for (file, expected) in [
        (model(&[named(b"\x08\x03")]), "another number of values"),
        (model(&[named(b"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x10")]), "more numbers than the file can hold"),
        (model(&[named(b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")]), "a shape that is none"),
        (model(&[named(&[0x08, 1].repeat(9))]), "a shape that is none"),
        (model(&[named(b"\x08\x01\x70\x01")]), "its tensor `a`"),
        (model(&[named(b""), named(b"")]), "two tensors called"),
        (model(&[b"\x42\xff\xff\xff\xff\xff\xff\xff\xff\x0f".to_vec()]), "damaged"),
        (b"\x08\x08\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x0f".to_vec(), "damaged or truncated"),
        ([b"\x08\x08".as_slice(), &nested].concat(), "not an ONNX model"),
        (b"\x08\x08\x3b\x3b\x3b\x3b".to_vec(), "damaged or truncated"),
        // A million empty tensors in two bytes each.
        (model(&vec![vec![]; 1_000_000]), "two tensors called"),
    ] {
        let reason = refusal(&file);
        assert!(reason.contains(expected), "{expected}: {reason}");
    }
}

#[test]
fn tensorflow_js_that_lies_is_refused() {
    let first = "tensorflow_js-group1-shard1of2.bin";
    let whole = String::from_utf8(bytes("tensorflow_js.json")).unwrap();
    assert_eq!(fault(whole.as_bytes()), None);
    let one = |paths: &str, weight: &str| {
        format!(r#"{{"weightsManifest": [{{"paths": [{paths}], "weights": [{weight}]}}]}}"#).into_bytes()
    };
    let weight = |shape: &str, dtype: &str| format!(r#"{{"name": "a", "shape": {shape}, "dtype": "{dtype}"}}"#);
    let named = |path: &str| one(&format!("\"{path}\""), &weight("[1]", "float32"));
    let many = vec![format!("\"{first}\""); 20_000].join(",");
    for (file, expected) in [
        (named("/etc/hostname"), "only files beside it"),
        (named("../weights/tensorflow_js.json"), "only files beside it"),
        (named(".."), "only files beside it"),
        (named("a\\\\b"), "only files beside it"),
        (named("nowhere.bin"), "nowhere.bin"),
        (named(first), "of another model"),
        (one(&many, &weight("[1]", "float32")), "twice"),
        (one(&format!("\"{first}\""), &weight("[4611686018427387904, 4]", "float32")), "more numbers than"),
        (one(&format!("\"{first}\""), &weight("[13]", "float32")), "more numbers than"),
        (one(&format!("\"{first}\""), &weight("[1,1,1,1,1,1,1,1,1]", "float32")), "a shape that is none"),
        (one(&format!("\"{first}\""), &weight("[-1]", "float32")), "not a model.json"),
        (one(&format!("\"{first}\""), &weight("[1]", "str\\ning")), "unknown here: `string`"),
        (one("", &[weight("[0]", "float32"), weight("[0]", "float32")].join(",")), "two tensors called"),
        (one("", &vec![weight("[0]", "float32"); 200_000].join(",")), "two tensors called"),
        (format!("{{\"a\":{}", "[".repeat(100_000)).into_bytes(), "not a model.json"),
        (whole.replace("\"uint8\"", "\"uint4\"").into_bytes(), "unknown here: `uint4`"),
    ] {
        let reason = refusal(&file);
        assert!(reason.contains(expected), "{expected}: {reason}");
    }
    // A file that was cut off, and one that is too long.
    for (from, to) in [("[2, 3, 4]", "[2, 3, 5]"), ("[2, 3, 4]", "[2, 3, 3]")] {
        let reason = refusal(whole.replace(from, to).as_bytes());
        assert!(reason.contains("more numbers") || reason.contains("another model"), "{reason}");
    }
}

#[test]
fn no_damage_to_a_file_makes_a_reader_panic() {
    for (name, step) in [
        ("state.safetensors", 1),
        ("legacy.pth", 1),
        ("nested_legacy.pth", 1),
        ("tiny.onnx", 1),
        ("zip.pth", 3),
        ("deflated.pth", 3),
        ("tensorflow_js.json", 1),
        ("keras_legacy.h5", 13),
        ("keras3.weights.h5", 13),
        ("keras_2016.h5", 13),
    ] {
        let file = bytes(name);
        assert_eq!(fault(&file), None, "{name}");
        for length in (0..file.len()).step_by(step) {
            let _ = fault(&file[..length]);
        }
        let mut damaged = file.clone();
        for place in (0..file.len()).step_by(step) {
            for mask in [0x01, 0x80, 0xFF, file[place]] {
                damaged[place] ^= mask;
                // Damage to a number goes unnoticed here (the hash of the download is what notices); a panic would not.
                let _ = fault(&damaged);
                damaged[place] = file[place];
            }
        }
    }
}
