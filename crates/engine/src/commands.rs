//! The worker's commands. The first argument is one of:
//!
//! | command | does |
//! |---|---|
//! | `run WORKSPACE RUN [INDEX/OF]` | the work of a run, or a share of it |
//! | `answer WORKSPACE DEVICE THREADS [MODEL]` | predictions, a request and a reply a line |
//! | `predict REQUEST PATH…` | predictions of many inputs; the request is JSON, the replies a line each |
//! | `trial FILE SIDE` | what a TorchScript file gives for pictures of a side, as JSON |
//! | `onnx-trial REQUEST` | what an ONNX file gives, as JSON, and the part of it that is needed as a file; the request is JSON |
//! | `devices` | what libtorch can run on here |

use crate::backbone::{device, onnx, torchscript};
use crate::predict::{Batch, BatchReply, Predictor, batch, serve};
use crate::work;
use faceprobe_core::error::{Error, ErrorKind, Result};
use faceprobe_core::predict::Reply;
use faceprobe_core::text::{line, lines};
use faceprobe_core::workspace::Workspace;
use serde::Serialize;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// Entry point of the worker. A panic becomes one sentence and exit code 1.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    std::panic::set_hook(Box::new(|info| {
        say_on_stderr(&format!("this is a bug: {info}. What was finished is kept; please report the line above."));
    }));
    // With the signal ignored, a file size limit becomes an error with a sentence instead of a kill.
    let _ = signal_hook::flag::register(libc::SIGXFSZ, Arc::default());
    match std::panic::catch_unwind(|| dispatch(&arguments)) {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => {
            say_on_stderr(&line(&error.to_string()));
            ExitCode::from(if error.kind() == ErrorKind::Usage { 2 } else { 1 })
        }
        Err(_) => ExitCode::FAILURE,
    }
}

fn dispatch(arguments: &[OsString]) -> Result<ExitCode> {
    let text = |argument: &OsString| argument.to_str().map(str::to_owned).ok_or_else(misused);
    let command = arguments.first().and_then(|command| command.to_str()).unwrap_or_default();
    match (command, arguments.get(1..).unwrap_or_default()) {
        ("run", [workspace, run, share @ ..]) if share.len() < 2 => {
            let share = share.first().map(text).transpose()?.map(|share| share.parse()).transpose()?;
            Ok(work::main(&Workspace::open(Path::new(workspace))?, &text(run)?, share))
        }
        ("answer", [workspace, device, threads, model @ ..]) if model.len() < 2 => {
            let workspace = Workspace::open(Path::new(workspace))?;
            let threads = text(threads)?.parse().map_err(|_| misused())?;
            let model = model.first().map(text).transpose()?;
            answer(&workspace, model.as_deref(), &text(device)?, threads)?;
            Ok(ExitCode::SUCCESS)
        }
        ("predict", [request, paths @ ..]) => {
            let batch: Batch = serde_json::from_str(&text(request)?).map_err(|_| misused())?;
            let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
            batch::answer(&batch, &paths, &mut |reply| say(reply)).or_else(|error| say(&BatchReply::from(&error)))?;
            Ok(ExitCode::SUCCESS)
        }
        ("trial", [file, side]) => {
            let side = text(side)?.parse().map_err(|_| misused())?;
            let output = torchscript::trial(Path::new(file), side).map_err(Error::failed)?;
            say(&output)?;
            Ok(ExitCode::SUCCESS)
        }
        ("onnx-trial", [request]) => {
            let asked = serde_json::from_str(&text(request)?).map_err(|_| misused())?;
            say(&onnx::trial(&asked).map_err(Error::failed)?)?;
            Ok(ExitCode::SUCCESS)
        }
        ("devices", []) => {
            write(device::describe().as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        _ => Err(misused()),
    }
}

/// Writes a message to standard error, which is the program's or a run's log; both may be shown on a terminal.
#[allow(clippy::disallowed_methods, reason = "here is the filter")]
pub(crate) fn say_on_stderr(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", lines(text));
}

fn misused() -> Error {
    Error::usage("faceprobe-worker is started by faceprobe; run 'faceprobe --help' instead.")
}

fn answer(workspace: &Workspace, model: Option<&str>, device: &str, threads: usize) -> Result<()> {
    match Predictor::load(workspace, model, device, threads) {
        Ok(predictor) => serve(&predictor, std::io::stdin().lock(), say),
        Err(error) => {
            say(&Reply::Refused { error: error.to_string() })?;
            Err(error)
        }
    }
}

/// Writes a line of JSON for the calling program.
fn say(what: &impl Serialize) -> Result<()> {
    let mut line = serde_json::to_vec(what).map_err(|error| Error::failed(error.to_string()))?;
    line.push(b'\n');
    write(&line)
}

#[allow(clippy::disallowed_methods, reason = "a program reads it, not a terminal")]
fn write(bytes: &[u8]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes)
        .and_then(|()| out.flush())
        .map_err(|error| Error::failed(format!("The program that asked is gone ({error}).")))
}
