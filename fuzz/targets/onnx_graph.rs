//! What lies beside the file, by whatever name, is the file itself.
#![no_main]

use faceprobe_fuzz::cut;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| cut(file, file));
