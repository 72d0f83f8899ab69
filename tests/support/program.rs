//! The real binary on a workspace.

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// With nothing on its standard input.
pub fn command(workspace: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_faceprobe"));
    command.arg("--workspace").arg(workspace).args(args).stdin(Stdio::null());
    command
}

pub fn run(workspace: &Path, args: &[&str]) -> Output {
    command(workspace, args).output().expect("the binary starts")
}

/// What it prints, once it has ended well.
pub fn ok(workspace: &Path, args: &[&str]) -> String {
    let output = run(workspace, args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The same as JSON.
pub fn json(workspace: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&ok(workspace, args)).expect("standard output is one JSON value")
}
