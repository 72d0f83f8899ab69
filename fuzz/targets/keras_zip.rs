#![no_main]

use faceprobe_fuzz::{format::Format, read_all};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| read_all(Format::KerasZip, file));
