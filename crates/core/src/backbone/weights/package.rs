//! Runs a package manager (pip, npm) with cancellation and readable errors.

use crate::error::{AtPath, Error, Result};
use crate::monitor::Monitor;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Maximum size of an unpacked weights file.
pub(super) const MAX_MEMBER_BYTES: u64 = 2 << 30;

/// How a program ended.
pub(super) enum Outcome {
    Done,
    /// With what it printed to standard error.
    Failed(String),
    /// The program does not exist.
    NotFound,
}

/// Runs a command to its end, or until the monitor asks to stop; its messages are written to `folder`.
///
/// # Errors
/// A stop; a program that exists and cannot be started.
pub(super) fn run(mut command: Command, folder: &Path, monitor: &dyn Monitor) -> Result<Outcome> {
    let name = command.get_program().to_string_lossy().into_owned();
    // To a file, not a pipe: nothing reads while it runs, and a full pipe would block it.
    let messages = folder.join("messages.txt");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&messages).at(&messages)?);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Outcome::NotFound),
        Err(error) => return Err(Error::failed(format!("{name} could not be started ({error})."))),
    };
    let status = loop {
        if let Some(status) = child.try_wait().map_err(|error| Error::failed(format!("{name} was lost ({error}).")))? {
            break status;
        }
        if monitor.stopped() {
            // It may just have ended; after the wait it is gone in either case.
            let _ = child.kill();
            let _ = child.wait();
            return Err(Error::stopped());
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    if status.success() {
        return Ok(Outcome::Done);
    }
    Ok(Outcome::Failed(String::from_utf8_lossy(&fs::read(&messages).unwrap_or_default()).into_owned()))
}

/// The line that explains why a program failed: the last one that contains `word`, or the last one. The error is a
/// whole sentence, about a full disk.
pub(super) fn reason(requirement: &str, messages: &str, word: &str) -> Result<String, String> {
    let low = messages.to_lowercase();
    if low.contains("no space left") || low.contains("enospc") {
        return Err(format!(
            "The disk filled up while downloading {requirement}: free some space and run the same command again."
        ));
    }
    let lines = || messages.lines().map(str::trim).filter(|line| !line.is_empty());
    let error = lines().rfind(|line| line.to_lowercase().starts_with(word)).or_else(|| lines().next_back());
    Ok(error.unwrap_or("no message").chars().take(200).collect())
}
