//! Shared fixtures, and generated safetensors files.

use bytes::Bytes;
use faceprobe_core::backbone::format::Checkpoint;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/weights").join(name)
}

pub fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(fixture(name)).unwrap()
}

/// Opens what lies among the fixtures.
pub fn open(bytes: impl Into<Vec<u8>>) -> Result<Checkpoint, String> {
    let beside = |name: &str| std::fs::read(fixture(name)).map(Bytes::from).map_err(|_| format!("lacks {name}"));
    Checkpoint::open_beside(&Bytes::from(bytes.into()), &beside)
}

pub fn count(shape: &[usize]) -> usize {
    shape.iter().product()
}

/// The header of a safetensors file of 32-bit floats, and how many bytes of them follow.
pub fn header(tensors: &[(String, Vec<usize>)]) -> (Vec<u8>, usize) {
    let mut at = 0;
    let mut fields = Vec::new();
    for (name, shape) in tensors {
        let end = at + 4 * count(shape);
        fields.push(format!(r#""{name}":{{"dtype":"F32","shape":{shape:?},"data_offsets":[{at},{end}]}}"#));
        at = end;
    }
    let json = format!("{{{}}}", fields.join(","));
    ([&(json.len() as u64).to_le_bytes(), json.as_bytes()].concat(), at)
}

/// Writes a safetensors file of 32-bit floats.
pub fn write(path: &Path, tensors: &[(String, Vec<usize>, Vec<f32>)]) {
    let shapes: Vec<_> = tensors.iter().map(|(name, shape, _)| (name.clone(), shape.clone())).collect();
    let mut file = std::io::BufWriter::new(File::create(path).unwrap());
    file.write_all(&header(&shapes).0).unwrap();
    for (_, shape, values) in tensors {
        assert_eq!(count(shape), values.len());
        for value in values {
            file.write_all(&value.to_le_bytes()).unwrap();
        }
    }
    file.flush().unwrap();
}

/// A file with these names and shapes whose numbers, all zero, take no room on the disk.
pub fn hollow(tensors: &[(String, Vec<usize>)]) -> Checkpoint {
    let (header, data) = header(tensors);
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&header).unwrap();
    file.set_len((header.len() + data) as u64).unwrap();
    // SAFETY: the file has no name, so nobody else can change it.
    let map = unsafe { memmap2::Mmap::map(&file) }.unwrap();
    Checkpoint::open(&Bytes::from_owner(map)).unwrap()
}
