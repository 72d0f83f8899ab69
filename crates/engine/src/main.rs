//! `faceprobe-worker`, the compute process that `faceprobe` starts.

use std::process::ExitCode;

fn main() -> ExitCode {
    faceprobe_engine::commands::main()
}
