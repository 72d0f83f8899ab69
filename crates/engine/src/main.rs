//! `faceprobe-worker`: what computes. The program starts it; people do not.

use std::process::ExitCode;

fn main() -> ExitCode {
    faceprobe_engine::commands::main()
}
