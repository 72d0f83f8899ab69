//! Every format against its own library.

use super::files::{bytes, open};
use faceprobe_core::backbone::format::{Dtype, Format, TensorValues};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

#[derive(Deserialize)]
struct Expected {
    shape: Vec<usize>,
    values: Vec<f32>,
}

fn format_of(file: &str) -> Format {
    match file {
        "state.safetensors" => Format::SafeTensors,
        "legacy.pth" | "nested_legacy.pth" => Format::TorchLegacy,
        "tiny.onnx" => Format::Onnx,
        "tensorflow_js.json" => Format::TensorFlowJs,
        torch if torch.ends_with(".pth") => Format::TorchZip,
        _ => Format::KerasHdf5,
    }
}

#[test]
fn every_format_is_recognised_and_read_as_its_own_library_reads_it() {
    let expected: BTreeMap<String, BTreeMap<String, Expected>> =
        serde_json::from_slice(&bytes("expected.json")).unwrap();
    assert_eq!(expected.len(), 12);
    for (file, tensors) in &expected {
        let checkpoint = open(bytes(file)).unwrap_or_else(|reason| panic!("{file}: {reason}"));
        assert_eq!(checkpoint.format(), format_of(file), "{file}");
        let names: Vec<&String> = checkpoint.tensors().keys().collect();
        assert_eq!(names, tensors.keys().collect::<Vec<_>>(), "{file}");
        for (name, expected) in tensors {
            let tensor = checkpoint.read(name).unwrap();
            assert_eq!(tensor.shape, expected.shape, "{file} {name}");
            let values: Vec<f32> = match &tensor.numbers {
                TensorValues::F32(values) => values.clone(),
                TensorValues::I64(values) => values.iter().map(|&value| value as f32).collect(),
            };
            // A file of the fixture has one layer each in 16, 32 and 64 bits; Python prints all its digits.
            let narrow = checkpoint.tensors()[name].dtype == Dtype::F16 && format_of(file) == Format::KerasHdf5;
            for (value, expected) in values.iter().zip(&expected.values) {
                let exact = value == expected || (narrow && (value - expected).abs() <= 1e-3 * expected.abs());
                assert!(exact, "{file} {name}: {value} is not {expected}");
            }
            assert_eq!(values.len(), expected.values.len(), "{file} {name}");
        }
        assert!(checkpoint.read("nobody").unwrap_err().contains("not there"));
    }
}

#[test]
fn a_keras_archive_is_read_as_the_weights_in_it() {
    let inside = bytes("keras3.weights.h5");
    let plain = open(inside.clone()).unwrap();
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(method);
        for (name, content) in
            [("metadata.json", b"{}".as_slice()), ("config.json", b"{}"), ("model.weights.h5", &inside)]
        {
            zip.start_file(name, options).unwrap();
            zip.write_all(content).unwrap();
        }
        let archive = zip.finish().unwrap().into_inner();
        let checkpoint = open(archive.clone()).unwrap();
        assert_eq!(checkpoint.format(), Format::KerasZip);
        assert_eq!(checkpoint.tensors(), plain.tensors());
        for name in plain.tensors().keys() {
            assert_eq!(checkpoint.read(name), plain.read(name), "{name}");
        }
        // Every eleventh byte: none of them may make the reader panic, and what is read is what is there.
        for place in (0..archive.len()).step_by(11) {
            let mut damaged = archive.clone();
            damaged[place] ^= 0xFF;
            if let Err(reason) = open(damaged) {
                assert!(!reason.contains('\n') && !reason.is_empty(), "{reason:?}");
            }
        }
        assert!(open(&archive[..archive.len() - 30]).is_err());
    }
}

#[test]
fn foreign_files_are_distinguished_from_damaged_ones() {
    for (content, part) in [
        (b"".as_slice(), "empty"),
        (b"\n <!DOCTYPE html><html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:", "git lfs pull"),
        (b"\xFF\xD8\xFF\xE0 a photograph", "none of the formats"),
        (b"\x80\x02}q\0.", "magic number"),
        (b"PK\x03\x04 and no more", "zip archive"),
        (b"\x89HDF\r\n\x1a\n and no more", "HDF5"),
        (b"\x08\x07", "not an ONNX model"),
        (b"{\"a\": 1}", "not a model.json of TensorFlow.js"),
        (b"{\"weightsManifest\": []}", "without weights"),
    ] {
        let reason = open(content).err().unwrap();
        assert!(reason.contains(part) && !reason.contains('\n'), "{part}: {reason}");
    }
    let reason = open(bytes("keras30.weights.h5")).err().unwrap();
    assert!(reason.contains("two layers called"), "{reason}");
}
