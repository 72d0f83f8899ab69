//! Runs the worker program. Computation is in a process of its own, so that libtorch is loaded only where it is needed
//! and a crash in it ends no session.

use crate::error::{AtPath, Error, Result};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Its file name.
const NAME: &str = "faceprobe-worker";

/// The path of the worker program: `$FACEPROBE_WORKER`, or next to the running program or one folder above it (cargo
/// puts programs above the folder of tests).
///
/// # Errors
/// None of these exists.
pub fn program() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("FACEPROBE_WORKER").filter(|path| !path.is_empty()) {
        return Ok(path.into());
    }
    let own = std::env::current_exe().map_err(|error| {
        Error::failed(format!("The program's own file cannot be found ({error}); start it by its full path."))
    })?;
    let own = own.canonicalize().unwrap_or(own);
    let candidates = own.ancestors().skip(1).take(2).map(|folder| folder.join(NAME));
    candidates.into_iter().find(|path| path.is_file()).ok_or_else(|| {
        let folder = own.parent().unwrap_or(Path::new("/"));
        Error::file(
            &folder.join(NAME),
            "is not there; install it beside faceprobe (make build makes both), or name it in FACEPROBE_WORKER",
        )
    })
}

/// A command for the worker program, with empty standard input.
pub fn command(args: &[&str]) -> Result<Command> {
    let mut command = Command::new(program()?);
    command.args(args).stdin(Stdio::null());
    Ok(command)
}

/// Runs the worker program to its end and returns its standard output.
///
/// # Errors
/// The worker's error; a program that does not start, or is killed by a signal.
pub fn answer(args: &[&str]) -> Result<Vec<u8>> {
    let program = program()?;
    let output = command(args)?.output().at(&program)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().map(str::trim).rfind(|line| !line.is_empty());
    Err(match (last, output.status.code()) {
        (Some(sentence), Some(_)) => Error::failed(sentence.to_owned()),
        _ => Error::file(&program, format!("ended without an answer ({})", output.status)),
    })
}
