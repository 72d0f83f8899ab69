//! Half of the inputs are archives. The other half, which begin with 0xFF, are the content of one: the length of a
//! pickle in two bytes, the pickle, and then the values of its storages `0`, `1` and `2`, which are the same; an
//! archive's checksums would keep the fuzzer from changing those.
#![no_main]

use faceprobe_fuzz::{format::Format, read_all};
use libfuzzer_sys::fuzz_target;
use std::io::{Cursor, Write};
use zip::write::{SimpleFileOptions, ZipWriter};

fn archive(content: &[u8]) -> zip::result::ZipResult<Vec<u8>> {
    let (length, rest) = content.split_at_checked(2).unwrap_or((&[0, 0], content));
    let length = usize::from(u16::from_le_bytes([length[0], length[1]])).min(rest.len());
    let (pickle, numbers) = rest.split_at(length);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in [("a/data.pkl", pickle), ("a/data/0", numbers), ("a/data/1", numbers), ("a/data/2", numbers)] {
        zip.start_file(name, stored)?;
        zip.write_all(bytes)?;
    }
    Ok(zip.finish()?.into_inner())
}

fuzz_target!(|file: &[u8]| match file.strip_prefix(b"\xFF") {
    None => read_all(Format::TorchZip, file),
    Some(content) => read_all(Format::TorchZip, &archive(content).unwrap_or_default()),
});
