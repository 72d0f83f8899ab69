//! What lies beside the file, by whatever name, is the file itself.
#![no_main]

use faceprobe_fuzz::{format::Format, read_all_with};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| read_all_with(Format::Onnx, file, file));
