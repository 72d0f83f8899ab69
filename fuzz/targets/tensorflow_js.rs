//! The first two bytes are the length of the JSON; the rest is the content of every file that it names.
#![no_main]

use faceprobe_fuzz::{format::Format, read_all_with};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    let (length, rest) = file.split_at_checked(2).unwrap_or((&[0, 0], file));
    let length = usize::from(u16::from_le_bytes([length[0], length[1]])).min(rest.len());
    let (json, numbers) = rest.split_at(length);
    read_all_with(Format::TensorFlowJs, json, numbers);
});
